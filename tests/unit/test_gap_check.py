"""The opening gap by itself (G)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.gap import GapCheck, GapReason, check_gap
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won


def _check(
    open_price: int,
    reference: float = 100_000,
    *,
    threshold: float | None = 2.0,
    epsilon: float = 0.001,
) -> GapCheck:
    return check_gap(
        open_price=Won(open_price),
        reference_price=reference,
        base_label="entry",
        threshold_pct=threshold,
        epsilon_pct=epsilon,
    )


@pytest.mark.req("G-01", "G-03")
@pytest.mark.parametrize(
    ("open_price", "reason"),
    [
        (98_001, GapReason.WITHIN_THRESHOLD),
        (98_000, GapReason.WITHIN_THRESHOLD),  # -2 % is not below the threshold with its epsilon
        (97_999, GapReason.ADVERSE_GAP),  # -2.001 % is
        (70_000, GapReason.ADVERSE_GAP),
    ],
)
def test_it_triggers_at_the_threshold_and_its_epsilon(open_price: int, reason: GapReason) -> None:
    check = _check(open_price)

    assert check.reason is reason
    assert check.triggered is (reason is GapReason.ADVERSE_GAP)


@pytest.mark.req("G-01", "G-02")
@pytest.mark.parametrize("open_price", [100_000, 100_001, 102_001, 130_000])
def test_a_profit_or_no_gap_never_triggers(open_price: int) -> None:
    check = _check(open_price)

    assert (check.triggered, check.reason) == (False, GapReason.NO_LOSS)
    assert check.raw_gap_pct >= 0


@pytest.mark.req("G-02")
@pytest.mark.parametrize("threshold", [None, 0.0, -2.0, float("nan")])
def test_without_a_positive_threshold_nothing_triggers(threshold: float | None) -> None:
    check = _check(70_000, threshold=threshold)

    assert (check.triggered, check.reason) == (False, GapReason.DISABLED)


@pytest.mark.req("G-02", "T-10")
@pytest.mark.parametrize(
    ("open_price", "reference"), [(0, 100_000.0), (-1, 1.0), (1, 0.0), (1, float("nan"))]
)
def test_a_price_that_is_none_never_triggers(open_price: int, reference: float) -> None:
    check = _check(open_price, reference)

    assert (check.triggered, check.reason) == (False, GapReason.INVALID_PRICE)
    assert check.raw_gap_pct == 0.0


@pytest.mark.req("G-04", "G-05")
def test_it_carries_the_raw_and_the_shown_percentage_and_the_prices_used() -> None:
    check = _check(97_123, 99_999.5)

    assert check.raw_gap_pct == pytest.approx(-2.8765143826)
    assert check.display_gap_pct == -2.88
    assert check.evidence(Symbol("005930")) == {
        "symbol": "005930",
        "open": 97_123,
        "base_label": "entry",
        "base_price": 99_999.5,
        "gap_pct": check.raw_gap_pct,
        "gap_display_pct": -2.88,
        "threshold": 2.0,
        "triggered": True,
        "reason": "adverse_gap",
    }


@pytest.mark.req("G-04")
def test_a_tiny_loss_is_not_shown_as_minus_zero() -> None:
    assert str(_check(99_999).display_gap_pct) == "0.0"


@pytest.mark.req("G-01", "G-02")
@given(
    open_price=st.integers(1, 2_000_000),
    reference=st.integers(1, 2_000_000),
    threshold=st.floats(0.1, 30),
)
def test_only_a_loss_beyond_the_threshold_triggers(
    open_price: int, reference: int, threshold: float
) -> None:
    check = _check(open_price, reference, threshold=threshold)

    if check.triggered:
        assert check.raw_gap_pct <= -threshold
    else:
        assert check.raw_gap_pct > -(threshold + 0.0011)
