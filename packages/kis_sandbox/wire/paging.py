"""Pages of a ledger inquiry: the context strings and the header. Source: kis-wire section 2.3.

The strings are of fixed width, their parts joined by ^ (real) or !^ (paper); the next-key names
the last row given, and the next page starts after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import wording
from kis_sandbox.wire.call import Call

_WIDTH = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of rows, the two context strings, and how the answer says whether more follow."""

    rows: Sequence[T]
    search: str
    next_key: str
    tr_cont: str
    message: tuple[str, str]


def page_of(
    rows: Sequence[T],
    *,
    key: Callable[[T], str],
    size: int,
    sandbox: Sandbox,
    call: Call,
    search: Sequence[str],
) -> Page[T]:
    """The page that `call` asks for: the first, or what follows its CTX_AREA_NK100."""
    after = _first_part(call.field("CTX_AREA_NK100")) if call.wants_next_page else ""
    start = _start_after(rows, key, after)
    chosen = rows[start : start + size]
    more = start + size < len(rows)
    joint = "!^" if sandbox.is_paper else "^"
    is_first = not call.wants_next_page
    tr_cont = ("F" if is_first else "M") if more else ("D" if is_first else "E")
    next_key = joint.join((key(chosen[-1]), "300", "")) if more else ""
    return Page(
        rows=chosen,
        search=(joint.join(search) + joint).ljust(_WIDTH),
        next_key=next_key.ljust(_WIDTH),
        tr_cont=tr_cont,
        message=_message(sandbox, more=more, is_first=is_first, is_empty=not rows),
    )


def _first_part(next_key: str) -> str:
    return next_key.replace("!^", "^").split("^")[0].strip()


def _start_after(rows: Sequence[T], key: Callable[[T], str], after: str) -> int:
    if not after:
        return 0
    for index, row in enumerate(rows):
        if key(row) == after:
            return index + 1
    return 0


def _message(sandbox: Sandbox, *, more: bool, is_first: bool, is_empty: bool) -> tuple[str, str]:
    if sandbox.is_paper:
        return wording.NO_ROWS_PAPER if is_empty else wording.INQUIRED_PAPER
    if more:
        return wording.MORE_REAL
    return wording.INQUIRED_REAL if is_first else wording.LAST_REAL
