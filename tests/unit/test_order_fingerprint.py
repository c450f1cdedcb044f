"""What an order without an answer is known by: every part of it, and nobody else's number."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.fingerprint import candidates, is_candidate
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, born

SAMSUNG, HYNIX = Symbol("005930"), Symbol("000660")
SENT = datetime(2026, 11, 24, 9, 30, 0, 400_000, KST)
ON_THE_SECOND = SENT.replace(microsecond=0)  # as the broker writes its times
SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the broker's list."""

    broker_order_no: str = "117057"
    symbol: Symbol = SAMSUNG
    side: Side = Side.BUY
    quantity: int = 7
    price: Won = Won(70_200)
    order_type: OrderType = OrderType.LIMIT
    accepted_at: datetime = ON_THE_SECOND


def _born() -> Order:
    intent = OrderIntent(
        order_id="0123456789abcdef",
        idempotency_key="0123456789abcdef" * 4,
        signal_id="2026-11-24:trend_atr:005930:buy:breakout:0",
        session_date=date(2026, 11, 24),
        symbol=SAMSUNG,
        side=Side.BUY,
        quantity=7,
        order_type=OrderType.LIMIT,
        price=Won(70_200),
        reference=Won(70_000),
        reason="breakout",
        leg=0,
        atr=400.0,
    )
    created = OrderEvent(
        order_id=intent.order_id,
        sequence=0,
        kind=OrderEventKind.CREATED,
        at=SENT,
        intent=intent,
    )
    return born(created)


def _sent() -> Order:
    order = _born()
    sending = OrderEvent(order_id=order.order_id, sequence=1, kind=OrderEventKind.SENDING, at=SENT)
    return order.after(sending)


@pytest.mark.req("O-05")
def test_a_row_that_agrees_in_everything_may_be_the_order() -> None:
    assert is_candidate(_sent(), Row(), skew=SKEW)


@pytest.mark.req("O-05", "P-13")
@pytest.mark.parametrize(
    "row",
    [
        Row(symbol=HYNIX),
        Row(side=Side.SELL),
        Row(quantity=6),
        Row(quantity=8),
        Row(price=Won(70_100)),
        Row(order_type=OrderType.MARKET, price=Won(0)),
        Row(order_type=OrderType.MARKET),
    ],
    ids=["symbol", "side", "fewer", "more", "price", "market", "type"],
)
def test_a_row_that_differs_in_one_part_is_another_order(row: Row) -> None:
    assert not is_candidate(_sent(), row, skew=SKEW)


@pytest.mark.req("O-05")
@pytest.mark.parametrize(("seconds_before", "may_be"), [(0, True), (6, True), (7, False)])
def test_a_row_accepted_before_the_order_left_is_another_by_more_than_the_skew(
    seconds_before: int, may_be: bool
) -> None:
    """5 s of skew and 1 s of rounding before 09:30:00.4: from 09:29:54.4 on."""
    accepted_at = SENT - timedelta(seconds=seconds_before)

    assert is_candidate(_sent(), Row(accepted_at=accepted_at), skew=SKEW) is may_be


@pytest.mark.req("O-05")
def test_a_number_that_another_order_claims_is_not_this_one() -> None:
    rows = [Row(), Row(broker_order_no="117058"), Row(broker_order_no="117059", quantity=1)]

    found = candidates(_sent(), rows, claimed=frozenset({"117057"}), skew=SKEW)

    assert found == (replace(Row(), broker_order_no="117058"),)


def test_an_order_that_was_never_being_sent_is_in_no_list() -> None:
    with pytest.raises(ValueError, match="never sent"):
        is_candidate(_born(), Row(), skew=SKEW)
