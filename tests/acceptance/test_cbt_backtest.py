"""`kr_cbt --mode backtest` as a researcher types it: in a directory with bars and nothing else."""

import json
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.history import SyntheticBars
from kis_sandbox.listing import default_listing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.acceptance.conftest import Desk

_UNTIL = date(2024, 12, 30)
_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")
_BACKTEST = ("-m", "apps.kr_cbt", "--mode", "backtest", "--whole-market")


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    """Twenty seeded symbols up to the end of 2024."""
    calendar = TradingCalendar(until=_UNTIL)
    listing = default_listing(count=20, seed=5, start=_UNTIL, calendar=calendar)
    walk = SyntheticBars(seed=5, listing=listing, calendar=calendar)
    rows = [
        (symbol, b.session_date, b.open, b.high, b.low, b.close, b.volume)
        for symbol in listing.symbols
        for b in walk.bars(symbol, _UNTIL)
    ]
    return pl.DataFrame(rows, schema=list(_COLUMNS), orient="row")


@pytest.fixture
def here(desk: "Desk", bars: pl.DataFrame) -> "Desk":
    bars.write_parquet(desk.directory / "bars.parquet")
    return desk


@pytest.mark.req("C-04", "C-05", "M-13", "F-102")
def test_a_backtest_leaves_a_page_and_its_figures_and_the_page_can_be_made_again(
    here: "Desk", chromium: "Browser"
) -> None:
    ended = here.python(*_BACKTEST, "--data", "bars.parquet", "--check-lookahead", "--to", "run")
    again = here.python("-m", "apps.kr_cbt", "--mode", "report", "--run", "run", "--to", "new.html")
    run = json.loads((here.directory / "run" / "run.json").read_text(encoding="utf-8"))
    trades = pl.read_parquet(here.directory / "run" / "trades.parquet")

    with chromium.new_context(offline=True) as context:
        page = context.new_page()
        page.goto((here.directory / "run" / "report.html").as_uri())
        headings = page.locator("h2").all_inner_texts()
        rows = page.locator("#trades tbody tr").count()
        charts = page.locator(".chart.price").count()

    assert (ended.code, again.code) == (0, 0)
    assert "미래 참조 없음" in ended.out
    assert "[주의] 과거의 결과입니다" in ended.out
    assert run["metrics"]["trades"] == len(trades) == rows > 10
    assert charts > 0
    for heading in ("낙폭", "월별 수익률 (%)", "청산 사유별", "손익과 비용", "종목별", "거래"):
        assert heading in headings
    page_of_run = (here.directory / "run" / "report.html").read_text(encoding="utf-8")
    assert (here.directory / "new.html").read_text(encoding="utf-8") == page_of_run


@pytest.mark.req("C-05", "C-10")
def test_the_same_bars_and_settings_give_the_same_files(here: "Desk") -> None:
    for name in ("one", "two"):
        assert here.python(*_BACKTEST, "--data", "bars.parquet", "--to", name).code == 0

    for name in ("run.json", "trades.csv", "equity.parquet"):
        one, two = (here.directory / each / name for each in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.req("C-10")
def test_dirty_rows_are_named_by_kind_and_symbol_and_the_run_goes_on(
    here: "Desk", bars: pl.DataFrame
) -> None:
    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    place = pl.int_range(pl.len()).over("symbol")
    dirty = bars.with_columns(
        high=pl.when((pl.col("symbol") == symbols[0]) & (place == 30))
        .then(pl.col("low") - 1)
        .otherwise(pl.col("high")),
        volume=pl.when((pl.col("symbol") == symbols[1]) & (place == 40))
        .then(-5)
        .otherwise(pl.col("volume")),
    )
    halted = (pl.col("symbol") == symbols[2]) & (place == 50)
    dirty = dirty.with_columns(
        pl.when(halted).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "volume")
    )
    one_row = dirty.head(1).with_columns(symbol=pl.lit("999990"))
    whole = pl.concat([dirty, one_row, dirty.head(3)])
    whole.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(here.directory / "dirty.parquet")

    ended = here.python(*_BACKTEST, "--data", "dirty.parquet", "--to", "run")

    assert ended.code == 0, ended.err
    for words in (
        f"고가·저가와 맞지 않는 값: 1행, 뺌 — {symbols[0]}(1)",
        f"음수: 1행, 뺌 — {symbols[1]}(1)",
        f"거래가 없던 날(거래정지): 1행, 그날은 판단하지 않음 — {symbols[2]}(1)",
        "되풀이된 행: 3행",
        "순서가 뒤바뀐 행",
        "999990",
    ):
        assert words in ended.out, words


@pytest.mark.req("C-05", "C-10")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "nowhere"), "봉 자료가 없습니다"),
        (("--data", "empty.parquet"), "empty.parquet"),
        (("--data", "broken.parquet"), "broken.parquet"),
        (("--data", "columns.parquet"), "columns.parquet"),
        (("--data", "codes.parquet"), "종목코드가 아닌 행"),
        (("--data", "bars.parquet", "--first", "2030-01-02"), "거래일이 없습니다"),
        (("--data", "bars.parquet", "--first", "2024-05-02", "--last", "2024-04-01"), "뒤입니다"),
        (("--data", "bars.parquet", "--first", "어제"), "--first"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_what_cannot_be_tested_is_refused_by_name_with_2(
    here: "Desk", arguments: tuple[str, ...], words: str
) -> None:
    (here.directory / "empty.parquet").write_bytes(b"")
    (here.directory / "broken.parquet").write_bytes(b"PAR1" + b"\x00" * 100)
    pl.DataFrame({"symbol": ["005930"]}).write_parquet(here.directory / "columns.parquet")
    codes = pl.read_parquet(here.directory / "bars.parquet").with_columns(symbol=pl.lit("5930"))
    codes.write_parquet(here.directory / "codes.parquet")

    ended = here.python(*_BACKTEST, *arguments)

    assert ended.code == 2, ended.out
    assert words in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.req("C-04")
def test_a_folder_that_is_no_run_and_an_account_without_a_day_are_refused(here: "Desk") -> None:
    (here.directory / "run").mkdir()
    (here.directory / "run" / "run.json").write_text("{", encoding="utf-8")

    nothing = here.python("-m", "apps.kr_cbt", "--mode", "report")
    damaged = here.python("-m", "apps.kr_cbt", "--mode", "report", "--run", "run")
    missing = here.python("-m", "apps.kr_cbt", "--mode", "report", "--run", "elsewhere")

    assert [each.code for each in (nothing, damaged, missing)] == [2, 2, 2]
    assert "아직 거래한 날이 없습니다" in nothing.err
    assert "손상되었습니다" in damaged.err
    assert "run.json 없음" in missing.err
