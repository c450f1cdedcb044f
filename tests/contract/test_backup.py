"""Backup and restore on both databases, and from one into the other (D-08)."""

import errno
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select, text

from kis_adapters.sql.account_lock import ServerAccountLock
from kis_adapters.sql.backup import back_up
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import HEAD, initialize_schema
from kis_adapters.sql.rebuild import rebuild_order_state
from kis_adapters.sql.restore import DatabaseInUse, restore
from kis_adapters.sql.schema import metadata
from kis_adapters.sql.sealed_file import BadBackup, check, seal
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
    """Orders are written all the while by another thread; in every copy the projection is the
    fold of the events, for both are committed together."""
    store, stop = SqlStore(database, PAPER), threading.Event()
    written: list[str] = []

    def write() -> None:
        for number in itertools.count():
            order, events = maker.order(Kind.SENDING, intent=maker.intent(f"9{number:05d}"))
            with store.unit_of_work() as unit:
                unit.append_order_events(order, events)
            written.append(order.order_id)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    for number in range(4):
        enough = len(written) + 20
        while len(written) < enough and writer.is_alive():
            stop.wait(0.001)
        seen.append(_back_up(database, tmp_path / f"{number}.backup")["order_state"])
    stop.set()
    writer.join()

    assert seen == sorted(set(seen))  # it did write in between
    for number, orders in enumerate(seen):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        _restore(tmp_path / f"{number}.backup", url)
        copy = open_database(url)
        before = _rows(copy)
        assert rebuild_order_state(copy, PAPER) == orders
        assert _rows(copy) == before
        copy.dispose()


@pytest.mark.req("D-08")
def test_what_is_written_between_two_tables_of_a_backup_is_in_none(
    mariadb_url: str, maker: Any, facts: Any, tmp_path: Path
) -> None:
    """A server is copied table by table: without a snapshot the later ones would be newer."""
    engine = open_database(mariadb_url)
    initialize_schema(engine)
    store = SqlStore(engine, PAPER)
    with store.unit_of_work() as unit:
        unit.put_names({facts.position.symbol: "삼성전자"}, at=AT)
        unit.add_snapshot(facts.snapshot)
    before, told = _rows(engine), []

    def write(table: str, _rows: int) -> None:
        told.append(table)
        order, events = maker.order(Kind.SENDING, intent=maker.intent(f"{len(told):05d}0"))
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)

    counts = back_up(engine, tmp_path / "copy.backup", now=NOW, progress=write)
    assert told[0] == "account_snapshots"  # and orders were written behind it
    assert (counts["order_events"], counts["order_state"]) == (0, 0)
    _restore(tmp_path / "copy.backup", f"sqlite:///{tmp_path / 'copy.db'}")

    copy = open_database(f"sqlite:///{tmp_path / 'copy.db'}")
    assert _rows(copy) == before
    copy.dispose()
    engine.dispose()


@pytest.mark.req("D-08")
def test_a_log_that_a_killed_program_left_is_not_played_into_the_restored_database(
    maker: Any, facts: Any, tmp_path: Path
) -> None:
    """Somebody removed `kis.db` and forgot `kis.db-wal`."""
    engine = open_database(f"sqlite:///{tmp_path / 'kis.db'}")
    initialize_schema(engine)
    with SqlStore(engine, PAPER).unit_of_work() as unit:
        unit.put_position(facts.position)
    before = _rows(engine)
    _back_up(engine, tmp_path / "copy.backup")
    with SqlStore(engine, PAPER).unit_of_work() as unit:
        order, events = maker.order(Kind.SENDING, intent=maker.intent("000660"))
        unit.append_order_events(order, events)
    desk = tmp_path / "desk"
    desk.mkdir()
    shutil.copy(tmp_path / "kis.db-wal", desk / "kis.db-wal")
    assert (desk / "kis.db-wal").stat().st_size
    engine.dispose()

    _restore(tmp_path / "copy.backup", f"sqlite:///{desk / 'kis.db'}")

    restored = open_database(f"sqlite:///{desk / 'kis.db'}")
    assert _rows(restored) == before
    restored.dispose()
    assert len(list(desk.glob("*.before-restore-*-wal"))) == 1


@pytest.mark.req("D-08")
def test_a_database_file_that_is_broken_is_what_a_restore_is_for(
    database: Engine, tmp_path: Path
) -> None:
    before = _rows(database)
    _back_up(database, tmp_path / "copy.backup")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this was a database once" * 500)
    broken.chmod(0o600)
    url = f"sqlite:///{broken}"

    with pytest.raises(StoreMisfit, match="--yes"):
        _restore(tmp_path / "copy.backup", url)
    _, kept = restore(
        tmp_path / "copy.backup", url, may_replace=True, now=NOW, progress=_no_progress
    )

    assert kept is not None
    assert kept.read_bytes().startswith(b"this was a database once")
    assert broken.stat().st_mode & 0o777 == 0o600
    restored = open_database(url)
    assert _rows(restored) == before
    restored.dispose()


def test_another_programs_file_is_not_replaced_without_being_told_to(
    database: Engine, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    _foreign_file = tmp_path / "other.db"
    _foreign_file.touch()
    _foreign(_foreign_file)
    content = _foreign_file.read_bytes()

    with pytest.raises(StoreMisfit, match="something"):
        _restore(tmp_path / "copy.backup", f"sqlite:///{_foreign_file}")

    assert _foreign_file.read_bytes() == content


@pytest.mark.req("D-08")
def test_a_server_that_another_machine_trades_on_is_not_restored_into(
    database: Engine, mariadb_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    server = open_database(mariadb_url)
    initialize_schema(server)
    before = _rows(server)
    trading = ServerAccountLock(server, PAPER)
    assert trading.acquire()

    with pytest.raises(DatabaseInUse, match=r"PAPER \*+01"):
        _restore(tmp_path / "copy.backup", mariadb_url, may_replace=True)
    assert _rows(server) == before
    trading.release()
    server.dispose()
    _restore(tmp_path / "copy.backup", mariadb_url, may_replace=True)


def test_a_restore_that_fails_half_way_leaves_the_server_as_it_was(
    database: Engine, mariadb_url: str, tmp_path: Path, maker: Any
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    server = open_database(mariadb_url)
    initialize_schema(server)
    with SqlStore(server, PAPER).unit_of_work() as unit:
        order, events = maker.order(Kind.SENDING, intent=maker.intent("000660"))
        unit.append_order_events(order, events)
    before = _rows(server)

    def fail(table: str, _rows: int) -> None:
        if table == "positions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(tmp_path / "copy.backup", mariadb_url, may_replace=True, now=NOW, progress=fail)

    assert _rows(server) == before
    server.dispose()


@pytest.mark.req("D-08")
def test_a_server_that_does_not_keep_what_it_is_given_is_not_restored_into(
    database: Engine, mariadb_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    server = open_database(mariadb_url)
    initialize_schema(server)
    before = _rows(server)
    with server.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER rounds BEFORE INSERT ON trades FOR EACH ROW"
            " SET NEW.amount = ROUND(NEW.amount, -3)"
        )

    with pytest.raises(StoreMisfit, match="trades"):
        _restore(tmp_path / "copy.backup", mariadb_url, may_replace=True)

    assert _rows(server) == before
    server.dispose()


@pytest.mark.parametrize("name", ["a#b.backup", "a?b.backup", "a%20b.backup", "백업 1.backup"])
def test_any_file_name_will_do(name: str, database: Engine, tmp_path: Path) -> None:
    before = _rows(database)
    counts = _back_up(database, tmp_path / name)

    assert check(tmp_path / name) == counts
    _restore(tmp_path / name, f"sqlite:///{tmp_path / 'restored.db'}")

    restored = open_database(f"sqlite:///{tmp_path / 'restored.db'}")
    assert _rows(restored) == before
    restored.dispose()


def test_two_programs_do_not_write_one_backup(
    database: Engine, store_url: str, tmp_path: Path
) -> None:
    process = _process(store_url, tmp_path / "copy.backup", 0)
    assert process.stdout is not None
    assert process.stdout.readline()  # it is in the middle of it

    with pytest.raises(FileExistsError, match="다른 프로그램"):
        _back_up(database, tmp_path / "copy.backup")
    process.communicate("\n" * 100)

    assert process.returncode == 0
    assert check(tmp_path / "copy.backup")["order_events"] == 3


def test_a_file_system_without_links_gets_its_backup_too(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", no_link)  # as FAT answers

    counts = _back_up(database, tmp_path / "copy.backup")

    assert check(tmp_path / "copy.backup") == counts
    assert sorted(file.name for file in tmp_path.glob("*copy.backup*")) == ["copy.backup"]


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


def _unlisted(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("DELETE FROM kis_backup WHERE name = 'table:trades'")
        copy.execute("DELETE FROM trades")
        copy.commit()


def _without_a_table(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("DROP TABLE pending_exits")
        copy.commit()


def _renumbered(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '0000'")
        copy.commit()


def _index_at_odds(file: Path) -> None:
    """Rows and digests stay, which are read by row number; an index leads elsewhere."""
    with closing(sqlite3.connect(file)) as copy:
        name = "ix_positions_symbol"
        found = copy.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        (root,), (size,) = found.fetchone(), copy.execute("PRAGMA page_size").fetchone()
    content = bytearray(file.read_bytes())
    at = content.index(b"005930", (root - 1) * size, root * size)
    content[at] = ord("7")
    file.write_bytes(content)


def _dated_otherwise(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("UPDATE kis_backup SET value = '2030-01-01' WHERE name = 'made_at'")
        copy.commit()


def _shortened(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("DELETE FROM order_events WHERE id = 3")
        copy.commit()


@pytest.mark.req("D-08")
@pytest.mark.parametrize(
    "damage",
    [
        _truncated,
        _garbage,
        _foreign,
        _edited,
        _shortened,
        _unlisted,
        _without_a_table,
        _renumbered,
        _index_at_odds,
        _dated_otherwise,
    ],
)
def test_a_backup_that_is_not_whole_restores_nothing(
    damage: Any, database: Engine, store_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    before = _rows(database)
    damage(tmp_path / "copy.backup")

    with pytest.raises(BadBackup):
        _restore(tmp_path / "copy.backup", store_url, may_replace=True)

    assert _rows(database) == before


@pytest.mark.req("D-08")
def test_a_backup_of_a_newer_version_is_refused(
    database: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a newer program would make: whole, with a revision that this one does not know."""
    for module in ("backup", "sealed_file"):
        monkeypatch.setattr(f"kis_adapters.sql.{module}.HEAD", "9999")
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    if database.dialect.name == "sqlite":
        _back_up(database, tmp_path / "copy.backup")
    else:
        shutil.copy(_sealed_by_a_newer_program(tmp_path), tmp_path / "copy.backup")
    monkeypatch.undo()
    with database.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{HEAD}'"))
    before = _rows(database)
    database.dispose()

    with pytest.raises(BadBackup, match="새 버전"):
        _restore(tmp_path / "copy.backup", store_url, may_replace=True)

    assert _rows(database) == before


def _sealed_by_a_newer_program(tmp_path: Path) -> Path:
    file = tmp_path / "newer.db"
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        newer.commit()
    seal(file, now=NOW, progress=_no_progress)
    return file


def test_a_refused_backup_makes_no_tables_on_an_empty_server(
    mariadb_url: str, tmp_path: Path
) -> None:
    (tmp_path / "copy.backup").write_bytes(b"nothing")

    with pytest.raises(BadBackup):
        _restore(tmp_path / "copy.backup", mariadb_url)

    server = open_database(mariadb_url)
    assert inspect(server).get_table_names() == []
    server.dispose()


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


_RESTORING = """
    import resource, sys
    from datetime import datetime, timezone
    from pathlib import Path
    from kis_adapters.sql.restore import restore
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
    source, now = Path(sys.argv[1]), datetime.now(timezone.utc)
    restore(source, sys.argv[2], may_replace=True, now=now, progress=lambda *_: None)
"""


@pytest.mark.req("D-08")
def test_a_disk_without_room_leaves_the_database_as_it_was(
    database: Engine, store_url: str, tmp_path: Path
) -> None:
    _back_up(database, tmp_path / "copy.backup")
    before = _rows(database)
    database.dispose()
    there = sorted(tmp_path.iterdir())

    done = subprocess.run(
        [
            *(sys.executable, "-c", textwrap.dedent(_RESTORING)),
            *(str(tmp_path / "copy.backup"), store_url),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "디스크에 자리가 없습니다" in done.stderr
    assert _rows(database) == before
    database.dispose()
    assert sorted(tmp_path.iterdir()) == there
