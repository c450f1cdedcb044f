"""The day's price limits, with the exchange's rounding.

30 % either way of the base price since 2015-06-15 (KONEX 15 %), times the leverage of an ETF or
ETN. The width is truncated to the tick of the base price; the upper limit is then truncated to
the tick of its own level, the lower needs no further cut because finer ticks divide coarser
ones. Worked example of the exchange: base 9,940 -> width 2,982 -> 2,980 -> 12,920 and 6,960.
Source: kis-wire section 7.2. On a listing's first day (60 %-400 %) and in delisting trading
(none) these do not hold: believe the broker's own figures there.
"""

from dataclasses import dataclass
from datetime import date

from kis_core.market.symbol import Market, Product
from kis_core.market.tick import floor_to_tick, tick_size
from kis_core.market.won import Won

_LIMIT_PCT = 30
_KONEX_LIMIT_PCT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLimits:
    """The lowest and the highest price at which the day's orders may stand, in won."""

    lower: Won
    upper: Won


def price_limits(
    base: Won,
    *,
    on: date,
    market: Market = Market.KOSPI,
    product: Product = Product.STOCK,
    leverage: int = 1,
) -> PriceLimits:
    """The limits of a day whose base price is `base`. Raises ValueError for a base below 1."""
    if base < 1:
        raise ValueError(f"base price must be positive, was {base}")
    percent = (_KONEX_LIMIT_PCT if market is Market.KONEX else _LIMIT_PCT) * leverage
    raw = base * percent // 100
    width = raw - raw % tick_size(base, product, on)
    lowest = tick_size(1, product, on)
    return PriceLimits(
        lower=Won(max(lowest, base - width)),
        upper=floor_to_tick(base + width, product, on),
    )
