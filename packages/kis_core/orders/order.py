"""An order as the fold of its events, and the table of what may follow what.

Whatever is absent from the table is illegal: an event that does not fit is a bug or a broker
that contradicts itself, and neither may be booked.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent


@unique
class OrderStatus(StrEnum):
    """The words operators know from the `order_state` table."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


_Changes = dict[str, Any]

LIVE = frozenset({OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.PARTIAL})

_S, _K = OrderStatus, OrderEventKind
# FILLED leads to PARTIAL or FILLED by quantity; `None` stands for that choice.
_NEXT: dict[tuple[OrderStatus | None, OrderEventKind], OrderStatus | None] = {
    (None, _K.CREATED): _S.PENDING,
    (_S.PENDING, _K.SENDING): _S.PENDING,  # once in its life (O-04)
    (_S.PENDING, _K.ACCEPTED): _S.SUBMITTED,
    (_S.PENDING, _K.REJECTED): _S.FAILED,
    (_S.PENDING, _K.NOT_SENT): _S.FAILED,
    (_S.PENDING, _K.OUTCOME_LOST): _S.PENDING,  # ambiguous: it stays and blocks
    (_S.PENDING, _K.ADOPTED): _S.SUBMITTED,
    (_S.PENDING, _K.NOT_RECEIVED): _S.FAILED,
    (_S.PENDING, _K.CANCELLED): _S.CANCELLED,  # stale, and the broker's list does not have it
    (_S.SUBMITTED, _K.FILLED): None,
    (_S.SUBMITTED, _K.CANCEL_REQUESTED): _S.SUBMITTED,
    (_S.SUBMITTED, _K.CANCEL_REFUSED): _S.SUBMITTED,  # it may just have filled
    (_S.SUBMITTED, _K.CANCELLED): _S.CANCELLED,
    (_S.SUBMITTED, _K.REJECTED): _S.FAILED,  # accepted by the broker, refused by the exchange
    (_S.PARTIAL, _K.FILLED): None,
    (_S.PARTIAL, _K.CANCEL_REQUESTED): _S.PARTIAL,
    (_S.PARTIAL, _K.CANCEL_REFUSED): _S.PARTIAL,
    (_S.PARTIAL, _K.CANCELLED): _S.CANCELLED,
    (_S.PARTIAL, _K.REJECTED): _S.CANCELLED,  # the rest was refused, what filled is ours
    (_S.CANCELLED, _K.FILLED): _S.CANCELLED,  # a fill that crossed the cancel, seen late
    (_S.FAILED, _K.ADOPTED): _S.SUBMITTED,  # the broker's list settled later than we waited
}


class IllegalTransition(ValueError):
    """An event that cannot follow what is known of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The state of one order after `sequence` + 1 events.

    `filled_amount`, `commission` and `tax` are cumulative won. `sent_at` is when sending began:
    None means that the broker cannot have it.
    """

    intent: OrderIntent
    status: OrderStatus
    sequence: int
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    is_outcome_lost: bool = False
    broker_order_no: str | None = None
    broker_branch: str | None = None
    filled_quantity: int = 0
    filled_amount: int = 0
    commission: int = 0
    tax: int = 0
    cancel_requested_at: datetime | None = None
    code: str | None = None
    why: str | None = None

    @property
    def order_id(self) -> str:
        """One id through log, audit, notice and table."""
        return self.intent.order_id

    @property
    def is_live(self) -> bool:
        """Whether the broker may still fill it."""
        return self.status in LIVE

    @property
    def remaining_quantity(self) -> int:
        """Shares not filled; of a live order these may still fill."""
        return self.intent.quantity - self.filled_quantity

    @property
    def is_ambiguous(self) -> bool:
        """Whether it was being sent and no answer is known: only the broker's list decides."""
        return self.status is OrderStatus.PENDING and self.sent_at is not None

    def after(self, event: OrderEvent) -> "Order":
        """The order after one more event.

        Raises IllegalTransition for an event out of sequence, one that the table does not have,
        and a fill that shrinks or exceeds the order.
        """
        if event.order_id != self.order_id or event.sequence != self.sequence + 1:
            raise IllegalTransition(
                f"{self.order_id} #{self.sequence}: got {event.order_id} #{event.sequence}"
            )
        if (self.status, event.kind) not in _NEXT:
            raise IllegalTransition(f"{self.order_id}: {event.kind} after {self.status}")
        status = _NEXT[self.status, event.kind]
        changed = _CHANGES.get(event.kind, _nothing)(self, event)
        order = replace(self, sequence=event.sequence, updated_at=event.at, **changed)
        if event.kind is OrderEventKind.FILLED and self.status is OrderStatus.CANCELLED:
            full = order.filled_quantity == order.intent.quantity
            status = OrderStatus.FILLED if full else OrderStatus.CANCELLED
        elif status is None:
            full = order.filled_quantity == order.intent.quantity
            status = OrderStatus.FILLED if full else OrderStatus.PARTIAL
        return replace(order, status=status)


def born(event: OrderEvent) -> Order:
    """The order that a CREATED event begins. Raises IllegalTransition for any other event."""
    if event.kind is not OrderEventKind.CREATED or event.sequence != 0 or event.intent is None:
        raise IllegalTransition(f"{event.order_id} cannot begin with {event.kind}")
    if event.intent.order_id != event.order_id:
        raise IllegalTransition(f"{event.order_id} carries the intent {event.intent.order_id}")
    return Order(
        intent=event.intent,
        status=OrderStatus.PENDING,
        sequence=0,
        created_at=event.at,
        updated_at=event.at,
    )


def fold(events: "list[OrderEvent] | tuple[OrderEvent, ...]") -> Order:
    """The order after all its `events`, ascending by sequence. Raises IllegalTransition."""
    if not events:
        raise IllegalTransition("an order has at least one event")
    order = born(events[0])
    for event in events[1:]:
        order = order.after(event)
    return order


def _nothing(_order: Order, _event: OrderEvent) -> _Changes:
    return {}


def _sending(order: Order, event: OrderEvent) -> _Changes:
    if order.sent_at is not None:
        raise IllegalTransition(f"{event.order_id}: sent once already, at {order.sent_at}")
    return {"sent_at": event.at}


def _numbered(_order: Order, event: OrderEvent) -> _Changes:
    if not event.broker_order_no:
        raise IllegalTransition(f"{event.order_id}: {event.kind} without the broker's number")
    return {
        "broker_order_no": event.broker_order_no,
        "broker_branch": event.broker_branch,
        "is_outcome_lost": False,
        "code": None,
        "why": None,
    }


def _refused(_order: Order, event: OrderEvent) -> _Changes:
    return {"code": event.code, "why": event.why}


def _lost(_order: Order, event: OrderEvent) -> _Changes:
    return {"is_outcome_lost": True, "code": event.code, "why": event.why}


def _filled(order: Order, event: OrderEvent) -> _Changes:
    quantity, amount = event.filled_quantity, event.filled_amount
    if quantity is None or amount is None:
        raise IllegalTransition(f"{event.order_id}: fill without quantity and amount")
    if not order.filled_quantity < quantity <= order.intent.quantity:
        raise IllegalTransition(
            f"{event.order_id}: filled {order.filled_quantity} -> {quantity}"
            f" of {order.intent.quantity}"
        )
    if amount <= order.filled_amount:
        raise IllegalTransition(f"{event.order_id}: amount {order.filled_amount} -> {amount}")
    return {
        "filled_quantity": quantity,
        "filled_amount": amount,
        "commission": event.commission or 0,
        "tax": event.tax or 0,
    }


def _cancel_requested(_order: Order, event: OrderEvent) -> _Changes:
    return {"cancel_requested_at": event.at}


_CHANGES = {
    OrderEventKind.SENDING: _sending,
    OrderEventKind.ACCEPTED: _numbered,
    OrderEventKind.ADOPTED: _numbered,
    OrderEventKind.REJECTED: _refused,
    OrderEventKind.NOT_SENT: _refused,
    OrderEventKind.NOT_RECEIVED: _refused,
    OrderEventKind.OUTCOME_LOST: _lost,
    OrderEventKind.FILLED: _filled,
    OrderEventKind.CANCEL_REQUESTED: _cancel_requested,
    OrderEventKind.CANCEL_REFUSED: _refused,
    OrderEventKind.CANCELLED: _refused,
}
