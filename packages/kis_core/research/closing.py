"""Asking the strategy's rules at the close of a bar, that bar's own numbers included.

A signal of the close is filled at the next open; so today's close may be part of the averages.
"""

from dataclasses import dataclass

from kis_core.positions.position import Levels
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.rules import first_missing, is_activated, level_reached, trailing_level
from kis_core.strategy.trend_atr import entry_levels


class CloseJudge:
    """The rules that `decide` asks, in whole numbers, where there is nothing else to ask.

    Raises ValueError for parameters by which `decide` would ask more than prices at a close: an
    opening gap, a broken trend.
    """

    def __init__(self, parameters: StrategyParameters) -> None:
        if parameters.gap_threshold_pct is not None or parameters.trend_exit_enabled:
            raise ValueError("at a close neither the gap nor the trend exit can be judged")
        self._parameters = parameters

    def buys(self, last: int, *, previous_high: int, sma_sum: int, atr_sum: int) -> bool:
        """Whether a flat symbol is to be bought after this close; ADX and spikes have no say."""
        parameters = self._parameters
        atr = atr_sum / parameters.atr_period
        missing = first_missing(
            last,
            previous_high=previous_high,
            sma_sum=sma_sum,
            sma_period=parameters.ma_period,
            atr=atr,
            atr_average=atr,
            adx=parameters.adx_threshold,
            parameters=parameters,
        )
        return missing is None

    def sells(self, holding: "Holding", *, last: int, highest: int) -> bool:
        """Whether a holding is to be sold after this close; `highest` includes this bar's high.

        It was bought at an open, so the whole of its first bar came after the purchase.
        """
        levels, trail = holding.levels, None
        if is_activated(highest, holding.price, 1, self._parameters):
            trail = trailing_level(highest, levels.atr, self._parameters)
        return level_reached(last, levels, trail) is not None

    def levels(self, *, price: int, atr_sum: int) -> Levels:
        """The levels of a purchase at `price`."""
        atr = atr_sum / self._parameters.atr_period
        return entry_levels(cost=price, quantity=1, atr=atr, parameters=self._parameters)


@dataclass(slots=True)
class Holding:
    """Shares bought at the open of `entry_day`, at `price` won each."""

    row: int
    entry_day: int
    price: int
    quantity: int
    levels: Levels
