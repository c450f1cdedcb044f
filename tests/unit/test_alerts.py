"""How near a position is to its levels."""

from datetime import date, datetime

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.alerts import (
    Alert,
    alerts_after,
    is_near_stop,
    progress_to_stop,
    progress_to_take,
)
from kis_core.strategy.parameters import StrategyParameters

_PARAMETERS = StrategyParameters()
_POSITION = Position(
    symbol=Symbol("005930"),
    quantity=10,
    cost=100_000,
    levels=Levels(atr=250.0, stop=Won(9_500), take=Won(10_750)),
    entry_session=date(2026, 3, 3),
    entered_at=datetime(2026, 3, 3, 10, 0, tzinfo=KST),
    highest=Won(10_000),
)


def _alerts(last: int, active: frozenset[Alert] = frozenset()) -> frozenset[Alert]:
    return alerts_after(active, position=_POSITION, last=Won(last), parameters=_PARAMETERS)


@pytest.mark.req("T-11")
@pytest.mark.parametrize(
    ("last", "to_stop", "to_take"),
    [
        (10_000, 0, 0),
        (9_750, 50, 0),
        (9_500, 100, 0),
        (9_450, 110, 0),
        (10_375, 0, 50),
        (10_750, 0, 100),
    ],
)
def test_progress_is_the_share_of_the_way_from_the_average(
    last: int, to_stop: float, to_take: float
) -> None:
    assert progress_to_stop(_POSITION, Won(last)) == pytest.approx(to_stop)
    assert progress_to_take(_POSITION, Won(last)) == pytest.approx(to_take)


@pytest.mark.req("T-11", "E-02")
@pytest.mark.parametrize(("last", "near"), [(9_651, False), (9_650, True), (9_400, True)])
def test_near_the_stop_begins_at_seventy_percent(last: int, near: bool) -> None:
    assert is_near_stop(_POSITION, last=Won(last), parameters=_PARAMETERS) is near


@pytest.mark.req("T-11")
@pytest.mark.parametrize(
    ("last", "alerts"),
    [
        (9_601, set()),
        (9_600, {Alert.NEAR_STOP}),
        (10_599, set()),
        (10_600, {Alert.NEAR_TAKE}),
    ],
)
def test_an_alert_begins_at_eighty_percent(last: int, alerts: set[Alert]) -> None:
    assert _alerts(last) == alerts


@pytest.mark.req("T-11", "F-056")
def test_a_price_that_oscillates_at_the_line_is_one_crossing() -> None:
    active = _alerts(9_600)

    for last in (9_610, 9_600, 9_645, 9_590):
        active = _alerts(last, active)
        assert active == {Alert.NEAR_STOP}

    assert _alerts(9_651, active) == frozenset()
