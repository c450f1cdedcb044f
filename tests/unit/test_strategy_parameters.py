"""The strategy's parameters: defaults, bounds, fingerprint."""

from dataclasses import replace
from typing import Any

import pytest

from kis_core.gap import GapReference
from kis_core.strategy.parameters import StrategyParameters


@pytest.mark.req("T-02", "G-03")
def test_the_defaults_are_those_of_the_requirements() -> None:
    parameters = StrategyParameters()

    assert parameters.atr_period == 14
    assert parameters.ma_period == 50
    assert parameters.adx_period == 14
    assert parameters.adx_threshold == 25
    assert parameters.atr_spike_threshold == 2.5
    assert parameters.atr_multiplier_sl == 2.0
    assert parameters.atr_multiplier_tp == 3.0
    assert parameters.max_loss_pct == 5.0
    assert parameters.trailing_enabled
    assert parameters.trailing_stop_atr_multiplier == 2.0
    assert parameters.trailing_activation_pct == 1.0
    assert parameters.gap_reference is GapReference.ENTRY
    assert parameters.gap_threshold_pct == 2.0
    assert parameters.gap_epsilon_pct == 0.001


@pytest.mark.req("T-11")
def test_alerts_are_at_seventy_and_eighty_percent_of_the_way() -> None:
    assert StrategyParameters().near_stop_pct == 70
    assert StrategyParameters().alert_pct == 80


@pytest.mark.parametrize(
    ("changes", "bars"),
    [
        ({}, 84),
        ({"ma_period": 100}, 101),
        ({"ma_period": 5, "adx_window": 28}, 34),  # ATR 14 and 20 values of it
    ],
)
def test_the_bars_needed_are_what_the_hungriest_indicator_needs(
    changes: dict[str, Any], bars: int
) -> None:
    assert StrategyParameters(**changes).bars_needed == bars


@pytest.mark.parametrize(
    "changes",
    [
        {"atr_period": 0},
        {"ma_period": 0},
        {"adx_window": 27},
        {"adx_threshold": 101.0},
        {"adx_exit_threshold": 25.1},
        {"atr_multiplier_sl": 0.0},
        {"atr_multiplier_tp": -1.0},
        {"trailing_stop_atr_multiplier": 0.0},
        {"max_loss_pct": 0.0},
        {"max_loss_pct": 100.1},
        {"trailing_activation_pct": -0.1},
        {"gap_epsilon_pct": -0.001},
        {"near_stop_pct": 0.0},
        {"alert_pct": 100.1},
        {"quote_max_age_s": 0.0},
        {"atr_spike_threshold": float("nan")},
        {"max_loss_pct": float("inf")},
        {"gap_threshold_pct": float("nan")},
    ],
)
def test_a_value_that_no_strategy_can_mean_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        StrategyParameters(**changes)


@pytest.mark.req("G-02")
@pytest.mark.parametrize("threshold", [None, 0.0, -1.0])
def test_gap_protection_may_be_switched_off(threshold: float | None) -> None:
    assert StrategyParameters(gap_threshold_pct=threshold).gap_threshold_pct == threshold


def test_the_fingerprint_changes_with_any_value_and_with_nothing_else() -> None:
    parameters = StrategyParameters()

    assert parameters.fingerprint() == StrategyParameters(adx_threshold=25).fingerprint()
    assert len(parameters.fingerprint()) == 12
    for changes in (
        {"ma_period": 51},
        {"trailing_enabled": False},
        {"gap_threshold_pct": None},
        {"gap_reference": GapReference.STOP},
    ):
        changed = replace(parameters, **changes)
        assert changed.fingerprint() != parameters.fingerprint()
