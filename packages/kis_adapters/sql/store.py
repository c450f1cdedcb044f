"""The Store port on SQLite, MariaDB and MySQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from kis_adapters.sql.account_tables import AccountTables
from kis_adapters.sql.order_tables import OrderTables
from kis_adapters.sql.statements import BEFORE_AN_ORDER, upserts_for
from kis_adapters.sql.transaction import Connections, Transaction
from kis_core.orders.identity import Namespace
from kis_core.ports.store import Store, UnitOfWork


class SqlUnitOfWork(OrderTables, AccountTables, UnitOfWork):
    """One database transaction. Not to be shared between threads."""


class SqlStore(Store):
    """One namespace of an initialised database (see `initialize_schema`).

    Units of work of several threads may run side by side; on SQLite one waits for the other, so
    a unit must not be opened inside another of the same thread.
    """

    def __init__(self, engine: Engine, namespace: Namespace) -> None:
        self._connections = Connections(engine)
        self._namespace = namespace
        self._upserts = upserts_for(engine.dialect.name)
        self._is_prepared = False

    @contextmanager
    def unit_of_work(self) -> Iterator[SqlUnitOfWork]:
        transaction = Transaction(self._connections)
        try:
            yield SqlUnitOfWork(transaction, self._namespace, self._upserts)
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
        if not self._is_prepared:  # the first unit of work reads what is open, and is no order's
            self._connections.prepared.compile(BEFORE_AN_ORDER)
            self._is_prepared = True
