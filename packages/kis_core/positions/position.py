"""One open long position and the levels frozen when it was entered.

A position is a value: every change makes a new one, so the one in the database and the one in
memory cannot drift apart unseen.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won


@unique
class PositionSource(StrEnum):
    """How the position came to be known."""

    STRATEGY = "strategy"  # our own entry order
    ADOPTED = "adopted"  # held at the broker, unknown to us: levels from its average price
    TOUCHED = "touched"  # ours, then changed by orders given by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Exit levels of a position, frozen at entry (T-03).

    `stop` is the highest whole won at or below the exact stop, `take` the lowest at or above the
    exact target: a price is a whole won, so comparing with them equals comparing with the exact
    numbers. `atr` is won per share, never recomputed.
    """

    atr: float
    stop: Won
    take: Won

    def __post_init__(self) -> None:
        if not self.atr > 0:
            raise ValueError(f"atr must be positive, was {self.atr}")
        if not 0 <= self.stop < self.take:
            raise ValueError(f"stop {self.stop} must be below take {self.take}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A long position.

    `cost` is the total won paid for `quantity` shares, without fees (average = cost / quantity).
    `highest` is the highest price seen since entry. `is_trailing` is latched once `highest`
    reached the activation level. `gap_checked_on` is the last session whose opening gap was
    judged, `gap_triggered_on` the session whose gap called for an exit.
    `entry_session` is the session of the first fill. `entry_fees` is the commission paid for the
    shares still held, `realised_pnl` what parts already sold have brought, net of all fees.
    """

    symbol: Symbol
    quantity: int
    cost: int
    levels: Levels
    entry_session: date
    entered_at: datetime
    highest: Won
    is_trailing: bool = False
    gap_checked_on: date | None = None
    gap_triggered_on: date | None = None
    source: PositionSource = PositionSource.STRATEGY
    entry_order_id: str | None = None
    entry_fees: int = 0
    realised_pnl: int = 0

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"quantity must be at least 1, was {self.quantity}")
        if self.cost < 1:
            raise ValueError(f"cost must be positive, was {self.cost}")

    @property
    def average(self) -> float:
        """The average price paid, won per share; for statistics and levels, never for cash."""
        return self.cost / self.quantity

    def with_highest(self, price: Won) -> "Position":
        """The position after `price` was seen; the highest never falls."""
        return self if price <= self.highest else replace(self, highest=price)
