"""Dirty bars: what each kind of dirt does, by the table of docs/backtest.md (C-10)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from kis_core.research.cleaning import NoUsableBars, clean, load_bars, read_rows
from kis_core.research.report import Fault
from kis_core.research.store import BadBarFile

_DAYS = [date(2026, 11, day) for day in (2, 3, 4, 5, 6)]
_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")
_SCHEMA = {"symbol": pl.String, "date": pl.Date} | dict.fromkeys(_COLUMNS[2:], pl.Float64)
Row = tuple[object, ...]


def _row(day: date, *prices: object, symbol: str = "005930") -> Row:
    return (symbol, day, *(prices or (100, 110, 90, 105, 1_000)))


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row", strict=False)


def _with(*third: Row) -> pl.DataFrame:
    """Enough good days that one bad row does not spoil the symbol, and on the third these rows."""
    days = [date(2026, 9, 1) + timedelta(days=n) for n in range(30)]
    return _frame([_row(day) for day in days if day != days[2]] + list(third))


_THIRD = date(2026, 9, 3)


@pytest.mark.req("C-10", "F-099")
@pytest.mark.parametrize(
    ("prices", "fault"),
    [
        ((None, 110, 90, 105, 1_000), Fault.MISSING_VALUE),
        ((100, float("nan"), 90, 105, 1_000), Fault.MISSING_VALUE),
        ((100, float("inf"), 90, 105, 1_000), Fault.MISSING_VALUE),
        ((100, 110, 90, 105, None), Fault.MISSING_VALUE),
        ((100, 110, -90, 105, 1_000), Fault.NEGATIVE),
        ((100, 110, 90, 105, -1), Fault.NEGATIVE),
        ((100, 2**31, 90, 105, 1_000), Fault.TOO_LARGE),
        ((100, 110, 90, 105, 0), Fault.HALTED),
        ((0, 0, 0, 105, 0), Fault.HALTED),
        ((0, 0, 0, 105, 10), Fault.HALTED),
        ((100, 110, 111, 105, 1_000), Fault.INCONSISTENT),  # high below low
        ((100, 104, 90, 105, 1_000), Fault.INCONSISTENT),  # close above high
        ((89, 110, 90, 105, 1_000), Fault.INCONSISTENT),  # open below low
        ((0, 110, 0, 105, 1_000), Fault.INCONSISTENT),  # a low of nothing
    ],
)
def test_a_row_that_cannot_be_traded_on_is_a_day_without_a_bar(
    prices: tuple[object, ...], fault: Fault
) -> None:
    bars, report = clean(_with(_row(_THIRD, *prices)))

    assert report.of("005930")[fault] == 1
    place = bars.dates.index(_THIRD)
    assert [int(getattr(bars, name)[0, place]) for name in _COLUMNS[2:]] == [0, 0, 0, 0, 0]
    assert report.bars == 29


@pytest.mark.req("C-10")
def test_the_same_row_twice_is_one_and_two_different_ones_are_none() -> None:
    again, report = clean(_with(_row(_THIRD), _row(_THIRD)))
    other, conflict = clean(_with(_row(_THIRD), _row(_THIRD, 100, 110, 90, 106, 1_000)))

    place = again.dates.index(_THIRD)
    assert (int(again.close[0, place]), report.of("005930")[Fault.DUPLICATE]) == (105, 1)
    assert (int(other.close[0, place]), conflict.of("005930")[Fault.CONFLICT]) == (0, 2)


@pytest.mark.req("C-10")
def test_rows_in_any_order_are_put_in_order_and_fractions_to_the_won() -> None:
    rows = [_row(_DAYS[1]), _row(_DAYS[0], 100.4, 110.6, 90, 105, 1_000)]

    bars, report = clean(_frame(rows))

    assert bars.dates == tuple(_DAYS[:2])
    assert (int(bars.open[0, 0]), int(bars.high[0, 0])) == (100, 111)
    found = report.of("005930")
    assert (found[Fault.UNSORTED], found[Fault.FRACTION]) == (1, 1)


@pytest.mark.req("C-10")
def test_a_symbol_or_a_date_that_is_none_costs_its_row() -> None:
    rows = [_row(_DAYS[0]), _row(_DAYS[1], symbol="5930"), ("005930", None, 1, 1, 1, 1, 1)]

    bars, report = clean(_frame(rows))

    assert (bars.symbols, report.bars) == (("005930",), 1)
    assert report.totals()[Fault.BAD_SYMBOL] == report.totals()[Fault.BAD_DATE] == 1


@pytest.mark.req("C-10")
def test_a_symbol_that_is_wrong_too_often_is_left_out_whole() -> None:
    good = [_row(day, symbol="000660") for day in _DAYS]
    bad = [_row(day, 100, 50, 90, 105, 1_000) for day in _DAYS[:1]] + [_row(d) for d in _DAYS[1:]]

    bars, report = clean(_frame(good + bad))  # one of five is more than a tenth

    assert (bars.symbols, report.excluded) == (("000660",), ("005930",))
    assert report.of("005930")[Fault.TOO_DIRTY] == 1


@pytest.mark.req("C-10")
def test_a_day_that_others_traded_is_a_gap_only_within_a_symbols_life() -> None:
    every = [_row(day, symbol="000660") for day in _DAYS]
    some = [_row(_DAYS[1]), _row(_DAYS[3])]

    _, report = clean(_frame(every + some))

    assert report.of("005930")[Fault.GAP] == 1
    assert Fault.GAP not in report.of("000660")


@pytest.mark.req("C-10")
def test_a_move_that_the_limits_do_not_allow_is_told() -> None:
    split = _row(_DAYS[1], 50, 55, 45, 52, 2_000)  # 105 to 45 is beyond 30 %

    _, report = clean(_frame([_row(_DAYS[0]), split]))

    assert report.of("005930")[Fault.BASIS_CHANGED] == 1


@pytest.mark.req("C-10")
@pytest.mark.parametrize(
    "written",
    [
        pl.Series(["2026-11-02", "2026-11-03"]),
        pl.Series([" 20261102", "20261103 "]),
        pl.Series(["2026-11-02 00:00:00", "2026-11-03T00:00"]),
        pl.Series(["2026-11-02 00:00:00+09:00", "2026-11-03T00:00:00.000Z"]),
        pl.Series([20261102, 20261103]),
        pl.Series([datetime(2026, 11, 2), datetime(2026, 11, 3)]),  # noqa: DTZ001  # as files have it
        pl.Series([datetime(2026, 11, d, tzinfo=ZoneInfo("Asia/Seoul")) for d in (2, 3)]),
        pl.Series([datetime(2026, 11, d, 15, tzinfo=UTC) for d in (1, 2)]),  # Seoul's midnights
    ],
    ids=["iso", "compact", "midnight", "offset", "number", "naive", "seoul", "utc"],
)
def test_a_date_is_the_exchanges_however_it_is_written(written: pl.Series) -> None:
    rows = _frame([_row(day) for day in _DAYS[:2]]).with_columns(written.alias("date"))

    bars, report = clean(rows)

    assert (bars.dates, report.findings[0].fault) == (tuple(_DAYS[:2]), Fault.FEW_BARS)


@pytest.mark.req("C-10")
def test_an_hour_that_is_no_midnight_is_no_date() -> None:
    written = pl.Series(["2026-11-02", "2026-11-02 15:00:00+00:00"])
    rows = _frame([_row(day) for day in _DAYS[:2]]).with_columns(written.alias("date"))

    bars, report = clean(rows)

    assert (bars.days, report.totals()[Fault.BAD_DATE]) == (1, 1)


@pytest.mark.req("C-10")
def test_where_nothing_is_usable_the_report_says_why() -> None:
    with pytest.raises(NoUsableBars) as caught:
        clean(_frame([_row(day, symbol="5930") for day in _DAYS]))

    assert caught.value.report.totals() == {Fault.BAD_SYMBOL: 5}


@pytest.mark.req("C-10")
def test_one_bad_file_costs_itself_and_is_named(tmp_path: Path) -> None:
    good, bad, foreign = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.csv"))
    _frame([_row(day) for day in _DAYS]).write_parquet(good)
    bad.write_bytes(b"PAR1 and nothing")
    foreign.write_text("Date,Close\n2026-11-02,5\n", encoding="utf-8")

    bars, report = load_bars(good, bad, foreign)

    assert bars.days == len(_DAYS)
    assert [str(path) in why for path, why in zip((bad, foreign), report.refused, strict=True)] == [
        True,
        True,
    ]
    with pytest.raises(BadBarFile, match="import --csv"):
        read_rows(foreign)
