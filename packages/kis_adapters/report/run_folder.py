"""A run on disk: the report's facts as JSON and Parquet, for other programs and for a later look.

`run.json` says what it was and its figures; `equity.parquet`, `trades.parquet`,
`holdings.parquet` and `prices.parquet` hold the rows; `trades.csv` is for a spreadsheet. Each
file is replaced whole or not at all, `run.json` last: a folder with one is complete.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from kis_adapters.report.model import PriceSeries, Report, ReportHolding, ReportTrade

_FORMAT = 1
_DOCUMENT = "run.json"
_PLAIN = ("title", "subtitle", "start", "traded_value", "commission", "tax", "benchmark_name")
_SERIES = ("closes", "lows", "highs", "stops")
_OPTIONAL = {"stop": pl.Int64, "take": pl.Int64, "last": pl.Int64}


class BadRunFolder(ValueError):
    """The folder is no run that can be shown; the text (Korean) says why."""


def write_run(report: Report, folder: Path) -> None:
    """Write the facts of `report` into `folder`, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    trades = _frame(ReportTrade, report.trades)
    frames = {
        "equity": _equity(report),
        "trades": trades,
        "holdings": _frame(ReportHolding, report.holdings),
        "prices": _prices(report.prices),
    }
    for name, frame in frames.items():
        beside = folder / f".{name}.part"
        frame.write_parquet(beside)
        beside.replace(folder / f"{name}.parquet")
    beside = folder / ".trades.csv.part"
    trades.write_csv(beside, include_bom=True)  # without it a spreadsheet misreads Korean
    beside.replace(folder / "trades.csv")
    _write_document(report, folder)


def read_run(folder: Path) -> Report:
    """The report whose facts are in `folder`. Raises BadRunFolder."""
    if not (folder / _DOCUMENT).is_file():
        raise BadRunFolder(f"{folder}: 백테스트 결과 폴더가 아닙니다({_DOCUMENT} 없음).")
    try:
        document = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
        if document.get("format") != _FORMAT:
            made = document.get("format")
            raise BadRunFolder(
                f"{folder}: 결과 형식이 {made}입니다. 이 버전은 {_FORMAT}만 읽습니다."
            )
        return _report(document, folder)
    except (PolarsError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, BadRunFolder):
            raise
        raise BadRunFolder(f"{folder}: 결과 폴더가 손상되었습니다 ({error})") from error


def _write_document(report: Report, folder: Path) -> None:
    document = {
        "format": _FORMAT,
        **{name: getattr(report, name) for name in _PLAIN},
        "metrics": asdict(report.metrics()),
        "parameters": list(report.parameters),
        "warnings": list(report.warnings),
    }
    beside = folder / f".{_DOCUMENT}.part"
    text = json.dumps(document, ensure_ascii=False, indent=1)
    beside.write_text(text, encoding="utf-8")
    beside.replace(folder / _DOCUMENT)


def _report(document: Mapping[str, Any], folder: Path) -> Report:
    equity = pl.read_parquet(folder / "equity.parquet")
    return Report(
        **{name: document[name] for name in _PLAIN},
        dates=equity["date"].to_list(),
        equity=equity["equity"].to_list(),
        invested=equity["invested"].to_list(),
        benchmark=equity["benchmark"].drop_nulls().to_list(),
        trades=[ReportTrade(**row) for row in _rows(folder, "trades")],
        holdings=[ReportHolding(**row) for row in _rows(folder, "holdings")],
        prices=_series(pl.read_parquet(folder / "prices.parquet")),
        parameters=[(section, name, value) for section, name, value in document["parameters"]],
        warnings=list(document["warnings"]),
    )


def _rows(folder: Path, name: str) -> Iterable[dict[str, Any]]:
    return pl.read_parquet(folder / f"{name}.parquet").iter_rows(named=True)


def _equity(report: Report) -> pl.DataFrame:
    benchmark: Sequence[float | None] = report.benchmark or [None] * len(report.dates)
    return pl.DataFrame(
        {
            "date": report.dates,
            "equity": report.equity,
            "invested": report.invested,
            "benchmark": pl.Series(benchmark, dtype=pl.Float64),
        }
    )


def _frame(kind: type[Any], rows: Sequence[Any]) -> pl.DataFrame:
    """The rows with a column a field, also where there is no row."""
    names = [each.name for each in fields(kind)]
    return pl.DataFrame(
        {
            name: pl.Series(name, [getattr(row, name) for row in rows], dtype=_OPTIONAL.get(name))
            for name in names
        }
    )


def _prices(prices: Sequence[PriceSeries]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in ("symbol", "name", "at", *_SERIES)}
    for series in prices:
        count = len(series.at)
        columns["symbol"] += [series.symbol] * count
        columns["name"] += [series.name] * count
        columns["at"] += series.at
        for name in _SERIES:
            columns[name] += getattr(series, name) or [None] * count
    types = {"symbol": pl.String, "name": pl.String, **dict.fromkeys(_SERIES, pl.Int64)}
    return pl.DataFrame(
        {name: pl.Series(name, v, dtype=types.get(name)) for name, v in columns.items()}
    )


def _series(frame: pl.DataFrame) -> list[PriceSeries]:
    found = []
    for (symbol, name), part in frame.group_by("symbol", "name", maintain_order=True):
        columns = {each: part[each].to_list() for each in _SERIES}
        known = {n: v if any(x is not None for x in v) else () for n, v in columns.items()}
        found.append(
            PriceSeries(symbol=str(symbol), name=str(name), at=part["at"].to_list(), **known)
        )
    return found
