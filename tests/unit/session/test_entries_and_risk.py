"""Entering: what must agree, what blocks, and that no restart forgets it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import HYNIX, KAKAO, SAMSUNG, World
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.ports.notifier import EventKind
from kis_core.risk.limits import RiskLimits
from kis_core.sizing.policy import Fixed


def _buys(world: World) -> list[Order]:
    with world.store.unit_of_work() as uow:
        orders = uow.orders_of(world.clock.now().date())
    return [order for order in orders if order.intent.side is Side.BUY]


def _break_out(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)


@pytest.mark.req("F-001", "O-01")
def test_a_breakout_sends_exactly_one_limit_order_to_the_broker(world: World) -> None:
    _break_out(world)

    world.run_until(world.at(15, 0))

    [order] = _buys(world)
    assert world.broker.calls["place"] == 1
    assert order.intent.order_type is OrderType.LIMIT
    assert order.intent.price == 70_700  # 70,300 × 1.005 = 70,651.5, up to the tick of 100
    assert order.status is OrderStatus.FILLED


@pytest.mark.req("F-012")
def test_the_same_intention_later_and_a_tick_higher_is_the_same_order(world: World) -> None:
    world.broker.fail_next("place", Fault.LOSE_BEFORE)
    _break_out(world)
    world.run_until(world.at(9, 2, 30))
    world.market.set_price(SAMSUNG, 70_400)

    world.run_until(world.at(9, 4))

    assert [order.intent.leg for order in _buys(world)] == [0]
    assert world.broker.calls["place"] == 1


@pytest.mark.req("O-04")
def test_what_was_certainly_not_sent_is_decided_again_as_a_new_leg(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.RATE_LIMIT)

    world.run_until(world.at(9, 4))

    first, second = _buys(world)
    assert (first.status, first.code) == (OrderStatus.FAILED, "not_sent")
    assert (second.intent.leg, second.status) == (1, OrderStatus.FILLED)


@pytest.mark.req("F-030", "O-04")
def test_a_refused_entry_is_not_tried_every_cycle(world: World) -> None:
    _break_out(world)
    world.broker.fail_next("place", Fault.REJECT)

    world.run_until(world.at(10, 0))

    assert len(_buys(world)) == 1
    assert world.broker.calls["place"] == 1


@pytest.mark.req("O-01", "O-03")
def test_a_symbol_stopped_out_is_not_bought_again_the_same_day(holding: World) -> None:
    holding.market.set_price(SAMSUNG, 69_400)
    holding.run_until(holding.at(9, 7))
    holding.market.set_price(SAMSUNG, 70_500)

    holding.run_until(holding.at(15, 0))

    assert len(_buys(holding)) == 1


@pytest.mark.req("C-06")
def test_what_was_sold_at_its_target_today_is_not_bought_again_today(holding: World) -> None:
    holding.run_until(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(SAMSUNG, last_close=70_400)  # a high of 70,500 yesterday
    holding.run_until(holding.at(8, 59, 30))
    holding.market.set_price(SAMSUNG, 72_000)  # above the target of 71,500, and a breakout

    holding.run_until(holding.at(15, 0))

    with holding.store.unit_of_work() as uow:
        orders = uow.orders_of(holding.clock.now().date())
    assert [(order.intent.side, order.intent.reason) for order in orders] == [
        (Side.SELL, "take_profit")
    ]


@pytest.mark.req("O-07", "F-019")
def test_a_cancel_that_loses_the_race_against_a_fill_ends_filled(world: World) -> None:
    world.broker.fills_at_once = False
    world.broker.fail_next("cancel", Fault.FILL_FIRST)
    _break_out(world)

    world.run_until(world.at(9, 4))

    assert [order.status for order in _buys(world)] == [OrderStatus.FILLED]
    assert world.engine.books.positions[SAMSUNG].cost == 70_300


@pytest.mark.req("O-07", "F-020", "F-021")
def test_a_part_filled_order_is_cancelled_and_keeps_what_filled_to_the_last_share(
    world: World,
) -> None:
    world.tune(sizing=Fixed(shares=10))
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 1))
    world.broker.fill("1", 3)
    world.run_until(world.at(9, 2, 44))
    partial = _buys(world)[0]
    world.broker.fill("1", 2)  # crosses the cancel that is due at 45 s

    world.run_until(world.at(9, 2, 50))

    assert (partial.status, partial.remaining_quantity) == (OrderStatus.PARTIAL, 7)
    [order] = _buys(world)
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, 5)
    assert order.remaining_quantity == 5
    assert world.engine.books.positions[SAMSUNG].quantity == 5
    [ended] = world.notifier.of(EventKind.ORDER_CANCELLED)
    assert (ended.fields["filled_total"], ended.fields["remaining"]) == (5, 5)


@pytest.mark.req("O-07")
def test_a_cancel_is_first_asked_for_after_the_fill_wait_and_then_ever_more_rarely(
    world: World,
) -> None:
    world.broker.fills_at_once = False
    world.broker.fail_next("cancel", *[Fault.LOSE_BEFORE] * 100)
    orders = replace(world.settings.orders, fill_wait=timedelta(seconds=44))
    world.tune(orders=orders)
    _break_out(world)

    world.run_until(world.at(9, 14))

    [order] = _buys(world)
    asked = [e.at for e in world.notifier.of(EventKind.ORDER_CANCEL_REQUESTED)]
    after = [(at - order.created_at).total_seconds() for at in asked]
    assert after == [44, 88, 176, 352, 704]  # on the second: looks are 2 s apart
    assert order.status is OrderStatus.SUBMITTED


@pytest.mark.req("O-05", "O-08")
def test_what_the_exchange_refuses_after_the_broker_accepted_it_has_failed(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 1))
    world.broker.reject_at_exchange("1")

    world.run_until(world.at(9, 30))

    [order] = _buys(world)
    assert (order.status, order.code) == (OrderStatus.FAILED, "exchange_rejected")
    assert world.engine.books.positions == {}


@pytest.mark.req("O-08")
def test_fills_come_from_the_broker_never_from_the_request(world: World) -> None:
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 1))
    world.broker.fill("1", 1, price=70_123)

    world.run_until(world.at(9, 2, 5))

    assert world.engine.books.positions[SAMSUNG].cost == 70_123


@pytest.mark.req("O-14")
def test_a_halted_symbol_is_not_entered_and_the_reason_is_recorded(world: World) -> None:
    world.market.halted.add(SAMSUNG)
    _break_out(world)

    world.run_until(world.at(10, 0))

    assert _buys(world) == []
    with world.store.unit_of_work() as uow:
        reasons = [d.reason for d in uow.decisions_of(date(2026, 11, 24))]
    assert reasons == ["not_tradable"]


@pytest.mark.req("O-14")
def test_nothing_is_entered_in_the_closing_auction(world: World) -> None:
    world.run_until(world.at(15, 19, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(15, 19, 59))
    world.run_until(world.at(15, 45))

    assert _buys(world) == []


@pytest.mark.req("T-12")
def test_an_event_day_blocks_entries_and_no_exit(holding: World) -> None:
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_300)
    holding.tune(event_dates=frozenset({date(2026, 11, 24)}), candidates=(SAMSUNG, HYNIX))
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(9, 30))

    assert len(_buys(holding)) == 1
    assert holding.broker.costs == {}


@pytest.mark.req("R-04", "F-032", "F-055")
def test_orders_on_their_way_count_as_positions(world: World) -> None:
    world.broker.fills_at_once = False
    for symbol in (SAMSUNG, HYNIX, KAKAO):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_300)
    world.tune(candidates=(SAMSUNG, HYNIX, KAKAO), limits=RiskLimits(max_positions=2))

    world.run_until(world.at(9, 0, 30))

    assert len(world.broker.orders) == 2


@pytest.mark.req("R-03", "R-07", "F-053", "F-054")
def test_the_daily_loss_limit_holds_after_a_restart(holding: World) -> None:
    """Bought at 70,300, sold at 69,000: −1,300, fees 10 + 10, tax 138: −1,458 won. The account
    started with 70,000: 2 % of it is 1,400."""
    with holding.store.unit_of_work() as uow:
        record = uow.risk()
        assert record is not None
        uow.put_risk(replace(record, start_equity=70_000))
    holding.market.set_price(SAMSUNG, 69_000)
    holding.restart()
    holding.run_until(holding.at(9, 10))
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_300)

    holding.tune(candidates=(HYNIX,))
    holding.run_until(holding.at(9, 30))

    with holding.store.unit_of_work() as uow:
        assert sum(t.realised_pnl for t in uow.trades_of(date(2026, 11, 24))) == -1_458
    assert len(_buys(holding)) == 1
    [refused] = holding.notifier.of(EventKind.ENTRY_REFUSED)
    assert refused.fields["reason"] == "daily_loss"


@pytest.mark.req("R-04", "F-055")
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (RiskLimits(daily_max_trades=1), "daily_trades"),
        (RiskLimits(max_consecutive_losses=1), "consecutive_losses"),
    ],
)
def test_a_count_that_is_used_up_blocks_the_next_entry(
    holding: World, limits: RiskLimits, reason: str
) -> None:
    holding.market.set_price(SAMSUNG, 69_400)
    holding.run_until(holding.at(9, 8))
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_300)

    holding.tune(candidates=(HYNIX,), limits=limits)
    holding.run_until(holding.at(9, 30))

    assert len(_buys(holding)) == 1
    assert holding.notifier.of(EventKind.ENTRY_REFUSED)[0].fields["reason"] == reason


@pytest.mark.req("R-02", "R-07")
def test_five_errors_in_a_row_switch_entries_off_beyond_a_restart(world: World) -> None:
    world.run_until(world.at(9, 0, 30))
    world.market.set_price(SAMSUNG, 70_050)
    world.broker.hold(SAMSUNG, quantity=1, cost=70_050)
    world.restart()
    world.run_until(world.at(9, 0, 40))
    world.market.is_down = True
    world.run_until(world.at(9, 4))
    world.market.is_down = False
    world.list_symbol(HYNIX, last_close=70_000)
    world.market.set_price(HYNIX, 70_300)

    world.tune(candidates=(HYNIX,))
    world.run_until(world.at(9, 30))

    [told] = world.notifier.of(EventKind.KILL_SWITCH_ON)
    assert "API" in str(told.fields["reason"])
    assert _buys(world) == []


@pytest.mark.req("R-05")
def test_a_drawdown_at_its_stop_switches_entries_off_until_a_person_clears_it(
    holding: World,
) -> None:
    with holding.store.unit_of_work() as uow:
        record = uow.risk()
        assert record is not None
        high = holding.broker.account().equity * 100 // 85 + 1  # a fall of just 15 %
        uow.put_risk(replace(record, high_water_mark=high))
    holding.restart()
    holding.run_until(holding.at(9, 20))
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(HYNIX, last_close=70_000)

    holding.tune(candidates=(HYNIX,))
    holding.run_until(holding.at(9, 0))
    holding.market.set_price(HYNIX, 70_300)
    holding.run_until(holding.at(9, 30))

    assert len(holding.notifier.of(EventKind.KILL_SWITCH_ON)) == 1
    assert HYNIX not in holding.broker.costs


@pytest.mark.req("R-08")
def test_a_purchase_whose_stop_would_break_the_daily_limit_is_refused(world: World) -> None:
    """10 shares at the limit of 70,700, sold at their stop of 69,900: 8,000 won and the costs;
    1 % of 800,000 is 8,000."""
    world.broker.cash = 800_000
    world.tune(sizing=Fixed(shares=10), limits=RiskLimits(daily_max_loss_pct=1.0))
    _break_out(world)

    world.run_until(world.at(9, 30))

    assert _buys(world) == []
    [refused] = world.notifier.of(EventKind.ENTRY_REFUSED)
    assert refused.fields["reason"] == "worst_case_loss"


@pytest.mark.req("F-030", "O-14")
def test_without_the_cash_nothing_is_sent_and_the_refusal_is_told_once(world: World) -> None:
    world.broker.cash = 70_000
    _break_out(world)

    world.run_until(world.at(12, 0))

    assert world.broker.calls.get("place", 0) == 0
    [refused] = world.notifier.of(EventKind.ENTRY_REFUSED)
    assert refused.fields["reason"] == "cash"


@pytest.mark.req("R-09")
def test_more_orders_a_minute_than_a_person_would_mean_are_refused(world: World) -> None:
    for symbol in (SAMSUNG, HYNIX, KAKAO):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_300)
    world.tune(candidates=(SAMSUNG, HYNIX, KAKAO), limits=RiskLimits(max_orders_per_minute=2))

    world.run_until(world.at(9, 0, 30))

    assert len(world.broker.orders) == 2
    assert world.notifier.of(EventKind.ENTRY_REFUSED)[0].fields["reason"] == "order_rate"


@pytest.mark.req("E-04")
def test_an_unconfirmed_calendar_guards_but_does_not_enter(holding: World) -> None:
    holding.calendar.confirmed_until = date(2026, 11, 23)
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_300)
    holding.tune(candidates=(HYNIX,))
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(9, 30))

    assert holding.broker.costs == {}
    assert len(_buys(holding)) == 1


@pytest.mark.req("F-030", "O-11")
def test_cash_that_a_live_purchase_may_still_take_is_not_spent_twice(world: World) -> None:
    world.broker.fills_at_once = False
    world.broker.cash = 141_000  # one limit price of 70,700, and not quite a second
    for symbol in (SAMSUNG, HYNIX):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_300)
    world.tune(candidates=(SAMSUNG, HYNIX), limits=RiskLimits(daily_max_loss_pct=5.0))

    world.run_until(world.at(9, 0, 30))

    assert [o.symbol for o in world.broker.orders] == [SAMSUNG]
    assert world.notifier.of(EventKind.ENTRY_REFUSED)[0].fields["reason"] == "cash"


@pytest.mark.req("O-08", "F-020")
def test_a_fill_that_the_list_tells_after_the_cancel_is_booked(world: World) -> None:
    world.tune(sizing=Fixed(shares=10))
    world.broker.fills_at_once = False
    _break_out(world)
    world.run_until(world.at(9, 2, 1))
    world.broker.fill("1", 3)
    world.run_until(world.at(9, 3))
    before = world.engine.books.positions[SAMSUNG].quantity
    row = world.broker.orders[0]
    world.broker.orders[0] = replace(row, filled_quantity=5, filled_amount=5 * 70_300)
    world.broker.hold(SAMSUNG, quantity=5, cost=5 * 70_300)

    world.run_until(world.at(9, 10))

    [order] = _buys(world)
    assert before == 3
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, 5)
    assert world.engine.books.positions[SAMSUNG].cost == 351_500
    with world.store.unit_of_work() as uow:
        trade = uow.trade(order.order_id)
    assert trade is not None
    assert trade.amount == 351_500


@pytest.mark.req("R-02")
def test_a_kill_switch_whose_commit_is_in_doubt_is_read_again(world: World) -> None:
    """Five errors in a row; the commit of the fifth is lost on the way back."""
    world.broker.hold(HYNIX, quantity=1, cost=50_000)
    world.market.set_price(HYNIX, 50_000)
    world.run_until(world.at(9, 0, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.market.is_down = True
    while not _switched_off(world):
        world.store.fails_at = {world.store.commits + 1: "committed_but_unknown"}
        world.run_for(seconds=1)
    world.market.is_down = False
    world.store.fails_at.clear()

    world.run_until(world.at(9, 30))

    assert _buys(world) == []


def _switched_off(world: World) -> bool:
    with world.store.unit_of_work() as uow:
        record = uow.risk()
    return record is not None and record.kill_switch is not None
