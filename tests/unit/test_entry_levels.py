"""Stop and target, frozen at entry (T-03)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import entry_levels

_PARAMETERS = StrategyParameters()


@pytest.mark.req("T-03", "F-038")
@pytest.mark.parametrize(
    ("cost", "quantity", "atr", "stop", "take"),
    [
        (100_000, 10, 200.0, 9_600, 10_600),  # 10,000 - 400; the loss bound is 9,500
        (100_000, 10, 250.0, 9_500, 10_750),  # both are 9,500
        (100_000, 10, 600.0, 9_500, 11_800),  # ATR of 6 %: the loss bound holds, not 8,800
        (100_001, 10, 200.0, 9_600, 10_601),  # 10,000.1: down to the stop, up to the target
        (100_009, 10, 200.0, 9_600, 10_601),  # 10,000.9
        (30_000, 3, 133.25, 9_733, 10_400),  # 10,000 - 266.5; 10,000 + 399.75
    ],
)
def test_the_levels_of_hand_worked_entries(
    cost: int, quantity: int, atr: float, stop: int, take: int
) -> None:
    levels = entry_levels(cost=cost, quantity=quantity, atr=atr, parameters=_PARAMETERS)

    assert (levels.stop, levels.take, levels.atr) == (stop, take, atr)


@pytest.mark.req("T-03")
@pytest.mark.parametrize(("max_loss_pct", "stop"), [(3.0, 9_700), (0.1, 9_990), (0.7, 9_930)])
def test_the_loss_bound_is_exact_to_the_won(max_loss_pct: float, stop: int) -> None:
    parameters = replace(_PARAMETERS, max_loss_pct=max_loss_pct)

    levels = entry_levels(cost=10_000, quantity=1, atr=9_999.0, parameters=parameters)

    assert levels.stop == stop


@pytest.mark.req("T-03")
def test_the_stop_is_never_below_nothing() -> None:
    parameters = replace(_PARAMETERS, max_loss_pct=100.0)

    assert entry_levels(cost=100, quantity=1, atr=80.0, parameters=parameters).stop == 0


@pytest.mark.req("T-03", "F-038")
@given(
    quantity=st.integers(1, 1_000),
    average=st.integers(100, 1_000_000),
    odd=st.integers(0, 999),
    atr=st.floats(0.5, 50_000),
)
def test_a_stop_never_allows_more_than_the_maximum_loss(
    quantity: int, average: int, odd: int, atr: float
) -> None:
    cost = average * quantity + odd % quantity

    levels = entry_levels(cost=cost, quantity=quantity, atr=atr, parameters=_PARAMETERS)

    # One won for rounding down to a whole price.
    assert (levels.stop + 1) * quantity * 100 > cost * 95
    assert levels.stop < cost / quantity < levels.take
