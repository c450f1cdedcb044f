"""The Broker port on a KIS that misbehaves: the ledger of the simulator is the truth."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.market_data import KisMarketData
from kis_adapters.kis.trading import KisRestBroker
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import KST
from kis_core.market.symbol import Market, Product, Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import (
    Accepted,
    BrokerUnavailable,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    Rejected,
)
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketDataUnavailable
from kis_sandbox.config import CREDENTIALS, Personality, Preload, SandboxConfig
from kis_sandbox.server import SandboxServer

START = datetime(2026, 11, 20, 10, 0, tzinfo=KST)
SAMSUNG, HYNIX = Symbol("005930"), Symbol("000660")
HELD = Preload(symbol="000660", quantity=10, price=200_000)


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


class Bench:
    """A simulator with a client of ours on it."""

    def __init__(self, server: SandboxServer, mode: TradingMode, token_dir: Path) -> None:
        keys = CREDENTIALS[Personality(mode.lower())]
        self.server = server
        self.clock = _SandboxClock(server)
        self.client = KisClient(
            credentials=KisCredentials(
                app_key=keys.app_key, app_secret=keys.app_secret, account_no=keys.account_no
            ),
            mode=mode,
            base_url=server.base_url,
            clock=self.clock,
            token_dir=token_dir,
            budget=RateBudget(18 if mode is TradingMode.REAL else 1, self.clock),
            timeout_s=2.0,
            max_in_flight=1,
        )
        self.broker = KisRestBroker(self.client)
        self.market = KisMarketData(self.client)

    def fault(self, route: str, kind: str, *, count: int | None = 1, **params: Any) -> None:
        self.server.faults.add(route, kind, count=count, params=params)

    def resting_ticket(self, quantity: int = 3) -> OrderTicket:
        quote = self.market.quotes([SAMSUNG])[SAMSUNG]
        assert isinstance(quote, Quote)
        return _ticket(quantity, quote.lower_limit)

    def marketable_ticket(self, quantity: int = 3) -> OrderTicket:
        quote = self.market.quotes([SAMSUNG])[SAMSUNG]
        assert isinstance(quote, Quote)
        return _ticket(quantity, quote.upper_limit)

    def let_pass(self, seconds: float) -> None:
        self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))

    def sent(self) -> int:
        return self._requests("order-cash")

    def booked(self) -> int:
        orders = self.server.ledger()["orders"]
        assert isinstance(orders, list)
        return len(orders)

    def _requests(self, route: str) -> int:
        requests = self.server.ledger()["requests"]
        assert isinstance(requests, dict)
        return sum(count for path, count in requests.items() if path.endswith(route))


def _ticket(quantity: int, price: int) -> OrderTicket:
    return OrderTicket(
        order_id="0a1b2c3d4e5f6071",
        symbol=SAMSUNG,
        side=Side.BUY,
        quantity=quantity,
        order_type=OrderType.LIMIT,
        price=Won(price),
    )


@pytest.fixture
def bench_of(tmp_path: Path) -> Iterator[Callable[[TradingMode], Bench]]:
    made: list[tuple[SandboxServer, Bench]] = []

    def make(mode: TradingMode) -> Bench:
        config = SandboxConfig(mode=Personality(mode.lower()), start=START, holdings=(HELD,))
        server = SandboxServer(config)
        server.__enter__()
        bench = Bench(server, mode, tmp_path)
        made.append((server, bench))
        return bench

    yield make
    for server, bench in made:
        bench.client.close()
        server.__exit__(None, None, None)


@pytest.fixture
def bench(bench_of: Callable[[TradingMode], Bench]) -> Bench:
    return bench_of(TradingMode.PAPER)


@pytest.mark.req("O-04", "O-05", "F-011")
@pytest.mark.parametrize(
    "kind", ["drop_after", "malformed_json", "empty_body", "html", "truncated", "missing_field"]
)
def test_an_order_processed_without_a_readable_answer_is_unknown_and_booked_once(
    kind: str, bench: Bench
) -> None:
    ticket = bench.resting_ticket()
    bench.fault("order-cash", kind, field="ODNO", processed=True)

    with pytest.raises(OutcomeUnknown):
        bench.broker.place(ticket)

    (found,) = bench.broker.orders_of(START.date())
    assert bench.booked() == 1
    assert (found.symbol, found.quantity, found.price) == (SAMSUNG, 3, ticket.price)


@pytest.mark.req("O-04", "O-05", "F-011")
@pytest.mark.parametrize("kind", ["drop_before", "http_500", "refuse"])
def test_an_order_not_processed_and_not_answered_is_never_booked(kind: str, bench: Bench) -> None:
    ticket = bench.resting_ticket()
    bench.fault("order-cash", kind)

    with pytest.raises((OutcomeUnknown, NotSent)):
        bench.broker.place(ticket)

    assert bench.broker.orders_of(START.date()) == ()
    assert bench.booked() == 0


@pytest.mark.req("O-04")
@pytest.mark.parametrize("kind", ["rate_limit", "ledger_limit"])
def test_an_order_turned_away_by_rate_is_not_booked(kind: str, bench: Bench) -> None:
    ticket = bench.resting_ticket()
    bench.fault("order-cash", kind)

    with pytest.raises(NotSent):
        bench.broker.place(ticket)

    assert bench.booked() == 0


@pytest.mark.req("K-03", "O-04", "F-025")
def test_a_revoked_token_costs_an_order_nothing_but_the_next_try(bench: Bench) -> None:
    ticket = bench.resting_ticket()
    bench.let_pass(120)  # a token is issued once a minute
    bench.fault("order-cash", "token_revoked")

    with pytest.raises(NotSent):
        bench.broker.place(ticket)
    answer = bench.broker.place(ticket)

    assert isinstance(answer, Accepted)
    assert bench.booked() == 1


@pytest.mark.req("K-03")
def test_a_revoked_token_is_renewed_and_the_inquiry_answered(bench: Bench) -> None:
    bench.broker.account()
    bench.let_pass(120)
    bench.fault("inquire-balance", "token_revoked")

    account = bench.broker.account()

    assert account.holding(HYNIX) is not None


def test_a_refusal_of_the_ledger_is_rejected(bench: Bench) -> None:
    ticket = bench.resting_ticket()
    bench.fault("order-cash", "order_rejected", code="40070000", msg="매매불가 종목")

    answer = bench.broker.place(ticket)

    assert isinstance(answer, Rejected)
    assert answer.code == "40070000"


def test_an_order_refused_by_the_exchange_is_found_in_the_list(bench: Bench) -> None:
    ticket = bench.resting_ticket()
    bench.fault("order-cash", "exchange_rejected")

    accepted = bench.broker.place(ticket)
    bench.let_pass(5)

    (order,) = bench.broker.orders_of(START.date())
    assert isinstance(accepted, Accepted)
    assert (order.rejected_quantity, order.filled_quantity, order.is_live) == (3, 0, False)


def test_a_partial_fill_is_cumulative_and_its_cancel_keeps_it(bench: Bench) -> None:
    ticket = bench.marketable_ticket(3)
    bench.fault("order-cash", "partial_fill", quantity=2)
    accepted = bench.broker.place(ticket)
    assert isinstance(accepted, Accepted)
    bench.let_pass(120)
    (partial,) = bench.broker.orders_of(START.date())

    bench.broker.cancel(
        broker_order_no=accepted.broker_order_no,
        broker_branch=accepted.broker_branch,
        symbol=SAMSUNG,
    )

    (ended,) = bench.broker.orders_of(START.date())
    assert (partial.filled_quantity, partial.is_live) == (2, True)
    assert (ended.filled_quantity, ended.cancelled_quantity, ended.is_live) == (2, 1, False)


@pytest.mark.req("F-110", "K-07", "K-08")
@pytest.mark.parametrize(
    "kind",
    ["malformed_json", "empty_body", "html", "truncated", "http_500", "drop_after", "missing_page"],
)
def test_a_balance_that_is_not_whole_is_no_balance(kind: str, bench: Bench) -> None:
    bench.fault("inquire-balance", kind, count=None)

    with pytest.raises(BrokerUnavailable):
        bench.broker.account()

    bench.server.faults.clear()
    assert bench.broker.account().holding(HYNIX) is not None


@pytest.mark.req("F-110", "K-08")
def test_a_holding_told_twice_is_no_balance(bench: Bench) -> None:
    bench.fault("inquire-balance", "duplicate_rows")

    with pytest.raises(BrokerUnavailable):
        bench.broker.account()


@pytest.mark.req("K-08")
def test_an_order_row_told_twice_is_one_order(bench: Bench) -> None:
    bench.broker.place(bench.resting_ticket())
    bench.fault("inquire-daily-ccld", "duplicate_rows")

    assert len(bench.broker.orders_of(START.date())) == 1


@pytest.mark.req("K-01", "K-05")
@pytest.mark.parametrize("kind", ["rate_limit", "ledger_limit", "http_500", "drop_before"])
def test_an_inquiry_survives_a_passing_fault(kind: str, bench: Bench) -> None:
    bench.fault("inquire-balance", kind, count=2)

    assert bench.broker.account().holding(HYNIX) is not None


@pytest.mark.req("K-07")
@pytest.mark.parametrize("mode", [TradingMode.PAPER, TradingMode.REAL])
@pytest.mark.parametrize("kind", ["zero_price", "html", "empty_body", "truncated"])
def test_a_price_that_is_none_is_never_a_quote(
    kind: str, mode: TradingMode, bench_of: Callable[[TradingMode], Bench]
) -> None:
    bench = bench_of(mode)
    bench.client.ensure_token()
    bench.fault("*", kind, count=None)

    try:
        quotes = bench.market.quotes([SAMSUNG, HYNIX])
    except MarketDataUnavailable:
        return

    assert all(isinstance(quote, QuoteUnavailable) for quote in quotes.values())


@pytest.mark.parametrize("mode", [TradingMode.PAPER, TradingMode.REAL])
def test_quotes_bars_and_names_come_from_the_simulator(
    mode: TradingMode, bench_of: Callable[[TradingMode], Bench]
) -> None:
    bench = bench_of(mode)
    etf, kosdaq, lettered = Symbol("069500"), Symbol("247540"), Symbol("0126Z0")

    quotes = bench.market.quotes([SAMSUNG, lettered])
    bars = bench.market.daily_bars(SAMSUNG, before=START.date(), count=150)
    told = {s: bench.market.instrument(s) for s in (SAMSUNG, etf, kosdaq)}

    days = [bar.session_date for bar in bars]
    assert all(isinstance(quote, Quote) for quote in quotes.values())
    assert len(days) == 150
    assert days == sorted(days)
    assert days[-1] == START.date() - timedelta(days=1)
    assert all(bar.is_traded for bar in bars)
    assert (told[SAMSUNG].market, told[SAMSUNG].product) == (Market.KOSPI, Product.STOCK)
    assert told[SAMSUNG].name == "삼성전자"
    assert told[etf].product is Product.ETF
    assert told[kosdaq].market is Market.KOSDAQ


def test_what_the_simulator_sends_is_all_documented(bench: Bench) -> None:
    bench.broker.place(bench.resting_ticket())
    bench.broker.orders_of(START.date())
    bench.broker.account()
    bench.market.daily_bars(SAMSUNG, before=START.date(), count=5)

    assert not bench.client.drift.counts
