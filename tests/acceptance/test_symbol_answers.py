"""`--mode symbol`: what the operator says about one symbol, and when he may not."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from kis_adapters.audit.chain import Chain
from kis_adapters.audit.folder import TrailFolder
from kis_adapters.sql.database import open_database
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.risk.state import RiskRecord

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, TwoDays


def _halt(desk: "Desk", code: str, why: str) -> None:
    """As the engine does when nothing explains a difference."""
    desk.trade("--stock", code, "--max-runs", "1", KILL_SWITCH="test")
    with closing(sqlite3.connect(desk.database)) as connection, connection:
        [row] = connection.execute("SELECT mode, account FROM risk_state LIMIT 1").fetchall()
        connection.execute(
            'INSERT INTO halted_symbols (mode, account, stock_code, why, "at")'
            " VALUES (?, ?, ?, ?, '2026-11-24 00:00:00.000000')",
            (*row, code, why),
        )


@pytest.mark.req("P-12", "P-13", "M-16")
def test_a_question_without_its_symbol_or_its_answer_is_refused_with_2(desk: "Desk") -> None:
    asked = [
        desk.run("--mode", "symbol", "--stock", "005930"),
        desk.run("--mode", "symbol", "--adopt"),
        desk.run("--mode", "symbol", "--stock", "005930", "--stock", "000660", "--adopt"),
        desk.run("--mode", "symbol", "--stock", "005930", "--adopt", "--ignore"),
        desk.run("--mode", "status", "--stock", "005930", "--ignore"),
    ]

    assert [ended.code for ended in asked] == [2] * 5
    assert all(ended.err and "Traceback" not in ended.err for ended in asked)


@pytest.mark.req("P-13")
def test_ignoring_is_written_down_and_adopting_takes_it_back(desk: "Desk") -> None:
    ignored = desk.run("--mode", "symbol", "--stock", "005930", "--ignore")
    status = desk.run("--mode", "status")
    adopted = desk.run("--mode", "symbol", "--stock", "005930", "--adopt")
    again = desk.run("--mode", "symbol", "--stock", "005930", "--adopt")

    assert [ended.code for ended in (ignored, status, adopted, again)] == [0, 0, 0, 2]
    assert "직접 관리" in ignored.out
    assert "직접 관리하는 종목" in status.out
    assert again.err.startswith("005930: 편입할 것이 없습니다")


@pytest.mark.req("P-12")
def test_a_halt_is_cleared_with_its_reason_shown(desk: "Desk") -> None:
    refused = desk.run("--mode", "symbol", "--stock", "005930", "--clear-halt")
    _halt(desk, "005930", "설명되지 않는 잔고 차이")

    cleared = desk.run("--mode", "symbol", "--stock", "005930", "--clear-halt")

    assert (refused.code, cleared.code) == (2, 0)
    assert "설명되지 않는 잔고 차이" in cleared.out
    assert desk.rows("SELECT * FROM halted_symbols") == []


@pytest.mark.req("L-03", "P-13")
def test_what_a_person_changed_is_on_record_and_what_was_practised_is_not(desk: "Desk") -> None:
    desk.run("--mode", "symbol", "--stock", "000660", "--ignore")
    assert not (desk.directory / "logs" / "audit").exists()

    ignored = desk.run("--mode", "symbol", "--stock", "005930", "--ignore", **desk.fake_keys)
    refused = desk.run("--mode", "symbol", "--stock", "005930", "--clear-halt", **desk.fake_keys)
    adopted = desk.run("--mode", "symbol", "--stock", "005930", "--adopt", **desk.fake_keys)
    chain = desk.run("--mode", "explain", **desk.fake_keys)

    assert [ended.code for ended in (ignored, refused, adopted, chain)] == [0, 2, 0, 0]
    assert "온전합니다" in chain.out
    [file] = (desk.directory / "logs" / "audit").glob("audit_*.json")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    told = [line for line in lines if line["data"].get("event") == "operator.command"]
    assert [(line["symbol"], line["data"]["command"]) for line in told] == [
        ("005930", "ignore"),
        ("005930", "adopt"),
    ]
    assert desk.fake_keys["KIS_ACCOUNT_NO"] not in file.read_text(encoding="utf-8")


@pytest.mark.req("L-03", "R-02")
def test_a_kill_switch_that_is_cleared_is_on_record_or_it_is_said_that_it_is_not(
    desk: "Desk",
) -> None:
    clear = ("--mode", "clear-kill-switch")
    desk.run("--mode", "symbol", "--stock", "005930", "--ignore", **desk.fake_keys)
    _switch_off_entries(desk)
    trail = TrailFolder(desk.directory / "logs" / "audit")
    chain = Chain(trail)

    held_by_another = desk.run(*clear, **desk.fake_keys)
    chain.close()
    _switch_off_entries(desk)
    cleared = desk.run(*clear, **desk.fake_keys)

    assert (held_by_another.code, cleared.code) == (0, 0)
    assert held_by_another.err.startswith("[주의] 감사 기록을 쓸 수 없습니다")
    assert cleared.err == ""
    told = [line for file in trail.files() for line in file.read_text("utf-8").splitlines()]
    assert len([line for line in told if "clear_kill_switch" in line]) == 1


def _switch_off_entries(desk: "Desk") -> None:
    """As a session does when its account has fallen too far."""
    keys, at = desk.fake_keys, datetime(2026, 11, 27, 10, 0, tzinfo=KST)
    account = keys["KIS_ACCOUNT_NO"] + keys["KIS_ACCOUNT_PRODUCT_CODE"]
    record = RiskRecord(
        session_date=at.date(),
        start_equity=10_000_000,
        high_water_mark=10_000_000,
        kill_switch="누적 낙폭 한도",
        kill_switch_at=at,
    )
    engine = open_database(f"sqlite:///{desk.database}")
    with SqlStore(engine, Namespace(mode=TradingMode.PAPER, account=account)).unit_of_work() as uow:
        uow.put_risk(record)
    engine.dispose()


@pytest.mark.req("P-12", "P-13", "P-01")
def test_no_answer_is_taken_while_a_session_runs(desk: "Desk") -> None:
    process = desk.start_trading("--interval", "60")

    refused = desk.run("--mode", "symbol", "--stock", "005930", "--ignore")

    process.terminate()
    desk.end_of(process)
    assert refused.code == 3
    assert "이미 실행 중입니다" in refused.err
    assert desk.rows("SELECT * FROM halted_symbols") == []


@pytest.mark.req("E-01")
def test_a_day_begins_with_token_session_restore_universe_and_then_decides(
    two_days: "TwoDays",
) -> None:
    """Restored before the universe is asked: what is held waits for no selection."""
    entries = [json.loads(line) for line in two_days.desk.log.splitlines()]
    names = [e["event"] + (":" + e["step"] if "step" in e else "") for e in entries]
    first_day = names[: names.index("session.stopped")]
    order = [
        "kis.token.issued",
        "session.started",
        "recovery.finished",
        "day.started",
        "universe.selected:final",
        "order.created",
    ]

    places = [first_day.index(name) for name in order]

    assert places == sorted(places)
    assert first_day.count("universe.selected:final") == 1
    assert first_day.count("kis.token.issued") == 1


@pytest.mark.req("E-01", "M-08")
def test_a_real_start_without_its_confirmation_asks_nobody_for_a_token(desk: "Desk") -> None:
    keys = {f"REAL_{name}": value for name, value in desk.fake_keys.items()}

    ended = desk.trade("--stock", "005930", TRADING_MODE="REAL", **keys)

    assert ended.code == 2
    assert "--confirm-real-trading" in ended.err
    assert not (desk.directory / "logs").exists()
