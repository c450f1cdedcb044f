"""What can happen to an order. Events are appended, never changed; the order is their fold."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Side

Evidence = dict[str, str | int | float | bool | None]


@unique
class OrderType(StrEnum):
    """LIMIT carries a price; MARKET does not (its price is 0)."""

    LIMIT = "limit"
    MARKET = "market"


@unique
class OrderEventKind(StrEnum):
    """Everything that an order's history can say. See `order.py` for what may follow what."""

    CREATED = "created"  # the intent, with its evidence
    SENDING = "sending"  # from here on the broker may have it
    ACCEPTED = "accepted"  # the broker answered with an order number
    REJECTED = "rejected"  # the broker or the exchange said no
    NOT_SENT = "not_sent"  # the broker certainly has nothing
    OUTCOME_LOST = "outcome_lost"  # the broker may have it: only its list decides
    ADOPTED = "adopted"  # found in the broker's list by its fingerprint
    NOT_RECEIVED = "not_received"  # the broker's settled list does not have it
    FILLED = "filled"  # cumulative quantity and amount grew, by the broker's word
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_REFUSED = "cancel_refused"
    CANCELLED = "cancelled"  # the rest is off the market, by the broker's word


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """What an order is for; fixed at its birth.

    `order_id` is the short form of `idempotency_key` (see `identity.order_id_of`). `price` is 0
    for a market order. `reference` is the last price the decision saw. `atr` is what an entry
    will freeze with its fills: durable before the order leaves, so a crash cannot lose it
    (F-016); None for a sale. `evidence` is every number the decision compared.
    """

    order_id: str
    idempotency_key: str
    signal_id: str
    session_date: date
    symbol: Symbol
    side: Side
    quantity: int
    order_type: OrderType
    price: Won
    reference: Won
    reason: str
    leg: int
    atr: float | None = None
    evidence: Evidence = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"quantity must be at least 1, was {self.quantity}")
        if (self.order_type is OrderType.MARKET) != (self.price == 0):
            raise ValueError(f"{self.order_type} order with price {self.price}")
        if self.side is Side.BUY and self.atr is None:
            raise ValueError("an entry carries its ATR")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One fact in an order's life. `sequence` counts from 0 within the order; `at` is KST.

    Only the fields its kind speaks of are set: `intent` on CREATED; `broker_order_no`,
    `broker_branch` on ACCEPTED and ADOPTED; `filled_quantity`, `filled_amount` (both cumulative),
    `commission`, `tax` (cumulative won) on FILLED; `code` and `why` on refusals and losses.
    """

    order_id: str
    sequence: int
    kind: OrderEventKind
    at: datetime
    intent: OrderIntent | None = None
    broker_order_no: str | None = None
    broker_branch: str | None = None
    filled_quantity: int | None = None
    filled_amount: int | None = None
    commission: int | None = None
    tax: int | None = None
    code: str | None = None
    why: str | None = None
