"""What the desk refuses: an order where another one stands, and rows that are not the order's."""

from dataclasses import replace

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import HYNIX, SAMSUNG, TUESDAY, World
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus, born
from kis_core.ports.notifier import EventKind
from kis_core.sizing.policy import Fixed


def _somebody_is_selling(world: World) -> None:
    """Another program's sale of the symbol is in the database; the engine has not read it."""
    now = world.clock.now()
    intent = OrderIntent(
        order_id="f" * 16,
        idempotency_key="f" * 64,
        signal_id="2026-11-24:other:005930:sell:stop:0",
        session_date=TUESDAY,
        symbol=SAMSUNG,
        side=Side.SELL,
        quantity=1,
        order_type=OrderType.MARKET,
        price=Won(0),
        reference=Won(70_000),
        reason="stop",
        leg=0,
    )
    created = OrderEvent(
        order_id=intent.order_id, sequence=0, kind=OrderEventKind.CREATED, at=now, intent=intent
    )
    sending = OrderEvent(order_id=intent.order_id, sequence=1, kind=OrderEventKind.SENDING, at=now)
    with world.store.unit_of_work() as uow:
        uow.append_order_events(born(created).after(sending), (created, sending))


@pytest.mark.req("O-03", "O-06", "O-15")
def test_what_the_database_refuses_as_a_second_live_order_is_not_sent(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    _somebody_is_selling(world)
    world.market.set_price(SAMSUNG, 70_300)

    world.run_until(world.at(9, 2, 10))

    assert world.broker.calls.get("place", 0) == 0
    told = world.notifier.of(EventKind.ERROR)
    assert [event.fields["what"] for event in told] == ["duplicate_order"]


@pytest.mark.req("O-08", "F-024")
@pytest.mark.parametrize(("symbol", "side"), [(HYNIX, Side.BUY), (SAMSUNG, Side.SELL)])
def test_a_row_of_another_symbol_or_side_with_the_orders_number_is_not_its_row(
    world: World, symbol: Symbol, side: Side
) -> None:
    """The list does not show our order yet, but one of the same number."""
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 10))
    [own] = world.broker.orders
    world.broker.orders[:] = [
        replace(
            own, symbol=symbol, side=side, filled_quantity=1, filled_amount=123_000, is_live=False
        )
    ]

    world.run_until(world.at(9, 2, 20))

    with world.store.unit_of_work() as uow:
        [order] = uow.orders_of(TUESDAY)
    assert (order.status, order.filled_quantity) == (OrderStatus.SUBMITTED, 0)
    assert SAMSUNG not in world.engine.books.positions


def _bought(world: World, *, shares: int) -> None:
    """At 09:02:10 an order of that many shares rests at the broker; nothing has filled."""
    world.tune(sizing=Fixed(shares=shares))
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 10))


def _order(world: World) -> Order:
    with world.store.unit_of_work() as uow:
        [order] = uow.orders_of(TUESDAY)
    return order


@pytest.mark.req("O-05", "O-08")
def test_a_lost_order_whose_row_always_comes_twice_is_found_and_halts_nothing(
    world: World,
) -> None:
    world.broker.fail_next("orders_of", *[Fault.REPEATED_ROWS] * 10_000)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)

    world.run_until(world.at(9, 10))

    assert _order(world).status is OrderStatus.FILLED
    assert world.engine.books.halted == {}


@pytest.mark.req("O-05")
@pytest.mark.parametrize("looks", [1, 2, 3])
def test_after_minutes_without_a_list_a_few_looks_within_seconds_do_not_decide(
    world: World, looks: int
) -> None:
    """Three looks five seconds apart are needed, however long the list was away."""
    world.broker.fills_at_once = False
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.fail_next("orders_of", *[Fault.UNAVAILABLE] * 10_000)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 12))
    world.broker.faults["orders_of"] = [Fault.LAGGING_LIST] * looks

    world.run_for(seconds=40)

    with world.store.unit_of_work() as uow:
        kinds = [event.kind for event in uow.all_events()]
    assert OrderEventKind.NOT_RECEIVED not in kinds
    assert OrderEventKind.ADOPTED in kinds


@pytest.mark.req("O-08")
def test_a_row_that_filled_more_than_was_ordered_halts_the_symbol_and_books_nothing(
    world: World,
) -> None:
    _bought(world, shares=3)
    world.broker.orders[0] = replace(
        world.broker.orders[0], filled_quantity=4, filled_amount=281_200, is_live=False
    )

    world.run_until(world.at(9, 2, 30))

    assert (_order(world).status, _order(world).filled_quantity) == (OrderStatus.SUBMITTED, 0)
    assert SAMSUNG in world.engine.books.halted


@pytest.mark.req("O-08", "O-09")
def test_an_order_does_not_end_before_the_money_of_its_last_fill_is_told(world: World) -> None:
    _bought(world, shares=3)
    resting = world.broker.orders[0]
    over = replace(resting, filled_quantity=1, cancelled_quantity=2, is_live=False)
    world.broker.orders[0] = over

    world.run_until(world.at(9, 2, 20))
    before = _order(world)
    world.broker.orders[0] = replace(over, filled_amount=70_300)
    world.run_until(world.at(9, 2, 30))

    after = _order(world)
    assert (before.status, before.filled_quantity) == (OrderStatus.SUBMITTED, 0)
    assert (after.status, after.filled_quantity, after.filled_amount) == (
        OrderStatus.CANCELLED,
        1,
        70_300,
    )


@pytest.mark.req("P-03", "O-08")
def test_the_levels_of_an_entry_filled_in_parts_are_those_of_its_average(world: World) -> None:
    """One at 70,300 and two at 70,000 average 70,100: stop 2 × 400 below, target 3 × 400 above."""
    _bought(world, shares=3)
    number = world.broker.orders[0].broker_order_no

    world.broker.fill(number, 1, price=70_300)
    world.run_until(world.at(9, 2, 15))
    world.broker.fill(number, 2, price=70_000)
    world.run_until(world.at(9, 2, 20))

    position = world.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (3, 210_300)
    assert (position.levels.stop, position.levels.take) == (69_300, 71_300)
