"""The way of a held position through one day's bar, pessimistic where the bar does not say.

A daily bar tells four prices and not their order. A position is led from the open down to the
low, up to the high and to the close, and the strategy is asked at each of them, or where a level
lies between, at the first price that can trade at or beyond the level. So a stop comes before a
target when both were touched; an open beyond a level is filled at the open; and a trailing stop
that was touched within the day is the one that stood at the open. Only at the close does the
day's own high count, because it certainly came before.
"""

from dataclasses import dataclass, replace
from datetime import time
from enum import Enum, auto

from kis_core.market.tick import ceil_to_tick, floor_to_tick
from kis_core.positions.position import Position
from kis_core.research.setting import BacktestSettings
from kis_core.research.view import CLOSE, OPEN, WITHIN, View
from kis_core.strategy.decision import Action
from kis_core.strategy.levels import observe, trailing_stop_of
from kis_core.strategy.trend_atr import decide, gap_check_of


class Entered(Enum):
    """How today's bar and the position's entry lie to each other."""

    BEFORE = auto()  # held overnight
    AT_OPEN = auto()  # the whole bar came after the purchase
    WITHIN = auto()  # the low may be older than the purchase; high and close are not


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """The strategy sells when the path is at `price`."""

    price: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The position after some of the path, the sale that ended it, and whether a sale failed
    because nobody buys at the lower limit."""

    position: Position
    sale: Sale | None = None
    is_blocked: bool = False


class Path:
    """Leads positions through bars."""

    def __init__(self, view: View, settings: BacktestSettings) -> None:
        self._view = view
        self._settings = settings

    def at_open(self, position: Position, row: int, day: int) -> Walk:
        """The open of a position held overnight."""
        opened = int(self._view.bars.open[row, day])
        return self._ask(Walk(position=position), row, day, _Step(opened, opened, opened, OPEN))

    def after_open(self, walk: Walk, row: int, day: int, *, entered: Entered) -> Walk:
        """The rest of the day: down, up, and to the close."""
        opened, high, low, close = self._view.prices(row, day)
        first = int(walk.position.cost // walk.position.quantity)
        if entered is not Entered.WITHIN:
            down = self._downwards(walk.position, row, day)
            walk = self._ask(walk, row, day, _Step(down, opened, down, WITHIN))
        if walk.sale is None:
            up = self._upwards(walk.position, row, day)
            is_unclear = entered is Entered.WITHIN and low <= walk.position.levels.stop
            seen_high = max(up, first if entered is Entered.WITHIN else opened)
            step = _Step(up, seen_high, low, WITHIN)
            # Stop and target touched after an entry within the day: the target is not believed.
            walk = (
                self._see(walk, row, day, step) if is_unclear else self._ask(walk, row, day, step)
            )
        if walk.sale is None:
            walk = self._ask(walk, row, day, _Step(close, high, low, CLOSE))
        return walk

    def _downwards(self, position: Position, row: int, day: int) -> int:
        """The low, or the first price at or below the higher of the stops."""
        opened, _, low, _ = self._view.prices(row, day)
        trail = trailing_stop_of(position, self._settings.parameters)
        level = max(position.levels.stop, trail or 0)
        if low > level:
            return low
        product, on = self._view.instrument(row).product, self._view.bars.dates[day]
        return min(opened, max(low, floor_to_tick(level, product, on)))

    def _upwards(self, position: Position, row: int, day: int) -> int:
        """The high, or the first price at or above the target."""
        opened, high, _, _ = self._view.prices(row, day)
        if high < position.levels.take:
            return high
        product, on = self._view.instrument(row).product, self._view.bars.dates[day]
        return max(opened, min(high, ceil_to_tick(position.levels.take, product, on)))

    def _see(self, walk: Walk, row: int, day: int, step: "_Step") -> Walk:
        """The position after a price that is not traded on."""
        quote = self._view.quote(
            row, day, last=step.price, high=step.high, low=step.low, at=step.at
        )
        seen = observe(
            position=walk.position,
            quote=quote,
            parameters=self._settings.parameters,
            session_date=self._view.bars.dates[day],
        )
        return replace(walk, position=seen)

    def _ask(self, walk: Walk, row: int, day: int, step: "_Step") -> Walk:
        """What the strategy does at a price of the path."""
        seen = self._see(walk, row, day, step)
        if not self._is_worth_asking(seen.position, row, day, step.price):
            return seen
        parameters, on = self._settings.parameters, self._view.bars.dates[day]
        quote = self._view.quote(
            row, day, last=step.price, high=step.high, low=step.low, at=step.at
        )
        decision = decide(
            context=self._view.context(row, day),
            quote=quote,
            position=walk.position,
            parameters=parameters,
            now=quote.at,
        )
        gap = gap_check_of(walk.position, quote, parameters, on)
        if gap is not None and gap.triggered:
            marked = replace(seen.position, gap_checked_on=on, gap_triggered_on=on)
            seen = replace(seen, position=marked)
        if decision.action is not Action.SELL:
            return seen
        if step.price <= quote.lower_limit:
            return replace(seen, is_blocked=True)
        return replace(seen, sale=Sale(price=step.price, reason=decision.reason))

    def _is_worth_asking(self, position: Position, row: int, day: int, price: int) -> bool:
        """Whether the strategy could sell at `price`; it may ask too often, never too seldom."""
        if not self._view.is_scanning or self._view.may_be_broken(position, row, day):
            return True
        trail = trailing_stop_of(position, self._settings.parameters)
        if not max(position.levels.stop, trail or 0) < price < position.levels.take:
            return True
        if self._settings.parameters.gap_threshold_pct is None:
            return False
        # Some reference of the gap rule lies above the open: whichever it is, let it be judged.
        reference = max(position.average, position.levels.stop, self._view.close_before(row, day))
        return position.entry_session < self._view.bars.dates[day] and (
            int(self._view.bars.open[row, day]) < reference
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """A price of the path, with the high and low of the day up to it."""

    price: int
    high: int
    low: int
    at: time
