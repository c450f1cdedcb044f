"""A day's prices of one symbol, after the day is over."""

from dataclasses import dataclass
from datetime import date

from kis_core.market.won import Won


@dataclass(slots=True, kw_only=True)
class Bar:
    """One completed daily bar, adjusted for splits and rights.

    Prices are won; `volume` is shares. A halted day has `volume` 0 and no prices that traded; it
    is not a bar: `is_traded` tells, and whoever builds a series leaves such days out.
    Not frozen: built by the hundred thousand in a backtest, where the copy would be the cost.
    """

    session_date: date
    open: Won
    high: Won
    low: Won
    close: Won
    volume: int

    @property
    def is_traded(self) -> bool:
        """Whether anything traded and the four prices are those of a real day."""
        return (
            self.volume > 0
            and 0 < self.low <= min(self.open, self.close)
            and (max(self.open, self.close) <= self.high)
        )
