"""Dying at a chosen moment, and commits that fail at a chosen one.

A process that dies between two of its calls to the outside is the same wherever between them it
dies, for nothing else of it survives. So one point after each call is every point there is; for
the store the point is after the commit, and a death inside a unit of work leaves what a death
before it leaves.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from kis_adapters.memory.store import CommitFailure, MemoryStore, MemoryUnitOfWork
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol
from kis_core.orders.identity import Namespace
from kis_core.ports.broker import (
    Accepted,
    AccountState,
    Broker,
    BrokerOrder,
    OrderTicket,
    Rejected,
)
from kis_core.ports.files import ContextCache, PositionsMirror, PreparedDay
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Event, Notifier
from kis_core.ports.store import Store, UnitOfWork
from kis_core.positions.position import Position
from kis_core.session.engine import Ports


class Crash(BaseException):
    """The process dies here: nothing may catch it but whoever starts the next one."""


@dataclass(slots=True)
class Fate:
    """Counts the calls to the outside; the process dies after the call numbered `dies_after`."""

    calls: int = 0
    dies_after: int | None = None

    def called(self) -> None:
        """One more call has returned. Raises Crash when it was the last."""
        self.calls += 1
        if self.calls == self.dies_after:
            raise Crash(f"after call {self.calls}")


class BrittleStore(MemoryStore):
    """A store whose commits can be made to fail by their number, counted in `commits`."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__(namespace)
        self.commits = 0
        self.fails_at: dict[int, CommitFailure] = {}

    @contextmanager
    def unit_of_work(self) -> Iterator[MemoryUnitOfWork]:
        with super().unit_of_work() as uow:
            yield uow
            if uow.end() is not None:
                self.commits += 1
                failure = self.fails_at.pop(self.commits, None)
                if failure is not None:
                    self.fail_next_commit(failure)


def mortal(ports: Ports, fate: Fate) -> Ports:
    """The same ports, with death after any call."""
    return replace(
        ports,
        broker=_Broker(ports.broker, fate),
        market_data=_MarketData(ports.market_data, fate),
        store=_Store(ports.store, fate),
        notifier=_Notifier(ports.notifier, fate),
        mirror=_Mirror(ports.mirror, fate),
        context_cache=_ContextCache(ports.context_cache, fate),
    )


@dataclass(slots=True)
class _Broker(Broker):
    inner: Broker
    fate: Fate

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        with _dying(self.fate):
            return self.inner.place(ticket)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        with _dying(self.fate):
            return self.inner.cancel(
                broker_order_no=broker_order_no, broker_branch=broker_branch, symbol=symbol
            )

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        with _dying(self.fate):
            return self.inner.orders_of(session_date)

    def account(self) -> AccountState:
        with _dying(self.fate):
            return self.inner.account()


@dataclass(slots=True)
class _MarketData(MarketData):
    inner: MarketData
    fate: Fate

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        with _dying(self.fate):
            return self.inner.quotes(symbols)

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        with _dying(self.fate):
            return self.inner.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        with _dying(self.fate):
            return self.inner.instrument(symbol)


@dataclass(slots=True)
class _Store(Store):
    inner: Store
    fate: Fate

    def unit_of_work(self) -> AbstractContextManager[UnitOfWork]:
        return self._unit()

    @contextmanager
    def _unit(self) -> Iterator[UnitOfWork]:
        with _dying(self.fate), self.inner.unit_of_work() as uow:
            yield uow


@dataclass(slots=True)
class _Notifier(Notifier):
    inner: Notifier
    fate: Fate

    def tell(self, event: Event) -> None:
        with _dying(self.fate):
            self.inner.tell(event)


@dataclass(slots=True)
class _Mirror(PositionsMirror):
    inner: PositionsMirror
    fate: Fate

    def write(self, positions: Sequence[Position], *, at: datetime) -> None:
        with _dying(self.fate):
            self.inner.write(positions, at=at)


@dataclass(slots=True)
class _ContextCache(ContextCache):
    inner: ContextCache
    fate: Fate

    def load(self, session_date: date, *, fingerprint: str) -> PreparedDay:
        with _dying(self.fate):
            return self.inner.load(session_date, fingerprint=fingerprint)

    def save(self, day: PreparedDay, *, session_date: date, fingerprint: str) -> None:
        with _dying(self.fate):
            self.inner.save(day, session_date=session_date, fingerprint=fingerprint)


@contextmanager
def _dying(fate: Fate) -> Iterator[None]:
    """Death comes after the call, whether it returned or raised."""
    try:
        yield
    except Exception:
        fate.called()
        raise
    fate.called()
