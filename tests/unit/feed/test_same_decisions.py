"""By REST or by the stream: where both saw the same prices, the same decisions and orders."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.market.symbol import Symbol

_CLOSES = {SAMSUNG: 70_000, HYNIX: 180_000}
_MINUTES = 12
_STEPS = st.lists(
    st.tuples(*[st.integers(min_value=-12, max_value=12)] * len(_CLOSES)),
    min_size=_MINUTES,
    max_size=_MINUTES,
)


def _lived(steps: Sequence[tuple[int, ...]], *, has_feed: bool) -> World:
    """A morning in which prices move just before each full minute, and nothing in between."""
    world = World(has_feed=has_feed)
    for symbol, close in _CLOSES.items():
        world.list_symbol(symbol, last_close=close)
    world.settings = replace(world.settings, candidates=tuple(_CLOSES))
    world.restart()
    prices = dict(_CLOSES)
    for minute, moves in enumerate(steps):
        world.run_until(world.at(9, minute) - timedelta(seconds=1))
        for symbol, move in zip(prices, moves, strict=True):
            prices[symbol] += move * 100
            world.market.set_price(symbol, prices[symbol])
        world.feed.print_now()
    world.run_until(world.at(9, _MINUTES))
    return world


def _decided(world: World) -> list[tuple[object, ...]]:
    day = world.clock.now().date()
    with world.store.unit_of_work() as uow:
        decisions = uow.decisions_of(day)
        trades = uow.trades_of(day)
        positions = uow.positions()
    told: list[tuple[object, ...]] = [
        (d.symbol, d.action, d.reason, d.evidence.get("last")) for d in decisions
    ]
    told += [(t.symbol, t.side, t.reason, t.quantity, t.amount) for t in trades]
    told += [(p.symbol, p.quantity, p.cost, p.levels, p.highest, p.is_trailing) for p in positions]
    return sorted(told, key=repr)


@pytest.mark.req("M-02", "W-01", "T-08", "E-06")
@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_equal_prices_are_decided_equally(steps: list[tuple[int, ...]]) -> None:
    by_rest, by_stream = _lived(steps, has_feed=False), _lived(steps, has_feed=True)

    assert _decided(by_stream) == _decided(by_rest)


@pytest.mark.req("M-02", "W-01")
def test_such_a_morning_enters_stops_and_asks_rest_far_less() -> None:
    rising_then_falling = [(2, 2)] * 4 + [(-6, -6)] * 8

    by_rest = _lived(rising_then_falling, has_feed=False)
    by_stream = _lived(rising_then_falling, has_feed=True)

    assert {(row[0], row[2]) for row in _decided(by_stream)} >= {
        (SAMSUNG, "breakout"),
        (SAMSUNG, "stop_loss"),
    }
    assert _decided(by_stream) == _decided(by_rest)
    assert by_stream.market.calls["quotes"] < by_rest.market.calls["quotes"]


def test_a_symbol_without_a_place_on_the_stream_is_decided_like_the_others() -> None:
    symbols = [Symbol(f"{number:06d}") for number in range(100_010, 100_060)]
    world = World(has_feed=True)
    for symbol in symbols:
        world.list_symbol(symbol, last_close=70_000)
    world.settings = replace(world.settings, candidates=tuple(symbols))
    world.restart()
    world.run_until(world.at(9, 0) - timedelta(seconds=1))
    for symbol in symbols:
        world.market.set_price(symbol, 70_050)
    world.feed.print_now()

    world.run_until(world.at(9, 1, 30))

    with world.store.unit_of_work() as uow:
        judged = {d.symbol for d in uow.decisions_of(world.clock.now().date())}
    assert judged == set(symbols)
