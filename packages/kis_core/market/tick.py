"""Price ticks (호가단위) by date and product.

Since 2023-01-25 one table for KOSPI and KOSDAQ shares. ETF and ETN: 5 won at every level, and
since 2023-12-11 1 won below 2,000 (sources give 8, 11 and 18 December; the middle one is taken).
The tick belongs to the price of the order. Source: kis-wire section 7.1.
"""

from datetime import date

from kis_core.market.symbol import Product
from kis_core.market.won import Won

TABLE_VERSION = "2023-12-11"

_SHARES_SINCE = date(2023, 1, 25)
_FUND_ONE_WON_SINCE = date(2023, 12, 11)
_FUND_ONE_WON_BELOW = 2_000
_FUND_TICK = 5
_SHARES = (  # (below, tick)
    (2_000, 1),
    (5_000, 5),
    (20_000, 10),
    (50_000, 50),
    (200_000, 100),
    (500_000, 500),
)
_SHARES_TOP = 1_000


def tick_size(price: int, product: Product, on: date) -> int:
    """The tick in won at `price` on `on`.

    Raises ValueError for a negative price, and for shares before 2023-01-25: an older table is
    not kept, and a wrong tick is worse than none.
    """
    if price < 0:
        raise ValueError(f"price must not be negative, was {price}")
    if product is Product.ELW:
        return _FUND_TICK
    if product in (Product.ETF, Product.ETN):
        one_won = on >= _FUND_ONE_WON_SINCE and price < _FUND_ONE_WON_BELOW
        return 1 if one_won else _FUND_TICK
    if on < _SHARES_SINCE:
        raise ValueError(f"no tick table for shares before {_SHARES_SINCE}, asked for {on}")
    for below, tick in _SHARES:
        if price < below:
            return tick
    return _SHARES_TOP


def floor_to_tick(price: float, product: Product, on: date) -> Won:
    """The highest valid order price that is not above `price`."""
    whole = int(price)
    return Won(whole - whole % tick_size(whole, product, on))


def ceil_to_tick(price: float, product: Product, on: date) -> Won:
    """The lowest valid order price that is not below `price`."""
    floor = floor_to_tick(price, product, on)
    if floor >= price:
        return floor
    # The tick at the floor also leads to the first price of a coarser band, never past it.
    return Won(floor + tick_size(floor, product, on))


def is_on_tick(price: int, product: Product, on: date) -> bool:
    """Whether `price` is a price at which an order may stand."""
    return price > 0 and price % tick_size(price, product, on) == 0
