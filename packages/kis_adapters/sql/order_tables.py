"""The part of a unit of work that concerns orders: journal, projection, fills, trades."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from kis_adapters.sql import order_rows, statements
from kis_adapters.sql.order_rows import Columns
from kis_adapters.sql.statements import Upserts
from kis_adapters.sql.transaction import Transaction
from kis_core.orders.booking import Fill, Trade
from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.identity import Namespace
from kis_core.orders.order import Order
from kis_core.ports.store import StoreMisfit


class OwnedTables:
    """Rows of one namespace, seen through one transaction."""

    def __init__(self, transaction: Transaction, namespace: Namespace, upserts: Upserts) -> None:
        self._transaction = transaction
        self._upserts = upserts
        self._owner: Columns = {"mode": namespace.mode.value, "account": namespace.account}
        self._own: Columns = {"own_mode": namespace.mode.value, "own_account": namespace.account}

    def _read(self, statement: Any, **values: Any) -> Sequence[Any]:
        return self._transaction.read(statement, self._own | values)

    def _write(self, statement: Any, row: Columns) -> None:
        self._transaction.write(statement, self._owner | row)

    def _change(self, statement: Any, **values: Any) -> int:
        return self._transaction.write(statement, self._own | values)


class OrderTables(OwnedTables):
    """See the port for what each method promises."""

    def append_order_events(self, order: Order, events: Sequence[OrderEvent]) -> None:
        if not _are_the_newest(events, order):
            raise self._transaction.fail(
                ValueError(f"{order.order_id} #{order.sequence}: not the end of its history")
            )
        rows = [self._owner | order_rows.event_row(event) for event in events]
        self._transaction.write(statements.INSERT_EVENTS, rows[0] if len(rows) == 1 else rows)
        changes = order_rows.change_row(order, last_fill_id(events))
        if events[0].sequence == 0:
            self._write(statements.INSERT_ORDER, order_rows.birth_row(order) | changes)
        else:
            self._update_order(order, changes, from_sequence=events[0].sequence - 1)

    def order(self, order_id: str) -> Order | None:
        rows = self._read(statements.SELECT_ORDER, of_order=order_id)
        return order_rows.order_of(rows[0]) if rows else None

    def live_orders(self) -> tuple[Order, ...]:
        return tuple(map(order_rows.order_of, self._read(statements.SELECT_LIVE_ORDERS)))

    def orders_of(self, session_date: date) -> tuple[Order, ...]:
        rows = self._read(statements.SELECT_ORDERS_OF, of_session=session_date)
        return tuple(map(order_rows.order_of, rows))

    def events_of(self, order_id: str) -> tuple[OrderEvent, ...]:
        rows = self._read(statements.SELECT_EVENTS_OF, of_order=order_id)
        return tuple(map(order_rows.event_of, rows))

    def all_events(self) -> tuple[OrderEvent, ...]:
        return tuple(map(order_rows.event_of, self._read(statements.SELECT_ALL_EVENTS)))

    def replace_all_orders(self, orders: Sequence[tuple[Order, str | None]]) -> None:
        """Write these orders, each with the id of its last fill, in place of the projection."""
        self._change(statements.DELETE_ALL_ORDERS)
        for order, last_fill_id in orders:
            changes = order_rows.change_row(order, last_fill_id)
            self._write(statements.INSERT_ORDER, order_rows.birth_row(order) | changes)

    def add_fill(self, fill: Fill) -> None:
        self._write(self._upserts.add_fill, order_rows.fill_row(fill))

    def fills_of(self, session_date: date) -> tuple[Fill, ...]:
        rows = self._read(statements.SELECT_FILLS_OF, of_session=session_date)
        return tuple(map(order_rows.fill_of, rows))

    def put_trade(self, trade: Trade) -> None:
        self._change(statements.DELETE_TRADE, of_order=trade.order_id)
        self._write(statements.INSERT_TRADE, order_rows.trade_row(trade))

    def trade(self, order_id: str) -> Trade | None:
        rows = self._read(statements.SELECT_TRADE, of_order=order_id)
        return order_rows.trade_of(rows[0]) if rows else None

    def trades_of(self, session_date: date) -> tuple[Trade, ...]:
        rows = self._read(statements.SELECT_TRADES_OF, of_session=session_date)
        return tuple(map(order_rows.trade_of, rows))

    def _update_order(self, order: Order, changes: Columns, *, from_sequence: int) -> None:
        changed = self._change(
            statements.UPDATE_ORDER,
            of_order=order.order_id,
            from_sequence=from_sequence,
            **{f"new_{name}": value for name, value in changes.items()},
        )
        if changed != 1:
            raise self._transaction.fail(
                StoreMisfit(f"order_state가 주문 이력과 다릅니다: {order.order_id}")
            )


def last_fill_id(events: Sequence[OrderEvent]) -> str | None:
    """What the newest fill among one order's `events` is called, or None."""
    sequences = [e.sequence for e in events if e.kind is OrderEventKind.FILLED]
    return order_rows.fill_id(events[0].order_id, sequences[-1]) if sequences else None


def _are_the_newest(events: Sequence[OrderEvent], order: Order) -> bool:
    first = order.sequence - len(events) + 1
    named = [(event.order_id, event.sequence) for event in events]
    return bool(events) and named == [
        (order.order_id, first + place) for place in range(len(events))
    ]
