"""Ticks, from the exchange's table (kis-wire 7.1)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.symbol import Product
from kis_core.market.tick import ceil_to_tick, floor_to_tick, is_on_tick, tick_size

_TODAY = date(2026, 3, 3)


@pytest.mark.req("T-13")
@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (0, 1),
        (1_999, 1),
        (2_000, 5),
        (4_999, 5),
        (5_000, 10),
        (19_999, 10),
        (20_000, 50),
        (49_999, 50),
        (50_000, 100),
        (199_999, 100),
        (200_000, 500),
        (499_999, 500),
        (500_000, 1_000),
        (1_500_000, 1_000),
    ],
)
def test_a_share_has_the_tick_of_its_price_band(price: int, tick: int) -> None:
    assert tick_size(price, Product.STOCK, _TODAY) == tick


@pytest.mark.parametrize(
    ("product", "price", "on", "tick"),
    [
        (Product.ETF, 1_999, _TODAY, 1),
        (Product.ETF, 2_000, _TODAY, 5),
        (Product.ETF, 101_915, _TODAY, 5),
        (Product.ETN, 1_999, _TODAY, 1),
        (Product.ETF, 1_999, date(2023, 12, 10), 5),
        (Product.ETF, 1_999, date(2023, 12, 11), 1),
        (Product.ELW, 150, _TODAY, 5),
    ],
)
def test_funds_tick_by_five_except_cheap_ones(
    product: Product, price: int, on: date, tick: int
) -> None:
    assert tick_size(price, product, on) == tick


def test_shares_before_the_present_table_have_no_tick() -> None:
    assert tick_size(3_000, Product.STOCK, date(2023, 1, 25)) == 5
    with pytest.raises(ValueError, match="2023-01-25"):
        tick_size(3_000, Product.STOCK, date(2023, 1, 24))


def test_a_negative_price_has_no_tick() -> None:
    with pytest.raises(ValueError, match="negative"):
        tick_size(-1, Product.STOCK, _TODAY)


@pytest.mark.req("T-13")
@pytest.mark.parametrize(
    ("price", "floor", "ceiling"),
    [
        (4_995.0, 4_995, 4_995),
        (4_996.0, 4_995, 5_000),  # the ladder changes step at 5,000
        (4_999.9, 4_995, 5_000),
        (5_001.0, 5_000, 5_010),
        (199_950.0, 199_900, 200_000),
        (200_001.0, 200_000, 200_500),
        (0.5, 0, 1),
    ],
)
def test_rounding_to_the_tick_goes_the_way_it_says(price: float, floor: int, ceiling: int) -> None:
    assert floor_to_tick(price, Product.STOCK, _TODAY) == floor
    assert ceil_to_tick(price, Product.STOCK, _TODAY) == ceiling


@pytest.mark.req("T-13")
@given(price=st.integers(1, 3_000_000))
def test_no_order_price_lies_between_a_price_and_its_rounding(price: int) -> None:
    floor = floor_to_tick(price, Product.STOCK, _TODAY)
    ceiling = ceil_to_tick(price, Product.STOCK, _TODAY)

    between = [p for p in range(floor + 1, ceiling) if is_on_tick(p, Product.STOCK, _TODAY)]

    assert floor <= price <= ceiling
    assert is_on_tick(ceiling, Product.STOCK, _TODAY)
    assert between == []


def test_zero_is_no_order_price() -> None:
    assert not is_on_tick(0, Product.STOCK, _TODAY)
