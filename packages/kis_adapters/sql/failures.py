"""What a database error means for the caller: no exception of SQLAlchemy or a driver
passes the port.

Codes: MariaDB and MySQL error reference; SQLite result codes (sqlite.org/rescode.html).
"""

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kis_core.ports.store import (
    CommitOutcomeUnknown,
    DuplicateOrder,
    StoreMisfit,
    StoreUnavailable,
)

_DUPLICATE = {
    1062,  # ER_DUP_ENTRY
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
}
_WRONG_DATABASE = {
    1044: "이 데이터베이스에 대한 권한이 없습니다",
    1045: "사용자 이름이나 비밀번호가 틀립니다",
    1049: "데이터베이스가 없습니다",
    1054: "열이 없습니다",
    1146: "표가 없습니다",
    1698: "사용자 이름이나 비밀번호가 틀립니다",
    sqlite3.SQLITE_ERROR: "표나 열이 맞지 않습니다",
    sqlite3.SQLITE_CORRUPT: "데이터베이스 파일이 손상되었습니다",
    sqlite3.SQLITE_NOTADB: "SQLite 데이터베이스 파일이 아닙니다",
}
_CHECK_FAILED = {3819, 4025}  # MySQL, MariaDB; the driver files them under other errors
_CERTAINLY_ROLLED_BACK = {
    1205,  # lock wait timeout
    1213,  # deadlock, or a cluster's conflict found at COMMIT
    1290,  # read-only server
    1792,  # read-only transaction
    1836,  # read-only mode
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,  # the frame that would commit could not be written
    sqlite3.SQLITE_READONLY,
}


def failure_before_commit(error: Exception) -> Exception:
    """What to raise for an error at connecting or at a statement: nothing was committed.

    DuplicateOrder for a taken unique key, StoreUnavailable for what another attempt may cure,
    StoreMisfit for what only a person can.
    """
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("데이터베이스 연결이 모두 사용 중입니다")
    code = error_code(error)
    if code in _DUPLICATE:
        return DuplicateOrder("같은 주문, 신호 또는 종목의 주문이 이미 있습니다")
    if code in _WRONG_DATABASE:
        return StoreMisfit(f"{_WRONG_DATABASE[code]} (오류 {code})")
    if _is_about_values(error):
        return StoreMisfit(f"데이터베이스가 값을 받지 않습니다 (오류 {code})")
    return StoreUnavailable(f"데이터베이스가 응답하지 않습니다 (오류 {code})")


def failure_of_commit(error: Exception) -> Exception:
    """What to raise for an error at COMMIT: unknown, unless the database is certain."""
    if error_code(error) in _CERTAINLY_ROLLED_BACK:
        return StoreUnavailable(f"커밋되지 않았습니다 (오류 {error_code(error)})")
    return CommitOutcomeUnknown("커밋 중 데이터베이스 연결이 끊겼습니다: 결과를 다시 읽어야 합니다")


def error_code(error: Exception) -> int:
    """The driver's own number; 0 where it has none. SQLite's extended codes are kept only for
    constraints."""
    original = _of_the_driver(error)
    if isinstance(original, sqlite3.Error):
        extended: int = getattr(original, "sqlite_errorcode", 0)
        primary = extended & 0xFF
        return extended if primary == sqlite3.SQLITE_CONSTRAINT else primary
    first = original.args[0] if original.args else 0
    return first if isinstance(first, int) else 0


def _of_the_driver(error: Exception) -> BaseException:
    """SQLAlchemy wraps the driver's errors where it calls the driver, as in connecting."""
    return error.orig if isinstance(error, DBAPIError) and error.orig else error


def _is_about_values(error: Exception) -> bool:
    names = {"IntegrityError", "DataError", "ProgrammingError", "NotSupportedError"}
    name = type(_of_the_driver(error)).__name__
    return name in names or error_code(error) in _CHECK_FAILED
