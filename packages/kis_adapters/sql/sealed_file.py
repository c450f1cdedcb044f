"""The file of a backup: an SQLite file that says itself what it must hold (D-08).

Beside the tables of `schema` and Alembic's, it has one of names and values: the format, the
schema's revision, a row count and a SHA-256 per table, and a SHA-256 over all of these.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine

from kis_adapters.sql.initialize import HEAD

Progress = Callable[[str, int], None]  # a table's name, and the rows of it that are done

LEFT_BESIDE = ("-wal", "-shm", "-journal")  # by SQLite, of a program that was killed

_FAMILY = "kis-trend-atr-backup-"
_FORMAT = f"{_FAMILY}1"
_SEAL_TABLE = "kis_backup"
_TABLE = "table:"


class BadBackup(ValueError):
    """A file that nothing is restored from; Korean, names the file and why."""


def seal(file: Path, *, now: datetime, progress: Progress) -> dict[str, int]:
    """Write into `file` what it holds, and bring it to the disk; the rows by table."""
    told = {"format": _FORMAT, "made_at": now.isoformat(), "schema": HEAD}
    with closing(sqlite3.connect(file)) as copy:
        for name in _tables(copy):
            told[_TABLE + name] = _digest(copy, name)
            progress(name, _rows(told[_TABLE + name]))
        told["seal"] = _seal_of(told)
        copy.execute(f"CREATE TABLE {_SEAL_TABLE} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        copy.executemany(f"INSERT INTO {_SEAL_TABLE} VALUES (?, ?)", told.items())
        copy.commit()
    bring_to_disk(file)
    return _counts(told)


def check(source: Path) -> dict[str, int]:
    """The rows by table of a whole backup that this program can read. Raises BadBackup."""
    if not source.is_file():
        raise BadBackup(f"백업 파일이 없습니다: {source}")
    try:
        with closing(read_only(source)) as copy:
            told = {
                str(name): str(value)
                for name, value in copy.execute(f"SELECT name, value FROM {_SEAL_TABLE}")
            }
            _check_told(told, source)
            _check_tables(copy, told, source)
    except sqlite3.Error as error:
        raise BadBackup(f"백업 파일을 읽을 수 없습니다: {source} ({error})") from error
    return _counts(told)


def break_seal(file: Path) -> None:
    """Leave only what a database has. Raises sqlite3.Error."""
    with closing(sqlite3.connect(file)) as copy:
        copy.execute(f"DROP TABLE {_SEAL_TABLE}")
        copy.commit()


def read_only(file: Path) -> sqlite3.Connection:
    """A connection that cannot write, whatever characters the file's name has."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def opened(file: Path) -> Iterator[Engine]:
    """An engine on a file that nobody else uses, whatever characters its name has."""
    engine = create_engine(URL.create("sqlite", database=str(file)), hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


def bring_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a directory, would outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(file: Path) -> None:
    """Remove an SQLite file and whatever SQLite left beside it."""
    for suffix in ("", *LEFT_BESIDE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _check_told(told: Mapping[str, str], source: Path) -> None:
    form = told.get("format", "")
    if form != _FORMAT and form.startswith(_FAMILY):
        raise BadBackup(f"이 프로그램보다 새 버전이 만든 백업입니다({form}): {source}")
    if form != _FORMAT:
        raise BadBackup(f"이 프로그램의 백업이 아닙니다: {source}")
    if told.get("seal") != _seal_of(told):
        raise BadBackup(f"백업이 손상되었습니다(목록): {source}")
    if not _is_known(told["schema"]):
        raise BadBackup(
            f"이 프로그램보다 새 버전이 만든 백업입니다(스키마 {told['schema']})."
            f" 프로그램을 올려 주세요: {source}"
        )


def _check_tables(copy: sqlite3.Connection, told: Mapping[str, str], source: Path) -> None:
    # An index that disagrees with its table changes no row, and would answer wrongly afterwards.
    if copy.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise BadBackup(f"백업이 손상되었습니다(파일의 구조): {source}")
    present = {_TABLE + name for name in _tables(copy)}
    if present != {name for name in told if name.startswith(_TABLE)}:
        raise BadBackup(f"백업이 손상되었습니다(테이블이 모자라거나 남음): {source}")
    for name in sorted(present):
        table = name.removeprefix(_TABLE)
        if _digest(copy, table) != told[name]:
            raise BadBackup(f"백업이 손상되었습니다({table} 테이블): {source}")


def _is_known(revision: str) -> bool:
    if revision == HEAD:
        return True
    from kis_adapters.sql.migrate import scripts  # Alembic is heavy, and seldom needed

    return revision in {script.revision for script in scripts().walk_revisions()}


def _tables(copy: sqlite3.Connection) -> list[str]:
    names = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [
        name for (name,) in names if name != _SEAL_TABLE and not str(name).startswith("sqlite_")
    ]


def _digest(copy: sqlite3.Connection, table: str) -> str:
    """`rows:sha256` over the stored values, ordered by all columns."""
    columns = [row[1] for row in copy.execute(f'PRAGMA table_info("{table}")')]
    digest, count = hashlib.sha256(repr(columns).encode()), 0
    order = ", ".join(f'"{column}"' for column in columns)
    for row in copy.execute(f'SELECT {order} FROM "{table}" ORDER BY {order}'):
        digest.update(repr(row).encode())
        count += 1
    return f"{count}:{digest.hexdigest()}"


def _seal_of(told: Mapping[str, str]) -> str:
    listed = sorted((name, value) for name, value in told.items() if name != "seal")
    return hashlib.sha256(repr(listed).encode()).hexdigest()


def _counts(told: Mapping[str, str]) -> dict[str, int]:
    return {
        name.removeprefix(_TABLE): _rows(value)
        for name, value in told.items()
        if name.startswith(_TABLE)
    }


def _rows(digest: str) -> int:
    return int(digest.split(":")[0])
