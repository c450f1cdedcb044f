"""What trading costs: commission on both sides, transaction tax on the sale.

The tax belongs to the settlement date (T+2 sessions), not the trade: sales of the last two
sessions of December carry the next year's rate. Rates by year: kis-wire section 7.6.
The won fraction is truncated; tax is taken on the whole filled amount of an order, so the same
order costs the same however many fills it came in.
"""

from dataclasses import dataclass
from datetime import date

from kis_core.market.symbol import Market, Product
from kis_core.market.won import Won

TAX_TABLE_VERSION = "2026-01-01"

_PPM = 1_000_000
_UNTAXED = (Product.ETF, Product.ETN, Product.ELW)
_KONEX_TAX_PPM = 1_000
_TAX_PPM = {2023: 2_000, 2024: 1_800, 2025: 1_500, 2026: 2_000}  # KOSPI with 농특세, and KOSDAQ
_FIRST_YEAR, _LAST_YEAR = min(_TAX_PPM), max(_TAX_PPM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """The broker's commission a side, in parts per million of the amount (150 is 0.015 %)."""

    ppm: int = 150

    def __post_init__(self) -> None:
        if not 0 <= self.ppm <= 10_000:
            raise ValueError(f"commission must be within 0..10000 ppm (1 %), was {self.ppm}")

    def on(self, amount: int) -> Won:
        """The commission on a filled `amount` of won."""
        return Won(amount * self.ppm // _PPM)


def sale_tax(amount: int, *, market: Market, product: Product, settles_on: date) -> Won:
    """The transaction tax on a sale of `amount` won that settles on `settles_on`.

    A year after the table's last uses the last known rate. Raises ValueError for a year before
    the first.
    """
    if product in _UNTAXED:
        return Won(0)
    if settles_on.year < _FIRST_YEAR:
        raise ValueError(f"no tax rate before {_FIRST_YEAR}, asked for {settles_on}")
    if market is Market.KONEX:
        return Won(amount * _KONEX_TAX_PPM // _PPM)
    return Won(amount * _TAX_PPM[min(settles_on.year, _LAST_YEAR)] // _PPM)
