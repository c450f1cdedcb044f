"""Finding an order whose answer was lost in the broker's own list.

KIS has no client order id. What an order is known by: its symbol, side, quantity, price and
type, and that it was accepted at or after sending began (less the clocks' skew). An order number
that another of our orders already claims is nobody else's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order


class ListedOrder(Protocol):
    """What the match reads of a row in the broker's list."""

    @property
    def broker_order_no(self) -> str: ...
    @property
    def symbol(self) -> Symbol: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> int: ...
    @property
    def price(self) -> Won: ...
    @property
    def order_type(self) -> OrderType: ...
    @property
    def accepted_at(self) -> datetime: ...


_Listed = TypeVar("_Listed", bound=ListedOrder)


def is_candidate(order: Order, listed: ListedOrder, *, skew: timedelta) -> bool:
    """Whether `listed` may be `order`, whose answer was lost.

    The broker's times have whole seconds, so one second is given beside the `skew`. Raises
    ValueError for an order that was never being sent: nothing of it can be in the list.
    """
    if order.sent_at is None:
        raise ValueError(f"{order.order_id} was never sent")
    intent = order.intent
    return (
        listed.symbol == intent.symbol
        and listed.side is intent.side
        and listed.quantity == intent.quantity
        and listed.order_type is intent.order_type
        and listed.price == intent.price
        and listed.accepted_at >= order.sent_at - skew - timedelta(seconds=1)
    )


def candidates(
    order: Order, listed: Iterable[_Listed], *, claimed: frozenset[str], skew: timedelta
) -> tuple[_Listed, ...]:
    """The rows that may be `order`, in the list's order, without the `claimed` numbers."""
    return tuple(
        row
        for row in listed
        if row.broker_order_no not in claimed and is_candidate(order, row, skew=skew)
    )
