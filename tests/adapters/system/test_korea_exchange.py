"""The light way to the library's calendar: the same days as its own way, and no other country."""

import subprocess
import sys

import holidays
import pytest

from kis_adapters.system.korea_exchange import korea_exchange

_LIGHT = """
import sys
from kis_adapters.system.korea_exchange import korea_exchange
assert korea_exchange(2026)
packages = ("holidays.countries", "holidays.financial")
loaded = {name for name in sys.modules if name.startswith(packages)}
assert loaded == {"holidays.financial.korea_exchange", "holidays.countries.south_korea"}, loaded
import holidays
assert len(holidays.financial_holidays("XNYS", years=2026)) > 5
assert len(holidays.country_holidays("DE", years=2026)) > 5
"""


@pytest.mark.parametrize("year", range(2015, 2031))
def test_the_days_are_those_of_the_library(year: int) -> None:
    expected = holidays.financial_holidays("XKRX", years=year, language="ko")

    assert korea_exchange(year) == dict(expected)


def test_no_other_country_is_loaded_and_all_of_them_still_can_be() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
