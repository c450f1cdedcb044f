"""Indicators against hand-worked examples and a plain reading of Wilder's definition."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.bar import Bar
from kis_core.market.won import Won
from kis_core.strategy.indicators import RollingSum, TrueRange, WilderAdx

_FIRST = date(2026, 1, 5)


def _bars(prices: list[tuple[int, int, int]]) -> list[Bar]:
    """Bars of (high, low, close), a day apart, each opening at its low."""
    return [
        Bar(
            session_date=_FIRST + timedelta(days=day),
            open=Won(low),
            high=Won(high),
            low=Won(low),
            close=Won(close),
            volume=1,
        )
        for day, (high, low, close) in enumerate(prices)
    ]


def _adx(prices: list[tuple[int, int, int]], period: int) -> list[float | None]:
    indicator = WilderAdx(period)
    return [indicator.push(bar) for bar in _bars(prices)]


def test_a_rolling_sum_begins_with_its_period_and_drops_what_left_it() -> None:
    total = RollingSum(3)

    assert [total.push(value) for value in (5, 7, 1, 10, 0)] == [None, None, 13, 18, 11]


@pytest.mark.req("T-02")
def test_true_range_reaches_to_the_previous_close() -> None:
    true_range = TrueRange()
    prices = [
        (110, 100, 105),  # the first bar: high - low
        (108, 104, 106),  # inside: high - low
        (120, 115, 118),  # gap up: 120 - 106
        (100, 96, 98),  # gap down: 118 - 96
    ]

    assert [true_range.push(bar) for bar in _bars(prices)] == [10, 4, 14, 22]


@pytest.mark.req("T-02")
def test_adx_of_a_hand_worked_example() -> None:
    prices = [
        (10, 8, 9),
        (12, 9, 11),  # up 2
        (11, 7, 8),  # down 2: sums 2 and 2, DX 0
        (14, 8, 13),  # up 3: sums 2-1+3 and 2-1, DX 100*3/5 = 60; ADX (0+60)/2 = 30
        (15, 9, 14),  # up 1: sums 3 and 0.5, DX 100*2.5/3.5; ADX (30+71.428571)/2
        (17, 7, 12),  # two each way, neither counts: sums 1.5 and 0.25, DX as before
    ]

    values = _adx(prices, 2)

    assert values[:3] == [None, None, None]
    assert values[3:] == pytest.approx([30.0, 50.714285714, 61.071428571])


@pytest.mark.req("T-02")
def test_an_unbroken_rise_is_the_strongest_trend_and_a_flat_market_none() -> None:
    rise = [(100 + day, 90 + day, 95 + day) for day in range(40)]
    flat = [(100, 90, 95)] * 40

    assert _adx(rise, 14)[-1] == pytest.approx(100.0)
    assert _adx(flat, 14)[-1] == 0.0


def test_adx_needs_twice_its_period_of_bars() -> None:
    rise = [(100 + day, 90 + day, 95 + day) for day in range(29)]

    values = _adx(rise, 14)

    assert values[26] is None
    assert values[27] is not None


def _wilder(bars: list[Bar], period: int) -> list[float | None]:
    """ADX as Wilder's book goes: smoothed sums, directional indicators, DX, average of DX."""
    moves = []
    for before, bar in itertools.pairwise(bars):
        up, down = bar.high - before.high, before.low - bar.low
        ranges = (bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close))
        plus = up if up > 0 and up > down else 0
        minus = down if down > 0 and down > up else 0
        moves.append((max(ranges), plus, minus))
    dxs: list[float] = []
    for count in range(period, len(moves) + 1):
        smoothed = [float(sum(each)) for each in zip(*moves[:period], strict=True)]
        for move in moves[period:count]:
            smoothed = [s - s / period + m for s, m in zip(smoothed, move, strict=True)]
        tr, plus_sum, minus_sum = smoothed
        plus_di = 100 * plus_sum / tr if tr else 0.0
        minus_di = 100 * minus_sum / tr if tr else 0.0
        total = plus_di + minus_di
        dxs.append(100 * abs(plus_di - minus_di) / total if total else 0.0)
    values: list[float | None] = [None] * len(bars)
    for index in range(len(bars)):
        known = dxs[: max(0, index - period + 1)]
        if len(known) < period:
            continue
        value = sum(known[:period]) / period
        for dx in known[period:]:
            value = (value * (period - 1) + dx) / period
        values[index] = value
    return values


_PRICES = st.lists(
    st.tuples(st.integers(1, 5_000), st.integers(0, 500), st.integers(0, 500)).map(
        lambda t: (t[0] + t[1] + t[2], t[0], t[0] + t[1])
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.req("T-02")
@given(prices=_PRICES, period=st.integers(2, 14))
def test_adx_agrees_with_wilders_definition(
    prices: list[tuple[int, int, int]], period: int
) -> None:
    expected = _wilder(_bars(prices), period)

    values = _adx(prices, period)

    assert [v is None for v in values] == [v is None for v in expected]
    for value, other in zip(values, expected, strict=True):
        assert value is None or value == pytest.approx(other, rel=1e-9, abs=1e-6)
