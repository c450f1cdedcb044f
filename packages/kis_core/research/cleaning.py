"""From rows as they come to bars that may be traded on, with an account of what was wrong.

A rule repairs only where there is one honest reading (order, the same row twice, a fraction of a
won). Everything else is taken out, and a day that is taken out is a day on which nothing is
decided: no entry, no exit, no indicator sees it. docs/backtest.md has the table with reasons.
"""

from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from kis_core.market.symbol import Symbol
from kis_core.research.bars import FIELDS, BarMatrix, Int64s, IntMatrix
from kis_core.research.report import DataReport, Fault, Finding
from kis_core.research.store import BadBarFile

COLUMNS = ("symbol", "date", *FIELDS)
DIRTY_PCT_MAX = 10  # more inconsistent rows than this and nothing of the symbol is believed
FEW_BARS = 84  # fewer and the default parameters never see an indicator

_MIDNIGHT = r"[T ]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?$"
_PRICES = ("open", "high", "low", "close")
_LARGEST = np.iinfo(np.int32).max
# A daily move stays within 30 % of the base price; ticks round inwards, so one more is no move.
_MOVE_UP_PCT, _MOVE_DOWN_PCT = 131, 69
_DIRT = (Fault.MISSING_VALUE, Fault.NEGATIVE, Fault.TOO_LARGE, Fault.INCONSISTENT, Fault.CONFLICT)


class NoUsableBars(BadBarFile):
    """Not one row can be used; `report` says why."""

    def __init__(self, report: DataReport) -> None:
        super().__init__("; ".join((*report.refused, "쓸 수 있는 봉이 하나도 없습니다")))
        self.report = report


def read_rows(path: Path) -> pl.DataFrame:
    """The rows of a Parquet or CSV file. Raises BadBarFile (Korean, names the file).

    CSV is read as text, so that one bad cell costs its row and not the file.
    """
    try:
        if path.suffix == ".csv":
            frame = pl.read_csv(path, infer_schema=False)
        else:
            frame = pl.read_parquet(path)
    except (PolarsError, OSError) as error:
        raise BadBarFile(f"{path}: 봉 파일을 읽을 수 없습니다 ({error})") from error
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        hint = " (이름이 다른 CSV는 --mode import --csv 로)" if path.suffix == ".csv" else ""
        raise BadBarFile(f"{path}: 열이 없습니다: {', '.join(missing)}{hint}")
    if frame.is_empty():
        raise BadBarFile(f"{path}: 행이 하나도 없습니다")
    return frame.select(COLUMNS)


def load_bars(*paths: Path) -> tuple[BarMatrix, DataReport]:
    """The bars of all files together. A file that cannot be used is named in the report, and the
    others are used; raises BadBarFile when none can."""
    frames, refused = [], []
    for path in paths:
        try:
            frames.append(_typed(read_rows(path)))
        except BadBarFile as error:
            refused.append(str(error))
    if not frames:
        raise BadBarFile("; ".join(refused) or "봉 파일이 주어지지 않았습니다")
    return clean(pl.concat(frames), refused=tuple(refused))


def clean(rows: pl.DataFrame, *, refused: tuple[str, ...] = ()) -> tuple[BarMatrix, DataReport]:
    """Bars from rows of `COLUMNS` in any order and of any quality.

    The sessions are the days on which any symbol has a usable row. Raises NoUsableBars when
    nothing usable is left.
    """
    frame = _typed(rows)
    findings: list[Finding] = []
    frame = _with_valid_names(frame, findings)
    _find_unsorted(frame, findings)
    frame = _each_day_once(frame.sort("symbol", "date", maintain_order=True), findings)
    frame = _rounded(frame, findings)
    frame = _without_dirt(frame, findings)
    frame, excluded = _without_too_dirty(frame, findings)
    if not frame["is_traded"].any():
        raise NoUsableBars(_report(rows, 0, findings, excluded, refused))
    bars = _matrix(frame)
    findings += _gaps(frame, bars) + _few(bars) + _basis_changes(bars)
    used = int((bars.volume > 0).sum())
    return bars, _report(rows, used, findings, excluded, refused)


def _report(
    rows: pl.DataFrame,
    used: int,
    findings: list[Finding],
    excluded: tuple[Symbol, ...],
    refused: tuple[str, ...],
) -> DataReport:
    order = {fault: place for place, fault in enumerate(Fault)}
    return DataReport(
        rows=rows.height,
        bars=used,
        findings=tuple(sorted(findings, key=lambda each: (each.symbol, order[each.fault]))),
        excluded=excluded,
        refused=refused,
    )


def basis_breaks(bars: BarMatrix) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Bars `[symbol, day]` that the price limits do not allow after the bar before.

    Some capital change lies between the two (split, rights, reduction) that the prices were not
    adjusted for: what was computed before does not compare with what comes after.
    """
    traded = bars.volume > 0
    days = np.arange(bars.days)
    last_day = np.maximum.accumulate(np.where(traded, days, -1), axis=1)
    before = np.concatenate((np.full((len(bars.symbols), 1), -1), last_day[:, :-1]), axis=1)
    base = np.take_along_axis(bars.close, np.maximum(before, 0), axis=1).astype(np.int64)
    moved = (bars.high.astype(np.int64) * 100 > base * _MOVE_UP_PCT) | (
        bars.low.astype(np.int64) * 100 < base * _MOVE_DOWN_PCT
    )
    broken: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = traded & (before >= 0) & moved
    return broken


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    """Text, dates and floats; whatever does not read as such is null. Extra columns go.

    A session's date is the exchange's: an instant is taken in Seoul, a midnight that is written
    out where it was written.
    """
    kind = rows["date"].dtype
    on = pl.col("date").cast(pl.Date, strict=False)
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        on = pl.col("date").dt.convert_time_zone("Asia/Seoul").dt.date()
    elif kind == pl.String:
        text = pl.col("date").str.strip_chars().str.replace(_MIDNIGHT, "")
        on = pl.coalesce(
            text.str.to_date("%Y-%m-%d", strict=False), text.str.to_date("%Y%m%d", strict=False)
        )
    elif kind.is_integer():
        on = pl.col("date").cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return rows.select(
        pl.col("symbol").cast(pl.String, strict=False),
        on.alias("date"),
        *(pl.col(name).cast(pl.Float64, strict=False) for name in FIELDS),
    )


def _with_valid_names(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Without rows whose symbol or date cannot be one."""
    is_symbol = pl.col("symbol").str.contains(r"^[0-9A-Z]{6}$").fill_null(False)
    _note(frame.filter(~is_symbol), Fault.BAD_SYMBOL, findings)
    frame = frame.filter(is_symbol)
    _note(frame.filter(pl.col("date").is_null()), Fault.BAD_DATE, findings)
    return frame.filter(pl.col("date").is_not_null())


def _find_unsorted(frame: pl.DataFrame, findings: list[Finding]) -> None:
    is_back = pl.col("date") < pl.col("date").shift(1).over("symbol")
    _note(frame.filter(is_back.fill_null(False)), Fault.UNSORTED, findings)


def _each_day_once(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """The same row twice is one row; two different rows of one day are none."""
    alike = frame.unique(maintain_order=True)
    if alike.height < frame.height:
        repeated = frame.filter(frame.is_duplicated())
        counted = repeated.group_by("symbol", maintain_order=True).agg(
            (pl.len() - pl.struct(pl.all()).n_unique()).alias("rows"), pl.col("date").min()
        )
        findings += [
            Finding(symbol=symbol, fault=Fault.DUPLICATE, rows=rows, first=first)
            for symbol, rows, first in counted.iter_rows()
        ]
    is_alone = pl.struct("symbol", "date").is_unique()
    conflicting = alike.filter(~is_alone)
    _note(conflicting, Fault.CONFLICT, findings)
    # One row a conflicting day stays, empty: the day is known, its prices are not.
    emptied = conflicting.unique(["symbol", "date"], maintain_order=True).with_columns(
        *(pl.lit(0.0).alias(name) for name in FIELDS), pl.lit(True).alias("is_conflict")
    )
    alone = alike.filter(is_alone).with_columns(pl.lit(False).alias("is_conflict"))
    return pl.concat([alone, emptied]).sort("symbol", "date")


def _rounded(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Prices to the whole won: adjusted ones come with fractions."""
    columns = [pl.col(name) for name in FIELDS]
    fraction = pl.any_horizontal(
        *((each.is_finite() & (each != each.round())).fill_null(False) for each in columns)
    )
    _note(frame.filter(fraction), Fault.FRACTION, findings)
    return frame.with_columns(each.round() for each in columns)


def _without_dirt(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Every row with `is_traded` and `is_dirty`; rows that are not traded are emptied."""
    columns = [pl.col(name) for name in FIELDS]
    prices = [pl.col(name) for name in _PRICES]
    is_finite = pl.all_horizontal(*(each.is_finite().fill_null(False) for each in columns))
    rules = {
        Fault.MISSING_VALUE: ~is_finite,
        Fault.NEGATIVE: pl.any_horizontal(*(each < 0 for each in columns)),
        Fault.TOO_LARGE: pl.any_horizontal(*(each > _LARGEST for each in columns)),
        # Zero prices with a close carried forward, or no volume, is how a halted day looks.
        Fault.HALTED: (pl.col("volume") == 0)
        | ((pl.col("open") == 0) & (pl.col("high") == 0) & (pl.col("low") == 0)),
        Fault.INCONSISTENT: (pl.col("low") <= 0)
        | (pl.col("high") < pl.max_horizontal(*prices))
        | (pl.col("low") > pl.min_horizontal(*prices)),
    }
    held = pl.coalesce(
        pl.when(holds.fill_null(False)).then(pl.lit(fault.value)) for fault, holds in rules.items()
    )
    frame = frame.with_columns(
        pl.when(pl.col("is_conflict"))
        .then(pl.lit(Fault.CONFLICT.value))
        .otherwise(held)
        .alias("fault")
    )
    for fault in rules:
        _note(frame.filter(pl.col("fault") == fault.value), fault, findings)
    is_traded = pl.col("fault").is_null()
    return frame.with_columns(
        is_traded.alias("is_traded"),
        pl.col("fault").is_in([fault.value for fault in _DIRT]).fill_null(False).alias("is_dirty"),
        *(pl.when(is_traded).then(pl.col(name)).otherwise(0.0).alias(name) for name in FIELDS),
    )


def _without_too_dirty(
    frame: pl.DataFrame, findings: list[Finding]
) -> tuple[pl.DataFrame, tuple[Symbol, ...]]:
    """Without symbols whose rows are too often wrong, or that have no bar left at all."""
    counts = frame.group_by("symbol").agg(
        pl.col("is_dirty").sum().alias("dirty"),
        pl.col("is_traded").sum().alias("traded"),
        pl.len().alias("rows"),
        pl.col("date").min().alias("first"),
    )
    too_dirty = counts.filter(pl.col("dirty") * 100 > DIRTY_PCT_MAX * pl.col("rows")).sort("symbol")
    for symbol, dirty, first in too_dirty.select("symbol", "dirty", "first").iter_rows():
        findings.append(Finding(symbol=symbol, fault=Fault.TOO_DIRTY, rows=dirty, first=first))
    lost = set(too_dirty["symbol"]) | set(counts.filter(pl.col("traded") == 0)["symbol"])
    kept = frame.filter(~pl.col("symbol").is_in(sorted(lost)))
    return kept, tuple(Symbol(symbol) for symbol in sorted(lost))


def _matrix(frame: pl.DataFrame) -> BarMatrix:
    traded = frame.filter(pl.col("is_traded"))
    symbols = traded["symbol"].unique().sort()
    dates = frame["date"].unique().sort()
    rows = traded["symbol"].replace_strict(symbols, np.arange(len(symbols))).to_numpy()
    days = np.searchsorted(dates.to_numpy(), traded["date"].to_numpy())
    matrices: dict[str, IntMatrix] = {}
    for name in FIELDS:
        matrices[name] = np.zeros((len(symbols), len(dates)), np.int32)
        matrices[name][rows, days] = traded[name].to_numpy()
    return BarMatrix(
        symbols=tuple(Symbol(each) for each in symbols), dates=tuple(dates.to_list()), **matrices
    )


def _gaps(frame: pl.DataFrame, bars: BarMatrix) -> list[Finding]:
    """Sessions inside a symbol's life on which it has no row."""
    place = {symbol: row for row, symbol in enumerate(bars.symbols)}
    has_row = np.zeros((len(bars.symbols), bars.days), np.bool_)
    known = frame.filter(pl.col("symbol").is_in(list(bars.symbols)))
    rows: Int64s = known["symbol"].replace_strict(place).to_numpy()
    days = np.searchsorted(np.array(bars.dates, dtype="datetime64[D]"), known["date"].to_numpy())
    has_row[rows, days] = True
    alive = np.logical_or.accumulate(has_row, axis=1)
    alive &= np.logical_or.accumulate(has_row[:, ::-1], axis=1)[:, ::-1]
    return _found(bars, alive & ~has_row, Fault.GAP)


def _few(bars: BarMatrix) -> list[Finding]:
    counts = (bars.volume > 0).sum(axis=1)
    return [
        Finding(symbol=bars.symbols[row], fault=Fault.FEW_BARS, rows=int(counts[row]))
        for row in np.flatnonzero(counts < FEW_BARS)
    ]


def _basis_changes(bars: BarMatrix) -> list[Finding]:
    return _found(bars, basis_breaks(bars), Fault.BASIS_CHANGED)


def _found(
    bars: BarMatrix, where: np.ndarray[tuple[int, int], np.dtype[np.bool_]], fault: Fault
) -> list[Finding]:
    return [
        Finding(
            symbol=bars.symbols[row],
            fault=fault,
            rows=int(where[row].sum()),
            first=bars.dates[int(where[row].argmax())],
        )
        for row in np.flatnonzero(where.any(axis=1))
    ]


def _note(rows: pl.DataFrame, fault: Fault, findings: list[Finding]) -> None:
    """One finding a symbol for the given rows."""
    if rows.is_empty():
        return
    counted = rows.group_by("symbol").agg(pl.len(), pl.col("date").min()).sort("symbol")
    for symbol, count, first in counted.iter_rows():
        findings.append(Finding(symbol=symbol or "", fault=fault, rows=count, first=first))
