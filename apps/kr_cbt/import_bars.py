"""`--mode import --csv`: bars from CSV files into the Parquet bar store (C-09).

What is wrong is named by file and line, on the console as far as it can be read there and in a
file beside the store in full. The store that is there already is added to; where both know a day
of a symbol, the imported row is taken.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.progress import track

from apps.exit_code import ExitCode
from apps.kr_cbt.research import data_warnings
from kis_adapters.files.csv_bars import LineProblem, read_csv_bars
from kis_core.research.bars import FIELDS
from kis_core.research.cleaning import COLUMNS, clean
from kis_core.research.store import BadBarFile, is_store, read_store, write_store

_SHOWN = 20


def import_bars(given: Sequence[Path], target: Path) -> int:
    """Read every file; a file that is no table of bars is named and the others go on (exit 1)."""
    frames: list[pl.DataFrame] = []
    problems: list[LineProblem] = []
    refused: list[str] = []
    files = [file for path in given for file in _files(path)]
    for path in track(files, "CSV", console=Console(stderr=True), transient=True):
        try:
            found = read_csv_bars(path)
        except BadBarFile as error:
            refused.append(str(error))
            continue
        frames.append(found.rows)
        problems += found.problems
    try:
        _tell(problems, refused, target)
        return _store(frames, target, is_complete=not refused)
    except BadBarFile as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{target}: 쓸 수 없습니다 ({error.strerror}).", file=sys.stderr)
    return ExitCode.FAILURE


def _files(path: Path) -> list[Path]:
    """The file, or the CSV files in the folder."""
    return sorted(path.glob("*.csv")) if path.is_dir() else [path]


def _tell(problems: Sequence[LineProblem], refused: Sequence[str], target: Path) -> None:
    for why in refused:
        print(why, file=sys.stderr)
    for each in problems[:_SHOWN]:
        print(f"{each.file}:{each.line}: {each.why}", file=sys.stderr)
    if not problems:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".problems.csv")
    with beside.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets want the mark
        writer = csv.writer(file)
        writer.writerow(("file", "line", "problem"))
        writer.writerows((each.file, each.line, each.why) for each in problems)
    more = f" (위의 것 말고 {len(problems) - _SHOWN:,}줄 더)" if len(problems) > _SHOWN else ""
    print(f"문제가 있는 줄 {len(problems):,}개{more}: {beside}", file=sys.stderr)


def _store(frames: Sequence[pl.DataFrame], target: Path, *, is_complete: bool) -> int:
    if not frames or not sum(frame.height for frame in frames):
        raise BadBarFile("가져올 봉이 하나도 없습니다.")
    rows = pl.concat(frames)
    if target.exists():
        rows = pl.concat([_without(target, rows), rows])
    bars, report = clean(rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_store(bars, target)
    for warning in data_warnings(report):
        print(f"[자료] {warning}")
    print(f"{target}: {len(bars.symbols):,}종목 · {bars.days:,}거래일 · {report.bars:,}봉")
    return ExitCode.OK if is_complete else ExitCode.FAILURE


def _without(target: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """The bars that are in the store already, but those that come anew. Raises BadBarFile."""
    if not is_store(target):
        raise BadBarFile(f"{target}: 봉 저장소가 아닌 파일입니다. --to 로 다른 이름을 주세요.")
    read_store(target)  # one that is damaged is said to be, and is not written over
    known = pl.read_parquet(target, columns=list(COLUMNS)).filter(pl.col("volume") > 0)
    known = known.with_columns(pl.col(FIELDS).cast(pl.Float64))
    return known.join(rows.select("symbol", "date"), on=["symbol", "date"], how="anti")
