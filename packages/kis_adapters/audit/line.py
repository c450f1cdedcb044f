"""One line of the trail: a JSON document that holds the hash of the line before it, and its own.

`hash` is the SHA-256 of the document without it, so a line that was changed shows by itself;
`prev` is the hash of the line before, so one that was taken out, put in or moved shows too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

_SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n', re.ASCII)
_SEAL_LENGTH = len(b',"hash":""}\n') + 64


class BrokenLine(ValueError):
    """A line that is not as it was written; the text is Korean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where the chain stands: the number of its last line, from 1, and that line's hash."""

    number: int
    digest: str


ORIGIN = Link(number=0, digest="0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A whole line: its place in the chain, the hash it says the line before has, its record."""

    link: Link
    previous: str
    record: dict[str, Any]

    def follows(self, link: Link) -> bool:
        """Whether the line is the next one after `link`."""
        return self.previous == link.digest and self.link.number == link.number + 1


def sealed(record: Mapping[str, object], *, after: Link) -> tuple[bytes, Link]:
    """`record` as the line that follows `after`, with its end of line; and where the chain then
    stands."""
    number = after.number + 1
    body = to_json({"n": number, **record, "prev": after.digest})
    digest = sha256(body).hexdigest()
    line = b'%s,"hash":"%s"}\n' % (body[:-1], digest.encode())
    return line, Link(number=number, digest=digest)


def opened(raw: bytes) -> Line:
    """The line that `sealed` wrote, its own hash checked. Raises BrokenLine."""
    seal = _SEAL.fullmatch(raw[-_SEAL_LENGTH:])
    if seal is None:
        if raw.endswith(b"\n"):
            raise BrokenLine("줄의 끝이 온전하지 않습니다")
        raise BrokenLine("줄이 끝까지 쓰이지 않았습니다")
    body = raw[:-_SEAL_LENGTH] + b"}"
    digest = seal[1].decode()
    if sha256(body).hexdigest() != digest:
        raise BrokenLine("줄의 내용이 그 해시와 맞지 않습니다")
    try:
        record = json.loads(body)
        number, previous = record.pop("n"), record.pop("prev")
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise BrokenLine("감사 기록의 줄이 아닙니다") from error
    return Line(link=Link(number=number, digest=digest), previous=previous, record=record)
