"""The schema: made by migrations, the same as the code's, never guessed at."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import HEAD, initialize_schema
from kis_adapters.sql.migrate import scripts
from kis_adapters.sql.rebuild import rebuild_order_state
from kis_adapters.sql.schema import metadata
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.ports.store import StoreMisfit, StoreUnavailable

TABLES = {
    *("positions", "trades", "order_state", "account_snapshots", "daily_summary", "symbol_cache"),
    *("order_events", "fills", "risk_state", "decisions", "pending_exits", "halted_symbols"),
}


@pytest.fixture
def engine(store_url: str) -> Any:
    engine = open_database(store_url)
    yield engine
    engine.dispose()


def schema_text(engine: Engine) -> list[str]:
    inspector = inspect(engine)
    return [
        f"{name} {inspector.get_columns(name)} {inspector.get_indexes(name)}"
        f" {inspector.get_unique_constraints(name)} {inspector.get_pk_constraint(name)}"
        for name in sorted(inspector.get_table_names())
    ]


@pytest.mark.req("D-03", "F-085")
def test_an_empty_database_gets_every_table(engine: Engine) -> None:
    initialize_schema(engine)

    assert set(inspect(engine).get_table_names()) == TABLES | {"alembic_version"}


@pytest.mark.req("D-03")
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("order_state", {"idempotency_key", "signal_id", "order_no", "fill_id", "status"}),
        ("trades", {"idempotency_key"}),
        ("symbol_cache", {"stock_code", "stock_name", "updated_at"}),
    ],
)
def test_the_names_that_operators_query_are_there(
    engine: Engine, table: str, columns: set[str]
) -> None:
    initialize_schema(engine)

    assert columns <= {column["name"] for column in inspect(engine).get_columns(table)}


@pytest.mark.req("D-03", "P-10")
def test_mode_and_account_are_in_every_key_but_the_names(engine: Engine) -> None:
    initialize_schema(engine)

    inspector = inspect(engine)
    for table in TABLES - {"symbol_cache"}:
        keys = [unique["column_names"] for unique in inspector.get_unique_constraints(table)]
        primary = inspector.get_pk_constraint(table)["constrained_columns"]
        keys += [primary] if primary != ["id"] else []
        columns = {column["name"]: column for column in inspector.get_columns(table)}
        assert not columns["mode"]["nullable"]
        assert not columns["account"]["nullable"]
        assert all(key[:2] == ["mode", "account"] for key in keys), (table, keys)


@pytest.mark.req("D-04", "F-085")
def test_initialising_twice_changes_nothing(engine: Engine) -> None:
    initialize_schema(engine)
    before = schema_text(engine)

    initialize_schema(engine)

    assert schema_text(engine) == before


@pytest.mark.req("D-04", "F-088")
def test_migrations_lead_to_the_schema_of_the_code(engine: Engine) -> None:
    initialize_schema(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.req("D-04")
def test_a_schema_of_a_newer_program_is_refused(engine: Engine) -> None:
    initialize_schema(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = schema_text(engine)

    with pytest.raises(StoreMisfit, match="새 버전"):
        initialize_schema(engine)

    assert schema_text(engine) == before


def test_tables_of_another_program_are_refused_and_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE positions (symbol VARCHAR(10), mode VARCHAR(8))"))
    before = schema_text(engine)[:1]

    with pytest.raises(StoreMisfit, match="다른 프로그램의 positions"):
        initialize_schema(engine)

    with engine.connect() as connection:
        assert inspect(connection).has_table("order_state") is False
    assert [line for line in schema_text(engine) if line.startswith("positions")] == before


@pytest.mark.req("F-085")
def test_a_start_that_died_between_two_tables_is_carried_on(engine: Engine) -> None:
    initialize_schema(engine)
    complete = schema_text(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        connection.execute(text("DROP TABLE fills"))
        on = " ON trades" if engine.dialect.name == "mysql" else ""
        connection.execute(text(f"DROP INDEX ix_trades_session{on}"))

    initialize_schema(engine)

    assert sorted(schema_text(engine)) == sorted(complete)


@pytest.mark.req("D-04")
def test_two_programs_may_initialise_at_once(store_url: str, engine: Engine) -> None:
    code = (
        "import sys; from kis_adapters.sql.database import open_database;"
        "from kis_adapters.sql.initialize import initialize_schema;"
        "engine = open_database(sys.argv[1]); print('ready', flush=True); sys.stdin.readline();"
        "initialize_schema(engine)"
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", code, store_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"

    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    ends = [program.communicate(timeout=60)[1] for program in programs]

    assert [(program.returncode, end) for program, end in zip(programs, ends, strict=True)] == [
        (0, "")
    ] * 3
    assert set(inspect(engine).get_table_names()) == TABLES | {"alembic_version"}


# -- the projection


HISTORIES = [
    (),
    (Kind.SENDING, Kind.OUTCOME_LOST),
    (Kind.SENDING, Kind.REJECTED),
    (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, Kind.CANCEL_REQUESTED, Kind.CANCELLED),
    (Kind.SENDING, Kind.OUTCOME_LOST, Kind.ADOPTED, Kind.FILLED, Kind.FILLED),
]


@pytest.mark.req("F-089")
def test_order_state_is_rebuilt_from_the_events_row_by_row(engine: Engine, maker: Any) -> None:
    initialize_schema(engine)
    store = SqlStore(engine, maker.namespace)
    for number, kinds in enumerate(HISTORIES):
        intent = maker.intent(f"{number:06d}")
        events = maker.history(intent, *kinds)
        for count in range(len(events)):
            with store.unit_of_work() as unit:
                order, _ = maker.order(*kinds[:count], intent=intent)
                unit.append_order_events(order, events[count : count + 1])
    everything = text("SELECT * FROM order_state ORDER BY order_id")
    with engine.connect() as connection:
        before = connection.execute(everything).all()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM order_state"))

    count = rebuild_order_state(engine, maker.namespace)

    with engine.connect() as connection:
        assert connection.execute(everything).all() == before
    assert count == len(before) == len(HISTORIES)


@pytest.mark.req("F-089")
def test_the_row_names_the_last_fill_also_after_later_events(engine: Engine, maker: Any) -> None:
    initialize_schema(engine)
    kinds = (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, Kind.CANCEL_REQUESTED)
    intent = maker.intent()
    events = maker.history(intent, *kinds)
    store = SqlStore(engine, maker.namespace)

    for count in range(len(events)):
        with store.unit_of_work() as unit:
            order, _ = maker.order(*kinds[:count], intent=intent)
            unit.append_order_events(order, events[count : count + 1])

    with engine.connect() as connection:
        row = connection.execute(text("SELECT fill_id, order_no FROM order_state")).one()
    assert row == (f"{intent.order_id}-3", "0000117057")


# -- what operators read


@pytest.mark.req("F-081")
def test_a_closed_position_stays_as_history(engine: Engine, facts: Any, maker: Any) -> None:
    initialize_schema(engine)
    store = SqlStore(engine, maker.namespace)

    for why in ("stop_loss", "take_profit"):
        with store.unit_of_work() as unit:
            unit.put_position(facts.position)
            unit.close_position(facts.position.symbol, at=maker.at, why=why)

    with engine.connect() as connection:
        columns = "stock_code, open_symbol, closed_at, close_reason, entered_at"
        rows = connection.execute(text(f"SELECT {columns} FROM positions ORDER BY id")).all()
    assert [(row.stock_code, row.open_symbol, row.close_reason) for row in rows] == [
        ("005930", None, "stop_loss"),
        ("005930", None, "take_profit"),
    ]
    assert {str(row.closed_at) for row in rows} == {"2026-03-03 09:00:00.123457"}
    assert {str(row.entered_at) for row in rows} == {"2026-02-27 09:00:00.000001"}


def test_instants_are_stored_as_korean_wall_time(mariadb_url: str, maker: Any) -> None:
    engine = open_database(mariadb_url)

    with engine.connect() as connection:
        zone = connection.execute(text("SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP())")).scalar()

    engine.dispose()
    assert str(zone) == "9:00:00"


# -- opening


@pytest.mark.req("D-02")
def test_sqlite_is_opened_in_wal_with_full_synchronisation(tmp_path: Any) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'made' / 'kis.db'}")

    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    engine.dispose()
    assert found == ["wal", 2, 1, 5000]  # 2 is FULL


@pytest.mark.req("D-02", "D-04")
def test_a_new_file_that_another_is_opening_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses the change to WAL at once, not after `busy_timeout`, while another writes."""
    file = tmp_path / "kis.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, other.execute, ("COMMIT",))
        done.start()
        engine = open_database(f"sqlite:///{file}")

        initialize_schema(engine)

        done.join()
    assert set(inspect(engine).get_table_names()) == TABLES | {"alembic_version"}
    engine.dispose()


@pytest.mark.req("D-01")
def test_mariadb_is_opened_as_the_requirements_say(mariadb_url: str) -> None:
    engine = open_database(mariadb_url)
    names = ("tx_isolation", "time_zone", "autocommit", "character_set_connection", "sql_mode")

    with engine.connect() as connection:
        found = [connection.execute(text(f"SELECT @@{name}")).scalar() for name in names]

    engine.dispose()
    assert found[:4] == ["READ-COMMITTED", "+09:00", 0, "utf8mb4"]
    assert "STRICT_ALL_TABLES" in str(found[4])


@pytest.mark.req("D-01")
def test_no_more_than_five_connections_are_opened(mariadb_url: str) -> None:
    engine = open_database(mariadb_url + "?connect_timeout=1")
    pool: Any = engine.pool

    assert pool.size() + pool._max_overflow == 5
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://kis:p@ss-word@127.0.0.1:1/kis",
        "mysql+pymysql://kis:pass-word@127.0.0.1:port/kis",
        "pass-word",
        "postgresql://kis:pass-word@127.0.0.1/kis",
        "sqlite://",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(StoreMisfit) as caught:
        open_database(url)

    assert "ss-word" not in str(caught.value)
    assert "ss-word" not in repr(caught.value.__cause__)


def test_neither_errors_nor_repr_show_the_password_or_the_account(maker: Any) -> None:
    engine = open_database("mysql+pymysql://kis:pass-word@127.0.0.1:1/kis")
    store = SqlStore(engine, maker.namespace)

    with pytest.raises(StoreUnavailable) as caught, store.unit_of_work() as unit:
        unit.live_orders()

    shown = f"{caught.value!r} {caught.value.__cause__!r} {engine!r}"
    assert "pass-word" not in shown
    assert maker.namespace.account not in shown


def test_a_wrong_password_is_told_in_words_a_person_can_act_on(mariadb_url: str) -> None:
    engine = open_database(mariadb_url.replace("not-a-secret", "wrong"))

    with pytest.raises(StoreMisfit, match="비밀번호"):
        initialize_schema(engine)


def test_the_head_that_is_asked_for_without_alembic_is_alembics_head() -> None:
    assert scripts().get_heads() == [HEAD]
