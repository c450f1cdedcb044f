"""Metrics against hand calculations on curves short enough to work out on paper."""

import pytest

from kis_core.research.metrics import (
    annual_return_pct,
    calmar,
    deepest_drawdown,
    exposure_pct,
    session_returns,
    sharpe,
    sortino,
    total_return_pct,
)


def test_returns_are_between_neighbouring_sessions() -> None:
    assert session_returns([100.0, 110.0, 99.0]) == pytest.approx([0.10, -0.10])


def test_a_curve_that_is_not_positive_has_no_returns() -> None:
    with pytest.raises(ValueError, match="positive"):
        session_returns([100.0, 0.0])


def test_the_total_return_needs_the_ends_only() -> None:
    assert total_return_pct([100.0, 50.0, 125.0]) == pytest.approx(25.0)


def test_the_deepest_drawdown_is_from_its_own_peak() -> None:
    # 100 -> 120 -> 90: 25 % below 120; then 130 -> 117: 10 % only. Below a peak for 3 sessions.
    fall = deepest_drawdown([100.0, 120.0, 90.0, 100.0, 110.0, 130.0, 117.0])

    assert fall.pct == pytest.approx(25.0)
    assert (fall.peak, fall.trough, fall.sessions) == (1, 2, 3)


def test_the_annual_return_compounds_over_252_sessions() -> None:
    # 1 % in 21 sessions, twelve times a year: 1.01^12 - 1 = 12.6825 %
    curve = [100.0] * 21 + [101.0]

    assert annual_return_pct(curve) == pytest.approx(12.682503, abs=1e-6)
    assert annual_return_pct([100.0, 101.0]) is None


def test_sharpe_takes_the_sample_deviation() -> None:
    # mean 0.01, deviations ±0.01: s = sqrt(2 × 0.0001 / 1) = 0.0141421; sqrt(252) × 0.7071068
    assert sharpe([0.02, 0.0]) == pytest.approx(11.224972, abs=1e-6)
    assert sharpe([0.01, 0.01]) is None


def test_sortino_takes_the_downside_over_all_sessions() -> None:
    # mean 0.01; downside sqrt((0 + 0.01²) / 2) = 0.00707107; sqrt(252) × 1.4142136
    assert sortino([0.03, -0.01]) == pytest.approx(22.449944, abs=1e-6)
    assert sortino([0.01, 0.02]) is None


def test_calmar_is_annual_return_over_the_deepest_drawdown() -> None:
    fall = deepest_drawdown([100.0, 80.0, 100.0])

    assert calmar(10.0, fall) == pytest.approx(0.5)
    assert calmar(None, fall) is None


def test_exposure_is_the_mean_share_that_is_invested() -> None:
    assert exposure_pct([100.0, 200.0], [50.0, 200.0]) == pytest.approx(75.0)
