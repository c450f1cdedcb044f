"""The virtual account on disk: an SQLite file that plays the part of the broker's own books.

It stands apart from the trading database as a broker's books do: an order that the database has
and the account does not, or the other way round, is resolved at the start like every other. One
transaction a change, `synchronous=FULL`: after a crash either all of it is there or nothing.
A reset begins a new account and leaves the old ones in the file as history.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from kis_adapters.virtual.ledger import VirtualAccount, VirtualOrder

_BUSY_TIMEOUT_S = 5.0
_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    generation INTEGER PRIMARY KEY, initial_cash INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    generation INTEGER NOT NULL, number INTEGER NOT NULL, session_date TEXT NOT NULL,
    is_live INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (generation, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_orders_session ON orders (generation, session_date);
"""

_INSERT = "INSERT INTO account VALUES (?, ?, ?)"

_Kept = TypeVar("_Kept")
_ACCOUNT = TypeAdapter(VirtualAccount)
_ORDER = TypeAdapter(VirtualOrder)


class AccountFileDamaged(Exception):
    """The file cannot be used; the text is Korean, for the operator."""


class NotRead(Exception):
    """The file did not answer."""


class NotKept(Exception):
    """The change was certainly not written: nothing of it is in the file."""


class AccountFile:
    """One account file. Raises AccountFileDamaged; not to be shared between threads.

    `initial_cash` is won and only counts for an account that is new.
    """

    def __init__(self, path: Path, *, initial_cash: int) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _opened(path)
            found = self._rows("SELECT MAX(generation) FROM account")[0][0]
        except (sqlite3.Error, NotRead, OSError) as error:
            raise AccountFileDamaged(
                f"가상 계좌 파일을 쓸 수 없습니다: {path} ({error})"
            ) from error
        self.generation = int(found or 0)
        if not self.generation:
            self._begin_first(initial_cash)

    @property
    def account_name(self) -> str:
        """The account's name in every key of the trading database; a reset makes another."""
        return f"CBT-{self.generation:04d}"

    @property
    def initial_cash(self) -> int:
        """The won that this account began with."""
        query = "SELECT initial_cash FROM account WHERE generation = ?"
        return int(self._rows(query, self.generation)[0][0])

    def begin_anew(self, initial_cash: int) -> None:
        """Open a new, empty account beside the old ones. Raises NotKept."""
        with self._writing() as cursor:
            cursor.execute(_INSERT, _empty(self.generation + 1, initial_cash))
        self.generation += 1

    def account(self) -> VirtualAccount:
        """The account as it was kept last."""
        query = "SELECT document FROM account WHERE generation = ?"
        rows = self._rows(query, self.generation)
        return self._read(_ACCOUNT, rows[0][0])

    def live_orders(self) -> tuple[VirtualOrder, ...]:
        """All orders that may still fill, oldest first."""
        query = "SELECT document FROM orders WHERE generation = ? AND is_live ORDER BY number"
        return tuple(self._read(_ORDER, row[0]) for row in self._rows(query, self.generation))

    def orders_of(self, session_date: date) -> tuple[VirtualOrder, ...]:
        """All orders of a session, oldest first."""
        query = (
            "SELECT document FROM orders WHERE generation = ? AND session_date = ? ORDER BY number"
        )
        rows = self._rows(query, self.generation, session_date.isoformat())
        return tuple(self._read(_ORDER, row[0]) for row in rows)

    def keep(self, account: VirtualAccount, orders: Iterable[VirtualOrder]) -> None:
        """Write the account and the orders that changed, all or nothing. Raises NotKept."""
        with self._writing() as cursor:
            cursor.execute(
                "UPDATE account SET document = ? WHERE generation = ?",
                (_ACCOUNT.dump_json(account).decode(), self.generation),
            )
            cursor.executemany(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?) ON CONFLICT (generation, number)"
                " DO UPDATE SET is_live = excluded.is_live, document = excluded.document",
                [
                    (
                        self.generation,
                        order.number,
                        order.session_date.isoformat(),
                        order.is_live,
                        _ORDER.dump_json(order).decode(),
                    )
                    for order in orders
                ],
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _begin_first(self, initial_cash: int) -> None:
        """The first account of the file; one that another program has just begun is taken."""
        with self._writing() as cursor:
            cursor.execute(f"{_INSERT} ON CONFLICT DO NOTHING", _empty(1, initial_cash))
        self.generation = 1

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise NotRead(f"{self._path}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Cursor]:
        """One transaction; a COMMIT that fails leaves it open, and it is rolled back."""
        try:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            yield cursor
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):  # a connection that is gone has nothing to undo
                self._connection.rollback()
            raise NotKept(f"{self._path}: {error}") from error
        except BaseException:
            self._connection.rollback()
            raise

    def _read(self, kind: TypeAdapter[_Kept], document: object) -> _Kept:
        try:
            return kind.validate_json(str(document))
        except ValidationError as error:
            raise AccountFileDamaged(f"가상 계좌 파일이 손상되었습니다: {self._path}") from error


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > _FORMAT:
            raise AccountFileDamaged(f"이 프로그램보다 새 버전의 가상 계좌 파일입니다: {path}")
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Of programs that open a new file together all but one are refused at once, whatever their
    timeout (sqlite.org/c3ref/busy_handler.html); to begin a transaction waits for that one."""
    deadline = monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _empty(generation: int, cash: int) -> tuple[int, int, str]:
    """The row of an account in which nothing has happened."""
    return generation, cash, _ACCOUNT.dump_json(VirtualAccount(cash=cash)).decode()
