"""An old database brought over, from SQLite and from MariaDB (D-09)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.legacy_import import import_legacy
from kis_adapters.sql.legacy_rows import TableReport
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreMisfit, StoreUnavailable
from kis_core.positions.position import Levels
from kis_core.risk.state import RiskRecord
from kis_core.strategy.levels import entry_levels
from kis_core.strategy.parameters import StrategyParameters

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
NOW = datetime(2026, 3, 3, 8, 0, tzinfo=KST)
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
    reports = import_legacy(old, target, PAPER, levels_of=_levels, now=NOW)
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
    assert reports["order_state"].unknown_columns == ("fill_id", "idempotency_key")
    assert reports["trades"].warnings == [
        "commission 값이 없는 2행은 0으로 적었습니다",
        "tax 값이 없는 2행은 0으로 적었습니다",
        "모드와 계좌 열이 없어 지금의 PAPER 계좌의 기록으로 보았습니다",
    ]
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


def test_a_database_of_this_program_is_no_old_one_however_it_is_spelled(
    target: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    for source in (str(target.url), "sqlite:///./kis.db"):
        with pytest.raises(StoreMisfit, match="이 프로그램의"):
            _import(source, target)


_TRADE = {"idempotency_key": "k", "stock_code": "005930", "side": "BUY", "quantity": 2}
_TRADE |= {"price": 70_000, "executed_at": "2026-02-10 09:30:00"}
_POSITION = {"stock_code": "035720", "quantity": 10, "entry_price": 45_000, "atr": 900.0}
_POSITION |= {"entry_date": "2026-02-11"}


def _old_with(tmp_path: Path, table: str, *rows: dict[str, Any]) -> str:
    """An old database of one table, whose columns are those of the rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = tmp_path / "made.db"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as old:
        old.execute(f"CREATE TABLE {table} ({', '.join(names)})")
        marks = ", ".join("?" for _ in names)
        given = [[row.get(name) for name in names] for row in rows]
        old.executemany(f"INSERT INTO {table} VALUES ({marks})", given)
        old.commit()
    return f"sqlite:///{file}"


@pytest.mark.req("D-09")
@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"quantity": 2.5}, "quantity 값이 정수가 아님"),
        ({"quantity": 0}, "quantity 값이 양수가 아님"),
        ({"quantity": "2,5"}, "quantity 값을 숫자로 읽을 수 없음"),
        ({"price": "1e30"}, "price 값을 숫자로 읽을 수 없음"),
        ({"price": 1e30}, "price 값을 숫자로 읽을 수 없음"),
        ({"commission": "9" * 30}, "commission 값을 숫자로 읽을 수 없음"),
        ({"price": None}, "price 값이 없음"),
        ({"amount": 140_021}, "체결 금액이 가격 × 수량과 다름"),
        ({"amount": 140_000, "total_amount": 140_021}, "amount, total_amount 값이 서로 다름"),
        ({"exec_price": 70_100, "fill_price": 70_200}, "exec_price, fill_price 값이 서로 다름"),
        ({"commission": 21, "fee": 22}, "commission, fee 값이 서로 다름"),
        ({"side": "SELL"}, "pnl 값이 없음"),
        ({"side": "LIMIT"}, "매수인지 매도인지 알 수 없음"),
        ({"status": "CANCELLED"}, "체결된 거래인지 알 수 없음(상태 CANCELLED)"),
        ({"status": "\x1b[2J"}, "체결된 거래인지 알 수 없음(상태 ?[2J)"),
        ({"account_no": "77777777-01"}, "다른 계좌의 기록"),
        ({"account_no": "****0001"}, "다른 계좌의 기록"),
        ({"mode": "REAL"}, "다른 모드의 기록(REAL)"),
        ({"executed_at": "2026/02/10"}, "시각을 읽을 수 없음"),
        ({"stock_code": "no"}, "종목코드가 아님"),
    ],
)
def test_a_trade_that_is_not_certain_is_left_out_and_the_others_come(
    more: dict[str, Any], why: str, target: Engine, tmp_path: Path
) -> None:
    doubtful = _TRADE | more
    report = _import(
        _old_with(tmp_path, "trades", doubtful, _TRADE | {"idempotency_key": "l"}), target
    )["trades"]

    assert report.skipped == {why: 1}
    assert report.taken == 1


@pytest.mark.parametrize(
    ("more", "amount"),
    [
        ({}, 140_000),
        ({"executed_price": 70_100}, 140_200),  # not the order's price
        ({"filled_qty": 1}, 70_000),  # nor its quantity
        ({"price": "70,000.00"}, 140_000),
        ({"quantity": 3, "price": 70_000.33, "amount": 210_001}, 210_001),  # an average, rounded
        ({"price": None, "amount": 140_001}, 140_001),
        ({"account_no": "50000000", "mode": "paper", "status": "Filled"}, 140_000),
    ],
)
def test_the_amount_of_a_trade_is_what_was_filled(
    more: dict[str, Any], amount: int, target: Engine, tmp_path: Path
) -> None:
    _import(_old_with(tmp_path, "trades", _TRADE | more), target)

    assert _values(target, "SELECT amount FROM trades") == [(amount,)]


def test_an_instant_with_a_zone_is_dated_in_seoul(target: Engine, tmp_path: Path) -> None:
    late = _TRADE | {"executed_at": "2026-02-10T23:30:00+00:00"}

    _import(_old_with(tmp_path, "trades", late), target)

    assert _values(target, "SELECT session_date FROM trades") == [("2026-02-11",)]


@pytest.mark.req("D-09")
def test_todays_limits_and_sums_are_not_touched(target: Engine, tmp_path: Path) -> None:
    """A loss of today in the old system would count in today's limit, and a summary of today
    would say that the day is over."""
    losses = [
        _TRADE | {"idempotency_key": day, "executed_at": f"{day} 08:00", "side": "SELL", "pnl": -9}
        for day in ("2026-03-02", "2026-03-03", "2026-03-04")
    ]
    figures = {"total_trades": 1, "wins": 0, "losses": 1, "equity": 9, "realized_pnl": -9}
    days = [{"trade_date": day, **figures} for day in ("2026-03-02", "2026-03-03")]

    trades = _import(_old_with(tmp_path, "trades", *losses), target)["trades"]
    summaries = _import(_old_with(tmp_path, "daily_summary", *days), target)["daily_summary"]

    assert (trades.taken, summaries.taken) == (1, 1)
    with SqlStore(target, PAPER).unit_of_work() as unit:
        assert len(unit.trades_of(date(2026, 3, 2))) == 1
        assert unit.trades_of(NOW.date()) == ()
        assert unit.summary_of(NOW.date()) is None


@pytest.mark.req("D-09")
def test_days_that_this_system_traded_are_its_own(target: Engine, tmp_path: Path) -> None:
    _trade_here_since(target, date(2026, 2, 10))
    before = _TRADE | {"idempotency_key": "l", "executed_at": "2026-02-09 09:30"}

    report = _import(_old_with(tmp_path, "trades", _TRADE, before), target)["trades"]

    assert (report.taken, sum(report.skipped.values())) == (1, 1)
    assert _values(target, "SELECT session_date FROM trades") == [("2026-02-09",)]


def test_the_result_of_a_day_must_say_that_it_is_realised(target: Engine, tmp_path: Path) -> None:
    day = {"trade_date": "2026-02-11", "pnl": 5, "trades": 1, "wins": 1, "losses": 0, "equity": 9}

    report = _import(_old_with(tmp_path, "daily_summary", day), target)["daily_summary"]

    assert report.skipped == {"realized_pnl 값이 없음": 1}
    assert report.unknown_columns == ("pnl",)


@pytest.mark.req("D-09")
@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"status": "CANCELLED"}, "열린 포지션인지 알 수 없음(상태 CANCELLED)"),
        ({"status": "CLOSED"}, "이미 끝난 포지션"),
        ({"is_open": 0}, "이미 끝난 포지션"),
        ({"closed_at": "2026-02-12 10:00:00"}, "이미 끝난 포지션"),
        ({"atr": None}, "진입 때의 ATR이 없음"),
        ({"quantity": 0}, "quantity 값이 양수가 아님"),
        ({"entry_price": None}, "entry_price 값이 없음"),
        ({"entry_date": "2027-01-01"}, "앞날의 시각"),
    ],
)
def test_a_position_that_is_not_certain_is_left_to_the_broker(
    more: dict[str, Any], why: str, target: Engine, tmp_path: Path
) -> None:
    report = _import(_old_with(tmp_path, "positions", _POSITION | more), target)["positions"]

    assert report.taken == 0
    assert [reason.startswith(why) for reason in report.skipped] == [True]


def test_of_two_open_positions_of_a_symbol_none_is_certain(target: Engine, tmp_path: Path) -> None:
    other = _POSITION | {"quantity": 3}

    report = _import(_old_with(tmp_path, "positions", _POSITION, other), target)["positions"]

    assert (report.read, report.taken, sum(report.skipped.values())) == (2, 0, 2)


@pytest.mark.req("D-09")
def test_a_position_that_was_sold_since_does_not_come_back(target: Engine, tmp_path: Path) -> None:
    old = _old_with(tmp_path, "positions", _POSITION)
    assert _import(old, target)["positions"].taken == 1
    with target.begin() as connection:
        connection.execute(
            text(
                "UPDATE positions SET open_symbol = NULL, closed_at = '2026-03-02 10:00:00.000000'"
            )
        )

    again = _import(old, target)["positions"]
    _trade_here_since(target, date(2026, 3, 2))
    another = _POSITION | {"stock_code": "000660"}
    later = _import(_old_with(tmp_path, "positions", another), target)["positions"]

    assert (again.taken, again.known_already, later.taken) == (0, 1, 0)
    with SqlStore(target, PAPER).unit_of_work() as unit:
        assert unit.positions() == ()


def test_an_order_of_an_unknown_state_is_named_as_one_that_may_be_open(
    target: Engine, tmp_path: Path
) -> None:
    order = {"stock_code": "005930", "order_no": "0000117057", "status": "ACKED"}

    report = _import(_old_with(tmp_path, "order_state", order), target)["order_state"]

    assert "0000117057" in report.warnings[0]
    assert report.skipped == {"상태를 알 수 없는 주문(ACKED): 증권사에서 확인할 것": 1}


@pytest.mark.req("D-09")
def test_a_rehearsal_reports_the_same_and_changes_nothing(
    old: str, target: Engine, tmp_path: Path
) -> None:
    def rehearse(engine: Engine) -> list[TableReport]:
        return import_legacy(old, engine, PAPER, levels_of=_levels, now=NOW, is_rehearsal=True)

    nowhere = open_database(f"sqlite:///{tmp_path / 'nowhere.db'}")
    rehearsed, on_nothing = rehearse(target), rehearse(nowhere)
    assert not (tmp_path / "nowhere.db").exists()
    nowhere.dispose()
    for table in ("symbol_cache", "trades", "positions", "account_snapshots", "daily_summary"):
        assert _values(target, f"SELECT COUNT(*) FROM {table}") == [(0,)]

    assert list(_import(old, target).values()) == rehearsed == on_nothing


@pytest.mark.req("D-09")
def test_the_old_database_is_only_read(old: str, target: Engine) -> None:
    engine = create_engine(old)
    before = _everything(engine)

    _import(old, target)

    assert _everything(engine) == before
    engine.dispose()
    writes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "kis_adapters.sql.legacy_databases._refuse_our_own",
            lambda reading: writes.append(_try_to_write(reading)),
        )
        with suppress(StoreMisfit, StoreUnavailable):
            _import(old, target)
    assert writes == [False]


def _try_to_write(reading: Connection) -> bool:
    try:
        reading.execute(text("DELETE FROM symbol_cache"))
    except DBAPIError:
        return False
    return True


def _everything(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]
            for name in inspect(connection).get_table_names()
        }


def _values(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
        connection.rollback()
    return found


def _trade_here_since(engine: Engine, first: date) -> None:
    record = RiskRecord(session_date=first, start_equity=10_000_000, high_water_mark=10_000_000)
    with SqlStore(engine, PAPER).unit_of_work() as unit:
        unit.put_risk(record)


def test_a_table_that_is_not_there_is_said(target: Engine, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()

    reports: Any = _import(f"sqlite:///{empty}", target)

    assert not any(report.is_there for report in reports.values())
