"""What must survive the process: one database, written in units of work.

Every fact is written before it is acted on or told. All rows belong to the Namespace (mode and
account) that the store was opened for; another namespace's rows are never seen.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Symbol
from kis_core.orders.booking import Fill, Trade
from kis_core.orders.event import Evidence, OrderEvent
from kis_core.orders.order import Order
from kis_core.orders.pending_exit import PendingExit
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord


class StoreUnavailable(Exception):
    """The database did not answer. The unit of work was certainly not committed."""


class CommitOutcomeUnknown(Exception):
    """The connection was lost during COMMIT: re-read before acting, never assume either way."""


class DuplicateOrder(Exception):
    """Another row holds the idempotency key, the signal, or the symbol's one live order.

    The whole unit of work is rolled back; nothing of it is kept.
    """


class StoreMisfit(Exception):
    """The schema is newer than the code, or the database is not what it must be. Korean text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision that was not HOLD, or a HOLD whose reason changed."""

    session_date: date
    at: datetime
    symbol: Symbol
    action: str
    reason: str
    evidence: Evidence
    order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """The account at `at`; won."""

    session_date: date
    at: datetime
    cash: int
    equity: int
    evaluation_pnl: int
    realised_pnl: int
    positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySummary:
    """One session's result; won. `wins` and `losses` count closed round trips."""

    session_date: date
    realised_pnl: int
    trades: int
    wins: int
    losses: int
    equity: int
    positions: int
    errors: int


class UnitOfWork(Protocol):
    """One transaction. Reads see its own writes. Methods raise StoreUnavailable; after any
    exception the whole unit is rolled back."""

    @abstractmethod
    def append_order_events(self, order: Order, events: Sequence[OrderEvent]) -> None:
        """Append `events` (the newest of `order`'s history, ascending) and write `order`, their
        fold, as the `order_state` row. Raises DuplicateOrder when a row with the same key,
        signal or live symbol exists, or when an event's (order_id, sequence) is taken.
        """

    @abstractmethod
    def order(self, order_id: str) -> Order | None:
        """The projection of one order."""

    @abstractmethod
    def live_orders(self) -> tuple[Order, ...]:
        """Every order in PENDING, SUBMITTED or PARTIAL, of any day, oldest first."""

    @abstractmethod
    def orders_of(self, session_date: date) -> tuple[Order, ...]:
        """Every order of a session, oldest first."""

    @abstractmethod
    def events_of(self, order_id: str) -> tuple[OrderEvent, ...]:
        """One order's history, ascending by sequence."""

    @abstractmethod
    def all_events(self) -> tuple[OrderEvent, ...]:
        """All histories, in the order in which they were appended: what `rebuild` folds."""

    @abstractmethod
    def add_fill(self, fill: Fill) -> None:
        """Record one growth of an order's filled quantity. Idempotent by (order_id, sequence)."""

    @abstractmethod
    def fills_of(self, session_date: date) -> tuple[Fill, ...]:
        """The session's fills, in the order they were recorded."""

    @abstractmethod
    def put_trade(self, trade: Trade) -> None:
        """Write the cumulative trade of one order; replaces the order's earlier row."""

    @abstractmethod
    def trade(self, order_id: str) -> Trade | None:
        """The trade of one order."""

    @abstractmethod
    def trades_of(self, session_date: date) -> tuple[Trade, ...]:
        """The session's trades, in the order of their last fill."""

    @abstractmethod
    def put_position(self, position: Position) -> None:
        """Write the open position of its symbol."""

    @abstractmethod
    def close_position(self, symbol: Symbol, *, at: datetime, why: str) -> None:
        """Mark the symbol's open position as closed; its row stays as history (F-081)."""

    @abstractmethod
    def positions(self) -> tuple[Position, ...]:
        """All open positions, by symbol."""

    @abstractmethod
    def put_pending_exit(self, pending: PendingExit) -> None:
        """Park an exit; replaces the symbol's earlier one."""

    @abstractmethod
    def clear_pending_exit(self, symbol: Symbol) -> None:
        """Forget the symbol's parked exit, if any."""

    @abstractmethod
    def pending_exits(self) -> tuple[PendingExit, ...]:
        """All parked exits, by symbol."""

    @abstractmethod
    def put_risk(self, record: RiskRecord) -> None:
        """Write the risk record; one row per session, the newest counts."""

    @abstractmethod
    def risk(self) -> RiskRecord | None:
        """The newest risk record, or None for an account that never traded."""

    @abstractmethod
    def add_decision(self, decision: DecisionRecord) -> None:
        """Append a decision."""

    @abstractmethod
    def decisions_of(self, session_date: date) -> tuple[DecisionRecord, ...]:
        """The session's decisions, in order."""

    @abstractmethod
    def add_snapshot(self, snapshot: AccountSnapshot) -> None:
        """Append an account snapshot."""

    @abstractmethod
    def latest_snapshot(self) -> AccountSnapshot | None:
        """The newest snapshot."""

    @abstractmethod
    def put_summary(self, summary: DailySummary) -> None:
        """Write the session's summary; replaces an earlier one."""

    @abstractmethod
    def summary_of(self, session_date: date) -> DailySummary | None:
        """The summary of a session."""

    @abstractmethod
    def put_names(self, names: Mapping[Symbol, str], *, at: datetime) -> None:
        """Remember symbol names (`symbol_cache`); names are shared by all namespaces."""

    @abstractmethod
    def names(self) -> dict[Symbol, tuple[str, datetime]]:
        """All known names and when each was last confirmed."""

    @abstractmethod
    def put_halted_symbol(self, symbol: Symbol, *, why: str, at: datetime) -> None:
        """Mark a symbol as not to be traded until a person looked."""

    @abstractmethod
    def clear_halted_symbol(self, symbol: Symbol) -> None:
        """The person looked."""

    @abstractmethod
    def halted_symbols(self) -> dict[Symbol, str]:
        """Symbols not to be traded, with the reason."""


@runtime_checkable
class Store(Protocol):
    """The database, opened for one namespace."""

    @abstractmethod
    def unit_of_work(self) -> AbstractContextManager[UnitOfWork]:
        """One transaction: commits when the block ends, rolls back when it raises.

        What is committed survives the death of process and machine. Raises StoreUnavailable
        (certainly not committed) or CommitOutcomeUnknown at the end of the block.
        """
