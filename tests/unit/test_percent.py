"""Percent as people write it, in whole parts per million."""

import pytest

from kis_core.market.percent import ppm


@pytest.mark.parametrize(
    ("percent", "parts"),
    [(2.0, 20_000), (0.001, 10), (0.57, 5_700), (1.13, 11_300), (100.0, 1_000_000)],
)
def test_a_percent_with_decimals_is_exactly_what_was_written(percent: float, parts: int) -> None:
    assert ppm(percent) == parts


def test_every_hundredth_of_a_percent_is_a_hundred_parts() -> None:
    wrong = [n for n in range(1, 10_001) if ppm(n / 100) != n * 100]

    assert wrong == []
