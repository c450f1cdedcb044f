"""What the page of the operator shows, read from the database without touching it.

Its connection may only read: a mistake here cannot become a fact. What grows with the years is
asked for in bounded parts, so that the page is as light after ten years as on its first day.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.database import open_database
from kis_adapters.sql.failures import failure_before_commit
from kis_core.orders.identity import Namespace
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_WAIT_S = 1.0  # the page asks again in a moment
_POINTS_MAX = 400
_DECISIONS, _ORDERS = 30, 30

Row = dict[str, Any]


def open_to_read(url: str) -> Engine:
    """An engine that can only read. Raises StoreMisfit; a missing file shows at the first use."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreMisfit("DATABASE_URL을 읽을 수 없습니다") from None
    if not parsed.drivername.startswith("sqlite"):
        engine = open_database(url)
        event.listen(engine, "connect", _only_reads)
        return engine
    # Not `mode=ro`: a reader of a WAL database keeps its place in a shared file.
    uri = f"{Path(parsed.database or '').absolute().as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        made = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, check_same_thread=False)
        made.execute("PRAGMA query_only = ON")
        return made

    # Without a file's name it would take a pool that closes what other threads are reading from.
    return create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)


def _only_reads(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")


class Glance:
    """One account's state at one moment. Raises StoreUnavailable and StoreMisfit."""

    def __init__(self, engine: Engine, namespace: Namespace) -> None:
        self._engine, self._namespace = engine, namespace

    def take(self) -> dict[str, Any]:
        """Everything that is shown, as plain values; instants and dates as they are."""
        with self._reading() as connection:
            try:
                return self._state(connection)
            except SQLAlchemyError as error:
                if "no such table" in str(error) or "doesn't exist" in str(error):
                    raise StoreMisfit("아직 거래한 적이 없는 데이터베이스입니다") from error
                raise failure_before_commit(error) from error

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        file = self._engine.dialect.name == "sqlite"
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            if file and "unable to open" in str(error):
                raise StoreMisfit("아직 데이터베이스가 없습니다") from error
            raise StoreUnavailable("데이터베이스에 연결할 수 없습니다") from error
        with connection:
            yield connection

    def _state(self, connection: Connection) -> dict[str, Any]:
        risk = self._rows(connection, schema.risk_state, limit=1, order="session_date")
        session = risk[0]["session_date"] if risk else None
        return {
            "session_date": session,
            "risk": risk[0] if risk else None,
            "positions": self._positions(connection),
            "orders": self._orders(connection, session),
            "realised_pnl": self._realised(connection, session),
            "snapshot": next(
                iter(self._rows(connection, schema.account_snapshots, limit=1, order="id")), None
            ),
            "equity": self._equity(connection),
            "decisions": self._decisions(connection, limit=_DECISIONS),
            "names": {
                row.stock_code: row.stock_name
                for row in connection.execute(
                    select(schema.symbol_cache.c.stock_code, schema.symbol_cache.c.stock_name)
                )
            },
            "halted": self._rows(connection, schema.halted_symbols, limit=20, order="at"),
            "pending_exits": self._rows(connection, schema.pending_exits, limit=20, order="since"),
        }

    def _own(self, table: Any) -> Any:
        return (table.c.mode == self._namespace.mode.value) & (
            table.c.account == self._namespace.account
        )

    def _rows(
        self, connection: Connection, table: Any, *, limit: int, order: str, where: Any = None
    ) -> list[Row]:
        chosen = select(table).where(self._own(table))
        if where is not None:
            chosen = chosen.where(where)
        found = connection.execute(chosen.order_by(table.c[order].desc()).limit(limit))
        return [_without_keys(dict(row)) for row in found.mappings()]

    def _positions(self, connection: Connection) -> list[Row]:
        table = schema.positions
        held = self._rows(
            connection, table, limit=100, order="id", where=table.c.open_symbol.is_not(None)
        )
        return [{**row, "last": self._last(connection, row["stock_code"])} for row in held]

    def _last(self, connection: Connection, symbol: str) -> int | None:
        """The price of the symbol's last decision that was written down."""
        is_its = schema.decisions.c.stock_code == symbol
        found = self._decisions(connection, limit=1, where=is_its)
        last = found[0]["evidence"].get("last") if found else None
        return last if isinstance(last, int) else None

    def _decisions(self, connection: Connection, *, limit: int, where: Any = None) -> list[Row]:
        """Newest first, their evidence as a mapping."""
        found = self._rows(connection, schema.decisions, limit=limit, order="id", where=where)
        return [{**row, "evidence": json.loads(row["evidence"])} for row in found]

    def _orders(self, connection: Connection, session: date | None) -> list[Row]:
        table = schema.order_state
        is_shown: Any = table.c.live_symbol.is_not(None)
        if session is not None:
            is_shown |= table.c.session_date == session
        return self._rows(connection, table, limit=_ORDERS, order="created_at", where=is_shown)

    def _realised(self, connection: Connection, session: date | None) -> int:
        table = schema.trades
        total = connection.execute(
            select(func.coalesce(func.sum(table.c.realised_pnl), 0)).where(
                self._own(table), table.c.session_date == session
            )
        ).scalar_one()
        return int(total)

    def _equity(self, connection: Connection) -> Sequence[tuple[datetime, int]]:
        table = schema.account_snapshots
        count = connection.execute(
            select(func.count()).select_from(table).where(self._own(table))
        ).scalar_one()
        step = max(1, -(-count // _POINTS_MAX))
        newest = select(func.max(table.c.id)).where(self._own(table)).scalar_subquery()
        chosen = (
            select(table.c.at, table.c.equity)
            .where(self._own(table), (table.c.id % step == 0) | (table.c.id == newest))
            .order_by(table.c.id)
            .limit(2 * _POINTS_MAX)
        )
        return [(row.at, row.equity) for row in connection.execute(chosen)]


def _without_keys(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name not in ("mode", "account", "id")}
