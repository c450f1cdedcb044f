"""At which price an order may trade, and at which a buy's cash is held."""

from kis_core.market.session import Phase
from kis_core.market.tick import is_on_tick, tick_size
from kis_sandbox.order import OrderType, Side
from kis_sandbox.refusal import Refusal, RefusalReason
from kis_sandbox.tape import Day


def limit_of(
    day: Day, side: Side, order_type: OrderType, *, price: int, last: int, phase: Phase
) -> tuple[int | None, int]:
    """The limit price (None: any) and the price at which a buy's cash is held.

    `last` is the last price and `phase` the session's phase now. Raises Refusal for a price off
    the tick or beyond the day's limits, and for a best-price order while an auction runs.
    """
    upper = int(day.limits.upper)
    if order_type.is_market:
        return None, upper
    limit = price
    if order_type.is_best:
        limit = _best_of_book(day, side, order_type, last=last, phase=phase)
    if not is_on_tick(limit, day.issue.instrument.product, day.session_date):
        raise Refusal(RefusalReason.TICK)
    if not day.limits.lower <= limit <= upper:
        raise Refusal(RefusalReason.PRICE_LIMIT)
    return limit, upper if order_type is OrderType.LIMIT_THEN_MARKET else limit


def best_prices(day: Day, last: int) -> tuple[int, int]:
    """Best bid and ask: the last print, and one tick above it within the day's limits."""
    product = day.issue.instrument.product
    ask = min(last + tick_size(last, product, day.session_date), int(day.limits.upper))
    return last, ask


def _best_of_book(day: Day, side: Side, order_type: OrderType, *, last: int, phase: Phase) -> int:
    if phase is not Phase.CONTINUOUS:
        raise Refusal(RefusalReason.AUCTION_LIMIT_ONLY)
    bid, ask = best_prices(day, last)
    takes = order_type is not OrderType.BEST_OWN
    return ask if (side is Side.BUY) == takes else bid
