"""A consistent copy of the whole database in one file, and the way back (D-08).

The copy is an SQLite file with the tables of `schema`, whatever database it was taken from, so it
can go back into either. It is taken in one read transaction: SQLite in WAL and InnoDB let the
session go on writing meanwhile. What the file must hold stands in a table of its own, as a row
count and a SHA-256 per table, and is checked before anything is restored.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server, open_database
from kis_adapters.sql.failures import failure_before_commit
from kis_adapters.sql.initialize import HEAD, initialize_schema
from kis_adapters.sql.schema import metadata
from kis_core.ports.store import StoreMisfit, StoreUnavailable

Progress = Callable[[str, int], None]  # a table's name, and the rows of it that are done

_FORMAT = "kis-trend-atr-backup-1"
_ROWS_AT_A_TIME = 1_000
_TABLES: tuple[Table, ...] = tuple(metadata.sorted_tables)


class BadBackup(ValueError):
    """A file that nothing is restored from; Korean, names the file and why."""


def back_up(database: Engine, target: Path, *, now: datetime, progress: Progress) -> dict[str, int]:
    """Copy `database` to `target`; the rows by table.

    `target` appears whole and on the disk, or not at all. Raises FileExistsError when it is
    there already, StoreMisfit when the database is not of this program's schema, StoreUnavailable
    and OSError.
    """
    if target.exists():
        raise FileExistsError(f"이미 있는 파일에는 백업하지 않습니다: {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    beside.unlink(missing_ok=True)
    try:
        _check_schema(database)
        if is_server(database):
            _copy_server(database, beside, progress)
        else:
            _copy_file(database, beside)
        counts = _seal(beside, now=now, progress=progress)
        os.link(beside, target)  # unlike a rename, never over a file that appeared meanwhile
        _sync_directory(target.parent)
    except sqlite3.Error as error:
        raise OSError(f"백업 파일을 쓸 수 없습니다: {error}") from error
    except SQLAlchemyError as error:
        if is_server(database) and isinstance(getattr(error, "orig", None), sqlite3.Error):
            raise OSError(f"백업 파일을 쓸 수 없습니다: {error.__cause__}") from error
        raise failure_before_commit(error) from error
    finally:
        _remove(beside)
    return counts


def restore(
    source: Path, url: str, *, may_replace: bool, now: datetime, progress: Progress
) -> tuple[dict[str, int], Path | None]:
    """Put the backup `source` in the place of the database at `url`; all of it or nothing.

    Returns the rows by table, and for SQLite where the database that was there lies now. Raises
    BadBackup for a file that is none or not whole, StoreMisfit for one of a newer version and for
    a database that holds anything while `may_replace` is False, StoreUnavailable and OSError.
    """
    check(source)
    database = open_database(url)
    try:
        if is_server(database):
            return _into_server(source, database, may_replace=may_replace, progress=progress), None
        return _into_file(source, database, may_replace=may_replace, now=now)
    except SQLAlchemyError as error:
        raise failure_before_commit(error) from error
    finally:
        database.dispose()


def check(source: Path) -> dict[str, int]:
    """The rows by table of a whole backup. Raises BadBackup."""
    if not source.is_file():
        raise BadBackup(f"백업 파일이 없습니다: {source}")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
            told = dict(copy.execute("SELECT name, value FROM kis_backup"))
            if told.get("format") != _FORMAT:
                raise BadBackup(f"이 프로그램의 백업이 아닙니다: {source}")
            for name in sorted(told):
                if name.startswith("table:") and _digest(copy, name[6:]) != told[name]:
                    raise BadBackup(f"백업이 손상되었습니다({name[6:]} 테이블): {source}")
            return _counts(told)
    except sqlite3.Error as error:
        raise BadBackup(f"백업 파일을 읽을 수 없습니다: {source} ({error})") from error


def _check_schema(database: Engine) -> None:
    file = Path(str(database.url.database))
    if not is_server(database) and not file.is_file():
        raise StoreMisfit(f"백업할 데이터베이스가 없습니다: {file}")
    with database.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        found = (
            set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
            if "alembic_version" in tables
            else set()
        )
    if found != {HEAD}:
        raise StoreMisfit(
            "이 버전의 데이터베이스가 아니어서 백업하지 않습니다"
            f" (스키마 {', '.join(sorted(found)) or '없음'}, 필요 {HEAD})"
        )


def _copy_file(database: Engine, beside: Path) -> None:
    """VACUUM INTO reads in one transaction and waits for nobody in WAL."""
    with closing(sqlite3.connect(str(database.url.database), timeout=30)) as source:
        source.execute("VACUUM INTO ?", (str(beside),))
    with closing(sqlite3.connect(beside)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


def _copy_server(database: Engine, beside: Path, progress: Progress) -> None:
    copy = open_database(f"sqlite:///{beside}")
    try:
        _prepare(copy)
        with _snapshot(database) as source, copy.begin() as target:
            for table in _TABLES:
                _copy_rows(source, target, table, progress)
    finally:
        with closing(copy.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode = DELETE")
        copy.dispose()


def _prepare(copy: Engine) -> None:
    try:
        initialize_schema(copy)
    except StoreUnavailable as error:
        raise OSError(f"백업 파일을 쓸 수 없습니다: {error}") from error


@contextmanager
def _snapshot(database: Engine) -> Iterator[Connection]:
    options = {"isolation_level": "REPEATABLE READ", "stream_results": True}
    with database.connect().execution_options(**options) as connection:
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield connection
        connection.rollback()


def _copy_rows(source: Connection, target: Connection, table: Table, progress: Progress) -> int:
    order = list(table.primary_key.columns)
    done = 0
    with source.execute(select(table).order_by(*order)) as rows:
        for some in rows.mappings().partitions(_ROWS_AT_A_TIME):
            target.execute(insert(table), [dict(row) for row in some])
            done += len(some)
            progress(table.name, done)
    return done


def _seal(beside: Path, *, now: datetime, progress: Progress) -> dict[str, int]:
    """Write down what the copy holds, and bring it to the disk."""
    with closing(sqlite3.connect(beside)) as copy:
        told = {"format": _FORMAT, "made_at": now.isoformat(), "schema": HEAD}
        for table in _TABLES:
            told[f"table:{table.name}"] = _digest(copy, table.name)
        copy.execute("CREATE TABLE kis_backup (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        copy.executemany("INSERT INTO kis_backup VALUES (?, ?)", told.items())
        copy.commit()
    handle = os.open(beside, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    counts = _counts(told)
    for name, rows in counts.items():
        progress(name, rows)
    return counts


def _digest(copy: sqlite3.Connection, table: str) -> str:
    """`rows:sha256` over the stored values, in the order of all columns' first: the key."""
    columns = [row[1] for row in copy.execute(f'PRAGMA table_info("{table}")')]
    digest, count = hashlib.sha256(), 0
    order = ", ".join(f'"{column}"' for column in columns)
    for row in copy.execute(f'SELECT {order} FROM "{table}" ORDER BY {order}'):
        digest.update(repr(row).encode())
        count += 1
    return f"{count}:{digest.hexdigest()}"


def _counts(told: Mapping[str, str]) -> dict[str, int]:
    return {
        name.removeprefix("table:"): int(value.split(":")[0])
        for name, value in told.items()
        if name.startswith("table:")
    }


def _into_server(
    source: Path, database: Engine, *, may_replace: bool, progress: Progress
) -> dict[str, int]:
    initialize_schema(database)
    copy = open_database(f"sqlite:///{_migrated(source, source.parent)}")
    try:
        with copy.connect() as backup, database.begin() as target:
            if not may_replace:
                _refuse_if_any(target)
            for table in reversed(_TABLES):
                target.execute(delete(table))
            return {t.name: _copy_rows(backup, target, t, progress) for t in _TABLES}
    finally:
        copy.dispose()
        _remove(Path(str(copy.url.database)))


def _into_file(
    source: Path, database: Engine, *, may_replace: bool, now: datetime
) -> tuple[dict[str, int], Path | None]:
    place = Path(str(database.url.database))
    before: Path | None = None
    counts = check(source)
    place.parent.mkdir(parents=True, exist_ok=True)
    ready = _migrated(source, place.parent)
    try:
        if place.exists():
            with database.connect() as target:
                if not may_replace and inspect(target).has_table(_TABLES[0].name):
                    _refuse_if_any(target)
            database.dispose()
            _settle(place)
            before = place.with_name(f"{place.name}.before-restore-{now:%Y%m%d-%H%M%S}")
            os.link(place, before)
        ready.replace(place)
    finally:
        _remove(ready)
    _sync_directory(place.parent)
    return counts, before


def _settle(place: Path) -> None:
    """Bring everything that the database says into its one file. Raises StoreMisfit."""
    try:
        with closing(sqlite3.connect(place)) as there:
            there.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            there.execute("PRAGMA journal_mode = DELETE")  # refused while anybody else is in it
    except sqlite3.OperationalError as error:
        raise StoreMisfit(f"다른 프로그램이 데이터베이스를 쓰고 있습니다: {place}") from error


def _migrated(source: Path, directory: Path) -> Path:
    """A working copy of the backup in `directory`, of this program's schema."""
    working = directory / f".{source.name}.restoring"
    _remove(working)
    try:
        working.write_bytes(source.read_bytes())
        with closing(sqlite3.connect(working)) as copy:
            copy.execute("DROP TABLE kis_backup")
            copy.commit()
        engine = open_database(f"sqlite:///{working}")
        try:
            initialize_schema(engine)
        finally:
            engine.dispose()
        with closing(sqlite3.connect(working)) as copy:
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copy.execute("PRAGMA journal_mode = DELETE")
        handle = os.open(working, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException as error:
        _remove(working)
        if isinstance(error, sqlite3.Error):
            raise OSError(f"백업을 옮겨 쓸 수 없습니다: {error}") from error
        raise
    return working


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _refuse_if_any(connection: Connection) -> None:
    for table in _TABLES:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise StoreMisfit(
                f"데이터베이스가 비어 있지 않습니다({table.name}). 지금의 내용을 백업으로 바꾸려면"
                " --yes 를 붙이세요"
            )


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
