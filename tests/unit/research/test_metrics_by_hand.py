"""Metrics against hand calculations on curves short enough to work out on paper."""

from datetime import date

import pytest

from kis_core.research.metrics import (
    ClosedTrade,
    annual_return_pct,
    calmar,
    deepest_drawdown,
    exposure_pct,
    measure,
    session_returns,
    sharpe,
    sortino,
    total_return_pct,
)

pytestmark = pytest.mark.req("C-03")


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


def test_the_figures_of_trades_are_those_of_a_column_of_results() -> None:
    # +300, +100, -200, 0: two of four win; gains 400 over losses 200; 200 won in four trades.
    trades = [
        ClosedTrade(pnl=300, cost=1_000, reason="take_profit"),
        ClosedTrade(pnl=100, cost=1_000, reason="trailing_stop"),
        ClosedTrade(pnl=-200, cost=1_000, reason="stop_loss"),
        ClosedTrade(pnl=0, cost=1_000, reason="stop_loss"),
    ]

    metrics = measure(
        dates=[date(2025, 1, 2)],
        equity=[10_200],
        invested=[0],
        start=10_000,
        trades=trades,
        traded_value=8_000,
    )

    assert metrics.trades == 4
    assert metrics.win_rate_pct == pytest.approx(50.0)
    assert metrics.profit_factor == pytest.approx(2.0)
    assert metrics.expectancy == pytest.approx(50.0)
    assert (metrics.average_win, metrics.average_loss) == (200.0, -200.0)
    assert [(each.reason, each.trades, each.wins, each.pnl) for each in metrics.by_reason] == [
        ("stop_loss", 2, 0, -200),
        ("take_profit", 1, 1, 300),
        ("trailing_stop", 1, 1, 100),
    ]


def test_the_months_are_from_the_last_close_of_the_month_before() -> None:
    # 100 -> 110 (+10 %) in January, 110 -> 99 (-10 %) in February.
    metrics = measure(
        dates=[date(2025, 1, 30), date(2025, 1, 31), date(2025, 2, 3)],
        equity=[105, 110, 99],
        invested=[0, 0, 0],
        start=100,
        trades=[],
        traded_value=0,
    )

    assert [name for name, _ in metrics.monthly] == ["2025-01", "2025-02"]
    assert [value for _, value in metrics.monthly] == pytest.approx([10.0, -10.0])


def test_turnover_is_half_of_what_was_traded_over_the_mean_equity_a_year() -> None:
    # 252 sessions of 1,000 won: one year. Bought and sold for 6,000 won: three times round.
    metrics = measure(
        dates=[date.fromordinal(date(2024, 1, 1).toordinal() + day) for day in range(252)],
        equity=[1_000] * 252,
        invested=[0] * 252,
        start=1_000,
        trades=[],
        traded_value=6_000,
    )

    assert metrics.turnover == pytest.approx(3.0)
