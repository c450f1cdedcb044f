"""The closed beta test as its user meets it: days on a simulator that counts what it is asked."""

import gzip
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from kis_adapters.audit.folder import TrailFolder
from kis_adapters.audit.reader import Trail
from kis_core.market.session import KST
from kis_core.orders.identity import TradingMode
from kis_core.research.store import read_store
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.acceptance.conftest import Desk, Ended

pytestmark = pytest.mark.timeout(600)  # whichever test is first trades the days

# A seed and two symbols with an entry and a stop within the first day: see the bundled demo.
_SEED, _START = 8, datetime(2026, 11, 24, 8, 30, tzinfo=KST)
_SYMBOLS = ("--stock", "068270", "--stock", "005490")
_SESSION = ("--mode", "cbt", "--trade-config", "fast.yaml", *_SYMBOLS)
_BEFORE_THE_STOP = "50"  # minutes after the open; it is bought at 09:47 and stopped at 09:59


@dataclass(slots=True)
class Bench:
    """A directory, a simulator, and the commands typed."""

    desk: "Desk"
    server: SandboxServer
    runs: dict[str, "Ended"] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        keys = CREDENTIALS[Personality.PAPER]
        return self.desk.launch(
            *("-m", "apps.kr_cbt", *arguments),
            variables={
                "KIS_BASE_URL": self.server.base_url,
                "KIS_APP_KEY": keys.app_key,
                "KIS_APP_SECRET": keys.app_secret,
                "KIS_ACCOUNT_NO": keys.account_no,
            },
            stdin=subprocess.PIPE,
        )

    def run(self, *arguments: str, typed: str = "") -> "Ended":
        return self.desk.end_of(self.start(*arguments), typed=typed)

    @property
    def recordings(self) -> list[Path]:
        """The records, oldest first."""
        return sorted((self.desk.directory / "data" / "recordings").glob("*.jsonl.gz"))

    def rows(self, statement: str) -> list[sqlite3.Row]:
        return self.desk.rows(statement)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A day in two runs, the second of which finds the position of the first."""
    from tests.acceptance.conftest import new_desk

    start = SandboxConfig(mode=Personality.PAPER, start=_START, seed=_SEED)
    with SandboxServer(start) as server:
        made = Bench(new_desk(tmp_path_factory.mktemp("cbt")), server)
        made.runs["morning"] = made.run(*_SESSION, "--max-runs", _BEFORE_THE_STOP)
        made.runs["status"] = made.run("--mode", "status", "--json")
        made.runs["rest"] = made.run(*_SESSION, "--exit-after-close")
        yield made


@pytest.mark.req("M-03", "C-01")
def test_a_day_enters_and_exits_on_the_virtual_account(bench: Bench) -> None:
    trades = bench.rows("SELECT * FROM trades WHERE stock_code = '068270' ORDER BY id")

    assert [(r.code, r.err) for r in bench.runs.values()] == [(0, "")] * 3
    assert "증권사에 주문을 보내지 않습니다" in bench.runs["morning"].out
    assert [(row["side"], row["reason"]) for row in trades] == [
        ("buy", "breakout"),
        ("sell", "stop_loss"),
    ]
    bought, sold = trades
    assert (
        sold["realised_pnl"]
        == sold["amount"]
        - sold["commission"]
        - sold["tax"]
        - bought["amount"]
        - bought["commission"]
    )


@pytest.mark.req("L-03", "L-04")
def test_its_trail_is_a_chain_of_its_own_and_tells_its_trades(bench: Bench) -> None:
    """Two runs, one chain; nothing of it stands in the files of what is really traded."""
    [file] = bench.desk.directory.rglob("audit_cbt_*.json")
    account = json.loads(file.read_text(encoding="utf-8").splitlines()[0])["account"]
    folder = TrailFolder(file.parent, "audit_cbt")
    trail = Trail(folder, mode=TradingMode.VIRTUAL, account=account)

    checked, rebuilt = trail.check(), trail.rebuilt()

    assert (checked.problem, checked.files) == (None, 1)
    told = {
        order_id: trade for order_id, trade in rebuilt.trades.items() if isinstance(trade, dict)
    }
    stored = bench.rows("SELECT order_id, side, quantity, realised_pnl FROM trades")
    assert {
        (order_id, trade["side"], trade["quantity"], trade["realised_pnl"])
        for order_id, trade in told.items()
    } == {tuple(row) for row in stored}
    held = {
        row["stock_code"] for row in bench.rows("SELECT * FROM positions WHERE open_symbol > ''")
    }
    assert rebuilt.positions.keys() == held
    assert list(file.parent.glob("audit_2*.json")) == []


@pytest.mark.req("M-03")
def test_the_broker_was_asked_for_prices_and_never_for_an_order(bench: Bench) -> None:
    asked = bench.server.sandbox.requests

    assert asked["inquire-price"] > 100
    assert {name for name in asked if "order" in name or "ccld" in name} == set()
    assert asked["inquire-balance"] == 0


@pytest.mark.req("C-02", "F-099")
def test_the_position_of_the_first_run_is_guarded_by_the_second(bench: Bench) -> None:
    before = json.loads(bench.runs["status"].out)["positions"]
    (closed,) = bench.rows("SELECT * FROM positions WHERE stock_code = '068270'")

    (held,) = [p for p in before if p["symbol"] == "068270"]
    assert (closed["stop_price"], closed["atr"]) == (held["stop"], held["atr"])
    assert held["atr"] > 0
    assert closed["closed_at"] is not None
    assert len(bench.rows("SELECT 1 FROM trades WHERE side = 'buy' AND stock_code = '068270'")) == 1


@pytest.mark.req("C-02", "P-10")
def test_the_virtual_account_has_rows_and_files_of_its_own(bench: Bench) -> None:
    data = bench.desk.directory / "data"
    modes = bench.rows("SELECT DISTINCT mode, account FROM order_state")

    assert [tuple(row) for row in modes] == [("VIRTUAL", "CBT-0001")]
    assert (data / "cbt" / "positions.json").exists()
    assert not (data / "positions.json").exists()


@pytest.mark.req("C-01")
def test_the_ledger_of_the_engine_is_that_of_the_virtual_account_to_the_won(bench: Bench) -> None:
    ours = bench.rows(
        "SELECT SUM(CASE side WHEN 'buy' THEN -amount ELSE amount END)"
        " - SUM(commission + tax) FROM trades"
    )
    with closing(sqlite3.connect(bench.desk.directory / "data/cbt/virtual_account.db")) as account:
        (document,) = account.execute("SELECT document FROM account").fetchone()

    assert json.loads(document)["cash"] == 10_000_000 + ours[0][0]


@pytest.mark.req("C-06", "E-06")
def test_both_runs_replay_to_identical_decisions(bench: Bench) -> None:
    replayed = [bench.run("--mode", "replay", "--session", str(path)) for path in bench.recordings]

    assert [(r.code, r.err) for r in replayed] == [(0, ""), (0, "")]
    assert all("판단, 주문, 손익이 기록과 모두 같습니다" in r.out for r in replayed)
    sold = bench.rows("SELECT SUM(realised_pnl) FROM trades WHERE side = 'sell'")[0][0]
    assert f"실현 손익 {sold:+,}원" in replayed[1].out


@pytest.mark.req("C-06")
def test_one_changed_price_in_the_record_is_named_with_what_it_changed(
    bench: Bench, tmp_path: Path
) -> None:
    lines = gzip.decompress(bench.recordings[1].read_bytes()).decode().splitlines()
    stopped = next(n for n, line in enumerate(lines) if '"action":"sell"' in line)
    place = max(
        n
        for n, line in enumerate(lines[:stopped])
        if '"call":"market_data.quotes"' in line and '"068270"' in line
    )
    call = json.loads(lines[place])
    call["answer"]["068270"]["last"] += 5_000  # far above its stop
    lines[place] = json.dumps(call)
    changed = tmp_path / "changed.jsonl.gz"
    changed.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))

    replayed = bench.run("--mode", "replay", "--session", str(changed))

    assert replayed.code == 1
    assert f"{place + 1}번째 줄이 기록된 뒤에 바뀌었습니다" in replayed.out
    assert "처음으로 달라졌습니다" in replayed.out
    assert f"입력  [변조] {place + 1}번째 줄 시세(market_data.quotes)" in replayed.out
    assert str(call["answer"]["068270"]["last"]) in replayed.out


@pytest.mark.req("K-10")
def test_a_record_holds_no_key_and_no_account_number(bench: Bench) -> None:
    keys = CREDENTIALS[Personality.PAPER]
    told = b"".join(gzip.decompress(path.read_bytes()) for path in bench.recordings).decode()

    assert [s for s in (keys.app_key, keys.app_secret, keys.account_no) if s in told] == []


@pytest.mark.req("M-13")
def test_the_export_has_every_trade_order_and_snapshot_twice(bench: Bench) -> None:
    ended = bench.run("--mode", "export", "--to", "out")

    out = bench.desk.directory / "out"
    assert (ended.code, ended.err) == (0, "")
    for name, table in (
        ("trades", "trades"),
        ("orders", "order_state"),
        ("snapshots", "account_snapshots"),
    ):
        stored = bench.rows(f"SELECT COUNT(*) FROM {table}")[0][0]
        assert pl.read_csv(out / f"{name}.csv").height == stored > 0
        assert pl.read_parquet(out / f"{name}.parquet").height == stored
    amounts = pl.read_parquet(out / "trades.parquet")["amount"].to_list()
    assert amounts == [row[0] for row in bench.rows("SELECT amount FROM trades ORDER BY at")]


@pytest.mark.req("C-04", "M-13", "F-100", "F-101")
def test_the_report_of_the_account_is_read_on_a_phone_without_a_network(
    bench: Bench, chromium: "Browser"
) -> None:
    ended = bench.run("--mode", "report")
    (trade,) = bench.rows("SELECT * FROM trades WHERE round_trip_pnl IS NOT NULL")
    (position,) = bench.rows("SELECT * FROM positions WHERE closed_at IS NOT NULL")
    seen = bench.rows("SELECT equity FROM account_snapshots ORDER BY id")
    path = bench.desk.directory / "data" / "cbt" / "report.html"

    with chromium.new_context(offline=True, viewport={"width": 390, "height": 844}) as context:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        text = page.inner_text("body")
        row = page.inner_text("#trades tbody tr")
        page.set_viewport_size({"width": 1200, "height": 900})
        stop = page.inner_text("#trades tbody tr td:nth-child(7)")
        points = page.evaluate("document.getElementById('equity-chart').data[0].y.length")
        page.set_viewport_size({"width": 390, "height": 844})
        width = page.evaluate("document.scrollingElement.scrollWidth")

    assert (ended.code, ended.err) == (0, "")
    assert f"실현 손익 {trade['round_trip_pnl']:+,}원 (끝난 거래 1건)" in ended.out
    assert asked == [path.as_uri()]
    assert "068270" in row
    assert "손절" in row
    assert f"{trade['round_trip_pnl']:+,}원" in row
    assert stop == f"{position['stop_price']:,}원"
    assert position["stop_price"] > 0
    assert points == len(seen) > 10  # the curve goes on through the restart
    assert max(each["equity"] for each in seen) > min(each["equity"] for each in seen)
    assert "최대 낙폭\n0.00%" not in text
    assert width <= 390


@pytest.mark.req("M-13", "C-02")
def test_a_reset_asks_and_then_begins_with_new_cash_and_nothing_held(bench: Bench) -> None:
    kept = bench.run("--mode", "reset", typed="\n")
    done = bench.run("--mode", "reset", "--yes")
    status = json.loads(bench.run("--mode", "status", "--json").out)

    assert (kept.code, kept.err) == (2, "그대로 두었습니다.\n")
    assert (done.code, done.err) == (0, "")
    assert status["positions"] == []
    assert status["account"] == "CBT-0002"


@pytest.mark.req("C-09")
def test_fetch_fills_a_store_and_goes_on_where_it_was_stopped(bench: Bench) -> None:
    command = ("--mode", "fetch", "--days", "150", "--to", "bars/daily.parquet")
    asked = bench.server.sandbox.requests

    failed = bench.run(*command, *_SYMBOLS, "--stock", "999999")
    first = asked["inquire-daily-itemchartprice"]
    done = bench.run(*command, *_SYMBOLS)

    bars = read_store(bench.desk.directory / "bars" / "daily.parquet")
    assert (done.code, set(bars.symbols)) == (0, {"068270", "005490"})
    assert bars.days == 150
    assert (bars.volume > 0).all()
    assert asked["inquire-daily-itemchartprice"] == first  # both were on disk already
    assert failed.code == 1
    assert "999999: 받지 못했습니다" in failed.err
    assert list((bench.desk.directory / "bars").iterdir()) == [
        bench.desk.directory / "bars" / "daily.parquet"
    ]


@pytest.mark.req("C-09", "M-17")
def test_a_fetch_that_is_stopped_says_how_it_goes_on(bench: Bench) -> None:
    asked = bench.server.sandbox.requests
    before = asked["inquire-daily-itemchartprice"]
    process = bench.start("--mode", "fetch", "--days", "150", "--to", "members/daily.parquet")
    while process.poll() is None and asked["inquire-daily-itemchartprice"] < before + 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    ended = bench.desk.end_of(process)

    assert ended.code == 130
    assert ended.err.splitlines()[-1] == "멈췄습니다. 같은 명령을 다시 실행하면 이어서 받습니다."
    assert "Traceback" not in ended.err
    assert not (bench.desk.directory / "members" / "daily.parquet").exists()


def test_a_mistake_is_refused_in_korean_with_2(bench: Bench) -> None:
    bench.desk.write("bad.yaml", "virtual: {initial_cash: 0, slippage: 3}\n")
    both = bench.desk.write("both.yaml", "virtual: {slippage_ticks: 1, slippage_bp: 5}\n")
    refused = [
        bench.run("--mode", "cbt", "--config", "bad.yaml"),
        bench.run("--mode", "cbt", "--config", both),
        bench.run("--mode", "replay"),
        bench.run("--mode", "replay", "--session", "bad.yaml"),
        bench.run("--mode", "nonsense"),
    ]

    assert [r.code for r in refused] == [2] * 5
    assert "initial_cash" in refused[0].err
    assert "slippage" in refused[0].err
    assert "하나만" in refused[1].err
    assert all("Traceback" not in r.err for r in refused)
