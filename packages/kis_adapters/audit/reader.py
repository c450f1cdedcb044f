"""The trail read back: is its chain whole, what does it say of an order, what stands by it.

Reading takes no lock and disturbs no writer; a line that is being written at this moment counts
as not written yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from kis_adapters.audit.fact import Fact, FactKind, fact_of
from kis_adapters.audit.folder import TrailFolder, lines_backwards, lines_of
from kis_adapters.audit.line import ORIGIN, BrokenLine, Line, Link, opened
from kis_core.orders.identity import TradingMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact and the line that tells it: file and number in the chain."""

    fact: Fact
    file: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much of the chain was looked at, and the first thing that is wrong with it, Korean."""

    lines: int
    files: int
    problem: str | None


@dataclass(slots=True)
class Rebuilt:
    """What stands by the trail alone, of one account: the newest word on each, as plain JSON."""

    positions: dict[str, object] = field(default_factory=dict)
    trades: dict[str, object] = field(default_factory=dict)
    events: dict[str, list[object]] = field(default_factory=dict)  # by order, in their order
    risk: object = None


class Trail:
    """The files of one chain, and what one account's facts in them say: an order's id does not
    hold the account, so the same order may have been practised and traded. Methods raise OSError.

    `mode` and `account` are as the writer was given them.
    """

    def __init__(self, folder: TrailFolder, *, mode: TradingMode, account: str) -> None:
        self._folder = folder
        self._owner = {"mode": mode.value, "account": account}

    def check(self) -> Checked:
        """Every line from the first file that is there: its own hash, and that of the one before.

        Old files may have been moved elsewhere, so the first line's predecessor is taken at its
        word; one taken out from between shows.
        """
        files, link, count = self._folder.files(), None, 0
        for path in files:
            for place, raw in enumerate(lines_of(path), start=1):
                if not raw.endswith(b"\n") and path == files[-1]:
                    break  # being written, or a crash's last word
                try:
                    link = _next_link(link, raw)
                except BrokenLine as error:
                    problem = f"{path.name} {place}번째 줄: {error}"
                    return Checked(lines=count, files=len(files), problem=problem)
                count += 1
        return Checked(lines=count, files=len(files), problem=None)

    def of_order(self, order_id: str) -> list[Entry]:
        """Everything the trail says of an order, oldest first, with the decision and the risk
        state that it was born of; empty where it says nothing."""
        found: list[Entry] = []
        is_born = False
        for entry in self._backwards(order_id.encode(), b'"kind":"risk"'):
            is_own = entry.fact.order_id == order_id
            if is_own:
                found.append(entry)
                is_born |= entry.fact.kind is FactKind.ORDER_EVENT and _sequence(entry.fact) == 0
            elif is_born and entry.fact.kind is FactKind.RISK:
                found.append(entry)
                break
        return found[::-1]

    def of_decision(self, symbol: str, until: datetime | None) -> list[Entry]:
        """The last decision on `symbol` that was made at `until` or before; the last of all when
        None. One entry, or none."""
        for entry in self._backwards(b'"symbol":"%s"' % symbol.encode()):
            fact = entry.fact
            is_asked = fact.kind is FactKind.DECISION and fact.symbol == symbol
            if is_asked and (until is None or fact.at <= until):
                return [entry]
        return []

    def rebuilt(self) -> Rebuilt:
        """What stands at the end of the trail (L-04)."""
        stands = Rebuilt()
        for path in self._folder.files():
            for raw in lines_of(path):
                try:
                    line = opened(raw)
                except BrokenLine:
                    continue
                if self._is_own(line):
                    _take(stands, fact_of(line.record))
        return stands

    def _backwards(self, *wanted: bytes) -> Iterator[Entry]:
        for path in reversed(self._folder.files()):
            for _, raw in lines_backwards(path):
                if not any(text in raw for text in wanted):
                    continue
                try:
                    line = opened(raw)
                except BrokenLine:
                    continue  # `check` names it
                if self._is_own(line):
                    fact, number = fact_of(line.record), line.link.number
                    yield Entry(fact=fact, file=path.name, number=number)

    def _is_own(self, line: Line) -> bool:
        return self._owner.items() <= line.record.items()


def _next_link(link: Link | None, raw: bytes) -> Link:
    """Where the chain stands after the line `raw`; `link` None before the first line that is
    there. Raises BrokenLine for a line that is damaged or does not go on from `link`."""
    line = opened(raw)
    is_first = link is None and line.link.number > 1
    if not is_first and not line.follows(link or ORIGIN):
        raise BrokenLine("앞줄과 이어지지 않습니다(빠지거나 끼어들거나 옮겨진 줄)")
    return line.link


def _sequence(fact: Fact) -> object:
    return fact.data["sequence"] if isinstance(fact.data, dict) else None


def _take(stands: Rebuilt, fact: Fact) -> None:
    match fact.kind:
        case FactKind.POSITION:
            stands.positions[str(fact.symbol)] = fact.data
        case FactKind.POSITION_CLOSED:
            stands.positions.pop(str(fact.symbol), None)
        case FactKind.TRADE:
            stands.trades[str(fact.order_id)] = fact.data
        case FactKind.RISK:
            stands.risk = fact.data
        case FactKind.ORDER_EVENT:
            stands.events.setdefault(str(fact.order_id), []).append(fact.data)
        case _:
            pass
