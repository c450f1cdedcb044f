"""A virtual account on a market that a test moves by hand."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import pytest

from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.clock import ManualClock
from kis_adapters.virtual.account_file import AccountFile
from kis_adapters.virtual.broker import VirtualBroker
from kis_adapters.virtual.rules import FillRules, Slippage
from kis_core.market.bar import Bar
from kis_core.market.cost import Commission
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Market, Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import Accepted, BrokerOrder, OrderTicket, Rejected
from kis_core.ports.market_data import MarketData, MarketDataUnavailable

SAMSUNG = Symbol("005930")
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=KST)  # a Tuesday


@dataclass(slots=True)
class Tape(MarketData):
    """One quote for every symbol, as a test sets it; `is_down` and `blind` fail."""

    clock: ManualClock
    quote: Quote
    is_down: bool = False
    blind: set[Symbol] = field(default_factory=set)

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        if self.is_down:
            raise MarketDataUnavailable("down")
        return {
            s: QuoteUnavailable(symbol=s, why="blind")
            if s in self.blind
            else replace(self.quote, symbol=s, at=self.clock.now())
            for s in symbols
        }

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        return ()

    def instrument(self, symbol: Symbol) -> Instrument:
        return Instrument(symbol=symbol, name="삼성전자", market=Market.KOSPI)


@dataclass(slots=True)
class Table:
    """The account and its market. The price is 70,000 won (tick 100, limits 49,000-91,000)."""

    path: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(TEN))
    rules: FillRules = field(
        default_factory=lambda: FillRules(slippage=Slippage(ticks=1), volume_share_bp=1_000)
    )
    calendar: WeekdayCalendar = field(default_factory=WeekdayCalendar)
    tape: Tape = field(init=False)
    file: AccountFile = field(init=False)
    broker: VirtualBroker = field(init=False)

    def __post_init__(self) -> None:
        quote = Quote(
            symbol=SAMSUNG,
            at=TEN,
            last=Won(70_000),
            open=Won(69_500),
            high=Won(70_500),
            low=Won(69_000),
            base=Won(70_000),
            upper_limit=Won(91_000),
            lower_limit=Won(49_000),
            volume=1_000_000,
            turnover=70_000_000_000,
        )
        self.tape = Tape(clock=self.clock, quote=quote)
        self.open()

    def open(self) -> None:
        """Open the account's file, as a new process does."""
        self.file = AccountFile(self.path, initial_cash=self.rules.initial_cash)
        self.broker = VirtualBroker(
            self.file,
            market_data=self.tape,
            calendar=self.calendar,
            clock=self.clock,
            commission=Commission(),
            rules=self.rules,
        )

    def restart(self) -> None:
        """Throw the process away."""
        self.file.close()
        self.open()

    def ask(self, side: Side, quantity: int, price: int = 0) -> Accepted | Rejected:
        """Send an order; a price of 0 is a market order."""
        return self.broker.place(
            OrderTicket(
                order_id="0a1b2c3d4e5f6071",
                symbol=SAMSUNG,
                side=side,
                quantity=quantity,
                order_type=OrderType.LIMIT if price else OrderType.MARKET,
                price=Won(price),
            )
        )

    def buy(self, quantity: int, price: int = 0) -> Accepted:
        answer = self.ask(Side.BUY, quantity, price)
        assert isinstance(answer, Accepted), answer
        return answer

    def sell(self, quantity: int, price: int = 0) -> Accepted:
        answer = self.ask(Side.SELL, quantity, price)
        assert isinstance(answer, Accepted), answer
        return answer

    def trade(self, shares: int, *, last: int | None = None, **quote: object) -> None:
        """`shares` more trade, at `last` from now on; other fields of the quote by name."""
        volume = self.tape.quote.volume + shares
        if last is not None:
            quote["last"] = Won(last)
        self.tape.quote = replace(self.tape.quote, volume=volume, **quote)  # type: ignore[arg-type]  # names are checked by replace

    def order(self) -> BrokerOrder:
        """The newest order of the day."""
        return self.broker.orders_of(self.clock.now().date())[-1]

    def held(self, shares: int) -> None:
        """Buy `shares` at 70,000, without slippage in what is left to look at."""
        self.buy(shares, 70_000)
        self.trade(shares * 10)
        assert self.order().filled_quantity == shares


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """An account with ten million won at ten o'clock."""
    made = Table(tmp_path / "account.db")
    yield made
    made.file.close()


@pytest.fixture
def new_table(tmp_path: Path) -> Callable[[], Table]:
    """Makes accounts, each in a file of its own."""
    numbers = itertools.count()
    return lambda: Table(tmp_path / f"account-{next(numbers)}.db")
