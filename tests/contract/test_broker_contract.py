"""The Broker port, sentence by sentence: in memory, the virtual account, and KIS's client on the
simulator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.market_data import KisMarketData
from kis_adapters.kis.trading import KisRestBroker
from kis_adapters.memory.broker import MemoryBroker
from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.clock import ManualClock
from kis_adapters.memory.market import MemoryMarket
from kis_adapters.virtual.account_file import AccountFile
from kis_adapters.virtual.broker import VirtualBroker
from kis_adapters.virtual.rules import FillRules
from kis_core.market.cost import Commission
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import (
    Accepted,
    Broker,
    BrokerOrder,
    OrderTicket,
    RefusalKind,
    Rejected,
)
from kis_core.ports.clock import Clock
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

START = datetime(2026, 11, 20, 10, 0, tzinfo=KST)
SAMSUNG = Symbol("005930")


class _SandboxClock(Clock):
    """The simulator's own stepped clock, from inside its process."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server

    def now(self) -> datetime:
        return self._server.clock.now()

    def sleep_until(self, instant: datetime) -> None:
        with self._server.sandbox.lock:
            if instant > self._server.clock.now():
                self._server.sandbox.advance(instant)

    def wake(self) -> None:
        """Nobody sleeps long here."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A broker with what a test needs of its market."""

    broker: Broker
    clock: Clock
    quote: Callable[[], tuple[int, int, int]]  # last, lower limit, upper limit

    def ticket(self, side: Side, quantity: int, price: int) -> OrderTicket:
        order_type = OrderType.LIMIT if price else OrderType.MARKET
        return OrderTicket(
            order_id="0a1b2c3d4e5f6071",
            symbol=SAMSUNG,
            side=side,
            quantity=quantity,
            order_type=order_type,
            price=Won(price),
        )

    def place(self, side: Side, quantity: int, price: int) -> Accepted:
        answer = self.broker.place(self.ticket(side, quantity, price))
        assert isinstance(answer, Accepted)
        return answer

    def buy_low(self, quantity: int = 3) -> Accepted:
        """An order that rests."""
        return self.place(Side.BUY, quantity, self.quote()[1])

    def buy_now(self, quantity: int = 3) -> Accepted:
        """An order that fills, and the time that it needs."""
        answer = self.place(Side.BUY, quantity, self.quote()[2])
        self.let_pass(120)
        return answer

    def let_pass(self, seconds: float) -> None:
        self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))

    def listed(self) -> tuple[BrokerOrder, ...]:
        return self.broker.orders_of(self.clock.now().date())


class _TradingClock(ManualClock):
    """While somebody sleeps on it, a hundred trades at 70,000 won happen."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.market = MemoryMarket(clock=self)
        self.market.set_price(SAMSUNG, 70_000)

    def sleep_until(self, instant: datetime) -> None:
        super().sleep_until(instant)
        for _ in range(100):
            self.market.set_price(SAMSUNG, 70_000)


@pytest.fixture(params=["memory", "virtual", "kis paper", "kis real"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "virtual":
        trading = _TradingClock(START)
        file = AccountFile(tmp_path / "account.db", initial_cash=10_000_000)
        virtual = VirtualBroker(
            file,
            market_data=trading.market,
            calendar=WeekdayCalendar(),
            clock=trading,
            commission=Commission(),
            rules=FillRules(),
        )
        yield Desk(virtual, trading, lambda: (70_000, 49_000, 91_000))
        file.close()
        return
    if request.param == "memory":
        clock = ManualClock(START)
        broker = MemoryBroker(clock=clock, price_of=lambda _: Won(70_000))
        yield Desk(broker, clock, lambda: (70_000, 49_000, 91_000))
        return
    mode = TradingMode.REAL if request.param == "kis real" else TradingMode.PAPER
    personality = Personality(mode.lower())
    with SandboxServer(SandboxConfig(mode=personality, start=START)) as server:
        client = _kis_client(server, mode, tmp_path)
        yield _kis_desk(client)
        client.close()


def _kis_client(server: SandboxServer, mode: TradingMode, tmp_path: Path) -> KisClient:
    keys = CREDENTIALS[Personality(mode.lower())]
    clock = _SandboxClock(server)
    return KisClient(
        credentials=KisCredentials(
            app_key=keys.app_key, app_secret=keys.app_secret, account_no=keys.account_no
        ),
        mode=mode,
        base_url=server.base_url,
        clock=clock,
        token_dir=tmp_path,
        budget=RateBudget(18 if mode is TradingMode.REAL else 1, clock),
    )


def _kis_desk(client: KisClient) -> Desk:
    market = KisMarketData(client)

    def quote() -> tuple[int, int, int]:
        told = market.quotes([SAMSUNG])[SAMSUNG]
        assert isinstance(told, Quote)
        return told.last, told.lower_limit, told.upper_limit

    return Desk(KisRestBroker(client), client.clock, quote)


def test_an_order_that_rests_is_listed_live_as_it_was_sent(desk: Desk) -> None:
    price = desk.quote()[1]
    before = desk.clock.now().replace(microsecond=0)

    answer = desk.place(Side.BUY, 3, price)

    (order,) = desk.listed()
    assert before <= order.accepted_at <= desk.clock.now()
    assert replace(order, accepted_at=START) == BrokerOrder(
        broker_order_no=answer.broker_order_no,
        broker_branch=answer.broker_branch,
        symbol=SAMSUNG,
        side=Side.BUY,
        quantity=3,
        order_type=OrderType.LIMIT,
        price=Won(price),
        accepted_at=START,
        filled_quantity=0,
        filled_amount=0,
        cancelled_quantity=0,
        rejected_quantity=0,
        is_live=True,
    )
    assert not answer.broker_order_no.startswith("0")


def test_a_market_order_is_listed_without_a_price(desk: Desk) -> None:
    desk.place(Side.BUY, 1, 0)
    desk.let_pass(120)

    (order,) = desk.listed()

    assert (order.order_type, order.price) == (OrderType.MARKET, 0)
    assert (order.filled_quantity, order.is_live) == (1, False)


def test_a_filled_order_is_over_and_its_shares_are_held(desk: Desk) -> None:
    before = desk.broker.account()

    desk.buy_now(3)

    (order,) = desk.listed()
    account = desk.broker.account()
    holding = account.holding(SAMSUNG)
    _, lower, upper = desk.quote()
    assert (order.filled_quantity, order.cancelled_quantity, order.is_live) == (3, 0, False)
    assert 3 * lower <= order.filled_amount <= 3 * upper
    assert holding is not None
    assert (holding.quantity, holding.sellable) == (3, 3)
    assert abs(holding.cost - order.filled_amount) <= 3
    # Commission at 0.015 %: at most a won more than 315 won of 2.1 million.
    assert 0 <= before.cash - account.cash - order.filled_amount <= 2_000
    assert account.equity == account.cash + 3 * holding.price


def test_a_new_account_holds_nothing_but_cash(desk: Desk) -> None:
    account = desk.broker.account()

    assert account.holdings == ()
    assert account.cash == account.deposit == account.equity == 10_000_000
    assert account.at <= desk.clock.now()


@pytest.mark.req("F-022")
def test_a_cancelled_order_is_over(desk: Desk) -> None:
    placed = desk.buy_low(3)

    answer = desk.broker.cancel(
        broker_order_no=placed.broker_order_no,
        broker_branch=placed.broker_branch,
        symbol=SAMSUNG,
    )

    (order,) = desk.listed()
    assert isinstance(answer, Accepted)
    assert order.broker_order_no == placed.broker_order_no
    assert (order.filled_quantity, order.cancelled_quantity, order.is_live) == (0, 3, False)


def test_a_cancel_of_what_is_over_has_nothing_to_cancel(desk: Desk) -> None:
    placed = desk.buy_now(2)

    answer = desk.broker.cancel(
        broker_order_no=placed.broker_order_no,
        broker_branch=placed.broker_branch,
        symbol=SAMSUNG,
    )

    assert isinstance(answer, Rejected)
    assert answer.kind is RefusalKind.NOTHING_TO_CANCEL


def test_a_refused_order_is_told_why_and_is_not_listed(desk: Desk) -> None:
    last, lower, _ = desk.quote()

    sold = desk.broker.place(desk.ticket(Side.SELL, 1, last))
    bought = desk.broker.place(desk.ticket(Side.BUY, 1_000, lower))

    assert isinstance(sold, Rejected)
    assert isinstance(bought, Rejected)
    assert sold.kind is RefusalKind.INSUFFICIENT_QUANTITY
    assert bought.kind is RefusalKind.INSUFFICIENT_CASH
    assert all((answer.code and answer.why) for answer in (sold, bought))
    assert desk.listed() == ()


def test_shares_in_an_open_sale_are_held_but_not_sellable(desk: Desk) -> None:
    desk.buy_now(3)

    desk.place(Side.SELL, 2, desk.quote()[2])

    holding = desk.broker.account().holding(SAMSUNG)
    assert holding is not None
    assert (holding.quantity, holding.sellable) == (3, 1)


@pytest.mark.req("K-08", "F-028")
def test_orders_are_listed_in_order_of_acceptance_over_every_page(desk: Desk) -> None:
    placed = [desk.buy_low(1).broker_order_no for _ in range(33)]

    orders = desk.listed()

    assert [order.broker_order_no for order in orders] == placed
    assert sorted(orders, key=lambda order: order.accepted_at) == list(orders)


def test_another_day_has_other_orders(desk: Desk) -> None:
    desk.buy_low()

    assert desk.broker.orders_of(START.date() - timedelta(days=1)) == ()


def test_the_names_of_the_port_are_kept(desk: Desk) -> None:
    assert isinstance(desk.broker, Broker)
