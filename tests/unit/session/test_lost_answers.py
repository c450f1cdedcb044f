"""Orders whose answer was lost, and processes that died: the crash table of the design."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kis_adapters.memory.broker import Fault, MemoryBroker
from kis_adapters.memory.mortal import Crash
from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus, born
from kis_core.ports.broker import Accepted, OrderTicket, Rejected
from kis_core.ports.notifier import EventKind


def _break_out(world: World) -> None:
    """At 09:01:30 the price rises above yesterday's high; the next cycle is at 09:02."""
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)


def _orders(world: World) -> tuple[Order, ...]:
    with world.store.unit_of_work() as uow:
        return uow.orders_of(world.clock.now().date())


def _kinds(world: World, order: Order) -> list[OrderEventKind]:
    with world.store.unit_of_work() as uow:
        return [event.kind for event in uow.events_of(order.order_id)]


def _die_when_told(world: World, kind: EventKind) -> None:
    """Run until the engine tells `kind`, and let it die there; then start the next one."""

    class Deadly:
        def tell(self, event: object) -> None:
            if getattr(event, "kind", None) is kind:
                raise Crash

    wrap, world.wrap = world.wrap, lambda ports: replace(ports, notifier=Deadly())
    world.restart()
    with pytest.raises(Crash):
        world.run_for(minutes=5)
    world.wrap = wrap
    world.restart()


class _DiesOnceAccepted:
    """A broker behind which the process dies before it hears of the acceptance."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.account, self.orders_of = broker.account, broker.orders_of
        self.cancel, self._place = broker.cancel, broker.place

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        self._place(ticket)
        raise Crash


@pytest.mark.req("O-04", "O-05", "F-011")
def test_an_order_accepted_without_an_answer_is_adopted_and_never_sent_again(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)

    world.run_until(world.at(9, 30))

    [order] = _orders(world)
    assert order.status is OrderStatus.FILLED
    assert OrderEventKind.OUTCOME_LOST in _kinds(world, order)
    assert OrderEventKind.ADOPTED in _kinds(world, order)
    assert world.broker.calls["place"] == 1
    assert len(world.broker.orders) == 1


@pytest.mark.req("O-05", "F-011")
def test_nothing_is_ordered_again_before_the_list_had_its_time(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_BEFORE)

    world.run_until(world.at(9, 4, 59))  # sent at 09:02:00, a purchase's list settles in 180 s
    before = [order.status for order in _orders(world)]
    world.run_until(world.at(9, 7))

    assert before == [OrderStatus.PENDING]
    first, second = _orders(world)
    assert (first.status, first.code) == (OrderStatus.FAILED, "not_received")
    assert (second.status, second.intent.leg) == (OrderStatus.FILLED, 1)
    assert second.created_at >= world.at(9, 5)


@pytest.mark.req("O-05")
def test_a_list_that_cannot_be_asked_leaves_the_order_open_and_blocking(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.fail_next("orders_of", *[Fault.UNAVAILABLE] * 10_000)

    world.run_until(world.at(15, 0))

    [order] = _orders(world)
    assert order.status is OrderStatus.PENDING
    assert world.broker.calls["place"] == 1


@pytest.mark.req("O-05", "O-08")
def test_a_list_that_settles_after_the_wait_still_gives_the_order_back(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.list_lag = timedelta(seconds=230)  # longer than `settle_buy`
    world.settings = replace(
        world.settings, orders=replace(world.settings.orders, entry_legs_max=1)
    )
    world.restart()

    world.run_until(world.at(9, 20))

    [order] = _orders(world)
    assert order.status is OrderStatus.FILLED
    kinds = _kinds(world, order)
    assert kinds.index(OrderEventKind.NOT_RECEIVED) < kinds.index(OrderEventKind.ADOPTED)
    position = world.engine.books.positions[SAMSUNG]
    assert (position.levels.stop, position.levels.take) == (69_500, 71_500)
    assert position.entry_order_id == order.order_id


@pytest.mark.req("O-05")
def test_two_orders_of_the_same_shape_halt_the_symbol_and_call_a_person(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.run_until(world.at(9, 2, 0))
    [sent] = world.broker.orders
    world.broker.take_by_hand(
        OrderTicket(
            order_id="by-hand",
            symbol=SAMSUNG,
            side=Side.BUY,
            quantity=sent.quantity,
            order_type=sent.order_type,
            price=sent.price,
        )
    )

    world.run_until(world.at(9, 30))

    [order] = _orders(world)
    assert order.status is OrderStatus.PENDING
    assert SAMSUNG in world.engine.books.halted
    assert len(world.notifier.of(EventKind.SYMBOL_HALTED)) == 1
    assert world.broker.calls["place"] == 1


@pytest.mark.req("O-05")
def test_a_row_whose_time_does_not_fit_is_not_taken_for_absence(world: World) -> None:
    """Our clock ran ten minutes ahead when the order was sent: the broker dates it before that."""
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.run_until(world.at(9, 2))
    early = replace(world.broker.orders[0], accepted_at=world.at(8, 52))
    world.broker.orders[0] = early

    world.run_until(world.at(9, 30))

    assert [order.status for order in _orders(world)] == [OrderStatus.PENDING]
    assert SAMSUNG in world.engine.books.halted
    assert world.broker.calls["place"] == 1


@pytest.mark.req("O-01", "O-05")
def test_death_before_the_intent_is_committed_leaves_nothing(world: World) -> None:
    _break_out(world)

    _die_when_told(world, EventKind.SIGNAL)

    assert _orders(world) == ()
    assert world.broker.calls.get("place", 0) == 0
    world.run_for(minutes=3)
    assert [order.status for order in _orders(world)] == [OrderStatus.FILLED]


@pytest.mark.req("O-01", "O-05", "P-03")
def test_an_intent_that_was_never_being_sent_fails_at_once_and_may_be_ordered_again(
    world: World,
) -> None:
    _break_out(world)
    _die_when_told(world, EventKind.ORDER_CREATED)
    [sending] = _orders(world)
    created = OrderEvent(
        order_id="0123456789abcdef",
        sequence=0,
        kind=OrderEventKind.CREATED,
        at=world.clock.now(),
        intent=replace(
            sending.intent,
            order_id="0123456789abcdef",
            idempotency_key="0123456789abcdef",
            signal_id="other",
            symbol=HYNIX,
        ),
    )
    with world.store.unit_of_work() as uow:
        uow.append_order_events(born(created), (created,))

    world.run_for(seconds=1)

    failed = next(o for o in _orders(world) if o.order_id == "0123456789abcdef")
    assert (failed.status, failed.code) == (OrderStatus.FAILED, "not_sent")


@pytest.mark.req("O-01", "O-05", "P-03", "F-015")
def test_death_between_acceptance_and_its_record_is_healed_from_the_list(world: World) -> None:
    _break_out(world)
    world.wrap = lambda ports: replace(ports, broker=_DiesOnceAccepted(world.broker))
    world.restart()
    with pytest.raises(Crash):
        world.run_until(world.at(9, 3))
    [pending] = _orders(world)
    world.wrap = lambda ports: ports
    world.restart()

    world.run_until(world.at(9, 30))

    [order] = _orders(world)
    assert (pending.status, pending.broker_order_no) == (OrderStatus.PENDING, None)
    assert pending.sent_at is not None
    assert (order.status, order.broker_order_no) == (OrderStatus.FILLED, "1")
    assert len(world.broker.orders) == 1


@pytest.mark.req("O-01", "O-09", "P-03", "P-09", "F-016", "F-044", "F-045")
def test_death_between_fill_and_its_booking_keeps_the_exact_levels(world: World) -> None:
    _break_out(world)

    _die_when_told(world, EventKind.ORDER_SUBMITTED)  # filled at the broker, not yet booked
    assert world.broker.costs == {SAMSUNG: (1, 70_300)}
    world.run_for(seconds=1)

    position = world.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (1, 70_300)
    assert (position.levels.atr, position.levels.stop, position.levels.take) == (
        400.0,
        69_500,
        71_500,
    )


@pytest.mark.req("O-07", "P-03")
def test_death_after_a_cancel_was_asked_for_leaves_the_decision_to_the_list(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)

    _die_when_told(world, EventKind.ORDER_CANCEL_REQUESTED)  # asked for, not sent
    [order] = _orders(world)
    assert order.cancel_requested_at is not None
    world.broker.fill("1", 1)
    world.run_for(seconds=5)

    [order] = _orders(world)
    assert order.status is OrderStatus.FILLED
    assert world.engine.books.positions[SAMSUNG].quantity == 1


@pytest.mark.req("P-03", "F-018")
def test_open_orders_are_counted_and_resolved_before_anything_is_decided(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 10))
    world.notifier.events.clear()
    world.broker.fill("1", 1)

    world.restart()
    world.engine.step()

    told = [event.kind for event in world.notifier.events]
    [counted] = world.notifier.of(EventKind.RECOVERY_OPEN_ORDERS)
    assert counted.fields["count"] == 1
    assert told.index(EventKind.ORDER_FILLED) < told.index(EventKind.RECOVERY_FINISHED)
    assert EventKind.SIGNAL not in told[: told.index(EventKind.RECOVERY_FINISHED)]


@pytest.mark.req("P-04", "F-017")
def test_a_numbered_order_the_list_lost_is_cancelled_only_after_it_was_asked(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 10))
    world.broker.orders.clear()  # the broker's list has forgotten it
    world.clock.set(world.at(15, 40))
    world.restart()
    world.broker.fail_next("orders_of", Fault.UNAVAILABLE)

    world.engine.step()
    while_silent = _orders(world)[0].status
    world.run_for(minutes=2)

    assert while_silent is OrderStatus.SUBMITTED
    assert _orders(world)[0].status is OrderStatus.CANCELLED
    assert _orders(world)[0].code == "stale"


@pytest.mark.req("P-04")
def test_an_order_without_a_number_is_cancelled_after_fifteen_minutes_of_silence(
    world: World,
) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_BEFORE)
    world.run_until(world.at(9, 2, 1))
    world.clock.set(world.at(9, 20))  # the process was down meanwhile
    world.restart()

    world.run_for(seconds=30)

    stale = _orders(world)[0]
    assert (stale.status, stale.code) == (OrderStatus.CANCELLED, "stale")


@pytest.mark.req("O-05", "P-03", "E-05")
def test_a_fill_learnt_on_a_later_day_corrects_the_summary_of_its_own(world: World) -> None:
    world.broker.fills_at_once = False
    world.broker.list_lag = timedelta(hours=10)
    _break_out(world)
    world.run_until(world.at(16, 0))
    tuesday = world.clock.now().date()
    with world.store.unit_of_work() as uow:
        before = uow.summary_of(tuesday)
    world.broker.list_lag = timedelta(0)
    row = world.broker.orders[0]
    world.broker.orders[0] = replace(
        row, filled_quantity=1, filled_amount=70_300, cancelled_quantity=0, is_live=False
    )
    world.broker.hold(SAMSUNG, quantity=1, cost=70_300)

    world.clock.set(world.at(8, 30) + timedelta(days=1))
    world.restart()
    world.run_until(world.at(8, 50))

    with world.store.unit_of_work() as uow:
        [order], after = uow.orders_of(tuesday), uow.summary_of(tuesday)
    assert order.status is OrderStatus.FILLED
    assert world.engine.books.positions[SAMSUNG].entry_session == tuesday
    assert before is not None
    assert after is not None
    assert (before.trades, after.trades) == (0, 1)


@pytest.mark.req("O-05")
def test_an_order_adopted_on_a_later_day_belongs_to_its_own(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.fail_next("orders_of", *[Fault.UNAVAILABLE] * 100_000)
    world.run_until(world.at(16, 0))
    tuesday = world.clock.now().date()
    world.broker.faults.clear()

    world.clock.set(world.at(8, 30) + timedelta(days=1))
    world.restart()
    world.run_until(world.at(8, 50))

    with world.store.unit_of_work() as uow:
        [order], summary = uow.orders_of(tuesday), uow.summary_of(tuesday)
    assert order.status is OrderStatus.FILLED
    assert summary is not None
    assert summary.trades == 1


@pytest.mark.req("O-06", "P-04")
def test_what_a_past_day_left_unfilled_is_over_whatever_its_row_says(world: World) -> None:
    world.broker.fills_at_once = False
    world.broker.fail_next("cancel", *[Fault.LOSE_BEFORE] * 1_000)
    _break_out(world)
    world.run_until(world.at(16, 0))
    tuesday = world.clock.now().date()

    world.run_until(world.at(8, 50) + timedelta(days=1))

    with world.store.unit_of_work() as uow:
        [order] = uow.orders_of(tuesday)
    assert world.broker.orders[0].is_live  # by a row that nobody tidied up
    assert order.status is OrderStatus.CANCELLED


@pytest.mark.req("O-05", "P-13")
def test_an_order_given_by_hand_an_hour_later_is_not_the_one_that_was_given_up(
    world: World,
) -> None:
    world.settings = replace(
        world.settings, orders=replace(world.settings.orders, entry_legs_max=1)
    )
    world.restart()
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_BEFORE)
    world.run_until(world.at(10, 2))
    [order] = _orders(world)
    world.broker.take_by_hand(
        OrderTicket(
            order_id="by-hand",
            symbol=SAMSUNG,
            side=Side.BUY,
            quantity=1,
            order_type=order.intent.order_type,
            price=order.intent.price,
        )
    )

    world.run_until(world.at(10, 30))

    [order] = _orders(world)
    assert (order.status, order.code) == (OrderStatus.FAILED, "not_received")
    assert world.engine.books.positions[SAMSUNG].entry_order_id is None


@pytest.mark.req("O-08", "F-024")
def test_a_list_with_repeated_rows_is_read_as_if_each_stood_once(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.fail_next("orders_of", *[Fault.REPEATED_ROWS] * 10)

    world.run_until(world.at(9, 10))

    [order] = _orders(world)
    assert order.status is OrderStatus.FILLED
    assert world.engine.books.positions[SAMSUNG].quantity == 1


@pytest.mark.req("O-05", "F-024")
def test_an_order_number_of_another_day_or_symbol_is_not_ours(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 10))
    foreign = replace(
        world.broker.orders[0],
        symbol=HYNIX,
        filled_quantity=1,
        filled_amount=123_000,
        is_live=False,
    )
    world.broker.orders.insert(0, foreign)

    world.run_until(world.at(9, 2, 20))

    [order] = _orders(world)
    assert order.status is OrderStatus.SUBMITTED
    assert SAMSUNG not in world.engine.books.positions
