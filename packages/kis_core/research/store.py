"""Bars on disk: Parquet stores that read back into matrices, and folders of NumPy arrays.

A store is an ordinary Parquet file, one row a symbol and session, that any reader understands. It
is dense (every symbol has every session, days without a bar are zeros) and sorted by symbol, so
the four price columns are the matrices already; which symbols and sessions they are stands in the
file's metadata. Dictionary pages in row groups of some fifty symbols hold a price in under two
bytes, because one symbol visits few prices; more symbols a group would overflow the dictionary.
"""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from kis_core.market.symbol import Symbol
from kis_core.research.bars import FIELDS, BarMatrix, IntMatrix

_GRID = "kis.grid"
_SYMBOLS_A_GROUP = 50
_GROUPS_A_READ = 4
_PRICES = ("open", "high", "low", "close")


class BadBarFile(ValueError):
    """A file of bars that cannot be used at all; the text (Korean) names the file and why."""


def write_store(bars: BarMatrix, path: Path) -> None:
    """Write `bars` as a dense store; an existing file is replaced whole or not at all."""
    frame = pl.DataFrame(
        {
            "symbol": np.repeat(np.array(bars.symbols, dtype=str), bars.days),
            "date": np.tile(np.array(bars.dates, dtype="datetime64[D]"), len(bars.symbols)),
            **{name: getattr(bars, name).ravel() for name in FIELDS},
        }
    )
    grid = {"symbols": bars.symbols, "dates": [each.isoformat() for each in bars.dates]}
    beside = path.with_name(f".{path.name}.part")
    frame.write_parquet(
        beside,
        compression="lz4",
        statistics=False,
        row_group_size=_SYMBOLS_A_GROUP * max(1, bars.days),
        metadata={_GRID: json.dumps(grid)},
    )
    beside.replace(path)


def is_store(path: Path) -> bool:
    """Whether `path` is a dense store of ours. Raises BadBarFile for what is no Parquet file."""
    return _GRID in _metadata(path)


def read_store(path: Path) -> BarMatrix:
    """The bars of a dense store. Raises BadBarFile."""
    symbols, dates, matrices = _read(path, FIELDS)
    return BarMatrix(symbols=symbols, dates=dates, **dict(zip(FIELDS, matrices, strict=True)))


def read_prices(
    path: Path,
) -> tuple[tuple[Symbol, ...], tuple[date, ...], list[IntMatrix]]:
    """The symbols, dates and the open, high, low and close matrices of a dense store, without
    the volumes. Raises BadBarFile."""
    return _read(path, _PRICES)


def read_folder(folder: Path) -> BarMatrix:
    """A folder of `open.npy` … `volume.npy`, `dates.npy` and `symbols.txt`. Raises BadBarFile."""
    try:
        symbols = tuple(Symbol(line) for line in (folder / "symbols.txt").read_text().split())
        dates = tuple(np.load(folder / "dates.npy").astype("datetime64[D]").tolist())
        matrices = {name: np.load(folder / f"{name}.npy") for name in FIELDS}
        return BarMatrix(symbols=symbols, dates=dates, **matrices)
    except (OSError, ValueError) as error:
        raise BadBarFile(f"{folder}: 배열 폴더를 읽을 수 없습니다 ({error})") from error


def _read(
    path: Path, fields: Sequence[str]
) -> tuple[tuple[Symbol, ...], tuple[date, ...], list[IntMatrix]]:
    text = _metadata(path).get(_GRID)
    if text is None:
        raise BadBarFile(f"{path}: 봉 저장소 형식이 아닙니다")
    try:
        grid = json.loads(text)
        symbols = tuple(Symbol(each) for each in grid["symbols"])
        dates = tuple(date.fromisoformat(each) for each in grid["dates"])
        shape = (len(symbols), len(dates))
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        if rows != shape[0] * shape[1]:
            raise ValueError(f"{rows}행, {shape[0]} × {shape[1]}이어야 합니다")
        matrices = [_column(path, name, shape) for name in fields]
    except (PolarsError, OSError, ValueError, LookupError, TypeError) as error:
        raise BadBarFile(f"{path}: 저장소가 손상되었습니다 ({error})") from error
    return symbols, dates, matrices


def _column(path: Path, name: str, shape: tuple[int, int]) -> IntMatrix:
    """One field, a few row groups at a time: what decoding needs beside the matrix stays small."""
    values = np.empty(shape, np.int32).ravel()
    column = pl.scan_parquet(path, use_statistics=False).select(name)
    step = _GROUPS_A_READ * _SYMBOLS_A_GROUP * max(1, shape[1])
    for start in range(0, values.size, step):
        part = column.slice(start, step).collect()[name]
        if part.dtype != pl.Int32 or part.has_nulls():
            raise ValueError(f"{name}: {part.dtype}, 빈 값 {part.null_count()}개")
        values[start : start + step] = part.to_numpy()
    return values.reshape(shape)


def _metadata(path: Path) -> dict[str, str]:
    try:
        return pl.read_parquet_metadata(path)
    except (PolarsError, OSError) as error:
        raise BadBarFile(f"{path}: Parquet 파일로 읽을 수 없습니다 ({error})") from error
