"""The bar store: what was written comes back, and what is no store of ours is refused by name."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kis_core.market.symbol import Symbol
from kis_core.research.bars import FIELDS, BarMatrix
from kis_core.research.store import BadBarFile, is_store, read_prices, read_store, write_store

_DAYS = 3
_GRID = "kis.grid"


def _bars(symbols: int) -> BarMatrix:
    """Each cell tells its own field, row and day."""
    rows, days = np.indices((symbols, _DAYS), dtype=np.int32)
    matrices = {
        name: (rows * 100 + days * 10 + place).astype(np.int32) for place, name in enumerate(FIELDS)
    }
    return BarMatrix(
        symbols=tuple(Symbol(f"{row:06}") for row in range(symbols)),
        dates=tuple(date(2026, 3, 2) + timedelta(days=day) for day in range(_DAYS)),
        **matrices,
    )


def _spoil(path: Path, frame: pl.DataFrame, symbols: int) -> None:
    """The frame with the names that `symbols` rows of a store would have."""
    grid = {
        "symbols": [f"{row:06}" for row in range(symbols)],
        "dates": [f"2026-03-0{2 + day}" for day in range(_DAYS)],
    }
    frame.write_parquet(path, metadata={_GRID: json.dumps(grid)})


@pytest.mark.req("C-09")
@pytest.mark.parametrize("symbols", [0, 1, 50, 51, 200, 201, 433])
def test_every_cell_comes_back_however_many_row_groups(tmp_path: Path, symbols: int) -> None:
    bars, path = _bars(symbols), tmp_path / "bars.parquet"
    write_store(bars, path)

    read = read_store(path)
    names, dates, prices = read_prices(path)

    assert is_store(path)
    assert (read.symbols, read.dates) == (names, dates) == (bars.symbols, bars.dates)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(read, name), getattr(bars, name))
    for name, matrix in zip(FIELDS[:4], prices, strict=True):
        np.testing.assert_array_equal(matrix, getattr(bars, name))


@pytest.mark.req("C-10")
@pytest.mark.parametrize("rows", [2 * _DAYS - 1, 2 * _DAYS + 1, 0])
def test_a_store_whose_rows_do_not_make_its_grid_is_refused(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "bars.parquet"
    _spoil(path, pl.DataFrame({name: np.ones(rows, np.int32) for name in FIELDS}), symbols=2)

    with pytest.raises(BadBarFile, match=rf"bars\.parquet.*{rows}행, 2 × 3"):
        read_store(path)


@pytest.mark.req("C-10")
@pytest.mark.parametrize(
    ("spoiled", "why"),
    [
        (pl.Series([1, 2, None], dtype=pl.Int32), "빈 값 1개"),
        (pl.Series([1.5, 2.0, float("nan")]), "Float64"),
        (pl.Series([1, 2, 2**40]), "Int64"),
        (pl.Series(["1", "2", "3"]), "String"),
    ],
)
def test_a_column_that_is_not_whole_won_is_refused(
    tmp_path: Path, spoiled: pl.Series, why: str
) -> None:
    path = tmp_path / "bars.parquet"
    whole = {name: np.ones(_DAYS, np.int32) for name in FIELDS}
    _spoil(path, pl.DataFrame({**whole, "low": spoiled}), symbols=1)

    with pytest.raises(BadBarFile, match=f"손상.*low: .*{why}"):
        read_store(path)


@pytest.mark.req("C-10")
def test_a_column_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    frame = pl.DataFrame({name: np.ones(_DAYS, np.int32) for name in FIELDS if name != "close"})
    _spoil(path, frame, symbols=1)

    with pytest.raises(BadBarFile, match="손상"):
        read_prices(path)


@pytest.mark.req("C-10")
@pytest.mark.parametrize(
    "grid", ["", "{", "[]", "{}", '{"symbols": ["AB"], "dates": []}', '{"symbols": 1, "dates": 2}']
)
def test_names_that_nobody_can_read_are_refused(tmp_path: Path, grid: str) -> None:
    path = tmp_path / "bars.parquet"
    frame = pl.DataFrame({name: np.ones(_DAYS, np.int32) for name in FIELDS})
    frame.write_parquet(path, metadata={_GRID: grid})

    with pytest.raises(BadBarFile, match="손상"):
        read_store(path)
