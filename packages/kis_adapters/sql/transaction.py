"""One transaction on one pooled connection, from its first statement to COMMIT or ROLLBACK."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import Engine, Executable, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server
from kis_adapters.sql.failures import failure_before_commit, failure_of_commit
from kis_adapters.sql.prepared import Prepared, PreparedStatements, Row
from kis_core.ports.store import StoreUnavailable

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Connections:
    """Connections of one store, with a pause between attempts at a database that is away.

    Nobody sleeps here: until the pause is over a unit of work is refused at once, so an
    unreachable server costs the one thread that decides a connect timeout now and then, not one
    per statement. The pause doubles from 0.1 s up to 5 s and ends with the first success.
    """

    def __init__(self, engine: Engine) -> None:
        self.is_server = is_server(engine)
        self.prepared = PreparedStatements(engine.dialect)
        self.errors: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._engine = engine
        self._failures = 0
        self._not_before = 0.0

    def take(self) -> PoolProxiedConnection:
        """A connection from the pool, or a new one.

        Raises StoreUnavailable while the pause lasts, else the pool's or the driver's error.
        """
        if self._failures and monotonic() < self._not_before:
            raise StoreUnavailable("데이터베이스에 다시 연결하기를 기다리고 있습니다")
        try:
            connection = self._engine.raw_connection()
        except (SQLAlchemyError, self.errors):
            self._not_before = monotonic() + min(
                _FIRST_PAUSE_S * 2**self._failures, _LONGEST_PAUSE_S
            )
            self._failures = min(self._failures + 1, 16)
            raise
        self._failures = 0
        return connection

    def is_lost(self, error: Exception, connection: PoolProxiedConnection) -> bool:
        """Whether `error` means that the connection is dead."""
        dialect: Any = self._engine.dialect  # typed for a protocol that the drivers' errors lack
        return bool(dialect.is_disconnect(error, connection.dbapi_connection, None))


class Transaction:
    """Begins with its first statement; after any failure it is rolled back and stays failed.

    A connection from the pool may have died while it lay there. That shows at the first statement
    of a transaction, when nothing can have been done yet: only then the statement is tried again,
    until it met a connection that is new.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._connection: PoolProxiedConnection | None = None
        self._has_written = False
        self._failure: Exception | None = None

    def read(self, statement: Executable, values: Row) -> list[Any]:
        """All rows of a query, as named tuples."""
        with self._failing():
            prepared, cursor = self._execute(statement, values)
            return prepared.rows(cursor.fetchall())

    def write(self, statement: Executable, values: Row | Sequence[Row]) -> int:
        """Execute a change; how many rows it matched. A sequence of values must not be empty."""
        with self._failing():
            self._has_written = True
            _, cursor = self._execute(statement, values)
            return int(cursor.rowcount)

    def commit(self) -> None:
        """End the transaction. What failed before is raised again: it must not look committed."""
        if self._failure is not None:
            raise self._failure
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not self._has_written:
            self._end(connection)  # nothing to lose, and no outcome to doubt
            return
        try:
            connection.commit()
        except self._connections.errors as error:
            self._end(connection)
            raise failure_of_commit(error) from error
        connection.close()

    def rollback(self) -> None:
        """Undo everything; never raises, for a lost connection is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._end(connection)

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
        except (SQLAlchemyError, self._connections.errors) as error:
            raise self.fail(failure_before_commit(error)) from error
        except Exception as error:
            self.fail(error)
            raise

    def _execute(self, statement: Executable, values: Row | Sequence[Row]) -> tuple[Prepared, Any]:
        if self._connection is not None:
            return self._run(self._connection, statement, values)
        while True:
            connection = self._connection = self._connections.take()
            is_pooled = connection.info.get("is_used", False)
            connection.info["is_used"] = True
            try:
                if not self._connections.is_server:
                    # One that reads first and then writes would fail at once when another writes.
                    connection.cursor().execute("BEGIN IMMEDIATE")
                return self._run(connection, statement, values)
            except self._connections.errors as error:
                if not (is_pooled and self._connections.is_lost(error, connection)):
                    raise
                self.rollback()  # and forget it: there may be no next one to put in its place

    def _run(
        self, connection: PoolProxiedConnection, statement: Executable, values: Row | Sequence[Row]
    ) -> tuple[Prepared, Any]:
        prepared = self._connections.prepared.of(statement)
        cursor = connection.cursor()
        if isinstance(values, Sequence):
            cursor.executemany(prepared.sql, [prepared.parameters(row) for row in values])
        else:
            cursor.execute(prepared.sql, prepared.parameters(values))
        return prepared, cursor

    def _end(self, connection: PoolProxiedConnection) -> None:
        """Roll back and give the connection back, or throw it away when it does not answer."""
        try:
            connection.rollback()
        except self._connections.errors:
            connection.invalidate()  # the server rolls back what it has lost
        connection.close()
