"""`kr_cbt --mode sweep` as a researcher types it: in a directory with bars and nothing else."""

import csv
import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from apps.kr_cbt.sweep_grid import BadGrid, sets_of
from kis_core.gap import GapReference
from kis_core.research.cleaning import clean
from kis_core.research.store import write_store
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.history import SyntheticBars
from kis_sandbox.listing import default_listing

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

_UNTIL = date(2024, 12, 30)
_GRID = ("--grid", "trailing_stop_atr_multiplier=1:3:1", "--grid", "ma_period=20,40")
_SETS = 6
_WITHIN_S = 240


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of eight seeded symbols."""
    calendar = TradingCalendar(until=_UNTIL)
    listing = default_listing(count=8, seed=3, start=_UNTIL, calendar=calendar)
    walk = SyntheticBars(seed=3, listing=listing, calendar=calendar)
    rows = [
        (symbol, b.session_date, b.open, b.high, b.low, b.close, b.volume)
        for symbol in listing.symbols
        for b in walk.bars(symbol, _UNTIL)
    ]
    columns = ["symbol", "date", "open", "high", "low", "close", "volume"]
    bars, _ = clean(pl.DataFrame(rows, schema=columns, orient="row"))
    path = tmp_path_factory.mktemp("bars") / "made.parquet"
    write_store(bars, path)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, store: Path) -> "Desk":
    """A directory in which the grid was swept by two processes."""
    from tests.acceptance.conftest import new_desk

    desk = new_desk(tmp_path_factory.mktemp("whole"))
    ended = _sweep(desk, store, *_GRID, "--workers", "2", "--score", "total_return_pct")
    (desk.directory / "out.txt").write_text(ended.out, encoding="utf-8")
    assert ended.code == 0, ended.err
    assert f"{_SETS}/{_SETS}" in ended.err
    return desk


def _start(desk: "Desk", store: Path, arguments: Sequence[str]) -> subprocess.Popen[str]:
    command = ("-m", "apps.kr_cbt", "--mode", "sweep", "--data", str(store))
    return desk.launch(*command, *arguments)


def _sweep(desk: "Desk", store: Path, *arguments: str) -> "Ended":
    return desk.end_of(_start(desk, store, ("--whole-market", *arguments)))


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _folder(whole: "Desk") -> Path:
    return next((whole.directory / "data" / "cbt" / "sweeps").iterdir())


@pytest.mark.req("C-07")
def test_an_interrupted_sweep_goes_on_and_gives_what_it_would_have_given(
    desk: "Desk", store: Path, whole: "Desk"
) -> None:
    lines = (_folder(whole) / "results.jsonl").read_text().splitlines(keepends=True)
    cut = desk.directory / "cut"
    cut.mkdir()
    (cut / "results.jsonl").write_text("".join(lines[:2]) + lines[2][:40])
    arguments = ("--workers", "1", "--score", "total_return_pct", "--to", "cut")

    resumed = _sweep(desk, store, *_GRID, *arguments)

    kept = (cut / "results.jsonl").read_text()
    assert resumed.code == 0, resumed.err
    assert (cut / "results.csv").read_bytes() == (_folder(whole) / "results.csv").read_bytes()
    assert kept.startswith("".join(lines[:2]))
    assert len(kept.splitlines()) == _SETS


@pytest.mark.req("C-07")
def test_the_best_come_first_and_the_page_needs_nothing_else(whole: "Desk") -> None:
    rows = _table(_folder(whole) / "results.csv")
    out = (whole.directory / "out.txt").read_text(encoding="utf-8")
    page = (_folder(whole) / "sweep.html").read_text(encoding="utf-8")

    returns = [float(row["total_return_pct"]) for row in rows]
    settings = {(row["trailing_stop_atr_multiplier"], row["ma_period"]) for row in rows}
    assert returns == sorted(returns, reverse=True)
    assert settings == {(stop, ma) for stop in ("1.0", "2.0", "3.0") for ma in ("20", "40")}
    assert "총 수익률 %" in out
    assert f"{returns[0]:,.2f}" in out
    assert _folder(whole).name in out
    assert "Plotly.newPlot" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page)


@pytest.mark.slow
@pytest.mark.req("C-07")
def test_a_dask_cluster_of_processes_gives_the_same_table(
    desk: "Desk", store: Path, whole: "Desk"
) -> None:
    arguments = ("--dask", "local", "--workers", "2", "--score", "total_return_pct")

    ended = _sweep(desk, store, *_GRID, *arguments, "--to", "dask")

    table = (desk.directory / "dask" / "results.csv").read_bytes()
    assert ended.code == 0, ended.err
    assert table == (_folder(whole) / "results.csv").read_bytes()


@pytest.mark.req("C-07", "M-16")
def test_ctrl_c_ends_a_sweep_with_what_is_done_kept(desk: "Desk", store: Path) -> None:
    grid = ("--grid", "trailing_stop_atr_multiplier=1:3:0.005", "--grid", "ma_period=20:100:4")
    arguments = ("--whole-market", *grid, "--workers", "1", "--to", "out")
    process = _start(desk, store, arguments)
    results = desk.directory / "out" / "results.jsonl"
    assert process.stderr is not None
    while not results.exists():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)

    out, err = process.communicate(timeout=_WITHIN_S)

    assert process.returncode == 130, err
    assert "같은 명령을 다시 실행하면 이어서" in err
    assert "Traceback" not in err
    assert out == ""
    assert all(json.loads(line) for line in results.read_text().splitlines())


@pytest.mark.req("C-07")
def test_walk_forward_tries_what_it_chose_on_sessions_that_follow(
    desk: "Desk", store: Path
) -> None:
    arguments = ("--grid", "ma_period=20,40", "--workers", "1", "--to", "out")
    ended = _sweep(desk, store, *arguments, "--walk-forward", "120,40")
    too_long = _sweep(desk, store, *arguments, "--walk-forward", "240,40")

    folds = _table(desk.directory / "out" / "walk_forward.csv")
    assert ended.code == 0, ended.err
    assert len(folds) == 3  # 244 sessions: 120 + 3 × 40
    for fold, following in zip(folds, [*folds[1:], None], strict=True):
        assert fold["train_last"] < fold["test_first"]
        assert following is None or fold["test_last"] < following["test_first"]
        assert fold["ma_period"] in ("20", "40")
    assert too_long.code == 2
    assert "244 거래일로는 240+40일 구간을 만들 수 없습니다" in too_long.err


@pytest.mark.req("C-10", "M-16")
def test_what_cannot_be_swept_is_refused_in_one_sentence(desk: "Desk", store: Path) -> None:
    damaged = desk.directory / "damaged.parquet"
    damaged.write_bytes(store.read_bytes()[:4_000])
    one_set = ("--grid", "ma_period=20", "--workers", "1")

    refused = {
        "봉 자료가 없습니다": _sweep(desk, desk.directory / "none.parquet", *one_set),
        "Parquet 파일로 읽을 수 없습니다": _sweep(desk, damaged, *one_set),
        "쓸 수 있는 지표는": _sweep(desk, store, *one_set, "--score", "luck"),
        "파라미터가 아닙니다. 혹시 ma_period": _sweep(desk, store, "--grid", "ma_perod=20"),
        "거래할 날이 없습니다": _sweep(desk, store, *one_set, "--first", "2031-01-01"),
    }

    for sentence, ended in refused.items():
        assert sentence in ended.err + ended.out, ended
        assert "Traceback" not in ended.err
        assert ended.code in (1, 2)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("atr_multiplier_sl=1.5,2,2.5", [1.5, 2.0, 2.5]),
        ("ma_period=20:60:20", [20, 40, 60]),
        ("atr_multiplier_tp=0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("ma_period=20:50:20", [20, 40]),
        ("ma_period=20,20,20.0", [20]),
        ("trailing_enabled=true,off", [True, False]),
        ("gap_reference=stop,prev_close", [GapReference.STOP, GapReference.PREV_CLOSE]),
        (" ma_period = 5 : 6 : 1 , 9", [5, 6, 9]),
    ],
)
def test_a_grid_is_read_in_the_parameters_own_type(text: str, values: list[object]) -> None:
    sets = sets_of([text])

    (name,) = sets[0]
    assert [each[name] for each in sets] == values
    assert {type(each[name]) for each in sets} == {type(value) for value in values}


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([], "바꿔 볼 파라미터가 없습니다"),
        (["ma_period"], "'이름=값,값' 꼴"),
        (["ma_period="], "'이름=값,값' 꼴"),
        (["atr=1"], "전략의 파라미터가 아닙니다"),
        (["ma_period=20", "ma_period=30"], "두 번 나옵니다"),
        (["ma_period=20,x"], "쓸 수 없는 값입니다: x"),
        (["ma_period=20.5"], "쓸 수 없는 값입니다: 20.5"),
        (["ma_period=20,,30"], "쓸 수 없는 값입니다: (빈 값)"),
        (["atr_multiplier_sl=nan"], "쓸 수 없는 값입니다: nan"),
        (["atr_multiplier_sl=inf"], "쓸 수 없는 값입니다: inf"),
        (["trailing_enabled=maybe"], "쓸 수 없는 값입니다: maybe"),
        (["ma_period=60:20:10"], "처음이 끝보다"),
        (["ma_period=20:60:0"], "간격은 0보다"),
        (["ma_period=20:60"], "'처음:끝:간격'"),
        (["ma_period=1:nan:1"], "간격은 0보다"),
        (["atr_multiplier_sl=1:1000000:0.0001"], "값이"),
        (["ma_period=1:1000:1", "adx_period=2:500:1"], "조합이"),
    ],
)
def test_a_grid_that_means_nothing_is_named(texts: list[str], sentence: str) -> None:
    with pytest.raises(BadGrid, match=re.escape(sentence)):
        sets_of(texts)
