"""From cumulative figures to positions and trades, to the won."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.session import KST
from kis_core.market.symbol import Market, Product, Symbol
from kis_core.market.won import Won
from kis_core.orders.booking import Booked, Trade, book_purchase, book_sale, fill_of
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, fold
from kis_core.positions.position import Levels, Position

_AT = datetime(2026, 3, 3, 9, 30, tzinfo=KST)
_LEVELS = Levels(atr=300.0, stop=Won(9_400), take=Won(10_900))
_COMMISSION = Commission(ppm=150)


def _order(side: Side, quantity: int, *, number: int = 1) -> Order:
    """An order that the broker has just accepted."""
    name = f"{number:016x}"
    intent = OrderIntent(
        order_id=name,
        idempotency_key=name * 4,
        signal_id=f"signal-{number}",
        session_date=_AT.date(),
        symbol=Symbol("005930"),
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
        price=Won(0),
        reference=Won(10_000),
        reason="breakout" if side is Side.BUY else "stop_loss",
        leg=0,
        atr=300.0 if side is Side.BUY else None,
    )
    return fold(
        [
            OrderEvent(
                order_id=name, sequence=0, kind=OrderEventKind.CREATED, at=_AT, intent=intent
            ),
            OrderEvent(order_id=name, sequence=1, kind=OrderEventKind.SENDING, at=_AT),
            OrderEvent(
                order_id=name,
                sequence=2,
                kind=OrderEventKind.ACCEPTED,
                at=_AT,
                broker_order_no=str(number),
                broker_branch="06010",
            ),
        ]
    )


def _filled(order: Order, *, quantity: int, amount: int) -> OrderEvent:
    """The broker's word: cumulative quantity and amount, and the costs on them."""
    tax = 0
    if order.intent.side is Side.SELL:
        tax = sale_tax(
            amount, market=Market.KOSPI, product=Product.STOCK, settles_on=date(2026, 3, 5)
        )
    return OrderEvent(
        order_id=order.order_id,
        sequence=order.sequence + 1,
        kind=OrderEventKind.FILLED,
        at=_AT,
        filled_quantity=quantity,
        filled_amount=amount,
        commission=_COMMISSION.on(amount),
        tax=tax,
    )


def _book(
    order: Order,
    *,
    quantity: int,
    amount: int,
    position: Position | None,
    trade: Trade | None = None,
) -> tuple[Order, Booked]:
    event = _filled(order, quantity=quantity, amount=amount)
    fill, after = fill_of(order, event), order.after(event)
    if order.intent.side is Side.SELL:
        return after, book_sale(fill, after, position=position, trade=trade)
    return after, book_purchase(fill, after, position=position, trade=trade, levels=_LEVELS)


def _held(quantity: int = 10, cost: int = 100_000, fees: int = 15) -> Position:
    return Position(
        symbol=Symbol("005930"),
        quantity=quantity,
        cost=cost,
        levels=_LEVELS,
        entry_session=date(2026, 3, 2),
        entered_at=_AT,
        highest=Won(10_000),
        entry_order_id="0" * 16,
        entry_fees=fees,
    )


@pytest.mark.req("O-08")
def test_a_purchase_opens_a_position_at_what_the_broker_says_it_cost() -> None:
    _, booked = _book(_order(Side.BUY, 10), quantity=10, amount=100_070, position=None)

    assert booked.position is not None
    assert (booked.position.quantity, booked.position.cost) == (10, 100_070)
    assert booked.position.entry_fees == 15  # 0.015 % of 100,070 is 15.01
    assert booked.position.highest == 10_007
    assert booked.position.entry_session == date(2026, 3, 3)
    assert booked.trade.realised_pnl == 0


@pytest.mark.req("O-08")
def test_only_the_growth_of_a_cumulative_figure_is_booked() -> None:
    order, first = _book(_order(Side.BUY, 10), quantity=4, amount=40_000, position=None)

    _, second = _book(
        order, quantity=10, amount=100_600, position=first.position, trade=first.trade
    )

    # 0.015 % of 40,000 is 6; of 100,600 it is 15.09, so 9 more.
    assert (second.fill.quantity, second.fill.amount, second.fill.commission) == (6, 60_600, 9)
    assert second.position is not None
    assert (second.position.quantity, second.position.cost) == (10, 100_600)
    assert (second.trade.quantity, second.trade.amount) == (10, 100_600)


@pytest.mark.req("F-054")
def test_a_sale_realises_proceeds_less_all_fees_tax_and_cost() -> None:
    _, booked = _book(_order(Side.SELL, 10), quantity=10, amount=110_000, position=_held())

    # 110,000 - commission 16 - tax 220 - cost 100,000 - entry commission 15
    assert booked.position is None
    assert booked.trade.realised_pnl == 9_749
    assert booked.trade.round_trip_pnl == 9_749
    assert booked.unmatched == 0


@pytest.mark.req("F-054")
def test_a_partial_sale_realises_its_part_and_the_last_one_takes_the_rest() -> None:
    order, first = _book(
        _order(Side.SELL, 3), quantity=1, amount=9_000, position=_held(3, 10_000, 2)
    )

    _, last = _book(order, quantity=3, amount=27_000, position=first.position, trade=first.trade)

    # First: 9,000 - 1 - 18 - floor(10,000 / 3) = 3,333 - floor(2 / 3) = 0 -> 5,648.
    assert first.trade.realised_pnl == 5_648
    assert first.trade.round_trip_pnl is None
    assert first.position is not None
    assert (first.position.quantity, first.position.cost) == (2, 6_667)
    assert first.position.entry_fees == 2
    # All: 27,000 - 4 - 54 - 10,000 - 2 -> 16,940.
    assert last.trade.realised_pnl == 16_940
    assert last.trade.round_trip_pnl == 16_940


def test_a_round_trip_counts_what_an_earlier_order_sold() -> None:
    _, first = _book(
        _order(Side.SELL, 5, number=1), quantity=5, amount=55_000, position=_held(10, 100_000, 0)
    )

    _, last = _book(
        _order(Side.SELL, 5, number=2), quantity=5, amount=40_000, position=first.position
    )

    # 55,000 - 8 - 110 - 50,000 = 4,882; 40,000 - 6 - 80 - 50,000 = -10,086.
    assert first.trade.realised_pnl == 4_882
    assert last.trade.realised_pnl == -10_086
    assert last.trade.round_trip_pnl == -5_204


def test_a_further_order_keeps_the_frozen_levels_of_the_position() -> None:
    position = replace(_held(), levels=Levels(atr=100.0, stop=Won(9_800), take=Won(10_300)))

    _, booked = _book(_order(Side.BUY, 1), quantity=1, amount=10_000, position=position)

    assert booked.position is not None
    assert booked.position.levels == position.levels
    assert booked.position.quantity == 11


@pytest.mark.req("O-08")
def test_the_entry_order_itself_moves_its_levels_with_its_average() -> None:
    order, first = _book(_order(Side.BUY, 2), quantity=1, amount=10_000, position=None)
    assert first.position is not None
    early = replace(first.position, levels=Levels(atr=300.0, stop=Won(1), take=Won(2)))

    _, second = _book(order, quantity=2, amount=20_100, position=early, trade=first.trade)

    assert second.position is not None
    assert second.position.levels == _LEVELS


@pytest.mark.req("F-054")
def test_shares_of_unknown_cost_realise_only_the_fees_of_selling_them() -> None:
    # 10 known at 100,000 and 5 bought by hand, all sold at 9,000: the known part lost.
    _, booked = _book(
        _order(Side.SELL, 15), quantity=15, amount=135_000, position=_held(10, 100_000, 0)
    )

    assert booked.unmatched == 5
    # 90,000 - 100,000 - commission 20 - tax 270
    assert booked.trade.realised_pnl == -10_290


@pytest.mark.req("F-054")
def test_selling_only_unknown_shares_is_no_gain() -> None:
    _, booked = _book(_order(Side.SELL, 5), quantity=5, amount=45_000, position=None)

    assert booked.position is None
    assert booked.unmatched == 5
    assert booked.trade.realised_pnl == -6 - 90
    assert booked.trade.round_trip_pnl is None


def test_only_a_fill_event_is_a_fill() -> None:
    order = _order(Side.BUY, 1)
    event = OrderEvent(order_id=order.order_id, sequence=3, kind=OrderEventKind.CANCELLED, at=_AT)

    with pytest.raises(ValueError, match="not a fill"):
        fill_of(order, event)


_LOTS = st.lists(
    st.tuples(st.booleans(), st.lists(st.integers(1, 40), min_size=1, max_size=4)), max_size=8
)


@pytest.mark.req("O-08", "F-054")
@given(lots=_LOTS, prices=st.lists(st.integers(1_000, 90_000), min_size=40, max_size=40))
def test_whatever_fills_how_cash_and_results_agree_to_the_won(
    lots: list[tuple[bool, list[int]]], prices: list[int]
) -> None:
    """Cash that moved = results realised - what is still tied up in the position."""
    cash, realised, price = 0, 0, iter(prices)
    position: Position | None = None
    for number, (is_buy, parts) in enumerate(lots, start=1):
        held = position.quantity if position is not None else 0
        total = sum(parts) if is_buy else min(sum(parts), held)
        if total == 0:
            continue
        order = _order(Side.BUY if is_buy else Side.SELL, total, number=number)
        trade: Trade | None = None
        quantity = amount = 0
        for part in parts:
            growth = min(part, total - quantity)
            if growth == 0:
                break
            quantity, amount = quantity + growth, amount + growth * next(price)
            order, booked = _book(
                order, quantity=quantity, amount=amount, position=position, trade=trade
            )
            position, trade, fill = booked.position, booked.trade, booked.fill
            flow = fill.amount if fill.side is Side.SELL else -fill.amount
            cash += flow - fill.commission - fill.tax
        assert trade is not None
        assert (order.filled_quantity, order.commission) == (total, _COMMISSION.on(amount))
        realised += trade.realised_pnl

    tied_up = position.cost + position.entry_fees if position is not None else 0
    assert cash == realised - tied_up
