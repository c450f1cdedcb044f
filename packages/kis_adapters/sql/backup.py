"""A consistent copy of the whole database in one file (D-08); `restore` is the way back.

The copy is an SQLite file with the tables of `schema`, whatever database it was taken from, so it
can go back into either. It is taken in one read transaction: SQLite in WAL and InnoDB let the
session go on writing meanwhile. What it must hold is sealed into it.
"""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server
from kis_adapters.sql.failures import error_code, failure_before_commit
from kis_adapters.sql.initialize import HEAD, initialize_schema
from kis_adapters.sql.schema import metadata
from kis_adapters.sql.sealed_file import (
    LEFT_BESIDE,
    Progress,
    bring_to_disk,
    opened,
    remove,
    seal,
)
from kis_core.ports.store import StoreMisfit, StoreUnavailable

TABLES: tuple[Table, ...] = tuple(metadata.sorted_tables)

_ROWS_AT_A_TIME = 1_000
_BUSY_TIMEOUT_S = 30
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def back_up(database: Engine, target: Path, *, now: datetime, progress: Progress) -> dict[str, int]:
    """Copy `database` to `target`; the rows by table.

    `target` appears whole and on the disk, or not at all. Raises FileExistsError (Korean) when it
    is there already or being made, StoreMisfit when the database is not of this program's schema
    or damaged, StoreUnavailable and OSError.
    """
    if os.path.lexists(target):
        raise FileExistsError(_is_there(target))
    try:
        _check_schema(database)
        _make_directory(target.parent)
        with _part_of(target) as part:
            if is_server(database):
                _copy_server(database, part, progress)
            else:
                _copy_file(database, part)
            counts = seal(part, now=now, progress=progress)
            _put_in_place(part, target)
            bring_to_disk(target.parent)
    except sqlite3.Error as error:
        raise _failure_of_file(error) from error
    except SQLAlchemyError as error:
        original = getattr(error, "orig", None)
        if is_server(database) and isinstance(original, sqlite3.Error):
            raise _failure_of_file(original) from error
        raise failure_before_commit(error) from error
    return counts


def copy_rows(source: Connection, target: Connection, table: Table, progress: Progress) -> int:
    """Copy a table, a thousand rows at a time; how many there were."""
    done = 0
    ordered = select(table).order_by(*table.primary_key.columns)
    with source.execute(ordered) as rows:
        for some in rows.mappings().partitions(_ROWS_AT_A_TIME):
            target.execute(insert(table), [dict(row) for row in some])
            done += len(some)
            progress(table.name, done)
    return done


def end_wal(file: Path) -> None:
    """Bring everything that an SQLite database says into its one file.

    Raises sqlite3.OperationalError while anybody else is in it.
    """
    with closing(sqlite3.connect(file)) as there:
        there.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        there.execute("PRAGMA journal_mode = DELETE")


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


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # a file has the name
        raise NotADirectoryError(errno.ENOTDIR, "폴더가 아닙니다", str(directory)) from error


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """The empty file beside `target` that becomes it. One program at a time makes it; what a
    killed one left is cleared."""
    part = target.with_name(f".{target.name}.part")
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, part)
        try:
            os.ftruncate(handle, 0)
            for suffix in LEFT_BESIDE:
                part.with_name(part.name + suffix).unlink(missing_ok=True)
            yield part
        finally:
            remove(part)
    finally:
        os.close(handle)


def _lock(handle: int, part: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = part.exists() and part.stat().st_ino == os.fstat(handle).st_ino
    except BlockingIOError:
        is_ours = False
    if not is_ours:
        raise FileExistsError(f"다른 프로그램이 같은 백업을 만들고 있습니다: {part}")


def _put_in_place(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike a rename, never over a file that appeared meanwhile
    except FileExistsError:
        raise FileExistsError(_is_there(target)) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):  # FAT and some network file systems: the best there is
            raise FileExistsError(_is_there(target)) from None
        part.rename(target)


def _is_there(target: Path) -> str:
    return f"이미 있는 파일에는 백업하지 않습니다: {target}"


def _failure_of_file(error: sqlite3.Error) -> Exception:
    code = error_code(error)
    if code == sqlite3.SQLITE_FULL:
        return OSError("백업 파일을 쓸 수 없습니다: 디스크에 자리가 없습니다")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable("다른 프로그램이 데이터베이스를 잠그고 있습니다")
    if code in _DAMAGED:
        return StoreMisfit("데이터베이스 파일이 손상되어 백업할 수 없습니다")
    return OSError(f"백업 파일을 쓸 수 없습니다: {error}")


def _copy_file(database: Engine, part: Path) -> None:
    """VACUUM INTO reads in one transaction and waits for nobody in WAL."""
    file = str(database.url.database)
    with closing(sqlite3.connect(file, timeout=_BUSY_TIMEOUT_S)) as source:
        source.execute("VACUUM INTO ?", (str(part),))
    end_wal(part)


def _copy_server(database: Engine, part: Path, progress: Progress) -> None:
    with opened(part) as copy:
        _prepare(copy)
        with _snapshot(database) as source, copy.begin() as target:
            for table in TABLES:
                copy_rows(source, target, table, progress)


def _prepare(copy: Engine) -> None:
    try:
        initialize_schema(copy)
    except StoreUnavailable as error:
        original = getattr(error.__cause__, "orig", None)
        if isinstance(original, sqlite3.Error):
            raise _failure_of_file(original) from error
        raise OSError(f"백업 파일을 쓸 수 없습니다: {error}") from error


@contextmanager
def _snapshot(database: Engine) -> Iterator[Connection]:
    options = {"isolation_level": "REPEATABLE READ", "stream_results": True}
    with database.connect().execution_options(**options) as connection:
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield connection
        connection.rollback()
