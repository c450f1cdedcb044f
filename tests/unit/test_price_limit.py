"""The day's price limits: the exchange's worked examples (kis-wire 7.2)."""

from datetime import date

import pytest

from kis_core.market.limit import price_limits
from kis_core.market.symbol import Market, Product
from kis_core.market.won import Won

_TODAY = date(2026, 3, 3)


@pytest.mark.req("T-13")
@pytest.mark.parametrize(
    ("base", "lower", "upper"),
    [
        (9_940, 6_960, 12_920),
        (19_990, 14_000, 25_950),  # the upper falls in a coarser band
        (100_000, 70_000, 130_000),
    ],
)
def test_limits_are_thirty_percent_with_the_rounding_of_the_exchange(
    base: int, lower: int, upper: int
) -> None:
    limits = price_limits(Won(base), on=_TODAY)

    assert (limits.lower, limits.upper) == (lower, upper)


def test_konex_moves_fifteen_percent() -> None:
    limits = price_limits(Won(10_000), on=_TODAY, market=Market.KONEX)

    assert (limits.lower, limits.upper) == (8_500, 11_500)


def test_a_leveraged_fund_moves_by_its_multiple() -> None:
    limits = price_limits(Won(10_000), on=_TODAY, product=Product.ETF, leverage=2)

    assert (limits.lower, limits.upper) == (4_000, 16_000)


def test_the_lower_limit_is_at_least_one_tick() -> None:
    limits = price_limits(Won(10), on=_TODAY, product=Product.ETN, leverage=4)

    assert limits.lower == 1


def test_there_are_no_limits_of_no_price() -> None:
    with pytest.raises(ValueError, match="positive"):
        price_limits(Won(0), on=_TODAY)
