"""Orders, their events, fills and trades as rows and back, equal to the last bit.

A row here is without `mode` and `account`: the unit of work adds its own.
"""

import json
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.booking import Fill, Trade
from kis_core.orders.event import Evidence, OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus

Columns = dict[str, Any]

_INTENT_FIELDS = tuple(field.name for field in fields(OrderIntent))


def evidence_text(evidence: Evidence) -> str:
    """JSON that keeps the order of keys, integers apart from floats, and every float's bits."""
    return json.dumps(evidence, ensure_ascii=False, separators=(",", ":"))


def fill_id(order_id: str, sequence: int) -> str:
    """What a fill is called in the tables: the event that told of it."""
    return f"{order_id}-{sequence}"


def event_row(event: OrderEvent) -> Columns:
    """The `order_events` row of an event."""
    return {
        "order_id": event.order_id,
        "sequence": event.sequence,
        "kind": event.kind.value,
        "at": event.at,
        "intent": None if event.intent is None else _intent_text(event.intent),
        "order_no": event.broker_order_no,
        "order_branch": event.broker_branch,
        "filled_quantity": event.filled_quantity,
        "filled_amount": event.filled_amount,
        "commission": event.commission,
        "tax": event.tax,
        "code": event.code,
        "why": event.why,
    }


def event_of(row: Any) -> OrderEvent:
    """The event that `event_row` wrote."""
    return OrderEvent(
        order_id=row.order_id,
        sequence=row.sequence,
        kind=OrderEventKind(row.kind),
        at=row.at,
        intent=None if row.intent is None else _intent_of(row.intent),
        broker_order_no=row.order_no,
        broker_branch=row.order_branch,
        filled_quantity=row.filled_quantity,
        filled_amount=row.filled_amount,
        commission=row.commission,
        tax=row.tax,
        code=row.code,
        why=row.why,
    )


def birth_row(order: Order) -> Columns:
    """The columns of `order_state` that never change."""
    intent = order.intent
    return {
        "order_id": intent.order_id,
        "idempotency_key": intent.idempotency_key,
        "signal_id": intent.signal_id,
        "session_date": intent.session_date,
        "stock_code": intent.symbol,
        "side": intent.side.value,
        "quantity": intent.quantity,
        "order_type": intent.order_type.value,
        "price": intent.price,
        "reference_price": intent.reference,
        "reason": intent.reason,
        "leg": intent.leg,
        "atr": intent.atr,
        "evidence": evidence_text(intent.evidence),
        "created_at": order.created_at,
    }


def change_row(order: Order, last_fill_id: str | None) -> Columns:
    """The columns of `order_state` that its events change; None keeps an earlier fill's id."""
    return {
        "live_symbol": order.intent.symbol if order.is_live else None,
        "status": order.status.value,
        "filled_quantity": order.filled_quantity,
        "remaining_quantity": order.remaining_quantity,
        "filled_amount": order.filled_amount,
        "commission": order.commission,
        "tax": order.tax,
        "order_no": order.broker_order_no,
        "order_branch": order.broker_branch,
        "fill_id": last_fill_id,
        "is_outcome_lost": order.is_outcome_lost,
        "code": order.code,
        "why": order.why,
        "sent_at": order.sent_at,
        "cancel_requested_at": order.cancel_requested_at,
        "updated_at": order.updated_at,
        "sequence": order.sequence,
    }


def order_of(row: Any) -> Order:
    """The order that `birth_row` and `change_row` wrote."""
    return Order(
        intent=OrderIntent(
            order_id=row.order_id,
            idempotency_key=row.idempotency_key,
            signal_id=row.signal_id,
            session_date=row.session_date,
            symbol=Symbol(row.stock_code),
            side=Side(row.side),
            quantity=row.quantity,
            order_type=OrderType(row.order_type),
            price=Won(row.price),
            reference=Won(row.reference_price),
            reason=row.reason,
            leg=row.leg,
            atr=row.atr,
            evidence=json.loads(row.evidence),
        ),
        status=OrderStatus(row.status),
        sequence=row.sequence,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sent_at=row.sent_at,
        is_outcome_lost=row.is_outcome_lost,
        broker_order_no=row.order_no,
        broker_branch=row.order_branch,
        filled_quantity=row.filled_quantity,
        filled_amount=row.filled_amount,
        commission=row.commission,
        tax=row.tax,
        cancel_requested_at=row.cancel_requested_at,
        code=row.code,
        why=row.why,
    )


def fill_row(fill: Fill) -> Columns:
    """The `fills` row of a fill."""
    row = asdict(fill)
    row["stock_code"] = row.pop("symbol")
    row["side"] = fill.side.value
    row["fill_id"] = fill_id(fill.order_id, fill.sequence)
    return row


def fill_of(row: Any) -> Fill:
    """The fill that `fill_row` wrote."""
    return Fill(
        order_id=row.order_id,
        sequence=row.sequence,
        session_date=row.session_date,
        at=row.at,
        symbol=Symbol(row.stock_code),
        side=Side(row.side),
        quantity=row.quantity,
        amount=row.amount,
        commission=row.commission,
        tax=row.tax,
    )


def trade_row(trade: Trade) -> Columns:
    """The `trades` row of a trade."""
    row = asdict(trade)
    row["stock_code"] = row.pop("symbol")
    row["side"] = trade.side.value
    return row


def trade_of(row: Any) -> Trade:
    """The trade that `trade_row` wrote."""
    return Trade(
        order_id=row.order_id,
        idempotency_key=row.idempotency_key,
        session_date=row.session_date,
        at=row.at,
        symbol=Symbol(row.stock_code),
        side=Side(row.side),
        reason=row.reason,
        quantity=row.quantity,
        amount=row.amount,
        commission=row.commission,
        tax=row.tax,
        realised_pnl=row.realised_pnl,
        round_trip_pnl=row.round_trip_pnl,
    )


def _intent_text(intent: OrderIntent) -> str:
    # No `asdict`: it copies what is in it, and an order waits for this text.
    values = {name: getattr(intent, name) for name in _INTENT_FIELDS}
    values["session_date"] = intent.session_date.isoformat()
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _intent_of(text: str) -> OrderIntent:
    values = json.loads(text)
    values["session_date"] = date.fromisoformat(values["session_date"])
    values["side"] = Side(values["side"])
    values["order_type"] = OrderType(values["order_type"])
    return OrderIntent(**values)
