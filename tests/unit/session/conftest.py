"""Worlds for tests of the session: one symbol in an uptrend, on a Tuesday morning.

Yesterday closed at 70,000 with a high of 70,100; the ATR is exactly 400. A purchase at 70,300 has
its stop at 70,300 − 2 × 400 = 69,500 and its target at 70,300 + 3 × 400 = 71,500.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kis_adapters.memory.world import SAMSUNG, World
from kis_core.session.settings import OrderSettings

_QUIET, _BREAKOUT = 70_050, 70_300


@pytest.fixture
def world() -> World:
    """At 08:30, before the engine's first step."""
    world = World()
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, _QUIET)
    return world


@pytest.fixture
def holding(world: World) -> World:
    """At 09:05 with one share bought at 70,300 at 09:02."""
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(9, 5))
    assert world.engine.books.positions[SAMSUNG].quantity == 1
    return world


@pytest.fixture
def tune_orders() -> Callable[..., None]:
    """Change order settings of a world, which restarts its engine."""

    def tune(world: World, **changes: object) -> None:
        orders: OrderSettings = replace(world.settings.orders, **changes)  # type: ignore[arg-type]  # names are checked by replace
        world.tune(orders=orders)

    return tune
