"""Text for Telegram's HTML mode: every word of others is escaped, and no tag is ever cut apart.

A text is made of lines, a line of pieces that were shortened before they were escaped; what is
too long for one message is parted between lines. So nothing that a broker, a symbol or a person
wrote can break a message or forge one (N-07).
"""

import html
import re
import unicodedata
from collections.abc import Iterable

TEXT_MAX = 3_500  # the server takes 4,096 characters, counted after the markup is read
_PIECE_MAX = 300
_TAG = re.compile(r"</?(?:b|code)>")


def escaped(text: str, *, most: int = _PIECE_MAX) -> str:
    """`text` as one line of at most `most` characters, without meaning as markup."""
    flat = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    if len(flat) > most:
        flat = flat[: most - 1] + "…"
    return html.escape(flat, quote=False)


def bold(text: str) -> str:
    """`text` escaped and bold."""
    return f"<b>{escaped(text)}</b>"


def code(text: str) -> str:
    """`text` escaped, in the font that a finger can copy from."""
    return f"<code>{escaped(text, most=64)}</code>"


def plain_of(marked: str) -> str:
    """What a reader sees of `marked`."""
    return html.unescape(_TAG.sub("", marked))


def pages(lines: Iterable[str], *, most: int = TEXT_MAX) -> list[str]:
    """Marked `lines` as texts of at most `most` characters, parted between lines. A single line
    that is longer loses its markup and its end."""
    found: list[str] = []
    page = ""
    for line in lines:
        fitting = line if len(line) <= most else html.escape(plain_of(line)[: most // 6])
        if page and len(page) + 1 + len(fitting) > most:
            found.append(page)
            page = fitting
        else:
            page = f"{page}\n{fitting}" if page else fitting
    return [*found, page] if page else found
