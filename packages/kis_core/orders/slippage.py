"""How far an order's fills lie from the price that was the reason to send it (F-113).

Both are in what is stored of the order: the reference in its intent, the amount in its fills.
"""

from kis_core.orders.identity import Side
from kis_core.orders.order import Order

_BP = 10_000


def slippage_bp(order: Order) -> float | None:
    """The average fill against the reference, in basis points of it: positive where it cost us.

    None while nothing has filled, and where the order had no reference.
    """
    wanted = order.filled_quantity * order.intent.reference
    if not wanted:
        return None
    adverse = order.filled_amount - wanted
    return (adverse if order.intent.side is Side.BUY else -adverse) * _BP / wanted
