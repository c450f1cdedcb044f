"""Whether the broker and the market data answer at all (E-03).

Every inquiry and every order passes through here. When requests have failed for a minute and
none got an answer, the line is down: no order is sent until it answers again and what happened
meanwhile has been compared with the books.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol
from kis_core.ports.broker import (
    Accepted,
    AccountState,
    Broker,
    BrokerOrder,
    BrokerUnavailable,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    Rejected,
)
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.telling import Teller

_FAILURES = (BrokerUnavailable, MarketDataUnavailable, NotSent, OutcomeUnknown)
# Asked again and again: an outage of one of these is over when that one answers. Otherwise quotes
# that stay away while the account answers would be an outage and a recovery every minute.
_ASKED_AGAIN = frozenset({"quotes", "account", "orders_of"})


@dataclass(slots=True)
class Line:
    """Since when, and until when, requests failed without an answer between them. `on_answer` is
    called with every answer."""

    teller: Teller
    outage_after: timedelta
    on_answer: list[Callable[[], None]] = field(default_factory=list)
    _failing_since: datetime | None = None
    _failed_at: datetime | None = None
    _told_of: str | None = None
    _told_since: datetime | None = None
    _must_reconcile: bool = False

    @property
    def is_down(self) -> bool:
        """Whether there is or was an outage after which nothing has been compared yet."""
        return self._must_reconcile or self._failing_for() >= self.outage_after

    def reconciled(self) -> None:
        """What happened during the outage is in the books now."""
        self._must_reconcile = False

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """One request; what it raises is noted and passed on."""
        try:
            yield
        except _FAILURES as error:
            self._failed(what, str(error))
            raise
        self._answered(what)

    def _failed(self, what: str, why: str) -> None:
        self._failed_at = self.teller.clock.now()
        if self._failing_since is None:
            self._failing_since = self._failed_at
            if self._told_of is None:
                self.teller.tell(EventKind.ERROR, None, Level.WARNING, what=what, why=why)
        elif self._failing_for() >= self.outage_after and self._told_of is None:
            self._told_of, self._told_since = what, self._failing_since
            since = self._failing_since.isoformat()
            self.teller.tell(
                EventKind.OUTAGE_STARTED, None, Level.ERROR, since=since, what=what, why=why
            )

    def _answered(self, what: str) -> None:
        if self._failing_for() >= self.outage_after:
            self._must_reconcile = True
        self._failing_since = None
        if self._told_of == what or self._told_of not in _ASKED_AGAIN:
            self._tell_end()
        for listener in self.on_answer:
            listener()

    def _tell_end(self) -> None:
        since, self._told_of, self._told_since = self._told_since, None, None
        if since is not None:
            seconds = (self.teller.clock.now() - since).total_seconds()
            self.teller.tell(
                EventKind.OUTAGE_ENDED,
                None,
                Level.WARNING,
                since=since.isoformat(),
                seconds=seconds,
            )

    def _failing_for(self) -> timedelta:
        if self._failing_since is None or self._failed_at is None:
            return timedelta(0)
        return self._failed_at - self._failing_since


@dataclass(slots=True)
class LineBroker(Broker):
    """A broker whose every answer and silence the line hears of."""

    broker: Broker
    line: Line

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        with self.line.asking("place"):
            return self.broker.place(ticket)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        with self.line.asking("cancel"):
            return self.broker.cancel(
                broker_order_no=broker_order_no, broker_branch=broker_branch, symbol=symbol
            )

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        with self.line.asking("orders_of"):
            return self.broker.orders_of(session_date)

    def account(self) -> AccountState:
        with self.line.asking("account"):
            return self.broker.account()


@dataclass(slots=True)
class LineMarketData(MarketData):
    """Market data whose every answer and silence the line hears of."""

    market_data: MarketData
    line: Line

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        with self.line.asking("quotes"):
            return self.market_data.quotes(symbols)

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        with self.line.asking("daily_bars"):
            return self.market_data.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        with self.line.asking("instrument"):
            return self.market_data.instrument(symbol)
