"""Every statement, written once; `prepared.py` compiles each once per database."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Delete,
    Insert,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql, sqlite

from kis_adapters.sql import schema


def _mine(table: Table) -> Any:
    return and_(table.c.mode == bindparam("own_mode"), table.c.account == bindparam("own_account"))


def _select(table: Table, *conditions: Any, order: tuple[str, ...]) -> Select[Any]:
    ordering = (table.c[name] for name in order)
    return select(table).where(_mine(table), *conditions).order_by(*ordering)


def _of_session(table: Table, *order: str) -> Select[Any]:
    return _select(table, table.c.session_date == bindparam("of_session"), order=order)


def _delete_symbol(table: Table) -> Delete:
    return delete(table).where(_mine(table), table.c.stock_code == bindparam("of_symbol"))


_ORDER = schema.order_state
_ONE_ORDER = _ORDER.c.order_id == bindparam("of_order")
# Fixed at an order's birth: an update leaves them alone.
_BORN_WITH = {
    *("mode", "account", "order_id", "idempotency_key", "signal_id", "session_date"),
    *("stock_code", "side", "quantity", "order_type", "price", "reference_price", "reason"),
    *("leg", "atr", "evidence", "created_at"),
}
ORDER_CHANGES = tuple(c.name for c in _ORDER.columns if c.name not in _BORN_WITH)

INSERT_EVENTS = insert(schema.order_events)
INSERT_ORDER = insert(_ORDER)
UPDATE_ORDER: Update = (
    update(_ORDER)
    .where(_mine(_ORDER), _ONE_ORDER, _ORDER.c.sequence == bindparam("from_sequence"))
    .values({name: bindparam(f"new_{name}") for name in ORDER_CHANGES})
    # The last fill stays known through the events that follow it.
    .values(fill_id=func.coalesce(bindparam("new_fill_id"), _ORDER.c.fill_id))
)
SELECT_ORDER = select(_ORDER).where(_mine(_ORDER), _ONE_ORDER)
SELECT_LIVE_ORDERS = _select(
    _ORDER, _ORDER.c.live_symbol.is_not(None), order=("created_at", "order_id")
)
SELECT_ORDERS_OF = _of_session(_ORDER, "created_at", "order_id")
SELECT_EVENTS_OF = _select(
    schema.order_events,
    schema.order_events.c.order_id == bindparam("of_order"),
    order=("sequence",),
)
SELECT_ALL_EVENTS = _select(schema.order_events, order=("id",))
DELETE_ALL_ORDERS = delete(_ORDER).where(_mine(_ORDER))

SELECT_FILLS_OF = _of_session(schema.fills, "id")

# A trade is replaced by delete and insert, so that `id` orders trades of one instant by their
# last fill; an upsert would also overwrite another order's row when only the key is taken.
DELETE_TRADE = delete(schema.trades).where(
    _mine(schema.trades), schema.trades.c.order_id == bindparam("of_order")
)
INSERT_TRADE = insert(schema.trades)
SELECT_TRADE = select(schema.trades).where(
    _mine(schema.trades), schema.trades.c.order_id == bindparam("of_order")
)
SELECT_TRADES_OF = _of_session(schema.trades, "at", "id")

_POSITION = schema.positions
CLOSE_POSITION: Update = (
    update(_POSITION)
    .where(_mine(_POSITION), _POSITION.c.open_symbol == bindparam("of_symbol"))
    .values(open_symbol=None, closed_at=bindparam("at"), close_reason=bindparam("why"))
)
SELECT_POSITIONS = _select(_POSITION, _POSITION.c.open_symbol.is_not(None), order=("open_symbol",))

DELETE_PENDING_EXIT = _delete_symbol(schema.pending_exits)
SELECT_PENDING_EXITS = _select(schema.pending_exits, order=("stock_code",))
DELETE_HALTED = _delete_symbol(schema.halted_symbols)
SELECT_HALTED = _select(schema.halted_symbols, order=("stock_code",))

SELECT_RISK = (
    select(schema.risk_state)
    .where(_mine(schema.risk_state))
    .order_by(schema.risk_state.c.session_date.desc())
    .limit(1)
)
INSERT_DECISION = insert(schema.decisions)
SELECT_DECISIONS_OF = _of_session(schema.decisions, "id")
BEFORE_AN_ORDER = (INSERT_EVENTS, INSERT_ORDER, INSERT_DECISION)
INSERT_SNAPSHOT = insert(schema.account_snapshots)
SELECT_SNAPSHOT = (
    select(schema.account_snapshots)
    .where(_mine(schema.account_snapshots))
    .order_by(schema.account_snapshots.c.at.desc(), schema.account_snapshots.c.id.desc())
    .limit(1)
)
SELECT_SUMMARY = select(schema.daily_summary).where(
    _mine(schema.daily_summary), schema.daily_summary.c.session_date == bindparam("of_session")
)
SELECT_NAMES = select(schema.symbol_cache).order_by(schema.symbol_cache.c.stock_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserts:
    """The statements that SQLite and MySQL spell differently."""

    add_fill: Insert
    put_position: Insert
    put_pending_exit: Insert
    put_halted: Insert
    put_risk: Insert
    put_summary: Insert
    put_names: Insert


def upserts_for(dialect: str) -> Upserts:
    """The upserts for `sqlite` or `mysql`.

    Each of these tables has one unique key beside its row number, so MySQL, which names no key in
    an upsert, cannot hit a row by another.
    """
    owner = ("mode", "account")
    symbol = (*owner, "stock_code")
    return Upserts(
        add_fill=_keep_first(schema.fills, dialect, key=(*owner, "order_id", "sequence")),
        put_position=_upsert(schema.positions, dialect, key=(*owner, "open_symbol")),
        put_pending_exit=_upsert(schema.pending_exits, dialect, key=symbol),
        put_halted=_upsert(schema.halted_symbols, dialect, key=symbol),
        put_risk=_upsert(schema.risk_state, dialect, key=(*owner, "session_date")),
        put_summary=_upsert(schema.daily_summary, dialect, key=(*owner, "session_date")),
        put_names=_upsert(schema.symbol_cache, dialect, key=("stock_code",)),
    )


def _upsert(table: Table, dialect: str, *, key: tuple[str, ...]) -> Insert:
    changed = [name for name in map(str, table.columns.keys()) if name not in key and name != "id"]
    if dialect == "sqlite":
        embedded = sqlite.insert(table)
        return embedded.on_conflict_do_update(
            index_elements=key, set_={name: embedded.excluded[name] for name in changed}
        )
    server = mysql.insert(table)
    return server.on_duplicate_key_update({name: server.inserted[name] for name in changed})


def _keep_first(table: Table, dialect: str, *, key: tuple[str, ...]) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=key)
    # INSERT IGNORE would swallow other errors too; assigning a key to itself changes nothing.
    return mysql.insert(table).on_duplicate_key_update(order_id=table.c.order_id)
