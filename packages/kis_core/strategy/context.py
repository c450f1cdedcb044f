"""What completed bars say of a symbol, computed once a day."""

from dataclasses import dataclass
from datetime import date

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won


@dataclass(frozen=True, slots=True, kw_only=True)
class DayContext:
    """Indicators of one symbol for one session, from bars completed before it.

    `sma_sum` is the exact sum of the last `sma_period` closes (compare products, not quotients).
    `atr` is the simple mean of true range over the last `atr_period` bars, `atr_average` the mean
    of the most recent ATR values; both won. `adx` is Wilder's, 0..100. `previous_high`,
    `previous_low`, `previous_close` belong to the last completed bar, dated `last_bar_date`.
    `adx_fell_on` is the date of the bar on which ADX, having been at or above its threshold, fell
    below the exit threshold, while it is still below; None otherwise. `closed_below_on` is the
    date of the bar whose close crossed below the SMA, while the close is still below it.
    """

    symbol: Symbol
    session_date: date
    last_bar_date: date
    bars: int
    sma_sum: int
    sma_period: int
    atr: float
    atr_average: float
    adx: float
    previous_high: Won
    previous_low: Won
    previous_close: Won
    adx_fell_on: date | None
    closed_below_on: date | None

    @property
    def sma(self) -> float:
        """The moving average, won, for showing; decisions compare with `sma_sum`."""
        return self.sma_sum / self.sma_period


@dataclass(frozen=True, slots=True, kw_only=True)
class NoContext:
    """The bars of `symbol` do not allow a context; `reason` is a `Reason` value and `why`
    says more. No entry, and held positions are guarded by price alone (F-033)."""

    symbol: Symbol
    reason: str
    why: str
