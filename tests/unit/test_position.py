"""Positions and levels as values."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position

_POSITION = Position(
    symbol=Symbol("005930"),
    quantity=3,
    cost=30_100,
    levels=Levels(atr=100.0, stop=Won(9_800), take=Won(10_300)),
    entry_session=date(2026, 3, 2),
    entered_at=datetime(2026, 3, 2, 9, 5, tzinfo=KST),
    highest=Won(10_050),
)


def test_the_average_is_cost_by_quantity() -> None:
    assert _POSITION.average == pytest.approx(10_033.333333)


@pytest.mark.req("T-04")
def test_the_highest_price_never_falls() -> None:
    higher = _POSITION.with_highest(Won(10_100))

    assert higher.highest == 10_100
    assert higher.with_highest(Won(9_000)).highest == 10_100
    assert _POSITION.highest == 10_050


@pytest.mark.parametrize("changes", [{"quantity": 0}, {"cost": 0}])
def test_a_position_of_nothing_does_not_exist(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        replace(_POSITION, **changes)  # type: ignore[arg-type]  # a wrong value is the point


@pytest.mark.parametrize(
    ("atr", "stop", "take"),
    [(0.0, 1, 2), (-1.0, 1, 2), (float("nan"), 1, 2), (1.0, 2, 2), (1.0, -1, 2)],
)
def test_levels_that_protect_nothing_do_not_exist(atr: float, stop: int, take: int) -> None:
    with pytest.raises(ValueError):
        Levels(atr=atr, stop=Won(stop), take=Won(take))
