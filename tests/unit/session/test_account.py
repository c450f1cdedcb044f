"""What the account holds and what we believe: the broker wins, but never on one answer."""

from datetime import date, timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerOrder, OrderTicket
from kis_core.ports.notifier import EventKind, Level
from kis_core.positions.position import PositionSource


def _by_hand(world: World, symbol: Symbol, side: Side, quantity: int) -> BrokerOrder:
    """An order given in the broker's own app, filled at once at the market's price."""
    return world.broker.take_by_hand(
        OrderTicket(
            order_id=f"by-hand-{len(world.broker.orders)}",
            symbol=symbol,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET,
            price=Won(0),
        )
    )


def _until_settled(world: World) -> None:
    """Past the 90 s in which the symbol's own last order may still move its holdings."""
    world.run_until(world.at(9, 10))


@pytest.mark.req("P-06", "F-016")
def test_an_unknown_holding_is_adopted_with_the_current_atr(world: World) -> None:
    """ATR 400: stop 69,000 − 800, target 69,000 + 1,200."""
    world.broker.hold(SAMSUNG, quantity=3, cost=207_000)

    world.run_until(world.at(9, 0))

    position = world.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (3, 207_000)
    assert position.source is PositionSource.ADOPTED
    assert (position.levels.atr, position.levels.stop, position.levels.take) == (
        400.0,
        68_200,
        70_200,
    )
    [told] = world.notifier.of(EventKind.POSITION_REPAIRED)
    assert told.fields["difference"] == "unknown_holding"


@pytest.mark.req("P-06")
def test_an_adopted_holding_without_bars_is_stopped_at_the_maximum_loss(world: World) -> None:
    world.broker.hold(SAMSUNG, quantity=1, cost=70_000)
    world.market.without_bars.add(SAMSUNG)
    world.cache.saved = None

    world.run_until(world.at(9, 0))

    assert world.engine.books.positions[SAMSUNG].levels.stop == 66_500  # 5 % below 70,000


@pytest.mark.req("P-08", "F-110")
def test_empty_answers_for_minutes_do_not_delete_a_position(holding: World) -> None:
    _until_settled(holding)
    before = holding.engine.books.positions[SAMSUNG]
    holding.broker.fail_next("account", *[Fault.EMPTY_HOLDINGS] * 8)

    holding.run_until(holding.at(9, 17, 30))
    meanwhile = holding.engine.books.positions.get(SAMSUNG)
    holding.run_until(holding.at(9, 30))

    assert meanwhile == before
    assert holding.engine.books.positions[SAMSUNG] == before
    assert SAMSUNG not in holding.engine.books.halted


@pytest.mark.req("P-08", "F-110")
def test_empty_answers_outside_a_session_never_delete_a_position(holding: World) -> None:
    holding.run_until(holding.at(15, 40))
    before = holding.engine.books.positions[SAMSUNG]
    holding.broker.fail_next("account", *[Fault.EMPTY_HOLDINGS] * 50)

    for _ in range(20):  # a night of maintenance, and restarts in it
        holding.clock.set(holding.clock.now() + timedelta(minutes=20))
        holding.restart()
        holding.run_for(minutes=1)

    assert holding.engine.books.positions[SAMSUNG] == before


@pytest.mark.req("P-08", "F-110")
def test_a_difference_that_began_late_is_not_believed_at_the_close(holding: World) -> None:
    holding.run_until(holding.at(15, 25, 40))
    before = holding.engine.books.positions[SAMSUNG]
    holding.broker.fail_next("account", *[Fault.EMPTY_HOLDINGS] * 50)

    holding.restart()
    holding.run_until(holding.at(16, 0))

    assert holding.engine.books.positions[SAMSUNG] == before


@pytest.mark.req("P-08", "F-044")
def test_a_start_without_a_balance_changes_nothing_and_goes_on_when_it_answers(
    holding: World,
) -> None:
    before = holding.engine.books.positions[SAMSUNG]
    holding.broker.fail_next("account", *[Fault.UNAVAILABLE] * 3)

    holding.restart()
    holding.run_until(holding.at(9, 5, 20))
    silent = holding.engine.books.positions[SAMSUNG]
    holding.run_until(holding.at(9, 7))

    assert silent == before
    assert holding.engine.books.positions[SAMSUNG] == before
    assert holding.mirror.positions == (before,)


@pytest.mark.req("P-06", "P-12")
def test_shares_missing_for_long_are_believed_gone_and_leave_the_symbol_to_exits(
    holding: World,
) -> None:
    _until_settled(holding)
    holding.broker.hold(SAMSUNG, quantity=0, cost=0)  # transferred out: no order explains it

    holding.run_until(holding.at(9, 25))

    assert holding.engine.books.positions == {}
    [halted] = holding.notifier.of(EventKind.SYMBOL_HALTED)
    assert halted.level is Level.ERROR
    assert SAMSUNG in holding.engine.books.halted
    with holding.store.unit_of_work() as uow:
        assert SAMSUNG in uow.halted_symbols()


@pytest.mark.req("P-13", "P-12")
def test_a_sale_by_hand_is_recognised_by_its_number_and_believed_sooner(holding: World) -> None:
    _until_settled(holding)
    _by_hand(holding, SAMSUNG, Side.SELL, 1)

    holding.run_until(holding.at(9, 15))

    assert holding.engine.books.positions == {}
    assert SAMSUNG not in holding.engine.books.halted
    closed = [
        e
        for e in holding.notifier.of(EventKind.POSITION_REPAIRED)
        if e.fields.get("what") == "closed"
    ]
    assert [e.fields["by_hand"] for e in closed] == [True]


@pytest.mark.req("P-13", "P-06")
def test_a_purchase_by_hand_corrects_the_position_and_keeps_its_levels(holding: World) -> None:
    _until_settled(holding)
    levels = holding.engine.books.positions[SAMSUNG].levels
    _by_hand(holding, SAMSUNG, Side.BUY, 2)

    holding.run_until(holding.at(9, 25))

    position = holding.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (3, 3 * 70_300)
    assert position.levels == levels
    assert position.source is PositionSource.TOUCHED
    assert SAMSUNG not in holding.engine.books.halted


@pytest.mark.req("P-13", "O-11")
def test_after_a_sale_by_hand_no_more_than_the_rest_is_sold(holding: World) -> None:
    _until_settled(holding)
    _by_hand(holding, SAMSUNG, Side.BUY, 2)
    holding.run_until(holding.at(9, 25))
    _by_hand(holding, SAMSUNG, Side.SELL, 2)
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(9, 30))

    ours = [o for o in holding.broker.orders if o.side is Side.SELL and o.quantity == 1]
    assert len(ours) == 1
    assert holding.broker.costs == {}


@pytest.mark.req("P-12", "P-06")
def test_shares_that_nothing_explains_are_adopted_and_name_the_candidate_orders(
    holding: World,
) -> None:
    _until_settled(holding)
    row = _by_hand(holding, HYNIX, Side.BUY, 1)  # one order, but three shares appear
    holding.market.set_price(HYNIX, 50_000)
    holding.broker.hold(HYNIX, quantity=3, cost=150_000)

    holding.run_until(holding.at(9, 25))

    assert holding.engine.books.positions[HYNIX].quantity == 3
    [halted] = holding.notifier.of(EventKind.SYMBOL_HALTED)
    assert halted.symbol == HYNIX
    assert halted.fields["candidates"] == row.broker_order_no


@pytest.mark.req("P-12")
def test_holdings_are_compared_again_after_each_finished_order(holding: World) -> None:
    """Bought at 09:02:02; its holdings may move for 90 s."""
    told = [e.at for e in holding.notifier.of(EventKind.ACCOUNT_SNAPSHOT)]

    assert holding.at(9, 3, 33) in told


@pytest.mark.req("T-15", "F-042")
def test_a_split_rescales_every_level_and_sells_nothing(holding: World) -> None:
    """One share at 70,300 becomes five at 14,060: ATR 400 → 80, stop 69,500 → 13,900."""
    holding.run_until(holding.at(15, 40))
    holding.broker.hold(SAMSUNG, quantity=5, cost=70_300)
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(SAMSUNG, last_close=14_060, step=20)
    holding.run_until(holding.at(8, 59))
    holding.market.set_price(SAMSUNG, 14_060)

    holding.run_until(holding.at(9, 30))

    position = holding.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (5, 70_300)
    assert (position.levels.atr, position.levels.stop, position.levels.take) == (
        80.0,
        13_900,
        14_300,
    )
    assert holding.broker.calls["place"] == 1  # the purchase of yesterday


@pytest.mark.req("P-09", "T-07", "E-05")
def test_a_position_comes_back_exactly_after_the_night_and_a_restart(holding: World) -> None:
    holding.run_until(holding.at(15, 40))
    before = holding.engine.books.positions[SAMSUNG]
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))

    holding.restart()
    holding.run_until(holding.at(8, 50))

    after = holding.engine.books.positions[SAMSUNG]
    assert after == before
    assert after.entry_session == date(2026, 11, 24)
    assert (after.levels.atr, after.levels.stop, after.highest) == (400.0, 69_500, 70_300)


@pytest.mark.req("F-031")
def test_a_recovered_purchase_takes_its_own_fill_and_not_the_whole_holding(world: World) -> None:
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 0))
    world.broker.hold(SAMSUNG, quantity=11, cost=770_300)  # ten more, from elsewhere

    world.run_until(world.at(9, 2, 30))

    with world.store.unit_of_work() as uow:
        [trade] = uow.trades_of(date(2026, 11, 24))
    assert (trade.quantity, trade.amount) == (1, 70_300)


@pytest.mark.req("P-08")
def test_a_failed_balance_in_mid_session_changes_no_position(holding: World) -> None:
    _until_settled(holding)
    before = dict(holding.engine.books.positions)
    holding.broker.fail_next("account", *[Fault.UNAVAILABLE] * 4)

    holding.run_until(holding.at(9, 30))

    assert holding.engine.books.positions == before
