"""When, at which price and how much of an order fills on the virtual account."""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from kis_adapters.virtual.rules import FillRules, Slippage
from kis_core.market.symbol import Product
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.ports.broker import NotSent, RefusalKind, Rejected

if TYPE_CHECKING:
    from tests.adapters.virtual.conftest import Table


@pytest.mark.req("C-01")
def test_nothing_fills_before_something_traded_after_the_order_came(table: "Table") -> None:
    table.buy(10)

    before = table.order()
    table.trade(1_000, last=70_200)
    after = table.order()

    assert (before.filled_quantity, before.is_live) == (0, True)
    # Bought a tick of 100 won above the price that was quoted afterwards, not at 70,000.
    assert (after.filled_quantity, after.filled_amount) == (10, 10 * 70_300)


@pytest.mark.req("C-01")
def test_an_order_gets_a_tenth_of_what_traded_and_the_rest_later(table: "Table") -> None:
    table.buy(30)
    table.trade(129)

    first = table.order()
    table.trade(1_000)
    second = table.order()

    assert (first.filled_quantity, first.is_live) == (12, True)  # 129 / 10, cut down
    assert (second.filled_quantity, second.is_live) == (30, False)


def test_shares_too_few_to_have_had_one_count_together(table: "Table") -> None:
    table.buy(1)
    table.trade(6)

    first = table.order()
    table.trade(6)

    assert (first.filled_quantity, table.order().filled_quantity) == (0, 1)


def test_a_sale_gives_a_tick_and_a_limit_is_never_passed(table: "Table") -> None:
    table.held(20)
    table.sell(10)
    table.trade(1_000, last=70_000)
    market = table.order()
    table.sell(10, 70_000)
    table.trade(1_000, last=70_000)

    assert market.filled_amount == 10 * 69_900
    assert table.order().filled_amount == 10 * 70_000


def test_a_limit_that_rested_fills_at_its_own_price_when_the_market_goes_through(
    table: "Table",
) -> None:
    table.buy(5, 69_000)
    table.trade(1_000)
    before = table.order()
    table.trade(1_000, last=67_500)

    assert before.filled_quantity == 0
    assert table.order().filled_amount == 5 * 69_000


def test_what_traded_while_the_price_was_away_is_not_to_be_had_later(table: "Table") -> None:
    table.buy(50, 69_000)
    table.trade(100_000)
    table.order()
    table.trade(100, last=69_000)

    assert table.order().filled_quantity == 10


def test_the_other_sides_price_counts_where_it_is_told(table: "Table") -> None:
    table.buy(1)
    table.trade(100, ask=Won(70_100), bid=Won(69_900))

    assert table.order().filled_amount == 70_200


@pytest.mark.req("C-01")
@pytest.mark.parametrize(
    "told", [{"is_halted": True}, {"is_vi": True}, {"last": 91_000}], ids=["halt", "vi", "limit up"]
)
def test_nothing_is_bought_halted_interrupted_or_at_the_upper_limit(
    table: "Table", told: dict[str, object]
) -> None:
    table.buy(10)
    last = told.pop("last", None)
    table.trade(10_000, last=last if isinstance(last, int) else None, **told)

    assert (table.order().filled_quantity, table.order().is_live) == (0, True)


@pytest.mark.req("C-01")
def test_nothing_is_sold_at_the_lower_limit(table: "Table") -> None:
    table.held(10)
    table.sell(10)
    table.trade(10_000, last=49_000)

    assert table.order().filled_quantity == 0


def test_a_fill_never_leaves_the_days_limits(table: "Table") -> None:
    table.rules = FillRules(slippage=Slippage(ticks=50))
    table.restart()
    table.buy(1)
    table.trade(100, last=90_900)

    assert table.order().filled_amount == 91_000


@pytest.mark.req("C-01")
def test_an_order_of_the_opening_auction_fills_at_the_open_alone(table: "Table") -> None:
    table.clock.set(table.clock.now().replace(hour=8, minute=40))
    table.tape.quote = replace(table.tape.quote, open=Won(0), volume=0)
    table.buy(10)
    early = table.order()
    table.clock.set(table.clock.now().replace(hour=9, minute=0, second=5))
    before_the_first_trade = table.order()
    table.trade(500, last=71_000, open=Won(70_500))

    assert (early.filled_quantity, before_the_first_trade.filled_quantity) == (0, 0)
    assert (table.order().filled_quantity, table.order().filled_amount) == (10, 705_000)


@pytest.mark.req("C-01")
def test_the_closing_auction_trades_once_at_the_last_price_and_ends_the_day(
    table: "Table",
) -> None:
    table.clock.set(table.clock.now().replace(hour=15, minute=21))
    table.buy(30)
    table.trade(100)
    collected = table.order()
    table.clock.set(table.clock.now().replace(hour=15, minute=30, second=20))
    table.trade(100, last=70_100)
    closed = table.order()
    table.clock.set(table.clock.now().replace(minute=31, second=0))
    over = table.order()

    assert collected.filled_quantity == 0
    assert (closed.filled_quantity, closed.filled_amount) == (20, 20 * 70_100)
    assert (over.filled_quantity, over.cancelled_quantity, over.is_live) == (20, 10, False)


def test_a_day_order_of_yesterday_is_over_without_a_fill(table: "Table") -> None:
    table.buy(10)
    yesterday = table.clock.now().date()
    table.clock.set(table.clock.now() + timedelta(days=1))
    table.trade(100_000)
    table.restart()

    (order,) = table.broker.orders_of(yesterday)

    assert (order.filled_quantity, order.cancelled_quantity, order.is_live) == (0, 10, False)


@pytest.mark.parametrize(
    ("price", "kind"),
    [(70_050, RefusalKind.PRICE), (91_100, RefusalKind.PRICE), (48_950, RefusalKind.PRICE)],
)
def test_a_price_off_the_tick_or_outside_the_limits_is_refused(
    table: "Table", price: int, kind: RefusalKind
) -> None:
    answer = table.ask(Side.BUY, 1, price)

    assert isinstance(answer, Rejected)
    assert answer.kind is kind


def test_orders_are_refused_while_nothing_trades(table: "Table") -> None:
    noon = table.clock.now()
    answers = []
    for at in (
        noon.replace(hour=8, minute=29),
        noon.replace(hour=15, minute=30),
        noon + timedelta(days=4),  # a Saturday
    ):
        table.clock.set(at)
        answers.append(table.ask(Side.BUY, 1))

    assert [a.kind for a in answers if isinstance(a, Rejected)] == [RefusalKind.MARKET_CLOSED] * 3


def test_a_halted_issue_is_refused(table: "Table") -> None:
    table.trade(0, is_halted=True)

    answer = table.ask(Side.BUY, 1)

    assert isinstance(answer, Rejected)
    assert answer.kind is RefusalKind.NOT_TRADABLE


def test_without_a_quote_an_order_is_certainly_not_sent(table: "Table") -> None:
    table.tape.is_down = True
    with pytest.raises(NotSent):
        table.ask(Side.BUY, 1)
    table.tape.is_down = False

    assert table.broker.orders_of(table.clock.now().date()) == ()


def test_the_day_before_the_first_quote_counts_nothing_that_traded_before(
    table: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = replace(table.tape.quote, at=table.clock.now() - timedelta(seconds=20))
    with monkeypatch.context() as patch:
        patch.setattr(type(table.tape), "quotes", lambda _, symbols: dict.fromkeys(symbols, stale))
        table.buy(10)
    table.trade(5_000)
    first = table.order()
    table.trade(50)

    assert (first.filled_quantity, table.order().filled_quantity) == (0, 5)


def test_slippage_in_basis_points_is_rounded_against_the_order() -> None:
    slippage = Slippage(ticks=0, bp=10)
    on = date(2026, 11, 24)

    bought = slippage.worsen(Won(70_000), side=Side.BUY, product=Product.STOCK, on=on)
    sold = slippage.worsen(Won(70_000), side=Side.SELL, product=Product.STOCK, on=on)

    assert (bought, sold) == (70_100, 69_900)  # 70 won, to the next tick of 100


@pytest.mark.parametrize(
    ("price", "side", "worse"),
    [
        (49_950, Side.BUY, 50_000),
        (50_000, Side.BUY, 50_100),
        (50_000, Side.SELL, 49_950),
        (1_999, Side.BUY, 2_000),
        (2_000, Side.SELL, 1_999),
        (1, Side.SELL, 1),
    ],
)
def test_one_tick_is_that_of_the_band_it_moves_through(price: int, side: Side, worse: int) -> None:
    on = date(2026, 11, 24)

    assert Slippage(ticks=1).worsen(Won(price), side=side, product=Product.STOCK, on=on) == worse


def test_slippage_is_given_one_way_only() -> None:
    with pytest.raises(ValueError, match="not in both"):
        Slippage(ticks=1, bp=5)


@pytest.mark.req("C-01")
def test_a_quote_from_before_the_order_fills_nothing_whenever_it_is_told(
    table: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    table.buy(10)
    table.trade(10_000)
    late = replace(table.tape.quote, at=table.clock.now() - timedelta(seconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(type(table.tape), "quotes", lambda _, symbols: dict.fromkeys(symbols, late))
        before = table.order()

    assert (before.filled_quantity, table.order().filled_quantity) == (0, 10)
