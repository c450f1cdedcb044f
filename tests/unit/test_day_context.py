"""The context of a day: what completed bars say, and when they say nothing."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.strategy.build import build_context
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.parameters import StrategyParameters

_SYMBOL = Symbol("005930")
_FIRST = date(2026, 1, 1)
_SMALL = StrategyParameters(
    atr_period=2, ma_period=3, adx_period=2, adx_window=6, atr_average_period=2
)


def _bar(day: int, *, high: int, low: int, close: int) -> Bar:
    return Bar(
        session_date=_FIRST + timedelta(days=day),
        open=Won(close),
        high=Won(high),
        low=Won(low),
        close=Won(close),
        volume=100,
    )


def _closing_at(*closes: int) -> list[Bar]:
    """Bars that range 10 won around their closes."""
    return [_bar(d, high=c + 5, low=c - 5, close=c) for d, c in enumerate(closes)]


def _context(
    bars: list[Bar],
    parameters: StrategyParameters = _SMALL,
    *,
    session_date: date | None = None,
    previous_session: date | None = None,
) -> DayContext | NoContext:
    last = bars[-1].session_date if bars else _FIRST
    return build_context(
        _SYMBOL,
        bars,
        session_date=session_date or last + timedelta(days=1),
        previous_session=previous_session or last,
        parameters=parameters,
    )


def _known(bars: list[Bar], parameters: StrategyParameters = _SMALL) -> DayContext:
    context = _context(bars, parameters)
    assert isinstance(context, DayContext)
    return context


def _why_not(context: DayContext | NoContext) -> str:
    assert isinstance(context, NoContext)
    return context.reason


@pytest.mark.req("T-01", "T-02")
def test_the_averages_of_a_hand_worked_series() -> None:
    bars = [
        _bar(0, high=105, low=95, close=100),
        _bar(1, high=105, low=95, close=100),
        _bar(2, high=105, low=95, close=100),
        _bar(3, high=106, low=102, close=104),  # true range 6: 106 - 100
        _bar(4, high=112, low=108, close=110),  # true range 8: 112 - 104
        _bar(5, high=113, low=104, close=106),  # true range 9: 113 - 104
    ]

    context = _known(bars)

    assert (context.sma_sum, context.sma_period, context.bars) == (104 + 110 + 106, 3, 6)
    assert context.atr == 8.5  # (8 + 9) / 2
    assert context.atr_average == 7.75  # ((6 + 8) / 2 + 8.5) / 2
    assert (context.previous_high, context.previous_low, context.previous_close) == (113, 104, 106)
    assert context.last_bar_date == _FIRST + timedelta(days=5)
    assert context.sma == pytest.approx(106.6666667)


@pytest.mark.req("T-06")
def test_a_close_below_the_average_after_one_above_crossed_on_its_day() -> None:
    context = _known(_closing_at(100, 101, 102, 103, 90, 89))

    assert context.closed_below_on == _FIRST + timedelta(days=4)


@pytest.mark.req("T-06")
def test_a_close_back_on_the_average_ends_the_crossing() -> None:
    # The last close, 96, is the mean of 102, 90 and 96: not below.
    context = _known(_closing_at(100, 101, 103, 102, 90, 96))

    assert context.closed_below_on is None


@pytest.mark.req("T-06")
def test_a_series_that_was_never_above_its_average_has_not_crossed_it() -> None:
    context = _known(_closing_at(110, 108, 106, 104, 102, 100))

    assert context.closed_below_on is None


# Highs and lows rise by 10 a day: ADX 100 with every period; then they alternate: it collapses.
_RISE = [(110 + 10 * d, 90 + 10 * d, 100 + 10 * d) for d in range(5)]
_SWINGS = [(160, 135, 150), (155, 125, 130), (170, 128, 160), (165, 110, 120)]


def _trending(prices: list[tuple[int, int, int]]) -> list[Bar]:
    return [_bar(d, high=h, low=lo, close=c) for d, (h, lo, c) in enumerate(prices)]


@pytest.mark.req("T-06")
def test_adx_that_was_strong_and_fell_below_the_exit_threshold_fell_on_that_bar() -> None:
    # Period 2, moves +10 x4: sums 20 and 0, DX 100, ADX 100 from bar 3 on.
    # Bar 5: up 10, down -5 -> 20, 0: DX 100, ADX 100.
    # Bar 6: up -5, down 10 -> 10, 10: DX 0, ADX 50. Below 60 here: that is the fall.
    # Bar 7: up 15, down -3 -> 20, 5: DX 60, ADX 55. Not strong again (70).
    # Bar 8: up -5, down 18 -> 10, 20.5: DX 34.43, ADX 44.71.
    parameters = replace(_SMALL, adx_window=9, adx_threshold=70.0, adx_exit_threshold=60.0)

    context = _known(_trending(_RISE + _SWINGS), parameters)

    assert context.adx == pytest.approx(44.7131, abs=1e-4)
    assert context.adx_fell_on == _FIRST + timedelta(days=6)


@pytest.mark.req("T-06")
def test_adx_that_became_strong_again_has_not_fallen() -> None:
    # The same ADX 100, 50, 55, 44.7 with thresholds 55 and 51: fell on bar 6, strong on bar 7.
    parameters = replace(_SMALL, adx_window=8, adx_threshold=55.0, adx_exit_threshold=51.0)

    context = _known(_trending(_RISE + _SWINGS[:3]), parameters)

    assert context.adx == pytest.approx(55.0)
    assert context.adx_fell_on is None


@pytest.mark.req("T-06")
def test_adx_between_the_thresholds_has_not_fallen() -> None:
    # ADX 100, 50, 55, 44.7; below 45 only on the last bar, and at 50 not below 50.
    at_fifty = replace(_SMALL, adx_window=7, adx_threshold=60.0, adx_exit_threshold=50.0)

    context = _known(_trending(_RISE + _SWINGS[:2]), at_fifty)

    assert context.adx == pytest.approx(50.0)
    assert context.adx_fell_on is None


@pytest.mark.req("T-10")
def test_one_bar_short_of_what_is_needed_is_no_context() -> None:
    parameters = StrategyParameters()
    closes = [1_000 + day for day in range(84)]

    assert _why_not(_context(_closing_at(*closes[1:]), parameters)) == "too_few_bars"
    assert isinstance(_context(_closing_at(*closes), parameters), DayContext)
    assert _why_not(_context([], parameters)) == "too_few_bars"


@pytest.mark.req("T-10")
def test_bars_that_end_before_the_previous_session_are_stale() -> None:
    bars = _closing_at(100, 101, 102, 103, 104, 105)
    last = bars[-1].session_date

    late = _context(
        bars,
        session_date=last + timedelta(days=2),
        previous_session=last + timedelta(days=1),
    )

    assert _why_not(late) == "stale_bars"


@pytest.mark.req("T-08", "F-041", "F-103")
def test_a_bar_of_the_session_itself_is_never_looked_at() -> None:
    bars = _closing_at(100, 101, 102, 103, 104, 105, 106)

    context = _context(bars, session_date=bars[-1].session_date)

    assert _why_not(context) == "bars_unavailable"


@pytest.mark.req("T-10")
@pytest.mark.parametrize("fault", ["unsorted", "repeated", "halted"])
def test_bars_that_break_their_promise_are_not_believed(fault: str) -> None:
    bars = _closing_at(100, 101, 102, 103, 104, 105)
    if fault == "unsorted":
        bars[1], bars[2] = bars[2], bars[1]
    elif fault == "repeated":
        bars[2] = bars[1]
    else:
        bars[2] = replace(bars[2], volume=0)

    assert _why_not(_context(bars)) == "bars_unavailable"


_CLOSES = st.lists(st.integers(500, 2_000), min_size=84, max_size=84)


@pytest.mark.req("T-08", "F-103")
@given(closes=_CLOSES, older=st.lists(st.integers(500, 2_000), max_size=30))
def test_a_longer_history_changes_nothing(closes: list[int], older: list[int]) -> None:
    parameters = StrategyParameters()
    bars = _closing_at(*older, *closes)

    assert _context(bars, parameters) == _context(bars[len(older) :], parameters)


def test_a_bar_is_traded_only_with_volume_and_four_consistent_prices() -> None:
    bar = _bar(0, high=105, low=95, close=100)

    assert bar.is_traded
    for broken in (
        replace(bar, volume=0),
        replace(bar, open=Won(0), high=Won(0), low=Won(0)),
        replace(bar, high=Won(99)),
        replace(bar, low=Won(101)),
    ):
        assert not broken.is_traded
