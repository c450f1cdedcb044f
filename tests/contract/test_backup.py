"""Backup and restore on both databases, and from one into the other (D-08)."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from kis_adapters.sql.backup import BadBackup, back_up, check, restore
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.schema import metadata
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreMisfit
from tests.contract.conftest import AT

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
NOW = datetime(2026, 11, 24, 16, tzinfo=KST)


@pytest.fixture
def database(store_url: str, maker: Any, facts: Any) -> Iterator[Engine]:
    """A database with something of most tables, on SQLite and on MariaDB."""
    engine = open_database(store_url)
    initialize_schema(engine)
    store = SqlStore(engine, PAPER)
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent())
    with store.unit_of_work() as unit:
        unit.append_order_events(order, events)
        unit.put_position(facts.position)
        unit.put_trade(facts.trade)
        unit.add_decision(facts.decision)
        unit.put_names({facts.position.symbol: "삼성전자 <b>&"}, at=AT)
    yield engine
    engine.dispose()


def _no_progress(_table: str, _rows: int) -> None:
    pass


def _rows(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in metadata.sorted_tables
        }


def _back_up(database: Engine, target: Path) -> dict[str, int]:
    return back_up(database, target, now=NOW, progress=_no_progress)


def _restore(source: Path, url: str, *, may_replace: bool = False) -> dict[str, int]:
    counts, _ = restore(source, url, may_replace=may_replace, now=NOW, progress=_no_progress)
    return counts


@pytest.mark.req("D-08")
def test_what_was_backed_up_comes_back_row_for_row(database: Engine, tmp_path: Path) -> None:
    before = _rows(database)
    counts = _back_up(database, tmp_path / "copy.backup")

    url = f"sqlite:///{tmp_path / 'restored.db'}"
    assert _restore(tmp_path / "copy.backup", url) == counts

    restored = open_database(url)
    assert _rows(restored) == before
    assert counts["order_events"] == 3
    initialize_schema(restored)  # and the program works with it
    with SqlStore(restored, PAPER).unit_of_work() as unit:
        assert len(unit.live_orders()) == 1
        assert unit.names()
    restored.dispose()


@pytest.mark.req("D-08")
def test_a_backup_of_either_goes_into_a_server(
    database: Engine, mariadb_url: str, tmp_path: Path
) -> None:
    before = _rows(database)
    _back_up(database, tmp_path / "copy.backup")
    is_same = database.dialect.name == "mysql"

    if not is_same:
        _restore(tmp_path / "copy.backup", mariadb_url)
        other = open_database(mariadb_url)
        assert _rows(other) == before
        other.dispose()
    with pytest.raises(StoreMisfit, match="--yes"):
        _restore(tmp_path / "copy.backup", mariadb_url)


@pytest.mark.req("D-08")
def test_a_restore_replaces_only_on_purpose_and_then_all_of_it(
    database: Engine, store_url: str, maker: Any, tmp_path: Path
) -> None:
    before = _rows(database)
    _back_up(database, tmp_path / "copy.backup")
    order, events = maker.order(Kind.SENDING, intent=maker.intent("000660"))
    with SqlStore(database, PAPER).unit_of_work() as unit:
        unit.append_order_events(order, events)
    after = _rows(database)
    database.dispose()

    with pytest.raises(StoreMisfit, match="비어 있지 않습니다"):
        _restore(tmp_path / "copy.backup", store_url)
    assert _rows(database) == after
    if database.dialect.name == "sqlite":
        with pytest.raises(StoreMisfit, match="쓰고 있습니다"):  # by this very test
            _restore(tmp_path / "copy.backup", store_url, may_replace=True)
    database.dispose()
    _restore(tmp_path / "copy.backup", store_url, may_replace=True)

    assert _rows(database) == before


@pytest.mark.req("D-08")
def test_a_backup_while_others_write_holds_whole_transactions(
    database: Engine, maker: Any, tmp_path: Path
) -> None:
    """Events and their projection are committed together, so a copy has both or neither."""
    store = SqlStore(database, PAPER)
    for number in range(20):
        order, events = maker.order(Kind.SENDING, intent=maker.intent(f"{number:05d}0"))
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
        if number % 5 == 0:
            _back_up(database, tmp_path / f"{number}.backup")

    for number in range(0, 20, 5):
        with closing(sqlite3.connect(tmp_path / f"{number}.backup")) as copy:
            orders = {row[0] for row in copy.execute("SELECT order_id FROM order_state")}
            events_of = {row[0] for row in copy.execute("SELECT order_id FROM order_events")}
        assert orders == events_of
        assert len(orders) == number + 2


def test_a_file_that_is_there_already_is_left_alone(database: Engine, tmp_path: Path) -> None:
    (tmp_path / "copy.backup").write_text("mine", encoding="utf-8")

    with pytest.raises(FileExistsError):
        _back_up(database, tmp_path / "copy.backup")

    assert (tmp_path / "copy.backup").read_text(encoding="utf-8") == "mine"


def _truncated(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database at all " * 1_000)


def _foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE something (else_entirely TEXT)")
        other.commit()


def _edited(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("UPDATE trades SET amount = amount + 1")
        copy.commit()


def _shortened(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("DELETE FROM order_events WHERE id = 3")
        copy.commit()


@pytest.mark.req("D-08")
@pytest.mark.parametrize("damage", [_truncated, _garbage, _foreign, _edited, _shortened])
def test_a_backup_that_is_not_whole_restores_nothing(
    damage: Any, database: Engine, store_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    before = _rows(database)
    damage(tmp_path / "copy.backup")

    with pytest.raises(BadBackup):
        _restore(tmp_path / "copy.backup", store_url, may_replace=True)

    assert _rows(database) == before


def test_a_backup_of_a_newer_version_is_refused(
    database: Engine, store_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    with closing(sqlite3.connect(tmp_path / "copy.backup")) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
        copy.commit()
    before = _rows(database)
    database.dispose()

    with pytest.raises(StoreMisfit, match="새 버전"):
        _restore(tmp_path / "copy.backup", store_url, may_replace=True)

    assert _rows(database) == before


def test_there_is_nothing_to_back_up_without_a_database(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'none.db'}")

    with pytest.raises(StoreMisfit, match="없습니다"):
        _back_up(engine, tmp_path / "copy.backup")

    assert not (tmp_path / "none.db").exists()


_BACKING_UP = """
    import resource, sys
    from datetime import datetime, timezone
    from pathlib import Path
    from kis_adapters.sql.backup import back_up
    from kis_adapters.sql.database import open_database
    if sys.argv[3] != "0":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
    def progress(table, rows):
        print(table, flush=True)
        sys.stdin.readline()
    database, now = open_database(sys.argv[1]), datetime.now(timezone.utc)
    back_up(database, Path(sys.argv[2]), now=now, progress=progress)
"""


def _process(url: str, target: Path, limit: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_BACKING_UP), url, str(target), str(limit)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


@pytest.mark.req("D-08")
def test_a_killed_backup_leaves_no_file_under_its_name(
    database: Engine, store_url: str, tmp_path: Path
) -> None:
    database.dispose()
    process = _process(store_url, tmp_path / "copy.backup", 0)
    assert process.stdout is not None
    assert process.stdout.readline()  # it is in the middle of it

    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert not (tmp_path / "copy.backup").exists()
    _back_up(database, tmp_path / "copy.backup")  # and the rest of it is in nobody's way
    assert check(tmp_path / "copy.backup")["order_events"] == 3


@pytest.mark.req("D-08")
def test_a_disk_without_room_leaves_no_file_either(
    database: Engine, store_url: str, tmp_path: Path
) -> None:
    database.dispose()
    process = _process(store_url, tmp_path / "copy.backup", 40_000)
    _, err = process.communicate("\n" * 100)

    assert process.returncode == 1
    assert "OSError" in err
    assert list(tmp_path.glob("*.backup*")) == []
