"""Commission and transaction tax (kis-wire 7.6)."""

from datetime import date

import pytest

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.symbol import Market, Product


@pytest.mark.parametrize(
    ("settles_on", "tax"),
    [
        (date(2023, 6, 1), 2_000),
        (date(2024, 6, 3), 1_800),
        (date(2025, 12, 30), 1_500),
        (date(2026, 1, 2), 2_000),  # sold in the last two sessions of 2025
        (date(2031, 1, 2), 2_000),  # the last known rate holds on
    ],
)
@pytest.mark.parametrize("market", [Market.KOSPI, Market.KOSDAQ])
def test_tax_on_a_million_is_that_of_the_year_of_settlement(
    settles_on: date, tax: int, market: Market
) -> None:
    charged = sale_tax(1_000_000, market=market, product=Product.STOCK, settles_on=settles_on)

    assert charged == tax


def test_konex_pays_a_tenth_of_a_percent() -> None:
    charged = sale_tax(
        1_000_000, market=Market.KONEX, product=Product.STOCK, settles_on=date(2026, 3, 5)
    )

    assert charged == 1_000


@pytest.mark.parametrize("product", [Product.ETF, Product.ETN, Product.ELW])
def test_funds_and_warrants_are_not_taxed(product: Product) -> None:
    charged = sale_tax(1_000_000, market=Market.KOSPI, product=product, settles_on=date(2026, 3, 5))

    assert charged == 0


def test_a_year_before_the_table_has_no_tax_rate() -> None:
    with pytest.raises(ValueError, match="2023"):
        sale_tax(1, market=Market.KOSPI, product=Product.STOCK, settles_on=date(2022, 12, 30))


def test_the_fraction_of_a_won_is_truncated() -> None:
    # 0.015 % of 99,999 is 14.99985; 0.20 % of 999 is 1.998.
    tax = sale_tax(999, market=Market.KOSPI, product=Product.STOCK, settles_on=date(2026, 3, 5))

    assert Commission(ppm=150).on(99_999) == 14
    assert Commission(ppm=150).on(100_000) == 15
    assert tax == 1


@pytest.mark.parametrize("ppm", [-1, 10_001])
def test_an_absurd_commission_is_refused(ppm: int) -> None:
    with pytest.raises(ValueError, match="ppm"):
        Commission(ppm=ppm)
