"""The Store port in memory, with real transactions, for tests and simulation.

What a unit of work changes is a copy that nobody else sees until the block ends; a crash inside it
leaves nothing. What was committed outlives the store object, as a database outlives a process: a
restart is a new MemoryStore on the same MemoryDatabase.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from kis_core.market.symbol import Symbol
from kis_core.orders.booking import Fill, Trade
from kis_core.orders.event import OrderEvent
from kis_core.orders.identity import Namespace
from kis_core.orders.order import Order
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import (
    AccountSnapshot,
    CommitOutcomeUnknown,
    DailySummary,
    DecisionRecord,
    DuplicateOrder,
    Store,
    StoreMisfit,
    StoreUnavailable,
    UnitOfWork,
)
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord

CommitFailure = Literal["not_committed", "committed_but_unknown", "not_committed_but_unknown"]

_BUSY_S = 5.0


@dataclass(slots=True)
class _Tables:
    """One namespace's rows, and the names that all share. A unit of work changes copies."""

    events: list[OrderEvent] = field(default_factory=list)
    histories: dict[str, tuple[OrderEvent, ...]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)  # key or signal -> order
    live: dict[Symbol, str] = field(default_factory=dict)
    fills: dict[tuple[str, int], Fill] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    positions: dict[Symbol, Position] = field(default_factory=dict)
    closed: list[tuple[Position, datetime, str]] = field(default_factory=list)
    pending_exits: dict[Symbol, PendingExit] = field(default_factory=dict)
    risk: dict[date, RiskRecord] = field(default_factory=dict)
    decisions: list[DecisionRecord] = field(default_factory=list)
    snapshots: list[AccountSnapshot] = field(default_factory=list)
    summaries: dict[date, DailySummary] = field(default_factory=dict)
    halted: dict[Symbol, str] = field(default_factory=dict)
    names: dict[Symbol, tuple[str, datetime]] = field(default_factory=dict)


class MemoryDatabase:
    """What survives a MemoryStore: the committed rows of every namespace."""

    def __init__(self) -> None:
        self._tables: dict[Namespace, _Tables] = {}
        self._names: dict[Symbol, tuple[str, datetime]] = {}
        self._lock = threading.Lock()
        self._owner: int | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One unit of work at a time. Raises StoreUnavailable to a thread that opens a second
        one inside its own, and to one that waited 5 s."""
        me = threading.get_ident()
        if self._owner == me or not self._lock.acquire(timeout=_BUSY_S):
            raise StoreUnavailable("another unit of work is open")
        self._owner = me
        try:
            yield
        finally:
            self._owner = None
            self._lock.release()

    def tables_of(self, namespace: Namespace) -> _Tables:
        """The committed tables; not to be changed in place."""
        tables = copy(self._tables.get(namespace, _Tables()))
        tables.names = self._names
        return tables

    def publish(self, namespace: Namespace, tables: _Tables) -> None:
        """Make a unit's tables the committed ones."""
        self._tables[namespace] = tables
        self._names = tables.names


class MemoryStore(Store):
    """One namespace of a MemoryDatabase (of its own, when none is given)."""

    def __init__(self, namespace: Namespace, database: MemoryDatabase | None = None) -> None:
        self.database = database or MemoryDatabase()
        self._namespace = namespace
        self._next_failure: CommitFailure | None = None

    def fail_next_commit(self, kind: CommitFailure) -> None:
        """Let the next unit that changed something end with StoreUnavailable, or with
        CommitOutcomeUnknown after its commit or instead of it."""
        self._next_failure = kind

    @contextmanager
    def unit_of_work(self) -> Iterator["MemoryUnitOfWork"]:
        with self.database.alone():
            unit = MemoryUnitOfWork(self.database.tables_of(self._namespace))
            yield unit
            changed = unit.end()
            if changed is not None:
                self._commit(changed)

    def _commit(self, tables: _Tables) -> None:
        failure, self._next_failure = self._next_failure, None
        if failure == "not_committed":
            raise StoreUnavailable("not committed, as asked for")
        if failure != "not_committed_but_unknown":
            self.database.publish(self._namespace, tables)
        if failure is not None:
            raise CommitOutcomeUnknown("connection lost during commit, as asked for")


class MemoryUnitOfWork(UnitOfWork):
    """See the port for what each method promises."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._copied: set[str] = set()
        self._failure: Exception | None = None

    def end(self) -> _Tables | None:
        """The tables to commit, None when nothing changed. Raises what failed before."""
        tables = self._read
        return tables if self._copied else None

    def append_order_events(self, order: Order, events: Sequence[OrderEvent]) -> None:
        first = order.sequence - len(events) + 1
        expected = [(order.order_id, first + place) for place in range(len(events))]
        if not events or [(e.order_id, e.sequence) for e in events] != expected:
            raise self._fail(ValueError(f"{order.order_id}: not the end of its history"))
        self._check_aware(*(event.at for event in events))
        history = self._read.histories.get(order.order_id, ())
        if first < len(history):
            raise self._fail(DuplicateOrder(f"{order.order_id} #{first} is taken"))
        if first > len(history):
            raise self._fail(StoreMisfit(f"{order.order_id} #{first} does not follow"))
        self._claim(order)
        self._write("events").events.extend(events)
        self._write("histories").histories[order.order_id] = (*history, *events)
        self._write("orders").orders[order.order_id] = order

    def order(self, order_id: str) -> Order | None:
        return self._read.orders.get(order_id)

    def live_orders(self) -> tuple[Order, ...]:
        return _oldest_first([self._read.orders[order_id] for order_id in self._read.live.values()])

    def orders_of(self, session_date: date) -> tuple[Order, ...]:
        orders = self._read.orders.values()
        return _oldest_first([o for o in orders if o.intent.session_date == session_date])

    def events_of(self, order_id: str) -> tuple[OrderEvent, ...]:
        return self._read.histories.get(order_id, ())

    def all_events(self) -> tuple[OrderEvent, ...]:
        return tuple(self._read.events)

    def add_fill(self, fill: Fill) -> None:
        self._check_aware(fill.at)
        self._write("fills").fills.setdefault((fill.order_id, fill.sequence), fill)

    def fills_of(self, session_date: date) -> tuple[Fill, ...]:
        return tuple(f for f in self._read.fills.values() if f.session_date == session_date)

    def put_trade(self, trade: Trade) -> None:
        self._check_aware(trade.at)
        trades = self._write("trades").trades
        trades.pop(trade.order_id, None)  # so that the newest comes last
        if any(other.idempotency_key == trade.idempotency_key for other in trades.values()):
            raise self._fail(DuplicateOrder(f"{trade.order_id}: the key has a trade"))
        trades[trade.order_id] = trade

    def trade(self, order_id: str) -> Trade | None:
        return self._read.trades.get(order_id)

    def trades_of(self, session_date: date) -> tuple[Trade, ...]:
        trades = [t for t in self._read.trades.values() if t.session_date == session_date]
        return tuple(sorted(trades, key=lambda trade: trade.at))

    def put_position(self, position: Position) -> None:
        self._check_aware(position.entered_at)
        self._write("positions").positions[position.symbol] = position

    def close_position(self, symbol: Symbol, *, at: datetime, why: str) -> None:
        self._check_aware(at)
        position = self._write("positions").positions.pop(symbol, None)
        if position is not None:
            self._write("closed").closed.append((position, at, why))

    def positions(self) -> tuple[Position, ...]:
        return tuple(position for _, position in sorted(self._read.positions.items()))

    def put_pending_exit(self, pending: PendingExit) -> None:
        self._check_aware(pending.since, pending.retry_at)
        self._write("pending_exits").pending_exits[pending.symbol] = pending

    def clear_pending_exit(self, symbol: Symbol) -> None:
        self._write("pending_exits").pending_exits.pop(symbol, None)

    def pending_exits(self) -> tuple[PendingExit, ...]:
        return tuple(pending for _, pending in sorted(self._read.pending_exits.items()))

    def put_risk(self, record: RiskRecord) -> None:
        self._check_aware(record.kill_switch_at, *record.api_error_times)
        self._write("risk").risk[record.session_date] = record

    def risk(self) -> RiskRecord | None:
        records = self._read.risk
        return records[max(records)] if records else None

    def add_decision(self, decision: DecisionRecord) -> None:
        self._check_aware(decision.at)
        self._write("decisions").decisions.append(decision)

    def decisions_of(self, session_date: date) -> tuple[DecisionRecord, ...]:
        return tuple(d for d in self._read.decisions if d.session_date == session_date)

    def add_snapshot(self, snapshot: AccountSnapshot) -> None:
        self._check_aware(snapshot.at)
        self._write("snapshots").snapshots.append(snapshot)

    def latest_snapshot(self) -> AccountSnapshot | None:
        # Reversed, because `max` keeps the first of equals.
        return max(reversed(self._read.snapshots), key=lambda s: s.at, default=None)

    def put_summary(self, summary: DailySummary) -> None:
        self._write("summaries").summaries[summary.session_date] = summary

    def summary_of(self, session_date: date) -> DailySummary | None:
        return self._read.summaries.get(session_date)

    def put_names(self, names: Mapping[Symbol, str], *, at: datetime) -> None:
        self._check_aware(at)
        self._write("names").names.update({symbol: (name, at) for symbol, name in names.items()})

    def names(self) -> dict[Symbol, tuple[str, datetime]]:
        return dict(sorted(self._read.names.items()))

    def put_halted_symbol(self, symbol: Symbol, *, why: str, at: datetime) -> None:
        self._check_aware(at)
        self._write("halted").halted[symbol] = why

    def clear_halted_symbol(self, symbol: Symbol) -> None:
        self._write("halted").halted.pop(symbol, None)

    def halted_symbols(self) -> dict[Symbol, str]:
        return dict(sorted(self._read.halted.items()))

    @property
    def _read(self) -> _Tables:
        if self._failure is not None:
            raise self._failure
        return self._tables

    def _write(self, table: str) -> _Tables:
        """The tables, with `table` no longer shared with the committed ones."""
        tables = self._read
        if table not in self._copied:
            self._copied.add(table)
            setattr(tables, table, copy(getattr(tables, table)))
        return tables

    def _fail(self, failure: Exception) -> Exception:
        self._failure = failure
        return failure

    def _check_aware(self, *instants: datetime | None) -> None:
        for instant in instants:
            if instant is not None and instant.tzinfo is None:
                raise self._fail(ValueError(f"a naive datetime is no instant: {instant}"))

    def _claim(self, order: Order) -> None:
        """Hold what only one order may hold: the key, the signal, the symbol while it is live."""
        intent, own = order.intent, order.order_id
        taken, live = self._write("taken").taken, self._write("live").live
        unique = (f"key {intent.idempotency_key}", f"signal {intent.signal_id}")
        holders = {taken.setdefault(text, own) for text in unique}
        if order.is_live:
            holders.add(live.setdefault(intent.symbol, own))
        elif live.get(intent.symbol) == own:
            del live[intent.symbol]
        if holders != {own}:
            raise self._fail(DuplicateOrder(f"{own}: key, signal or symbol is taken"))


def _oldest_first(orders: list[Order]) -> tuple[Order, ...]:
    return tuple(sorted(orders, key=lambda order: (order.created_at, order.order_id)))
