"""Daily bars in CSV files of others: other column names, encodings, dates and number marks.

Every cell that cannot be read as what its column says is named by its line, and so is every row
that can be read and cannot be true. Rows that cannot be read are left out; those that cannot be
true are left to the rules that all bars go through (`kis_core.research.cleaning`).

Column names as exported by KRX, pykrx, FinanceDataReader and Yahoo are known.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kis_core.research.bars import FIELDS
from kis_core.research.cleaning import COLUMNS
from kis_core.research.store import BadBarFile

_NAMES = {
    "symbol": ("symbol", "code", "ticker", "종목코드", "단축코드", "코드"),
    "date": ("date", "일자", "날짜", "기준일", "기준일자", "거래일", "거래일자"),
    "open": ("open", "시가"),
    "high": ("high", "고가"),
    "low": ("low", "저가"),
    "close": ("close", "종가"),
    "volume": ("volume", "거래량"),
}
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names}
_KOREAN = {
    "symbol": "종목코드",
    "date": "날짜",
    "open": "시가",
    "high": "고가",
    "low": "저가",
    "close": "종가",
    "volume": "거래량",
}
_IN_FILE_NAME = re.compile(r"(?<![0-9A-Za-z])([0-9][0-9A-Z]{5})(?![0-9A-Za-z])")
_DELIMITERS = (",", "\t", ";")
_ENCODINGS = ("utf-8-sig", "cp949")
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """What is wrong in one line; `why` is Korean."""

    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CsvBars:
    """The rows that can be read, with the columns of `cleaning`, and everything that is wrong."""

    rows: pl.DataFrame
    problems: tuple[LineProblem, ...]


def read_csv_bars(path: Path) -> CsvBars:
    """The bars in one CSV file. A file without a column for the symbol must have the symbol in
    its name (`005930.csv`). Raises BadBarFile (Korean) for a file that is no table of bars."""
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise BadBarFile(f"{path}: 파일이 비어 있습니다.")
    places = _places(path, header[1])
    width = len(header[1])
    kept: list[tuple[int, list[str]]] = []
    problems: list[LineProblem] = []
    for line, cells in lines:
        if len(cells) == width:
            kept.append((line, cells))
        elif any(cell.strip() for cell in cells):
            why = f"칸이 {len(cells)}개입니다. 머리글에는 {width}개가 있습니다"
            problems.append(LineProblem(file=path.name, line=line, why=why))
    if not kept:
        raise BadBarFile(f"{path}: 머리글 아래에 봉이 하나도 없습니다.")
    frame = _typed(_texts(path, kept, places))
    frame, unread = _unreadable(path, frame)
    problems += unread + _impossible(path, frame)
    problems.sort(key=lambda each: each.line)
    return CsvBars(rows=frame.select(COLUMNS), problems=tuple(problems))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells; quoted cells may span lines, the number is then the last one's."""
    text = _text(path)
    head = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadBarFile(
                f"{path}:{reader.line_num}: CSV로 읽을 수 없는 줄입니다 ({error})."
            ) from error
        if cells:
            yield reader.line_num, cells


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadBarFile(f"{path}: 읽을 수 없습니다 ({error.strerror}).") from error
    if b"\0" in content:
        raise BadBarFile(f"{path}: 글자가 아닌 내용이 있습니다. CSV 파일이 맞나요?")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadBarFile(f"{path}: UTF-8 도 CP949 도 아닌 파일입니다. UTF-8 로 다시 저장하세요.")


def _places(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Where each of our columns is."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        column = _COLUMN_OF.get(name.strip().lower())
        if place == 0 and not name.strip():
            column = "date"  # an index written without a name
        if column is None:
            continue
        if column in places:
            first = header[places[column]]
            raise BadBarFile(f"{path}: 같은 뜻의 열이 둘입니다: {first}, {name}")
        places[column] = place
    missing = [column for column in ("date", *FIELDS) if column not in places]
    if missing:
        wanted = ", ".join("/".join(_NAMES[column]) for column in missing)
        raise BadBarFile(f"{path}: 열이 없습니다: {wanted}")
    return places


def _texts(
    path: Path, kept: Sequence[tuple[int, list[str]]], places: dict[str, int]
) -> pl.DataFrame:
    """The cells as they stand, by our columns, with their lines."""
    columns: dict[str, list[str] | list[int]] = {"line": [line for line, _ in kept]}
    for column, place in places.items():
        columns[column] = [cells[place].strip() for _, cells in kept]
    if "symbol" not in places:
        columns["symbol"] = [_symbol_of(path)] * len(kept)
    return pl.DataFrame(columns)


def _symbol_of(path: Path) -> str:
    found = _IN_FILE_NAME.search(path.stem)
    if found is None:
        raise BadBarFile(
            f"{path}: 종목코드 열이 없습니다. 열을 더하거나 파일 이름을 종목코드로 하세요"
            " (예: 005930.csv)."
        )
    return found[1]


def _typed(texts: pl.DataFrame) -> pl.DataFrame:
    """Beside each text what it says; null where it says nothing."""
    code = pl.col("symbol").str.to_uppercase().str.strip_prefix("A")
    code = pl.when(code.str.contains(r"^[0-9]{1,6}$")).then(code.str.zfill(6)).otherwise(code)
    digits = pl.col("date").str.replace_all(r"[-./]", "").str.head(8)
    is_day = pl.col("date").str.contains(r"^[0-9]{4}[-./]?[0-9]{2}[-./]?[0-9]{2}(\s.*|T.*)?$")
    return texts.select(
        "line",
        pl.when(code.str.contains(r"^[0-9A-Z]{6}$")).then(code).alias("symbol"),
        pl.when(is_day).then(digits).str.to_date("%Y%m%d", strict=False).alias("date"),
        *(_number(name).alias(name) for name in FIELDS),
        *(pl.col(name).alias(f"{name}_text") for name in COLUMNS),
    )


def _number(name: str) -> pl.Expr:
    """71300, 71,300 and 71300.0; no `nan` and no `inf`, which the cast would take."""
    text = pl.col(name).str.replace_all(",", "")
    is_number = text.str.contains(r"^[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$")
    return pl.when(is_number).then(text).cast(pl.Float64, strict=False)


def _unreadable(path: Path, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[LineProblem]]:
    """The rows of which every cell can be read, and what is wrong with the others."""
    is_whole = pl.all_horizontal(pl.col(name).is_not_null() for name in COLUMNS)
    problems = []
    for row in frame.filter(~is_whole).iter_rows(named=True):
        column = next(name for name in COLUMNS if row[name] is None)
        text = row[f"{column}_text"]
        why = f"{_KOREAN[column]} 칸을 읽을 수 없습니다: {_shown(text)}"
        problems.append(LineProblem(file=path.name, line=row["line"], why=why))
    return frame.filter(is_whole), problems


def _impossible(path: Path, frame: pl.DataFrame) -> list[LineProblem]:
    """Rows that can be read and cannot be true, one problem a row, the plainest first."""
    prices = [pl.col(name) for name in _PRICES]
    is_halted = (pl.col("volume") == 0) | pl.all_horizontal(
        pl.col(name) == 0 for name in ("open", "high", "low")
    )
    is_again = pl.struct("symbol", "date").is_duplicated()
    rules = {
        "음수가 있습니다": pl.any_horizontal(pl.col(name) < 0 for name in FIELDS),
        "같은 종목의 같은 날이 또 있습니다": is_again,
        "고가가 저가보다 낮습니다": ~is_halted & (pl.col("high") < pl.col("low")),
        "시가나 종가가 고가와 저가 밖에 있습니다": ~is_halted
        & (
            (pl.col("high") < pl.max_horizontal(*prices))
            | (pl.col("low") > pl.min_horizontal(*prices))
        ),
        "가격이 0입니다": ~is_halted & pl.any_horizontal(each == 0 for each in prices),
    }
    told = pl.coalesce(pl.when(rule).then(pl.lit(why)) for why, rule in rules.items())
    found = frame.select("line", "symbol", "date", told.alias("why")).drop_nulls()
    return [
        LineProblem(file=path.name, line=line, why=f"{symbol} {day}: {why}")
        for line, symbol, day, why in found.iter_rows()
    ]


def _shown(text: str) -> str:
    return f"'{text[:30]}'" if text else "(빈 칸)"
