"""The trend strategy's indicators over all symbols at once, bit for bit those of `build_context`.

Bars are packed first: a row holds a symbol's traded bars one after another, because an indicator
sees no halted days. Sums are whole numbers; ADX repeats the float operations of `WilderAdx` in
their order, restarted for every bar over its own window, for many bars side by side.
"""

from dataclasses import dataclass

import numpy as np

from kis_core.research.bars import BarMatrix, Bools, Floats, Int64s
from kis_core.research.cleaning import basis_breaks
from kis_core.strategy.parameters import StrategyParameters

_BLOCK_CELLS = 32_000
NO_DAY = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrendScan:
    """What the strategy could do on each day `[symbol, day]`, from the bars before it.

    `may_enter`: everything that completed bars say about an entry holds, and the day's high is
    above both the previous high and the SMA. `is_below`: the last close was below the SMA.
    `fell_on` is the day (column) on which ADX fell and since when it has not been strong, or
    NO_DAY. `is_break` marks bars that do not compare with the one before.
    """

    may_enter: Bools
    is_below: Bools
    fell_on: Int64s
    is_break: Bools


def scan_trend(bars: BarMatrix, parameters: StrategyParameters) -> TrendScan:
    """Scan all symbols, some at a time."""
    shape = bars.close.shape
    scan = TrendScan(
        may_enter=np.zeros(shape, np.bool_),
        is_below=np.zeros(shape, np.bool_),
        fell_on=np.full(shape, NO_DAY, np.int64),
        is_break=basis_breaks(bars),
    )
    size = max(1, _BLOCK_CELLS // max(1, bars.days))
    for start in range(0, shape[0], size):
        _scan_rows(bars, parameters, slice(start, min(start + size, shape[0])), scan)
    return scan


def _scan_rows(
    bars: BarMatrix, parameters: StrategyParameters, rows: slice, scan: TrendScan
) -> None:
    traded = bars.volume[rows] > 0
    count = traded.sum(axis=1)
    length = int(count.max(initial=0))
    needed = parameters.bars_needed
    if length < needed:
        return
    order = np.argsort(~traded, axis=1, kind="stable")[:, :length]
    packed = {
        name: np.take_along_axis(getattr(bars, name)[rows], order, axis=1).astype(np.int64)
        for name in ("high", "low", "close")
    }
    high, low, close = packed["high"], packed["low"], packed["close"]
    place = np.arange(length)
    broken = np.take_along_axis(scan.is_break[rows], order, axis=1)
    start_of_run = np.maximum.accumulate(np.where(broken, place, 0), axis=1)
    is_ready = (place < count[:, None]) & (place - start_of_run + 1 >= needed)

    sma_sum = window_sums(close, parameters.ma_period)
    adx, fell = windowed_adx(high, low, parameters)
    calm = _is_calm(high, low, close, parameters)
    strong = (adx >= parameters.adx_threshold) & (adx <= 100)
    fell_day = np.where(fell >= 0, np.take_along_axis(order, np.maximum(fell, 0), axis=1), NO_DAY)

    # What bar k says holds for the session after it, when the symbol traded on both.
    line, now = np.nonzero(is_ready)
    day = order[line, now] + 1
    inside = day < bars.days
    line, now, day = line[inside], now[inside], day[inside]
    absolute = line + rows.start
    today = bars.high[absolute, day].astype(np.int64)
    scan.may_enter[absolute, day] = (
        ~scan.is_break[absolute, day]
        & (strong & calm)[line, now]
        & (today * parameters.ma_period > sma_sum[line, now])
        & (today > high[line, now])
    )
    scan.is_below[absolute, day] = (close * parameters.ma_period < sma_sum)[line, now]
    scan.fell_on[absolute, day] = fell_day[line, now]


def window_sums(values: Int64s, period: int) -> Int64s:
    """Sums of the last `period` values of each row; the first `period` − 1 are shorter sums."""
    running = np.cumsum(values, axis=1)
    sums = running.copy()
    sums[:, period:] -= running[:, :-period]
    return sums


def true_ranges(high: Int64s, low: Int64s, close: Int64s) -> Int64s:
    """True range of each bar of each row; of the first, high − low."""
    ranges = high - low
    ranges[:, 1:] = np.maximum(high[:, 1:], close[:, :-1]) - np.minimum(low[:, 1:], close[:, :-1])
    return ranges


def windowed_adx(
    high: Int64s, low: Int64s, parameters: StrategyParameters
) -> tuple[Floats, Int64s]:
    """ADX of every bar over its last `adx_window` bars, and the place of the bar on which it
    fell (−1: it did not); NaN and −1 where there are fewer bars."""
    rows, length = high.shape
    window, period = parameters.adx_window, parameters.adx_period
    adx_all = np.full((rows, length), np.nan)
    fell_all = np.full((rows, length), -1, np.int64)
    count = length - window + 1
    if count < 1:
        return adx_all, fell_all
    up, down = np.diff(high, axis=1), -np.diff(low, axis=1)
    plus_moves = np.where(up > np.maximum(down, 0), up, 0).astype(np.float64)
    minus_moves = np.where(down > np.maximum(up, 0), down, 0).astype(np.float64)
    plus, minus = np.zeros((rows, count)), np.zeros((rows, count))
    dx_sum, adx = np.zeros((rows, count)), np.zeros((rows, count))
    was_strong = np.zeros((rows, count), np.bool_)
    fell = np.full((rows, count), -1, np.int64)
    for move in range(1, window):
        if move > period:
            plus -= plus / period
            minus -= minus / period
        plus += plus_moves[:, move - 1 : move - 1 + count]
        minus += minus_moves[:, move - 1 : move - 1 + count]
        if move < period:
            continue
        total = plus + minus
        dx = 100.0 * np.abs(plus - minus) / np.where(total > 0, total, 1.0)
        if move - period + 1 > period:
            adx = (adx * (period - 1) + dx) / period
        else:
            dx_sum += dx
            if move - period + 1 < period:
                continue
            adx = dx_sum / period
        strong = adx >= parameters.adx_threshold
        falling = was_strong & (adx < parameters.adx_exit_threshold)
        fell[strong] = -1
        fell[falling] = move
        was_strong = (was_strong | strong) & ~falling
    adx_all[:, window - 1 :] = adx
    fell_all[:, window - 1 :] = np.where(fell >= 0, fell + np.arange(count), -1)
    return adx_all, fell_all


def _is_calm(high: Int64s, low: Int64s, close: Int64s, parameters: StrategyParameters) -> Bools:
    period, several = parameters.atr_period, parameters.atr_average_period
    atr_sum = window_sums(true_ranges(high, low, close), period)
    atr = atr_sum / period
    # The running sum of sums starts with shorter ones; no bar that is ready reaches back to them.
    average = window_sums(atr_sum, several) / (period * several)
    calm: Bools = (atr > 0) & (average > 0) & (atr <= parameters.atr_spike_threshold * average)
    return calm
