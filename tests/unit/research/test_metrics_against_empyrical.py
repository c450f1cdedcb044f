"""The metrics against empyrical-reloaded, which has their formulas of its own."""

import random

import empyrical
import numpy as np
import pytest

from kis_core.research.metrics import (
    annual_return_pct,
    calmar,
    deepest_drawdown,
    session_returns,
    sharpe,
    sortino,
    total_return_pct,
)

pytestmark = pytest.mark.req("C-03")


@pytest.fixture(params=[1, 2, 3])
def curve(request: pytest.FixtureRequest) -> list[float]:
    """Two years of an account that gains and falls."""
    dice = random.Random(request.param)
    value, found = 10_000_000.0, [10_000_000.0]
    for _ in range(504):
        value *= 1 + dice.gauss(0.0004, 0.012)
        found.append(value)
    return found


def test_every_figure_of_the_curve_is_the_librarys(curve: list[float]) -> None:
    returns = np.array(session_returns(curve))
    annual, fall = annual_return_pct(curve), deepest_drawdown(curve)

    assert total_return_pct(curve) == pytest.approx(100 * empyrical.cum_returns_final(returns))
    assert annual == pytest.approx(100 * empyrical.annual_return(returns))
    assert fall.pct == pytest.approx(-100 * empyrical.max_drawdown(returns))
    assert sharpe(returns.tolist()) == pytest.approx(empyrical.sharpe_ratio(returns))
    assert sortino(returns.tolist()) == pytest.approx(empyrical.sortino_ratio(returns))
    assert calmar(annual, fall) == pytest.approx(empyrical.calmar_ratio(returns))
