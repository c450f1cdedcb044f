"""What is committed, read beside the engine: for the audit trail, which keeps a copy of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Executable, PoolProxiedConnection, bindparam, literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import account_rows, order_rows, schema, statements
from kis_adapters.sql.failures import failure_before_commit
from kis_adapters.sql.prepared import PreparedStatements
from kis_core.orders.identity import Namespace
from kis_core.ports.committed import Committed, CommittedFacts, Marks

_ROWS_MAX = 5_000  # of each table at a time: a first trail of many years is not read at once

_EVENTS, _DECISIONS, _TRADES = schema.order_events, schema.decisions, schema.trades


def _own(table: Any) -> Any:
    return (table.c.mode == bindparam("own_mode")) & (table.c.account == bindparam("own_account"))


def _behind(table: Any) -> Any:
    return _own(table) & (table.c.id > bindparam("after"))


_EVENTS_AFTER = (
    select(_EVENTS)
    .where(_behind(_EVENTS))
    .order_by(_EVENTS.c.id)
    .limit(literal_column(str(_ROWS_MAX)))
)
_EVENT_AT = select(_EVENTS).where(_own(_EVENTS), _EVENTS.c.id == bindparam("at_id"))
_DECISIONS_AFTER = (
    select(_DECISIONS)
    .where(_behind(_DECISIONS))
    .order_by(_DECISIONS.c.id)
    .limit(literal_column(str(_ROWS_MAX)))
)
_TRADES_AFTER = (
    select(_TRADES)
    .where(
        _own(_TRADES),
        _TRADES.c.order_id.in_(
            select(_EVENTS.c.order_id)
            .where(_behind(_EVENTS), _EVENTS.c.id <= bindparam("until"))
            .distinct()
        ),
    )
    .order_by(_TRADES.c.at, _TRADES.c.id)
)


class CommittedRows(CommittedFacts):
    """Of one namespace. On SQLite the reading takes no lock: in WAL it sees the last commit and
    the engine goes on writing."""

    def __init__(self, engine: Engine, namespace: Namespace) -> None:
        self._engine = engine
        self._prepared = PreparedStatements(engine.dialect)
        self._own = {"own_mode": namespace.mode.value, "own_account": namespace.account}

    def since(self, marks: Marks) -> Committed:
        with self._reading() as cursor:
            events = self._rows(cursor, _EVENTS_AFTER, after=marks.order_events)
            before = self._rows(cursor, _EVENT_AT, at_id=marks.order_events)
            decisions = self._rows(cursor, _DECISIONS_AFTER, after=marks.decisions)
            until = events[-1].id if events else marks.order_events
            trades = self._rows(cursor, _TRADES_AFTER, after=marks.order_events, until=until)
            positions = self._rows(cursor, statements.SELECT_POSITIONS)
            risk = self._rows(cursor, statements.SELECT_RISK)
        return Committed(
            marks=Marks(
                order_events=max([marks.order_events, *(row.id for row in events)]),
                decisions=max([marks.decisions, *(row.id for row in decisions)]),
            ),
            last_before=order_rows.event_of(before[0]) if before else None,
            events=tuple(map(order_rows.event_of, events)),
            decisions=tuple(map(account_rows.decision_of, decisions)),
            trades=tuple(map(order_rows.trade_of, trades)),
            positions=tuple(map(account_rows.position_of, positions)),
            risk=account_rows.risk_of(risk[0]) if risk else None,
            is_cut=max(len(events), len(decisions)) == _ROWS_MAX,
        )

    def _rows(self, cursor: Any, statement: Executable, **values: object) -> Sequence[Any]:
        prepared = self._prepared.of(statement)
        cursor.execute(prepared.sql, prepared.parameters({**self._own, **values}))
        return prepared.rows(cursor.fetchall())

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        errors = self._engine.dialect.loaded_dbapi.Error
        connection: PoolProxiedConnection | None = None
        try:
            connection = self._engine.raw_connection()
            yield connection.cursor()
        except (SQLAlchemyError, errors) as error:
            if connection is not None:
                connection.invalidate()
            raise failure_before_commit(error) from error
        finally:
            if connection is not None:
                connection.rollback() if connection.is_valid else None
                connection.close()
