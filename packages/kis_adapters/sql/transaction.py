"""One transaction on one pooled connection, from its first statement to COMMIT or ROLLBACK."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from kis_adapters.sql.failures import failure_before_commit, failure_of_commit
from kis_core.ports.store import StoreUnavailable

Row = Mapping[str, Any]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Reconnection:
    """When a database that could not be reached may be tried again.

    Nobody sleeps here: until the pause is over a unit of work is refused at once, so an
    unreachable server costs the one thread that decides a connect timeout now and then, not one
    per statement. The pause doubles from 0.1 s up to 5 s and ends with the first success.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = 0.0

    def check(self) -> None:
        """Raises StoreUnavailable while the pause lasts."""
        if self._failures and monotonic() < self._not_before:
            raise StoreUnavailable("데이터베이스에 다시 연결하기를 기다리고 있습니다")

    def failed(self) -> None:
        """A connection could not be made."""
        pause = min(_FIRST_PAUSE_S * 2**self._failures, _LONGEST_PAUSE_S)
        self._failures = min(self._failures + 1, 16)
        self._not_before = monotonic() + pause

    def succeeded(self) -> None:
        """A connection was made."""
        self._failures = 0


class Transaction:
    """Begins with its first statement; after any failure it is rolled back and stays failed.

    A connection from the pool may have died while it lay there. That shows at the first statement
    of a transaction, when nothing can have been done yet: only then the statement is tried once
    more on a new connection.
    """

    def __init__(self, engine: Engine, reconnection: Reconnection) -> None:
        self._engine = engine
        self._reconnection = reconnection
        self._connection: Connection | None = None
        self._has_written = False
        self._failure: Exception | None = None

    def read(self, statement: Executable, values: Row) -> Sequence[Any]:
        """All rows of a query, as SQLAlchemy rows."""
        with self._failing():
            return self._execute(statement, values).all()

    def write(self, statement: Executable, values: Row | Sequence[Row]) -> int:
        """Execute a change; how many rows it matched. A sequence of values must not be empty."""
        self._has_written = True
        with self._failing():
            return self._execute(statement, values).rowcount

    def commit(self) -> None:
        """End the transaction. What failed before is raised again: it must not look committed."""
        if self._failure is not None:
            raise self._failure
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not self._has_written:
            _end_quietly(connection)  # nothing to lose, and no outcome to doubt
            return
        try:
            connection.commit()
        except SQLAlchemyError as error:
            _end_quietly(connection)
            raise failure_of_commit(error) from error
        connection.close()

    def rollback(self) -> None:
        """Undo everything; never raises, for a lost connection is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _end_quietly(connection)

    def fail(self, failure: Exception) -> Exception:
        """Roll back because of `failure`; the caller raises what is returned."""
        self._failure = failure
        self.rollback()
        return failure

    @contextmanager
    def _failing(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except SQLAlchemyError as error:
            raise self.fail(failure_before_commit(error)) from error

    def _execute(self, statement: Executable, values: Row | Sequence[Row]) -> CursorResult[Any]:
        if self._connection is None:
            return self._execute_first(statement, values)
        return self._connection.execute(statement, values)

    def _execute_first(
        self, statement: Executable, values: Row | Sequence[Row]
    ) -> CursorResult[Any]:
        connection, is_pooled = self._connect()
        try:
            return connection.execute(statement, values)
        except DBAPIError as error:
            if not (error.connection_invalidated and is_pooled):
                raise
        _end_quietly(connection)
        connection, _ = self._connect()
        return connection.execute(statement, values)

    def _connect(self) -> tuple[Connection, bool]:
        self._reconnection.check()
        try:
            connection = self._engine.connect()
        except SQLAlchemyError:
            self._reconnection.failed()
            raise
        self._reconnection.succeeded()
        self._connection = connection
        is_pooled = connection.info.get("is_used", False)
        connection.info["is_used"] = True
        return connection, is_pooled


def _end_quietly(connection: Connection) -> None:
    """Roll back and give the connection back, or throw it away when it does not answer."""
    try:
        connection.rollback()
    except SQLAlchemyError:
        connection.invalidate()  # the server rolls back what it has lost
    connection.close()
