"""Two days on the bundled simulator, as the README says to try it."""

import json
import re
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import TwoDays

pytestmark = pytest.mark.timeout(600)  # whichever test is first trades both days

_FIRST_DAY, _SECOND_DAY = "2026-11-24", "2026-11-25"
_ROOT = Path(__file__).parents[2]


@pytest.mark.req("M-01", "M-15", "M-16", "E-05")
def test_a_day_without_any_credentials_trades_and_ends_with_0(two_days: "TwoDays") -> None:
    first = two_days.first

    assert (first.code, first.err) == (0, "")
    assert "내장 KIS 시뮬레이터로 돕니다" in first.out.splitlines()[1]
    assert "거래일 마감 요약" in first.out


@pytest.mark.req("M-15", "F-001")
def test_the_orders_of_a_paper_day_reach_the_brokers_side_once_each(two_days: "TwoDays") -> None:
    journal = two_days.desk.directory / "data" / "simulator" / "journal.jsonl"
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]

    placed = [e for e in entries if e.get("what") == "place"]
    rows = two_days.desk.rows("SELECT * FROM order_state WHERE order_no IS NOT NULL")

    assert len(placed) == len(rows) > 0
    assert sorted((e["symbol"], e["side"], e["quantity"]) for e in placed) == sorted(
        (row["stock_code"], row["side"], row["quantity"]) for row in rows
    )


@pytest.mark.req("M-01")
def test_the_day_has_an_entry_and_an_exit_by_the_strategys_rules(two_days: "TwoDays") -> None:
    trades = two_days.desk.rows(
        f"SELECT side, reason, stock_code FROM trades WHERE session_date = '{_FIRST_DAY}'"
    )

    bought = {row["stock_code"] for row in trades if row["side"] == "buy"}
    sold = [row for row in trades if row["side"] == "sell"]
    assert {row["reason"] for row in trades if row["side"] == "buy"} == {"breakout"}
    assert sold
    assert {row["reason"] for row in sold} <= {"stop_loss", "take_profit", "trailing_stop"}
    assert {row["stock_code"] for row in sold} <= bought


@pytest.mark.req("L-01", "L-02", "N-03")
def test_the_console_tells_the_day_in_korean_with_names_and_figures(two_days: "TwoDays") -> None:
    out = two_days.first.out

    assert re.search(r"^\d\d:\d\d:\d\d 신호 셀트리온\(068270\): 판단 매수, 사유 돌파", out, re.M)
    assert re.search(r"^\d\d:\d\d:\d\d 체결 완료 셀트리온\(068270\): .*평균가 [\d,]+원", out, re.M)
    assert re.search(r"포지션 청산 셀트리온\(068270\): .*사유 손절, 손익 -[\d,]+원", out)
    # Named from the first line on, when the broker has not said a name yet.
    assert re.search(r"유니버스 선정: 단계 최종 선정, .*종목 .*셀트리온\(068270\)", out)
    assert "UNKNOWN(" not in out
    assert "Traceback" not in out
    assert "\x1b[" not in out  # a pipe is no terminal


@pytest.mark.req("L-01", "L-02", "M-14")
def test_the_log_holds_one_event_a_line_and_starts_with_what_runs(two_days: "TwoDays") -> None:
    entries = [json.loads(line) for line in two_days.desk.log.splitlines()]
    start = next(e for e in entries if e["event"] == "session.started")
    resolved = next(e for e in entries if e["event"] == "app.settings")["resolved"]

    assert start["mode"] == "PAPER"
    assert start["feed"] == "rest"
    assert start["host"].startswith("127.0.0.1:")
    assert start["tr_family"] == "VTTC"
    assert start["commit"].removesuffix("+") == _commit()
    assert resolved["strategy.atr_multiplier_sl"] == 2.0
    assert resolved["strategy.ma_period"] == 50
    kinds = {e["event"] for e in entries}
    assert {"signal", "order.created", "order.submitted", "order.filled"} <= kinds


@pytest.mark.req("K-10", "M-14")
def test_no_key_token_or_account_number_reaches_log_or_console(two_days: "TwoDays") -> None:
    desk = two_days.desk
    tokens = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (desk.directory / "home" / "auto-trade" / "tokens").glob("*.json")
    ]
    secrets = ["SANDBOX-PAPER-APPKEY", "SANDBOX-PAPER-APPSECRET", "99000001"]
    secrets += [v for token in tokens for v in _texts(token) if len(v) > 40]
    told = desk.log + two_days.first.out + two_days.second.out + two_days.first.err

    assert len(secrets) > 3
    assert [secret[:12] for secret in secrets if secret in told] == []


@pytest.mark.req("F-096", "K-02")
def test_the_token_is_kept_outside_the_working_directory_for_the_owner_only(
    two_days: "TwoDays",
) -> None:
    tokens = [p for p in (two_days.desk.directory / "home").rglob("*") if p.is_file()]

    assert len(tokens) == 1
    assert stat.S_IMODE(tokens[0].stat().st_mode) == 0o600
    assert list((two_days.desk.directory / "data").rglob("*token*")) == []


@pytest.mark.req("P-09", "T-07")
def test_the_next_run_goes_on_with_the_positions_of_the_first(two_days: "TwoDays") -> None:
    left = json.loads(two_days.status_after_first.out)["positions"]
    rows = two_days.desk.rows(
        f"SELECT * FROM positions WHERE entry_session = '{_FIRST_DAY}'"
        " AND (closed_at IS NULL OR date(closed_at, '+9 hours') > entry_session)"
    )

    assert [p["symbol"] for p in left] == ["005490"]
    assert (two_days.second.code, two_days.second.err) == (0, "")
    assert f"거래일 {_SECOND_DAY}" in two_days.second.out
    assert "복구 완료: 보유 종목 1건" in two_days.second.out
    (row,) = rows
    before = left[0]
    assert (row["stop_price"], row["take_price"]) == (before["stop"], before["take"])
    assert row["atr"] == before["atr"]  # exactly: a frozen ATR is never computed again
    assert (row["cost"], row["quantity"]) == (before["cost"], before["quantity"])
    assert row["highest_price"] >= before["highest"]


@pytest.mark.req("F-053", "R-07")
def test_the_risk_record_of_the_first_day_is_still_there_on_the_second(
    two_days: "TwoDays",
) -> None:
    rows = two_days.desk.rows("SELECT * FROM risk_state ORDER BY session_date")

    assert [row["session_date"] for row in rows] == [_FIRST_DAY, _SECOND_DAY]
    assert rows[1]["high_water_mark"] >= rows[0]["high_water_mark"]


@pytest.mark.req("P-03", "F-018")
def test_each_start_counts_the_open_orders_before_anything_is_decided(
    two_days: "TwoDays",
) -> None:
    for out in (two_days.first.out, two_days.second.out):
        lines = [line.partition(" ")[2] for line in out.splitlines()]
        counted = next(i for i, line in enumerate(lines) if line.startswith("미결 주문 확인: 건수"))
        decided = [i for i, line in enumerate(lines) if line.startswith(("신호", "주문"))]
        assert all(counted < i for i in decided)


@pytest.mark.req("M-18")
def test_status_tells_people_and_machines_the_same_while_nothing_runs(
    two_days: "TwoDays",
) -> None:
    machines, people = two_days.status_after_first, two_days.text_after_first
    document: dict[str, Any] = json.loads(machines.out)

    assert (machines.code, people.code, machines.err, people.err) == (0, 0, "", "")
    assert document["session_date"] == _FIRST_DAY
    assert document["open_orders"] == []
    (position,) = document["positions"]
    assert f"POSCO홀딩스(005490) {position['quantity']}주" in people.out
    assert f"손절 {position['stop']:,} · 익절 {position['take']:,}" in people.out
    assert f"당일 실현 손익: {document['realised_pnl']:+,}원" in people.out


@pytest.mark.req("M-18", "R-06")
def test_the_realised_result_of_the_status_is_that_of_the_sales(two_days: "TwoDays") -> None:
    document = json.loads(two_days.status_after_first.out)
    sold = two_days.desk.rows(
        "SELECT s.amount - s.commission - s.tax - b.amount - b.commission AS pnl"
        " FROM trades s JOIN trades b ON b.stock_code = s.stock_code AND b.side = 'buy'"
        f" AND b.session_date = s.session_date"
        f" WHERE s.side = 'sell' AND s.session_date = '{_FIRST_DAY}'"
    )

    assert document["realised_pnl"] == sum(row["pnl"] for row in sold)
    assert "당일 실현 손익" in two_days.text_after_first.out
    assert "계좌 평가손익" in two_days.text_after_first.out


@pytest.mark.req("P-05")
def test_the_mirror_says_what_the_database_says(two_days: "TwoDays") -> None:
    mirror = json.loads(
        (two_days.desk.directory / "data" / "positions.json").read_text(encoding="utf-8")
    )
    rows = two_days.desk.rows("SELECT * FROM positions WHERE closed_at IS NULL")

    assert {(p["symbol"], p["quantity"], p["cost"]) for p in mirror["positions"]} == {
        (row["stock_code"], row["quantity"], row["cost"]) for row in rows
    }


@pytest.mark.req("D-03")
def test_operators_find_the_columns_that_they_know(two_days: "TwoDays") -> None:
    with closing(sqlite3.connect(two_days.desk.database)) as connection:
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in ("order_state", "trades", "symbol_cache", "daily_summary")
        }

    known = {"idempotency_key", "signal_id", "order_no", "fill_id", "status"}
    assert known <= columns["order_state"]
    assert "idempotency_key" in columns["trades"]
    assert {"stock_code", "stock_name", "updated_at"} <= columns["symbol_cache"]
    assert columns["daily_summary"]


def _texts(document: object) -> list[str]:
    if isinstance(document, dict):
        return [text for value in document.values() for text in _texts(value)]
    return [document] if isinstance(document, str) else []


def _commit() -> str:
    asked = subprocess.run(
        ["git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
