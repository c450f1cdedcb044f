"""Opening the database: one way for SQLite, one for MariaDB and MySQL."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from kis_core.ports.store import StoreMisfit

_BUSY_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5
_ANSWER_TIMEOUT_S = 15
_RECYCLE_S = 3_600  # well below the servers' wait_timeout of eight hours
# A wait for another's lock must end before we stop waiting for the answer.
_SESSION = "SET time_zone = '+09:00', innodb_lock_wait_timeout = 5"
_LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1"})
_SERVER_DRIVERS = {"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"}


def open_database(url: str) -> Engine:
    """The engine for `url` (SQLAlchemy form). Connects at the first statement, not here.

    SQLite files are opened in WAL with `synchronous=FULL`, and the directory is made when it is
    missing. Servers are spoken to through PyMySQL: utf8mb4, READ COMMITTED, strict, session time
    zone +09:00, at most five connections; encrypted where the server is on another machine and can
    do it, and wherever the URL says how (`ssl_ca`, …). Neither errors nor `repr` show a password
    or a statement's parameters. Raises StoreMisfit for a URL that cannot be used.
    """
    parsed = _parse(url)
    if parsed.drivername in _SERVER_DRIVERS:
        return _open_server(parsed.set(drivername="mysql+pymysql"))
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _open_file(parsed)
    raise StoreMisfit(f"DATABASE_URL은 sqlite 또는 mysql이어야 합니다: {parsed.drivername}")


def is_server(engine: Engine) -> bool:
    """Whether other machines can reach the database, and connections can be lost."""
    return engine.dialect.name == "mysql"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # `from None`: the parser's own message may quote a part of the password.
        raise StoreMisfit("DATABASE_URL을 읽을 수 없습니다") from None
    if "@" in (parsed.host or ""):
        raise StoreMisfit("DATABASE_URL 비밀번호의 @ 문자는 %40으로 적어야 합니다")
    return parsed


def _open_file(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreMisfit("SQLite는 파일이어야 합니다 (예: sqlite:///data/kis.db)")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_reset_on_return=None,  # every use ends its own transaction
        connect_args={} if "timeout" in url.query else {"timeout": _BUSY_TIMEOUT_S},
    )
    event.listen(engine, "connect", _prepare_file)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_file(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions late and commit them early; SQLAlchemy's documented
    # recipe takes that from it.
    connection.isolation_level = None
    cursor = connection.cursor()
    _enter_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """Programs that open a new file together are refused at once, whatever their timeout: SQLite
    does not wait where two would wait for each other (sqlite.org/c3ref/busy_handler.html)."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        # This wait is not refused: it ends when the other has switched, or with the timeout.
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("ROLLBACK")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and then writes would fail at once when another writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _open_server(url: URL) -> Engine:
    defaults: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "read_timeout": _ANSWER_TIMEOUT_S,
        "write_timeout": _ANSWER_TIMEOUT_S,
        "sql_mode": "TRADITIONAL",  # nothing is silently cut off
        "init_command": _SESSION,
    }
    if url.host in _LOOPBACK and not any(name.startswith("ssl") for name in url.query):
        defaults["ssl_disabled"] = True  # nobody is in between: it would only cost time and memory
    return create_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_size=3,
        max_overflow=2,
        pool_timeout=_CONNECT_TIMEOUT_S,
        pool_recycle=_RECYCLE_S,
        pool_pre_ping=False,  # a round trip per use; `transaction.py` recognises stale ones
        pool_reset_on_return=None,  # every use ends its own transaction
        connect_args={key: value for key, value in defaults.items() if key not in url.query},
    )
