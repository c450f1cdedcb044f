"""What the operator's page reads, on SQLite and on MariaDB: all of it, its own, and no more."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.database import open_database
from kis_adapters.sql.glance import Glance, open_to_read
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreMisfit, StoreUnavailable

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
REAL = Namespace(mode=TradingMode.REAL, account="50000000-01")

pytestmark = pytest.mark.req("V-06")


@pytest.fixture
def database(store_url: str, maker: Any, facts: Any) -> Iterator[Engine]:
    engine = open_database(store_url)
    initialize_schema(engine)
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent())
    with SqlStore(engine, PAPER).unit_of_work() as unit:
        unit.append_order_events(order, events)
        unit.put_position(facts.position)
        unit.put_trade(facts.trade)
        unit.add_decision(facts.decision)
        unit.add_snapshot(facts.snapshot)
        unit.put_risk(facts.risk)
        unit.put_names({facts.position.symbol: "삼성전자"}, at=facts.decision.at)
        unit.put_halted_symbol(facts.position.symbol, why="by_hand", at=facts.decision.at)
        unit.put_pending_exit(facts.pending)
    yield engine
    engine.dispose()


@pytest.fixture
def reading(database: Engine, store_url: str) -> Iterator[Engine]:
    database.dispose()
    engine = open_to_read(store_url)
    yield engine
    engine.dispose()


def test_many_who_look_at_once_all_see_it(reading: Engine) -> None:
    """The page asks from whatever thread is free."""

    def look(_: int) -> int:
        return sum(len(Glance(reading, PAPER).take()["positions"]) for _ in range(20))

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(look, range(24))) == [20] * 24


def test_everything_that_was_committed_is_seen(reading: Engine, facts: Any) -> None:
    seen = Glance(reading, PAPER).take()

    (position,), (order,), (decision,) = seen["positions"], seen["orders"], seen["decisions"]
    assert (position["quantity"], position["stop_price"]) == (7, 68_000)
    assert (order["status"], order["stock_code"]) == ("SUBMITTED", "005930")
    assert decision["evidence"] == facts.decision.evidence
    assert seen["risk"]["kill_switch"] == "운영자 요청"
    assert seen["realised_pnl"] == -12_345
    assert seen["equity"] == [(facts.snapshot.at, -1)]
    assert seen["names"] == {"005930": "삼성전자"}
    assert [row["why"] for row in seen["halted"]] == ["by_hand"]
    assert [row["reason"] for row in seen["pending_exits"]] == ["trailing_stop"]


def test_another_accounts_rows_are_not(reading: Engine) -> None:
    seen = Glance(reading, REAL).take()

    for name in ("positions", "orders", "decisions", "equity", "halted", "pending_exits"):
        assert seen[name] == []
    assert (seen["risk"], seen["snapshot"], seen["realised_pnl"]) == (None, None, 0)


def test_a_long_curve_is_thinned_and_keeps_its_newest_point(
    database: Engine, store_url: str, facts: Any
) -> None:
    row = {
        "mode": PAPER.mode.value,
        "account": PAPER.account,
        "at": facts.snapshot.at,
        "session_date": facts.snapshot.session_date,
        "cash": 0,
        "evaluation_pnl": 0,
        "realised_pnl": 0,
        "positions": 0,
    }
    with database.begin() as connection:
        connection.execute(
            insert(schema.account_snapshots), [{**row, "equity": n} for n in range(5_000)]
        )
    database.dispose()
    reading = open_to_read(store_url)

    points = Glance(reading, PAPER).take()["equity"]

    reading.dispose()
    assert 300 < len(points) <= 402
    assert points[-1] == (facts.snapshot.at, 4_999)


def test_its_connection_cannot_write(reading: Engine) -> None:
    with reading.connect() as connection, pytest.raises(SQLAlchemyError):
        connection.execute(text("DELETE FROM trades"))

    assert Glance(reading, PAPER).take()["realised_pnl"] == -12_345


def test_a_database_that_nobody_traded_on_is_said(store_url: str) -> None:
    engine = open_database(store_url)
    with engine.connect():
        pass
    engine.dispose()
    reading = open_to_read(store_url)

    with pytest.raises(StoreMisfit, match="아직 거래한 적이 없는"):
        Glance(reading, PAPER).take()

    reading.dispose()


def test_a_file_with_an_odd_name_is_found_and_a_missing_one_not_made(tmp_path: Path) -> None:
    odd = tmp_path / "my #1 data.db"
    written = open_database(f"sqlite:///{odd}")
    initialize_schema(written)
    written.dispose()
    assert odd.is_file()

    reading = open_to_read(f"sqlite:///{odd}")
    assert Glance(reading, PAPER).take()["positions"] == []
    reading.dispose()

    for missing in (tmp_path / "none.db", tmp_path / "nowhere" / "none.db"):
        with pytest.raises(StoreMisfit, match="아직 데이터베이스가 없습니다"):
            Glance(open_to_read(f"sqlite:///{missing}"), PAPER).take()
        assert not missing.exists()


def test_a_server_that_is_away_is_said() -> None:
    away = open_to_read("mysql+pymysql://someone:not-a-secret@127.0.0.1:1/kis")

    with pytest.raises(StoreUnavailable) as error:
        Glance(away, PAPER).take()

    assert "not-a-secret" not in str(error.value)
