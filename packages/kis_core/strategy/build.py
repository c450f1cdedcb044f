"""From completed bars to the day's context of one symbol."""

from collections.abc import Sequence
from datetime import date

from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Reason
from kis_core.strategy.indicators import RollingSum, TrueRange, WilderAdx
from kis_core.strategy.parameters import StrategyParameters


def build_context(
    symbol: Symbol,
    bars: Sequence[Bar],
    *,
    session_date: date,
    previous_session: date,
    parameters: StrategyParameters,
) -> DayContext | NoContext:
    """The indicators of `symbol` for the session `session_date`.

    `bars`: completed, adjusted and traded, ascending, all before `session_date`. Only the last
    `parameters.bars_needed` are looked at, so that a longer history (a backtest's) and a fetched
    one give the same context. Bars that break the promise, too few of them, or a last bar older
    than `previous_session` (halted, or missing at the source) give NoContext: nothing is entered
    on them, and what is held is guarded by its price levels.
    """
    window = bars[-parameters.bars_needed :]
    fault = _fault(window, session_date)
    if fault is not None:
        return NoContext(symbol=symbol, reason=Reason.BARS_UNAVAILABLE, why=fault)
    if len(window) < parameters.bars_needed:
        why = f"{len(window)} bars of {parameters.bars_needed}"
        return NoContext(symbol=symbol, reason=Reason.TOO_FEW_BARS, why=why)
    last = window[-1]
    if last.session_date < previous_session:
        why = f"last bar {last.session_date}, previous session {previous_session}"
        return NoContext(symbol=symbol, reason=Reason.STALE_BARS, why=why)
    sma_sum, closed_below_on = _average(window, parameters.ma_period)
    atr, atr_average = _ranges(window, parameters)
    adx, adx_fell_on = _trend(window, parameters)
    return DayContext(
        symbol=symbol,
        session_date=session_date,
        last_bar_date=last.session_date,
        bars=len(window),
        sma_sum=sma_sum,
        sma_period=parameters.ma_period,
        atr=atr,
        atr_average=atr_average,
        adx=adx,
        previous_high=last.high,
        previous_low=last.low,
        previous_close=last.close,
        adx_fell_on=adx_fell_on,
        closed_below_on=closed_below_on,
    )


def _fault(bars: Sequence[Bar], session_date: date) -> str | None:
    """What is wrong with the series, or None. Today's partial bar would be look-ahead."""
    before: date | None = None
    for bar in bars:
        if not bar.is_traded:
            return f"{bar.session_date} is not a traded bar"
        if bar.session_date >= session_date:
            return f"{bar.session_date} is not before the session {session_date}"
        if before is not None and bar.session_date <= before:
            return f"{bar.session_date} follows {before}"
        before = bar.session_date
    return None


def _average(bars: Sequence[Bar], period: int) -> tuple[int, date | None]:
    """The sum of the last closes, and the bar that crossed below the SMA to stay below it."""
    closes = RollingSum(period)
    total = 0
    was_above = False  # a series that begins below its average has not crossed it
    crossed: date | None = None
    for bar in bars:
        now = closes.push(bar.close)
        if now is None:
            continue
        total = now
        if bar.close * period >= total:
            was_above, crossed = True, None
        elif was_above:
            was_above, crossed = False, bar.session_date
    return total, crossed


def _ranges(bars: Sequence[Bar], parameters: StrategyParameters) -> tuple[float, float]:
    """ATR after the last bar, and the mean of the last ATR values; each divides exactly once."""
    true_range = TrueRange()
    ranges = RollingSum(parameters.atr_period)
    sums = RollingSum(parameters.atr_average_period)
    last_sum, sum_of_sums = 0, 0
    for bar in bars:
        atr_sum = ranges.push(true_range.push(bar))
        if atr_sum is not None:
            last_sum = atr_sum
            sum_of_sums = sums.push(atr_sum) or 0
    values = parameters.atr_period * parameters.atr_average_period
    return last_sum / parameters.atr_period, sum_of_sums / values


def _trend(bars: Sequence[Bar], parameters: StrategyParameters) -> tuple[float, date | None]:
    """ADX after the last bar, and the bar on which a strong trend ended.

    Two thresholds, because smoothing lets ADX cross the gap between them in no single day: at or
    above the upper one the trend is strong; below the lower one, having been strong, it fell on
    that bar, and that stays so until it is strong again.
    """
    indicator = WilderAdx(parameters.adx_period)
    adx = 0.0
    was_strong = False
    fell: date | None = None
    for bar in bars[-parameters.adx_window :]:
        value = indicator.push(bar)
        if value is None:
            continue
        adx = value
        if adx >= parameters.adx_threshold:
            was_strong, fell = True, None
        elif was_strong and adx < parameters.adx_exit_threshold:
            was_strong, fell = False, bar.session_date
    return adx, fell
