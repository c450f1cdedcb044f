"""An order list slower than we wait for it, while the account shows the shares already."""

from datetime import timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.orders.identity import Side


@pytest.fixture
def world() -> World:
    """At 09:00:30 with yesterday's close; a price above 70,100 breaks out."""
    world = World()
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, 70_000)
    world.run_until(world.at(9, 0, 30))
    return world


@pytest.mark.req("O-01", "O-05")
@pytest.mark.parametrize("lag_s", [230, 400, 1_200])
def test_what_the_account_holds_is_not_bought_again_though_the_list_does_not_show_it(
    world: World, lag_s: int
) -> None:
    world.market.set_price(SAMSUNG, 70_200)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.list_lag = timedelta(seconds=lag_s)  # `settle_buy` is 180 s

    world.run_until(world.at(10, 0))

    assert world.broker.calls["place"] == 1
    assert world.broker.costs == {SAMSUNG: (1, 70_200)}
    position = world.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.cost) == (1, 70_200)
    # ATR 400: bought at 70,200, stop 2 × and target 3 × ATR away, frozen when the order left.
    assert position.entry_order_id is not None
    assert (position.levels.atr, position.levels.stop) == (400.0, 69_400)


@pytest.mark.req("O-05", "P-06")
def test_a_stop_in_the_meantime_sells_what_there_is_and_no_share_more(world: World) -> None:
    world.market.set_price(SAMSUNG, 70_200)
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.broker.list_lag = timedelta(seconds=1_200)
    world.run_until(world.at(9, 15))

    world.market.set_price(SAMSUNG, 66_000)  # 09:22: the list shows the purchase at last
    world.run_until(world.at(10, 0))

    sold = [o.filled_quantity for o in world.broker.orders if o.side is Side.SELL]
    assert sold == [1]
    assert world.broker.costs == {}
    assert world.engine.books.positions == {}
