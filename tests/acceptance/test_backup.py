"""Backup, restore and import as they are typed (D-08, D-09)."""

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import TWO_SYMBOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_FAST = ("--config", "fast.yaml")


@pytest.mark.req("D-08")
def test_a_backup_of_a_trading_day_brings_its_state_back(desk: "Desk") -> None:
    process = desk.start_trading()
    running = desk.run("--mode", "backup", "--to", "during.backup", *_FAST)
    held = desk.run("--mode", "restore", "--from", "during.backup", "--yes", *_FAST)
    process.kill()
    desk.end_of(process)
    assert running.code == 0, running.err
    assert "백업했습니다" in running.out
    assert held.code == 3

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


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("backup",), "--to"),
        (("restore",), "--from"),
        (("restore", "--from", "nothing.backup"), "백업 파일이 없습니다"),
        (("backup", "--to", "copy.backup"), "백업할 데이터베이스가 없습니다"),
        (("import-legacy",), "--from"),
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
