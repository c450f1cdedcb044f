"""The comparisons of the strategy, over plain numbers.

`decide` asks exactly these and adds what a session needs around them: the age of a quote, the
opening gap, the evidence. A comparison of benchmarks, which has neither, asks them as they are.
"""

import math

from kis_core.market.percent import PPM, ppm
from kis_core.market.won import Won
from kis_core.positions.position import Levels
from kis_core.strategy.decision import Reason
from kis_core.strategy.parameters import StrategyParameters


def first_missing(
    last: int,
    *,
    previous_high: int,
    sma_sum: int,
    sma_period: int,
    atr: float,
    atr_average: float,
    adx: float,
    parameters: StrategyParameters,
) -> Reason | None:
    """The first condition of an entry at `last` that does not hold, or None when all do (T-01).

    Above the SMA, ADX strong, above the previous high, ATR valid, ATR calm. Won, and NaN fails.
    """
    # Each condition is written so that NaN fails it.
    if not last * sma_period > sma_sum:
        return Reason.NO_UPTREND
    if not parameters.adx_threshold <= adx <= 100:
        return Reason.WEAK_TREND
    if not last > previous_high:
        return Reason.NO_BREAKOUT
    if not (0 < atr < math.inf and 0 < atr_average < math.inf):
        return Reason.ATR_INVALID
    if not atr <= parameters.atr_spike_threshold * atr_average:
        return Reason.ATR_SPIKE
    return None


def level_reached(last: int, levels: Levels, trail: int | None) -> Reason | None:
    """The exit level that `last` reached: stop, take, trailing stop, in this order (T-05)."""
    if last <= levels.stop:
        return Reason.STOP_LOSS
    if last >= levels.take:
        return Reason.TAKE_PROFIT
    if trail is not None and last <= trail:
        return Reason.TRAILING_STOP
    return None


def is_activated(highest: int, cost: int, quantity: int, parameters: StrategyParameters) -> bool:
    """Whether the profit at `highest` reaches the activation of the trailing stop (T-04)."""
    if not parameters.trailing_enabled:
        return False
    activation = PPM + ppm(parameters.trailing_activation_pct)
    return highest * quantity * PPM >= cost * activation


def trailing_level(highest: int, atr: float, parameters: StrategyParameters) -> Won:
    """The trailing stop under `highest`, down to the whole won."""
    return Won(max(0, math.floor(highest - parameters.trailing_stop_atr_multiplier * atr)))
