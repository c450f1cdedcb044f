"""What the engine makes of its feed: how often it asks, what it tells, when it keeps still."""

from datetime import timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.orders.identity import Side
from kis_core.ports.feed import FeedState
from kis_core.ports.notifier import EventKind, Level

_A_PRINT = timedelta(milliseconds=200)


@pytest.fixture
def world() -> World:
    """09:05 with a stream and one share bought at 70,300 (stop 69,500)."""
    made = World(has_feed=True)
    made.list_symbol(SAMSUNG, last_close=70_000)
    made.restart()
    trade_at(made, 70_050)
    made.run_until(made.at(9, 1, 30))
    trade_at(made, 70_300)
    made.run_until(made.at(9, 5))
    assert made.engine.books.positions[SAMSUNG].quantity == 1
    return made


def trade_at(world: World, price: int) -> None:
    world.market.set_price(SAMSUNG, price)
    world.feed.print_now()


def print_for(world: World, price: int, *, seconds: float) -> None:
    """A print at `price` every fifth of a second, each heard at once."""
    end = world.clock.now() + timedelta(seconds=seconds)
    while world.clock.now() < end:
        trade_at(world, price)
        world.engine.step()
        world.clock.set(world.clock.now() + _A_PRINT)


def sales(world: World) -> int:
    return sum(order.side is Side.SELL for order in world.broker.orders)


@pytest.mark.req("W-05", "N-02")
def test_each_switch_of_the_source_is_told_once(world: World) -> None:
    world.feed.lose(FeedState.DOWN, "silence")
    world.run_for(minutes=10)
    world.feed.find()
    world.run_for(minutes=10)

    told = [(e.fields["source"], e.level) for e in world.notifier.of(EventKind.FEED_SWITCHED)]

    assert told == [("ws", Level.INFO), ("rest", Level.WARNING), ("ws", Level.INFO)]


@pytest.mark.req("W-05")
def test_a_stream_that_is_back_within_its_attempts_calls_nobody(world: World) -> None:
    for _ in range(3):
        world.feed.lose(FeedState.RECOVERING, "dropped")
        world.run_for(seconds=5)
        world.feed.find()
        world.run_for(seconds=60)

    told = [(e.fields["state"], e.level) for e in world.notifier.of(EventKind.STREAM_STATE)]

    assert len(world.notifier.of(EventKind.FEED_SWITCHED)) == 1  # the first connection
    assert told[-6:] == [("stream_recovering", Level.INFO), ("stream_live", Level.INFO)] * 3


@pytest.mark.req("W-07", "N-04")
def test_a_refused_registration_is_told_once_however_often_it_is_refused(world: World) -> None:
    for _ in range(5):
        world.feed.complain("feed_places_used_up", "OPSP0008")
        world.run_for(seconds=30)

    (told,) = world.notifier.of(EventKind.FEED_PROBLEM)

    assert (told.fields["what"], told.fields["why"]) == ("feed_places_used_up", "OPSP0008")


@pytest.mark.req("W-04", "O-08")
def test_a_flood_of_notices_asks_the_list_twice_a_second_at_most(world: World) -> None:
    world.broker.fills_at_once = False
    print_for(world, 69_400, seconds=0.2)
    lists = world.broker.calls["orders_of"]
    end = world.clock.now() + timedelta(seconds=2.5)  # at 3 s the sale is decided again

    while world.clock.now() < end:
        for _ in range(50):
            world.feed.hint("2", SAMSUNG)
        world.engine.step()
        world.clock.set(world.clock.now() + timedelta(milliseconds=20))

    assert sales(world) == 1
    assert world.broker.calls["orders_of"] - lists <= 6


@pytest.mark.req("O-06", "F-064")
def test_prints_below_the_stop_neither_repeat_nor_check_a_sale_that_is_on_its_way(
    world: World,
) -> None:
    world.broker.fills_at_once = False
    print_for(world, 69_400, seconds=0.2)
    asked = world.broker.calls["account"]

    print_for(world, 69_300, seconds=2.4)

    assert sales(world) == 1
    assert world.broker.calls["account"] == asked


@pytest.mark.req("O-12")
def test_a_sale_that_was_not_sent_is_decided_again_after_three_seconds_not_by_each_print(
    world: World,
) -> None:
    world.broker.fail_next("place", *[Fault.RATE_LIMIT] * 4)
    tried = world.broker.calls["place"]

    print_for(world, 69_400, seconds=8.8)

    assert world.broker.calls["place"] - tried == 3  # at 0, 3 and 6 seconds


@pytest.mark.req("E-03")
def test_a_stream_that_goes_on_does_not_hide_that_the_broker_is_away(world: World) -> None:
    world.market.is_down = True
    world.broker.fail_next("account", *[Fault.UNAVAILABLE] * 1_000)
    world.broker.fail_next("orders_of", *[Fault.UNAVAILABLE] * 1_000)
    for _ in range(50):  # snapshots are asked for every ten minutes
        print_for(world, 70_200, seconds=0.2)
        world.run_for(seconds=30)

    print_for(world, 69_400, seconds=5)

    assert len(world.notifier.of(EventKind.OUTAGE_STARTED)) == 1
    assert sales(world) == 0


@pytest.mark.req("W-06", "F-063", "F-051")
def test_a_silent_stream_and_a_silent_rest_are_told_and_nothing_is_sold(world: World) -> None:
    world.feed.is_silent = True
    world.market.blind.add(SAMSUNG)
    world.market.set_price(SAMSUNG, 69_400)

    world.run_for(minutes=2)

    assert sales(world) == 0
    assert len(world.notifier.of(EventKind.HELD_WITHOUT_PRICE)) == 1


@pytest.mark.req("T-10", "F-063")
def test_a_repeated_old_print_below_the_stop_sells_nothing(world: World) -> None:
    trade_at(world, 69_400)
    world.feed.drain()  # nobody hears of it
    world.run_for(seconds=5)
    trade_at(world, 70_300)
    world.engine.step()

    world.feed.repeat(SAMSUNG, back=1)
    world.engine.step()

    assert sales(world) == 0
