"""The price levels of a held position: frozen at entry, and the trailing stop that only rises."""

import math
from dataclasses import replace
from datetime import date

from kis_core.market.percent import PPM, ppm
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.rules import is_activated, trailing_level


def entry_levels(*, cost: int, quantity: int, atr: float, parameters: StrategyParameters) -> Levels:
    """The levels of a position whose `quantity` shares cost `cost` won in all (T-03).

    Stop: the higher of average − sl × ATR and average × (1 − max_loss_pct / 100), down to the
    whole won. Take: average + tp × ATR, up to the whole won. `atr` is won, positive.
    """
    average = cost / quantity
    by_atr = math.floor(average - parameters.atr_multiplier_sl * atr)
    by_loss = cost * (PPM - ppm(parameters.max_loss_pct)) // (quantity * PPM)
    take = math.ceil(average + parameters.atr_multiplier_tp * atr)
    return Levels(atr=atr, stop=Won(max(by_atr, by_loss, 0)), take=Won(take))


def observe(
    *, position: Position, quote: Quote, parameters: StrategyParameters, session_date: date
) -> Position:
    """The position after `quote` was seen: its highest price, and whether it trails.

    On the entry session only `last` counts, for the day's high may be older than the entry. From
    the next session on the high counts too. Trailing is latched by the highest price: once the
    profit reached the activation level it stays on, wherever the price goes (F-037). A quote
    without a price, or of another day, changes nothing.
    """
    if quote.last <= 0 or not is_of_session(quote, session_date):
        return position
    seen = quote.last
    if position.entry_session < session_date:
        seen = max(seen, quote.high)
    position = position.with_highest(seen)
    if position.is_trailing or not is_activated(
        position.highest, position.cost, position.quantity, parameters
    ):
        return position
    return replace(position, is_trailing=True)


def is_of_session(quote: Quote, session_date: date) -> bool:
    """Whether `quote` was taken on that day, so that its open and high are that day's."""
    return quote.at.astimezone(KST).date() == session_date


def trailing_stop_of(position: Position, parameters: StrategyParameters) -> Won | None:
    """The trailing stop, down to the whole won, or None while the position does not trail."""
    if not (position.is_trailing and parameters.trailing_enabled):
        return None
    return trailing_level(position.highest, position.levels.atr, parameters)
