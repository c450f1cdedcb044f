"""Stored bars replayed: the day ends where its bar says, and halted days stay halted."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from kis_core.market.session import KST

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve

BARS = [  # symbol, date, open, high, low, close, volume
    ("005930", date(2025, 2, 28), 54_000, 54_500, 53_900, 54_100, 1_000_000),
    ("005930", date(2025, 3, 4), 53_900, 55_000, 53_800, 54_500, 2_000_000),
    ("005930", date(2025, 3, 5), 54_500, 54_900, 54_000, 54_300, 900_000),
    ("111110", date(2025, 2, 28), 1_000, 1_010, 990, 1_000, 50_000),
    ("111110", date(2025, 3, 4), 0, 0, 0, 1_000, 0),
    ("111110", date(2025, 3, 5), 1_005, 1_020, 1_000, 1_011, 70_000),
]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    names = ["symbol", "date", "open", "high", "low", "close", "volume"]
    path = tmp_path / "bars.parquet"
    pl.DataFrame(BARS, schema=names, orient="row").write_parquet(path)
    return path


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 3, 4, hour, minute, tzinfo=KST)


@pytest.mark.req("X-02")
def test_a_replayed_day_ends_as_its_bar_says(serve: "Serve", parquet: Path) -> None:
    client = serve(bars=parquet, start=at(8, 50), seed=3)
    client.advance("2025-03-04T15:31:00+09:00")

    quote = client.quote("005930")
    rows = client.chart("005930", "20250201", "20250304")["output2"]

    keys = ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr", "acml_vol", "stck_sdpr")
    assert [quote[key] for key in keys] == [
        "53900",
        "55000",
        "53800",
        "54500",
        "2000000",
        "54100",
    ]
    assert [row["stck_clpr"] for row in rows] == ["54500", "54100"]


@pytest.mark.req("X-02")
def test_a_day_without_an_open_is_halted(serve: "Serve", parquet: Path) -> None:
    client = serve(bars=parquet, start=at(9, 30))

    quote = client.quote("111110")
    refused = client.order("buy", "111110", 1, 1_000).json()
    client.advance("2025-03-05T10:00:00+09:00")
    client.log_in()
    taken = client.order("buy", "111110", 1, 1_000).json()

    assert (quote["iscd_stat_cls_code"], quote["stck_prpr"], quote["acml_vol"]) == (
        "58",
        "1000",
        "0",
    )
    assert refused["msg_cd"] == "40070000"
    assert taken["rt_cd"] == "0"


@pytest.mark.req("X-02")
def test_only_the_files_symbols_are_listed(serve: "Serve", parquet: Path) -> None:
    client = serve(bars=parquet, start=at(9, 30))

    assert client.quote("000660")["stck_prpr"] == "0"
    assert client.server.sandbox.listing.symbols == ["005930", "111110"]


@pytest.mark.req("X-02")
def test_a_file_without_the_columns_is_refused(serve: "Serve", tmp_path: Path) -> None:
    path = tmp_path / "wrong.parquet"
    pl.DataFrame({"symbol": ["005930"]}).write_parquet(path)

    with pytest.raises(ValueError, match="열이 없습니다"):
        serve(bars=path, start=at(9, 30))
