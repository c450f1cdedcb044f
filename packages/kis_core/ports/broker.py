"""The broker: orders, their fate, and what the account holds.

An order request is sent at most once (O-04): no adapter repeats `place`, at any layer.
"""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side


class BrokerUnavailable(Exception):
    """An inquiry was not answered, or its answer is incomplete or contradicts itself.

    Nothing may be concluded from it; above all not that something is absent (P-08).
    """


class NotSent(Exception):
    """The request certainly did not reach the broker's books; it may be decided again.

    `code` is the broker's where it gave one (refused at the gateway by rate).
    """

    def __init__(self, why: str, *, code: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class OutcomeUnknown(Exception):
    """The request may have been processed. Never send it again: ask `orders_of`, then decide."""

    def __init__(self, why: str, *, code: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


@unique
class RefusalKind(StrEnum):
    """Why the broker said no, classified once from its codes (K-09)."""

    MARKET_CLOSED = "market_closed"
    INSUFFICIENT_CASH = "insufficient_cash"
    INSUFFICIENT_QUANTITY = "insufficient_quantity"
    PRICE = "price"  # tick, limits, or order type not allowed now
    NOT_TRADABLE = "not_tradable"  # halted, or not offered on this account
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    ACCOUNT = "account"
    AUTH = "auth"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTicket:
    """What is sent. `price` is 0 for a market order. The venue is always KRX (O-15)."""

    order_id: str
    symbol: Symbol
    side: Side
    quantity: int
    order_type: OrderType
    price: Won


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The broker took the order. It may still be refused by the exchange; `orders_of` tells."""

    broker_order_no: str
    broker_branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The broker said no. `code` and `why` are its own words."""

    kind: RefusalKind
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """One order in the broker's list, its cancel and amend rows folded into it.

    `broker_order_no` is compared as the adapter gives it (leading zeros removed); unique with
    `broker_branch` within one date. `price` is 0 for a market order. Quantities are shares and
    cumulative, `filled_amount` is cumulative won. `is_live`: it may still fill.
    """

    broker_order_no: str
    broker_branch: str
    symbol: Symbol
    side: Side
    quantity: int
    order_type: OrderType
    price: Won
    accepted_at: datetime
    filled_quantity: int
    filled_amount: int
    cancelled_quantity: int
    rejected_quantity: int
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One symbol held. `quantity` is shares owned, `sellable` those not in open sell orders.

    `cost` is total won paid as the broker counts it; `price` its last price (0: not told).
    """

    symbol: Symbol
    name: str
    quantity: int
    sellable: int
    cost: int
    price: Won


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the account holds, complete, at `at`. `holdings` has quantities above 0 only, one
    entry a symbol. `cash` is what remains after all trades settle (D+2), in won; `deposit`
    today's settled cash; `equity` securities at the broker's prices plus `cash`.
    """

    at: datetime
    holdings: tuple[Holding, ...]
    cash: int
    deposit: int
    equity: int
    evaluation_pnl: int

    def holding(self, symbol: Symbol) -> Holding | None:
        """The holding in `symbol`, or None when none is held."""
        return next((h for h in self.holdings if h.symbol == symbol), None)


@runtime_checkable
class Broker(Protocol):
    """One account at one broker."""

    @abstractmethod
    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        """Send the order, once. Raises NotSent or OutcomeUnknown, and nothing else."""

    @abstractmethod
    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        """Ask that all that remains of the order be cancelled, once.

        Accepted is not yet cancelled: `orders_of` decides. Rejected with NOTHING_TO_CANCEL means
        that it filled or ended meanwhile. Raises NotSent or OutcomeUnknown.
        """

    @abstractmethod
    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        """Every order of the account accepted on `session_date`, whoever sent it, in order of
        acceptance. Empty means that there is none. It may lag what really happened by seconds.

        Raises BrokerUnavailable.
        """

    @abstractmethod
    def account(self) -> AccountState:
        """Holdings and cash. Raises BrokerUnavailable for anything incomplete or implausible."""
