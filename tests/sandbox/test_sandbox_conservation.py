"""Whatever is ordered, amended and cancelled: no won and no share appears or disappears."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kis_core.market.session import KST
from kis_sandbox.exchange import Exchange
from kis_sandbox.order import Fill, Kind, Order, OrderType, Side
from kis_sandbox.refusal import Refusal

START = datetime(2026, 11, 24, 8, 40, tzinfo=KST)
BARS = (
    (10_000, 10_300, 9_800, 10_100, 200_000),
    (10_100, 10_400, 9_900, 10_000, 60_000),
    (10_000, 10_900, 9_700, 10_800, 400_000),
    (10_700, 11_900, 10_500, 11_800, 900_000),
    (11_500, 11_600, 9_900, 10_000, 30_000),
    (10_000, 10_100, 9_000, 9_100, 90_000),
)

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "amend", "cancel", "part", "race", "wait"]),
        st.integers(1, 300),
        st.integers(0, 40),
        st.sampled_from(list(OrderType)),
    ),
    max_size=25,
)


@pytest.mark.req("X-02")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=ACTIONS)
def test_cash_and_shares_are_conserved_at_every_moment(
    market: Callable[..., Exchange], actions: list[tuple[str, int, int, OrderType]]
) -> None:
    exchange = market(BARS, start=START, cash=3_000_000, held=50)

    for what, size, level, order_type in actions:
        act(exchange, what, size, 9_500 + 50 * level, order_type)
        check(exchange)
    exchange.advance(exchange.now + timedelta(days=3))
    check(exchange)


def act(exchange: Exchange, what: str, size: int, price: int, order_type: OrderType) -> None:
    live = [o.number for o in exchange.orders if o.is_live and o.session_date == exchange.today]
    number = live[size % len(live)] if live else size
    try:
        if what == "wait":
            exchange.advance(exchange.now + timedelta(minutes=size))
        elif what in ("buy", "sell"):
            exchange.place(
                symbol="000010",
                side=Side(what),
                order_type=order_type,
                quantity=size,
                price=price,
            )
        elif what == "amend":
            exchange.amend(number, order_type=order_type, price=price, quantity=None)
        elif what == "part":
            exchange.cancel(number, quantity=size % 7 + 1)
        elif what == "race":
            exchange.fill_at_once(number)
        else:
            exchange.cancel(number)
    except Refusal:
        return  # nothing may have changed, which `check` sees


def check(exchange: Exchange) -> None:
    account = exchange.account
    bought = sum(f.quantity * f.price for f in account.fills if f.side is Side.BUY)
    sold = sum(f.quantity * f.price for f in account.fills if f.side is Side.SELL)
    shares = 50 + sum(f.quantity if f.side is Side.BUY else -f.quantity for f in account.fills)
    holding = account.holdings["000010"]
    assert account.cash_d2 == 3_000_000 - bought + sold - account.fees_total - account.taxes_total
    assert exchange.orderable_cash >= 0
    assert holding.quantity == shares >= 0
    assert exchange.sellable("000010") >= 0
    assert (holding.quantity == 0) <= (holding.cost == 0)
    for order in exchange.orders:
        filled = [f for f in account.fills if _is_of(f, order)]
        assert sum(f.quantity for f in filled) == order.filled_quantity
        assert sum(f.quantity * f.price for f in filled) == order.filled_amount
        if order.kind is not Kind.CANCEL:
            assert 0 <= order.remaining <= order.quantity


def _is_of(fill: Fill, order: Order) -> bool:
    return (fill.session_date, fill.number) == (order.session_date, order.number)
