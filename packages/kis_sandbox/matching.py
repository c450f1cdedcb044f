"""Which prints fill which orders. Pure: the same orders and prints give the same matches.

A print can give away a quarter of its shares, to the orders that were there before it, first
come first served. A limit order trades when the print is at its limit or better: at the print's
price if it could have traded on arrival or the print is an auction, else at its own limit (it
waited in the book, and the market came to it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kis_sandbox.order import Order, OrderType, Side
from kis_sandbox.path import DayPath

SHARE_OF_PRINT = 4  # a quarter


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`quantity` shares of `order` at `price`; `is_cancel` when they are cancelled instead."""

    order: Order
    quantity: int
    price: int
    at_us: int
    is_cancel: bool = False


def matches(
    orders: Sequence[Order], path: DayPath, *, after_us: int, until_us: int
) -> Iterator[Match]:
    """Match live `orders` of one symbol, in order of arrival, with the prints of an interval.

    The interval excludes `after_us` and includes `until_us`, so consecutive intervals see every
    print once. The orders are read, not changed.
    """
    rest = [order.remaining for order in orders]
    reach = [order.reach for order in orders]
    last = len(path) - 1
    for index in range(path.count_until(after_us), path.count_until(until_us)):
        if not any(rest):
            return
        at_us, price = path.times_us[index], path.prices[index]
        available = path.volumes[index] // SHARE_OF_PRINT
        for n, order in enumerate(orders):
            if not rest[n] or at_us <= order.accepted_us + order.mishap.delay_us:
                continue
            wanted = min(rest[n], reach[n])
            quantity = _given(order, wanted, price, available, is_closing=index == last)
            if quantity:
                rest[n], reach[n] = rest[n] - quantity, reach[n] - quantity
                available -= quantity
                paid = price if index in (0, last) else _price(order, price)
                yield Match(order=order, quantity=quantity, price=paid, at_us=at_us)
            if order.order_type.is_immediate and rest[n]:
                yield Match(order=order, quantity=rest[n], price=price, at_us=at_us, is_cancel=True)
                rest[n] = 0


def _given(order: Order, wanted: int, price: int, available: int, *, is_closing: bool) -> int:
    is_any_price = is_closing and order.order_type is OrderType.LIMIT_THEN_MARKET
    if not is_any_price and not _may_trade(order, price):
        return 0
    if order.order_type.is_all_or_none and available < order.remaining:
        return 0
    return min(wanted, available)


def _may_trade(order: Order, price: int) -> bool:
    if order.limit is None:
        return True
    return price <= order.limit if order.side is Side.BUY else price >= order.limit


def _price(order: Order, price: int) -> int:
    return price if order.is_marketable or order.limit is None else order.limit
