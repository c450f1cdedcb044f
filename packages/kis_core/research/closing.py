"""Asking the strategy at the close of a bar, with everything up to and including that bar known.

A signal of the close is filled at the next open; so today's close may be part of the averages,
and the context handed to `decide` is that of the bar just completed.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.context import DayContext
from kis_core.strategy.decision import Action
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import decide, entry_levels

_CLOSE = time(15, 30)
_NO_LIMIT = Won(2**62)  # limits are of another day than the fill: nothing to say here


class CloseJudge:
    """`decide` in the terms of matrices: rows, days and whole numbers."""

    def __init__(
        self,
        *,
        symbols: tuple[Symbol, ...],
        dates: tuple[date, ...],
        parameters: StrategyParameters,
    ) -> None:
        self._symbols = symbols
        self._dates = dates
        self._at = [datetime.combine(on, _CLOSE, KST) for on in dates]
        self._parameters = parameters

    def buys(
        self, row: int, day: int, *, last: int, previous_high: int, sma_sum: int, atr_sum: int
    ) -> bool:
        """Whether a flat symbol is to be bought after this close."""
        decision = decide(
            context=self._context(row, day, previous_high, sma_sum, atr_sum),
            quote=self._quote(row, day, last=last, high=last),
            position=None,
            parameters=self._parameters,
            now=self._at[day],
        )
        return decision.action is Action.BUY

    def sells(self, holding: "Holding", day: int, *, last: int, high: int, highest: int) -> bool:
        """Whether a holding is to be sold after this close; `highest` is that of the bars before.

        It was bought at an open, so the whole of its first bar came after the purchase: its
        entry session is the one that signalled.
        """
        row = holding.row
        position = Position(
            symbol=self._symbols[row],
            quantity=holding.quantity,
            cost=holding.quantity * holding.price,
            levels=holding.levels,
            entry_session=self._dates[holding.entry_day - 1],
            entered_at=self._at[holding.entry_day - 1],
            highest=Won(highest),
        )
        decision = decide(
            context=self._context(row, day, high, 0, 0),
            quote=self._quote(row, day, last=last, high=high),
            position=position,
            parameters=self._parameters,
            now=self._at[day],
        )
        return decision.action is Action.SELL

    def levels(self, *, price: int, atr_sum: int) -> Levels:
        """The levels of a purchase at `price`."""
        atr = atr_sum / self._parameters.atr_period
        return entry_levels(cost=price, quantity=1, atr=atr, parameters=self._parameters)

    def _context(
        self, row: int, day: int, previous_high: int, sma_sum: int, atr_sum: int
    ) -> DayContext:
        atr = atr_sum / self._parameters.atr_period
        return DayContext(
            symbol=self._symbols[row],
            session_date=self._dates[day],
            last_bar_date=self._dates[day],
            bars=day + 1,
            sma_sum=sma_sum,
            sma_period=self._parameters.ma_period,
            atr=atr,
            atr_average=atr,
            adx=self._parameters.adx_threshold,
            previous_high=Won(previous_high),
            previous_low=Won(0),
            previous_close=Won(0),
            adx_fell_on=None,
            closed_below_on=None,
        )

    def _quote(self, row: int, day: int, *, last: int, high: int) -> Quote:
        return Quote(
            symbol=self._symbols[row],
            at=self._at[day],
            last=Won(last),
            open=Won(last),
            high=Won(high),
            low=Won(last),
            base=Won(last),
            upper_limit=_NO_LIMIT,
            lower_limit=Won(0),
            volume=0,
            turnover=0,
        )


@dataclass(slots=True, kw_only=True)
class Holding:
    """Shares bought at the open of `entry_day`, at `price` won each."""

    row: int
    entry_day: int
    price: int
    quantity: int
    levels: Levels
