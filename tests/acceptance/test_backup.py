"""Backup, restore and import as they are typed (D-08, D-09)."""

import sqlite3
import time
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.sql.database import open_database
from kis_adapters.sql.rebuild import rebuild_order_state
from kis_adapters.sql.restore import restore
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode
from tests.acceptance.conftest import TWO_SYMBOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_FAST = ("--config", "fast.yaml")


@pytest.mark.req("D-08")
def test_a_backup_of_a_trading_day_brings_its_state_back(desk: "Desk") -> None:
    process = desk.start_trading()
    _wait_for_an_order(desk)
    running = desk.run("--mode", "backup", "--to", "during.backup", *_FAST)
    held = desk.run("--mode", "restore", "--from", "during.backup", "--yes", *_FAST)
    process.kill()
    desk.end_of(process)
    assert running.code == 0, running.err
    assert "백업했습니다" in running.out
    assert held.code == 3
    assert _orders_are_the_fold_of_their_events(desk, "during.backup") > 0

    desk.trade(*TWO_SYMBOLS, "--max-runs", "5")
    before = desk.run("--mode", "status", "--json", *_FAST).out
    assert desk.run("--mode", "backup", "--to", "after.backup", *_FAST).code == 0
    again = desk.run("--mode", "backup", "--to", "after.backup", *_FAST)
    desk.database.unlink()
    restored = desk.run("--mode", "restore", "--from", "after.backup", *_FAST)
    refused = desk.run("--mode", "restore", "--from", "during.backup", *_FAST)
    replaced = desk.run("--mode", "restore", "--from", "after.backup", "--yes", *_FAST)

    assert (again.code, restored.code, refused.code, replaced.code) == (2, 0, 2, 0)
    assert "이미 있는 파일" in again.err
    assert "--yes" in refused.err
    assert "전에 있던 데이터베이스" in replaced.out
    assert desk.run("--mode", "status", "--json", *_FAST).out == before


def _wait_for_an_order(desk: "Desk") -> None:
    deadline = time.monotonic() + 120
    while not desk.rows("SELECT 1 FROM order_events LIMIT 1"):
        assert time.monotonic() < deadline, "no order was written"
        time.sleep(0.02)


def _orders_are_the_fold_of_their_events(desk: "Desk", backup: str) -> int:
    """How many orders a copy has, each of them what its events make of it."""
    url = f"sqlite:///{desk.directory / 'copy.db'}"
    now = datetime.now(KST)
    restore(desk.directory / backup, url, may_replace=False, now=now, progress=lambda _t, _r: None)
    copy = open_database(url)
    query = text("SELECT * FROM order_state ORDER BY order_id")
    with copy.connect() as connection:
        before = connection.execute(query).all()
        connection.rollback()
    namespace = Namespace(mode=TradingMode(before[0].mode), account=before[0].account)
    orders = rebuild_order_state(copy, namespace)
    with copy.connect() as connection:
        assert connection.execute(query).all() == before
        connection.rollback()
    copy.dispose()
    return orders


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("backup",), "--to"),
        (("restore",), "--from"),
        (("restore", "--from", "nothing.backup"), "백업 파일이 없습니다"),
        (("backup", "--to", "copy.backup"), "백업할 데이터베이스가 없습니다"),
        (("import-legacy",), "--from"),
        (("status", "--dry-run"), "--dry-run"),
        (("import-legacy", "--from", "sqlite:///none.db"), "없습니다"),
    ],
)
def test_what_cannot_be_done_is_said(desk: "Desk", typed: tuple[str, ...], said: str) -> None:
    ended = desk.run("--mode", *typed, *_FAST)

    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.req("D-09")
def test_the_old_database_is_imported_by_one_command(desk: "Desk") -> None:
    with closing(sqlite3.connect(desk.directory / "old.db")) as old:
        old.execute("CREATE TABLE symbol_cache (stock_code TEXT, stock_name TEXT, updated_at TEXT)")
        old.execute("INSERT INTO symbol_cache VALUES ('005930', '삼성전자', '2026-02-10 09:00:00')")
        old.execute("CREATE TABLE order_state (stock_code TEXT, order_no TEXT, status TEXT)")
        old.execute("INSERT INTO order_state VALUES ('000660', '0007', 'PARTIAL')")
        old.commit()

    ended = desk.run("--mode", "import-legacy", "--from", "sqlite:///old.db", *_FAST)

    assert ended.code == 0, ended.err
    assert "symbol_cache: 1행 가운데 1행을 가져왔습니다" in ended.out
    assert "[주의] 옛 시스템의 미결 주문 PARTIAL: 000660 주문번호 0007" in ended.out
    assert "trades: 테이블이 없습니다" in ended.out
    assert desk.rows("SELECT stock_name FROM symbol_cache")[0][0] == "삼성전자"


@pytest.mark.req("D-09")
def test_an_old_mariadb_is_rehearsed_imported_and_traded_on(desk: "Desk", mariadb_url: str) -> None:
    old = create_engine(mariadb_url)
    with old.begin() as connection:
        for statement in (
            "CREATE TABLE trades (id INT AUTO_INCREMENT PRIMARY KEY, idempotency_key CHAR(64),"
            " stock_code CHAR(6), side VARCHAR(4), price DECIMAL(15,2), quantity INT,"
            " pnl DECIMAL(15,2), executed_at DATETIME, UNIQUE (idempotency_key))",
            "INSERT INTO trades VALUES (1, 'a', '005930', 'BUY', 7000, 3, NULL, '2026-02-10 9:30')",
            "INSERT INTO trades VALUES (2, 'b', '005930', 'SELL', 7100, 3, 27, '2026-02-11 9:30')",
            "INSERT INTO trades VALUES (3, 'c', '005930', 'SELL', 9, 1, -9000000,"
            f" '{datetime.now(KST):%Y-%m-%d %H:%M:%S}')",
            "CREATE TABLE positions (stock_code CHAR(6), quantity INT, entry_price DECIMAL(15,2),"
            " atr_at_entry DOUBLE, entry_date DATE)",
            "INSERT INTO positions VALUES ('035720', 10, 45000, 900, '2026-02-11')",
        ):
            connection.execute(text(statement))
    old.dispose()
    typed = ("--mode", "import-legacy", "--from", mariadb_url, *_FAST)

    rehearsed = desk.run(*typed, "--dry-run")
    assert rehearsed.code == 0, rehearsed.err
    assert not desk.database.exists()
    imported = desk.run(*typed)
    again = desk.run(*typed)
    lock = FileInstanceLock(desk.directory / "data" / "instance.lock")
    lock.acquire(now=datetime.now(KST))
    held = desk.run(*typed)
    lock.release()
    traded = desk.trade(*TWO_SYMBOLS, "--max-runs", "30")

    assert rehearsed.out.split("\n", 1)[1] == imported.out
    assert "trades: 3행 가운데 2행을 가져왔습니다" in imported.out
    assert "trades: 3행 가운데 0행을 가져왔습니다, 이미 있음 2행" in again.out
    assert "positions: 1행 가운데 1행을 가져왔습니다" in imported.out
    assert held.code == 3
    assert traded.code == 0, traded.err
    # The simulated broker does not hold it: once it has said so twice, what the old system
    # believed is corrected (P-06).
    (position,) = desk.rows("SELECT * FROM positions WHERE stock_code = '035720'")
    assert position["closed_at"] is not None
    assert desk.rows("SELECT kill_switch FROM risk_state")[0]["kill_switch"] is None
    assert len(desk.rows("SELECT 1 FROM trades WHERE order_id LIKE 'legacy-%'")) == 2
    for ended in (rehearsed, imported, again, held, traded):
        assert "not-a-secret" not in ended.out + ended.err
    assert "not-a-secret" not in desk.log
