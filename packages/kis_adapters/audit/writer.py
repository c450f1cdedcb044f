"""The audit trail's writer: told that something happened, it copies what was committed.

It reads the database beside the engine and never holds it up: it runs on its listener's thread.
What it did not come to write (a full disk, a killed process, a database that is away) it finds
again by the marks of its last checkpoint, so the trail lacks nothing that was committed; only
what was told and stands in no table can be lost with the process.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic_core import to_json

from kis_adapters.audit.chain import Chain
from kis_adapters.audit.fact import (
    Fact,
    FactKind,
    closed_fact,
    decision_fact,
    fact_of,
    order_event_fact,
    position_fact,
    risk_fact,
    trade_fact,
)
from kis_adapters.audit.folder import TrailFolder
from kis_adapters.audit.known import Known
from kis_core.orders.event import OrderEvent
from kis_core.orders.identity import TradingMode
from kis_core.ports.committed import Committed, CommittedFacts, Marks
from kis_core.ports.notifier import Event, EventKind, Level, Notifier
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_log = structlog.stdlib.get_logger("kis.audit")
_WAITING_MAX = 2_000
_FACTS_A_CHECKPOINT = 1_000
_READ_EVERY = timedelta(seconds=2)  # of the session's time, between events that are no orders
_NOT_KEPT = frozenset({EventKind.CYCLE_SUMMARY, EventKind.SIGNAL, EventKind.HOLD_CHANGED})
_AT_ONCE = frozenset(
    kind for kind in EventKind if kind.value.startswith(("order.", "position.", "day.", "session."))
)
_CANNOT = "감사 기록을 쓸 수 없습니다. 쓸 수 있게 되면 빠진 것을 모두 이어 씁니다"


class AuditWriter(Notifier):
    """Keeps the chain in `folder` for one namespace.

    `tell_trouble` is told once when the trail cannot be written; that it can again is logged.
    Decisions are in the database word for word; what is told of them is not kept twice.
    """

    def __init__(
        self,
        folder: TrailFolder,
        *,
        mode: TradingMode,
        redact: Callable[[str], str],
        tell_trouble: Callable[[Event], None],
    ) -> None:
        self._folder, self._mode, self._account = folder, mode, ""
        self._redact, self._tell_trouble = redact, tell_trouble
        self._committed: CommittedFacts | None = None
        self._waiting: deque[Event] = deque(maxlen=_WAITING_MAX)
        self._chain: Chain | None = None
        self._known, self._marks = Known(), Marks()
        self._last_event: str | None = None  # the identity of the event at the mark
        self._since_checkpoint = 0
        self._last_read: datetime | None = None
        self._is_down = False
        self.dropped = 0

    def follow(self, committed: CommittedFacts, *, account: str) -> None:
        """There is a database to copy from; `account` says whose rows, without its number."""
        self._account = account
        self._committed = committed

    def tell(self, event: Event) -> None:
        if event.kind not in _NOT_KEPT:
            if len(self._waiting) == _WAITING_MAX:
                self.dropped += 1
            self._waiting.append(event)
        if self._committed is None or not self._is_due(event):
            return
        self._last_read = event.at
        try:
            self._catch_up(event.at, is_last=event.kind is EventKind.SESSION_STOPPED)
        except (OSError, StoreUnavailable, StoreMisfit) as error:
            self._drop_chain()
            self._down(event.at, error)
        else:
            self._up(event.at)

    def close(self) -> None:
        """Let go of the file."""
        self._drop_chain()

    def _is_due(self, event: Event) -> bool:
        return (
            self._last_read is None
            or event.kind in _AT_ONCE
            or abs(event.at - self._last_read) >= _READ_EVERY
        )

    def _catch_up(self, at: datetime, *, is_last: bool) -> None:
        """Write everything that was committed and told. Raises OSError and the store's errors;
        what was not written then is written by the next call."""
        assert self._committed is not None
        if self._chain is None:
            self._open(at)
        is_order = False
        while True:
            found = self._committed.since(self._marks)
            news = [fact for fact in self._facts_of(found, at) if self._known.is_news(fact)]
            is_order |= any(fact.kind is FactKind.ORDER_EVENT for fact in news)
            self._write(news, at, is_durable=is_order)
            is_more = found.marks != self._marks and found.is_cut
            self._marks = found.marks
            if found.events:
                self._last_event = _identity(found.events[-1])
            if not is_more:
                break
        told = list(self._waiting)
        self._write([self._plain(_told_fact(event)) for event in told], at, is_durable=False)
        for _ in told:
            self._waiting.popleft()
        if is_last or self._since_checkpoint >= _FACTS_A_CHECKPOINT:
            self._checkpoint(found, at)

    def _open(self, at: datetime) -> None:
        chain = Chain(self._folder)
        try:
            self._known, self._marks, self._last_event = self._remembered(chain)
            assert self._committed is not None
            found = self._committed.since(self._marks)
            before = _identity(found.last_before) if found.last_before is not None else None
            if before != self._last_event or self._known.tells_more_than(found):
                # Restored from an older copy, or another database: its rows are other rows.
                self._known, self._marks, self._last_event = Known(), Marks(), None
                chain.append([self._note_of_other_database(at)], day=at.date(), is_durable=True)
            for aside in chain.set_aside:
                data = {"path": aside.path.name, "size": aside.size, "why": aside.why}
                fact = Fact(kind=FactKind.SET_ASIDE, at=at, data=data)
                chain.append([self._record(fact)], day=at.date(), is_durable=True)
                _log.warning("audit.end_set_aside", file=aside.path.name, size=aside.size)
        except BaseException:
            chain.close()
            raise
        self._chain, self._since_checkpoint = chain, 0

    def _remembered(self, chain: Chain) -> tuple[Known, Marks, str | None]:
        """What the trail says of this namespace, from its last checkpoint on."""
        known, marks, last_event = Known(), Marks(), None
        behind: list[Fact] = []
        for line in chain.lines_backwards():
            if (line.record.get("mode"), line.record.get("account")) != (self._mode, self._account):
                continue
            fact = fact_of(line.record)
            if fact.kind is FactKind.CHECKPOINT:
                data: Any = fact.data
                known.begin_from(positions=data["positions"], risk=data["risk"])
                marks, last_event = Marks(**data["marks"]), data["last_event"]
                break
            behind.append(fact)
        for fact in reversed(behind):
            known.take(fact)
        return known, marks, last_event

    def _facts_of(self, found: Committed, at: datetime) -> Iterator[Fact]:
        """In the order of their times; positions and risk are as of now."""
        told = [
            *map(decision_fact, found.decisions),
            *map(order_event_fact, found.events),
            *map(trade_fact, found.trades),
        ]
        yield from map(self._plain, sorted(told, key=lambda fact: fact.at))
        held = {position.symbol for position in found.positions}
        for position in found.positions:
            yield self._plain(position_fact(position, at=at))
        for symbol in sorted(self._known.open_symbols - held):
            yield closed_fact(symbol, at=at, why="not_in_the_database")
        if found.risk is not None:
            yield self._plain(risk_fact(found.risk, at=at))

    def _plain(self, fact: Fact) -> Fact:
        """The fact as plain JSON without secrets, so that what is read back is the same."""
        return replace(fact, data=json.loads(self._redact(to_json(fact.data).decode())))

    def _write(self, facts: list[Fact], at: datetime, *, is_durable: bool) -> None:
        if not facts:
            return
        assert self._chain is not None
        records = [self._record(fact) for fact in facts]
        self._chain.append(records, day=at.date(), is_durable=is_durable)
        for fact in facts:
            self._known.take(fact)
        self._since_checkpoint += len(facts)

    def _checkpoint(self, found: Committed, at: datetime) -> None:
        assert self._chain is not None
        data = {
            "marks": {
                "order_events": self._marks.order_events,
                "decisions": self._marks.decisions,
            },
            "last_event": self._last_event,
            "positions": {
                position.symbol: self._plain(position_fact(position, at=at)).data
                for position in found.positions
            },
            "risk": self._plain(risk_fact(found.risk, at=at)).data if found.risk else None,
        }
        fact = Fact(kind=FactKind.CHECKPOINT, at=at, data=data)
        self._chain.append([self._record(fact)], day=at.date(), is_durable=True)
        self._known.turn()
        self._since_checkpoint = 0

    def _note_of_other_database(self, at: datetime) -> dict[str, object]:
        data = {"event": "audit.other_database"}
        return self._record(Fact(kind=FactKind.TOLD, at=at, data=data))

    def _record(self, fact: Fact) -> dict[str, object]:
        return {"account": self._account, **fact.record(self._mode)}

    def _drop_chain(self) -> None:
        if self._chain is not None:
            self._chain.close()
        self._chain = None

    def _down(self, at: datetime, error: Exception) -> None:
        if self._is_down:
            return
        self._is_down = True
        why = f"{_CANNOT} ({type(error).__name__}: {error})"
        fields: dict[str, str | int | float | bool | None] = {"what": "audit", "why": why}
        self._tell_trouble(Event(kind=EventKind.ERROR, at=at, level=Level.ERROR, fields=fields))

    def _up(self, at: datetime) -> None:
        if not self._is_down:
            return
        self._is_down = False
        _log.info("audit.recovered", at=at.isoformat(), dropped=self.dropped)


def _identity(event: OrderEvent) -> str:
    return order_event_fact(event).identity


def _told_fact(event: Event) -> Fact:
    return Fact(
        kind=FactKind.TOLD,
        at=event.at,
        data={"event": event.kind.value, **event.fields},
        symbol=event.symbol,
        order_id=event.order_id,
    )
