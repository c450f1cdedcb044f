"""An old database brought over, from SQLite and from MariaDB (D-09)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.legacy_import import import_legacy
from kis_adapters.sql.legacy_rows import TableReport
from kis_adapters.sql.store import SqlStore
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreMisfit, StoreUnavailable
from kis_core.positions.position import Levels
from kis_core.strategy.levels import entry_levels
from kis_core.strategy.parameters import StrategyParameters

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
_PARAMETERS = StrategyParameters()

# The columns that the old manual names, and some that only that system's people know.
_OLD = """
CREATE TABLE symbol_cache (stock_code VARCHAR(10), stock_name VARCHAR(50), updated_at DATETIME);
CREATE TABLE trades (id INTEGER, idempotency_key VARCHAR(64), stock_code VARCHAR(10),
  side VARCHAR(8), price DECIMAL(15,2), quantity INTEGER, pnl DECIMAL(15,2),
  executed_at DATETIME, mood VARCHAR(20));
CREATE TABLE order_state (idempotency_key VARCHAR(64), stock_code VARCHAR(10),
  order_no VARCHAR(20), fill_id VARCHAR(20), status VARCHAR(20));
CREATE TABLE positions (stock_code VARCHAR(10), quantity INTEGER, entry_price DECIMAL(15,2),
  atr_at_entry DOUBLE, entry_date DATE, highest_price DECIMAL(15,2), status VARCHAR(10));
CREATE TABLE account_snapshots (snapshot_time DATETIME, cash DECIMAL(18,2),
  total_equity DECIMAL(18,2));
CREATE TABLE daily_summary (trade_date DATE, realized_pnl DECIMAL(18,2), total_trades INTEGER,
  win_count INTEGER, loss_count INTEGER, equity DECIMAL(18,2));
INSERT INTO symbol_cache VALUES ('005930', '삼성전자', '2026-02-10 09:00:00');
INSERT INTO symbol_cache VALUES ('<b>', 'no code', '2026-02-10 09:00:00');
INSERT INTO trades VALUES (1, 'k1', '005930', 'BUY', 70000.00, 3, NULL, '2026-02-10 09:30', '');
INSERT INTO trades VALUES (2, 'k2', '005930', 'SELL', 71000.00, 3, 2700.00, '2026-02-11 10:00', '');
INSERT INTO trades VALUES (3, 'k3', '000660', 'SELL', 150000.00, 1, NULL, '2026-02-11 11:00', '');
INSERT INTO trades VALUES (4, 'k4', '000660', 'BUY', 150000.33, 1, NULL, '2026-02-11 11:00', '');
INSERT INTO order_state VALUES ('k1', '005930', '0001', NULL, 'FILLED');
INSERT INTO order_state VALUES ('k9', '035720', '0009', NULL, 'SUBMITTED');
INSERT INTO positions VALUES ('035720', 10, 45000.00, 900.0, '2026-02-11', 46000.00, 'OPEN');
INSERT INTO positions VALUES ('005380', 2, 200000.00, NULL, '2026-02-11', NULL, 'OPEN');
INSERT INTO positions VALUES ('005930', 3, 70000.00, 1400.0, '2026-02-10', NULL, 'CLOSED');
INSERT INTO account_snapshots VALUES ('2026-02-11 15:30:00', 9000000.00, 9987300.00);
INSERT INTO daily_summary VALUES ('2026-02-11', 2700.00, 2, 1, 0, 9987300.00);
"""


@pytest.fixture(params=["sqlite", "mariadb"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = (
        f"sqlite:///{tmp_path / 'old.db'}"
        if request.param == "sqlite"
        else str(request.getfixturevalue("mariadb_url"))
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in _OLD.split(";"):
            if statement.strip():
                connection.execute(text(statement))
    engine.dispose()
    return url


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'kis.db'}")
    initialize_schema(engine)
    yield engine
    engine.dispose()


def _levels(cost: int, quantity: int, atr: float) -> Levels:
    return entry_levels(cost=cost, quantity=quantity, atr=atr, parameters=_PARAMETERS)


def _import(old: str, target: Engine) -> dict[str, TableReport]:
    reports = import_legacy(old, target, PAPER, levels_of=_levels)
    return {report.name: report for report in reports}


@pytest.mark.req("D-09")
def test_what_is_certain_comes_over_and_the_rest_is_named(old: str, target: Engine) -> None:
    reports = _import(old, target)

    assert {name: (r.read, r.taken) for name, r in reports.items()} == {
        "symbol_cache": (2, 1),
        "trades": (4, 2),
        "account_snapshots": (1, 1),
        "daily_summary": (1, 1),
        "positions": (3, 1),
        "order_state": (2, 0),
    }
    assert reports["symbol_cache"].skipped == {"종목코드가 아님": 1}
    assert set(reports["trades"].skipped) == {"pnl 값이 없음", "체결 금액을 원 단위로 알 수 없음"}
    assert reports["trades"].unknown_columns == ("mood",)
    assert reports["order_state"].unknown_columns == ("fill_id",)
    assert "0009" in reports["order_state"].warnings[0]


@pytest.mark.req("D-09")
def test_the_program_reads_what_came_over(old: str, target: Engine) -> None:
    _import(old, target)

    with SqlStore(target, PAPER).unit_of_work() as unit:
        (held,) = unit.positions()
        names, live, snapshot = unit.names(), unit.live_orders(), unit.latest_snapshot()
    assert (held.symbol, held.quantity, held.cost) == (Symbol("035720"), 10, 450_000)
    # By hand: 45,000 − 2 × 900 = 43,200 (above the 5 % loss, 42,750); 45,000 + 3 × 900 = 47,700.
    assert (held.levels.stop, held.levels.take, held.highest) == (43_200, 47_700, 46_000)
    assert names[Symbol("005930")][0] == "삼성전자"
    assert live == ()
    assert snapshot is not None
    assert (snapshot.cash, snapshot.equity) == (9_000_000, 9_987_300)


@pytest.mark.req("D-09")
def test_a_second_time_brings_nothing_twice(old: str, target: Engine) -> None:
    first = _import(old, target)
    second = _import(old, target)

    assert [report.taken for report in second.values()] == [0] * 6
    assert [r.known_already for r in second.values()] == [r.taken for r in first.values()]


@pytest.mark.req("D-09")
def test_rows_of_the_other_mode_stay_where_they_are(old: str, target: Engine) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE trades ADD COLUMN mode VARCHAR(8)"))
        connection.execute(text("UPDATE trades SET mode = 'REAL' WHERE id = 1"))
        connection.execute(text("UPDATE trades SET mode = 'PAPER' WHERE id = 2"))
    engine.dispose()

    report = _import(old, target)["trades"]

    assert report.taken == 1
    assert report.skipped["다른 모드의 기록(REAL)"] == 1


def test_what_cannot_be_read_is_refused_without_its_password(
    target: Engine, tmp_path: Path
) -> None:
    for source in ("nonsense", f"sqlite:///{tmp_path / 'none.db'}", "oracle://x:NOT-A-PASS@h/d"):
        with pytest.raises(StoreMisfit) as refused:
            _import(source, target)
        assert "NOT-A-PASS" not in str(refused.value)
    with pytest.raises(StoreUnavailable) as away:
        _import("mysql+pymysql://someone:NOT-A-PASS@127.0.0.1:1/old", target)
    assert "NOT-A-PASS" not in str(away.value)
    with pytest.raises(StoreMisfit, match="같습니다"):
        _import(str(target.url), target)


def test_a_table_that_is_not_there_is_said(target: Engine, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()

    reports: Any = _import(f"sqlite:///{empty}", target)

    assert not any(report.is_there for report in reports.values())
