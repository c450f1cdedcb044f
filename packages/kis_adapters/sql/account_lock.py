"""AccountLock through the database server: `GET_LOCK` of MariaDB and MySQL.

The server ties the lock to one connection and frees it with that connection, so the lock lives on
a connection of its own that no pool recycles.
"""

import hashlib

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server
from kis_adapters.sql.failures import failure_before_commit
from kis_core.orders.identity import Namespace
from kis_core.ports.account_lock import AccountLock

_LONGEST_NAME = 64  # MySQL 5.7 and later refuse more
_ACQUIRE = text("SELECT GET_LOCK(:name, 0)")
_IS_HELD = text("SELECT IS_USED_LOCK(:name) = CONNECTION_ID()")
_RELEASE = text("SELECT RELEASE_LOCK(:name)")


def account_lock(engine: Engine, namespace: Namespace) -> AccountLock:
    """The lock that fits the database."""
    return ServerAccountLock(engine, namespace) if is_server(engine) else FileAccountLock()


class ServerAccountLock(AccountLock):
    """One lock per server, mode and account, whichever schema of the server is used."""

    def __init__(self, engine: Engine, namespace: Namespace) -> None:
        self._engine = engine
        self._name = _lock_name(namespace)
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        if self.is_held():
            return True
        try:
            self._connection = self._engine.connect()
            self._connection.detach()
            is_ours = self._ask(self._connection, _ACQUIRE)
        except SQLAlchemyError as error:
            self._drop()
            raise failure_before_commit(error) from error
        if not is_ours:
            self._drop()
        return is_ours

    def is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            is_ours = self._ask(self._connection, _IS_HELD)
        except SQLAlchemyError:
            is_ours = False  # not confirmed; the lock goes with the connection
        if not is_ours:
            self._drop()
        return is_ours

    def release(self) -> None:
        try:
            if self._connection is not None:
                self._ask(self._connection, _RELEASE)
        except SQLAlchemyError:
            self._drop()  # the server frees it with the connection
        self._drop()

    def _ask(self, connection: Connection, question: TextClause) -> bool:
        answer = connection.execute(question, {"name": self._name}).scalar()
        connection.rollback()  # no transaction stays open between questions
        return answer == 1

    def _drop(self) -> None:
        """Close the connection for good: the server frees the lock when it sees that."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


class FileAccountLock(AccountLock):
    """For SQLite: nothing to ask.

    A database file belongs to one machine, and there the instance lock (P-01), held by the
    operating system, already admits one program.
    """

    def __init__(self) -> None:
        self._is_held = False

    def acquire(self) -> bool:
        self._is_held = True
        return True

    def is_held(self) -> bool:
        return self._is_held

    def release(self) -> None:
        self._is_held = False


def _lock_name(namespace: Namespace) -> str:
    name = f"kis:{namespace.mode.value}:{namespace.account}"
    if len(name) <= _LONGEST_NAME and name.isascii():
        return name
    return "kis:" + hashlib.sha256(name.encode()).hexdigest()[:40]
