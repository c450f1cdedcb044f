"""From the broker's cumulative figures to fills, positions and trades, to the won.

The broker says how much of an order has filled so far and for how much money; what it said
before is subtracted. The same word said twice therefore books nothing twice (O-08), and costs
are taken on the cumulative amount, so they do not depend on how many fills there were.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.identity import Side
from kis_core.orders.order import Order
from kis_core.positions.position import Levels, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One growth of an order's filled quantity. `amount`, `commission`, `tax`: won of this
    growth alone. `sequence` is that of the order event that told of it."""

    order_id: str
    sequence: int
    session_date: date
    at: datetime
    symbol: Symbol
    side: Side
    quantity: int
    amount: int
    commission: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What one order traded in all, so far. Amounts are cumulative won.

    `realised_pnl` is for sales: proceeds minus commission, tax, the cost of the shares sold and
    the commission once paid for them; 0 for purchases. `round_trip_pnl` is set when the sale
    closed the position: all that the position brought, its earlier partial sales included.
    """

    order_id: str
    idempotency_key: str
    session_date: date
    at: datetime
    symbol: Symbol
    side: Side
    reason: str
    quantity: int
    amount: int
    commission: int
    tax: int
    realised_pnl: int = 0
    round_trip_pnl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """The result of booking one fill event. `position` is None when nothing is held any more.

    `unmatched` counts shares sold that no known position held (they were bought by hand): what
    they cost is not known, so they realise nothing but the fees of selling them, or their
    proceeds would lift the account off its loss limit; reconciliation tells the operator.
    """

    fill: Fill
    trade: Trade
    position: Position | None
    unmatched: int = 0


def fill_of(before: Order, event: OrderEvent) -> Fill:
    """The growth that a FILLED `event` means for the order as it was `before` it."""
    if event.kind is not OrderEventKind.FILLED:
        raise ValueError(f"{event.kind} is not a fill")
    return Fill(
        order_id=before.order_id,
        sequence=event.sequence,
        session_date=before.intent.session_date,
        at=event.at,
        symbol=before.intent.symbol,
        side=before.intent.side,
        quantity=(event.filled_quantity or 0) - before.filled_quantity,
        amount=(event.filled_amount or 0) - before.filled_amount,
        commission=(event.commission or 0) - before.commission,
        tax=(event.tax or 0) - before.tax,
    )


def book_purchase(
    fill: Fill, order: Order, *, position: Position | None, trade: Trade | None, levels: Levels
) -> Booked:
    """Add a bought `fill` of `order` to what is held.

    `levels` are those of the average price after this fill; a position that another order opened
    keeps its own, frozen ones.
    """
    if position is None:
        position = Position(
            symbol=fill.symbol,
            quantity=fill.quantity,
            cost=fill.amount,
            levels=levels,
            entry_session=fill.session_date,
            entered_at=fill.at,
            highest=Won(fill.amount // fill.quantity),
            entry_order_id=order.order_id,
            entry_fees=fill.commission,
        )
    else:
        own = position.entry_order_id == order.order_id
        position = replace(
            position,
            quantity=position.quantity + fill.quantity,
            cost=position.cost + fill.amount,
            entry_fees=position.entry_fees + fill.commission,
            levels=levels if own else position.levels,
        )
    return Booked(fill=fill, trade=_trade(order, trade, fill, realised=0), position=position)


def book_sale(
    fill: Fill, order: Order, *, position: Position | None, trade: Trade | None
) -> Booked:
    """Take a sold `fill` of `order` from what is held, and realise its result.

    The cost of a part is its share of the total, truncated; the last part takes the rest, so the
    parts add up to the won.
    """
    held = position.quantity if position is not None else 0
    matched = min(fill.quantity, held)
    if position is None:
        booked = _trade(order, trade, fill, realised=-fill.commission - fill.tax)
        return Booked(fill=fill, trade=booked, position=None, unmatched=fill.quantity)
    cost = position.cost * matched // held
    fees = position.entry_fees * matched // held
    foreign = fill.amount * (fill.quantity - matched) // fill.quantity
    realised = fill.amount - foreign - fill.commission - fill.tax - cost - fees
    booked = _trade(order, trade, fill, realised=realised)
    if matched == held:
        total = position.realised_pnl + realised
        booked = replace(booked, round_trip_pnl=total)
        return Booked(fill=fill, trade=booked, position=None, unmatched=fill.quantity - matched)
    rest = replace(
        position,
        quantity=held - matched,
        cost=position.cost - cost,
        entry_fees=position.entry_fees - fees,
        realised_pnl=position.realised_pnl + realised,
    )
    return Booked(fill=fill, trade=booked, position=rest)


def _trade(order: Order, earlier: Trade | None, fill: Fill, *, realised: int) -> Trade:
    return Trade(
        order_id=order.order_id,
        idempotency_key=order.intent.idempotency_key,
        session_date=order.intent.session_date,
        at=fill.at,
        symbol=fill.symbol,
        side=fill.side,
        reason=order.intent.reason,
        quantity=order.filled_quantity,
        amount=order.filled_amount,
        commission=order.commission,
        tax=order.tax,
        realised_pnl=realised + (earlier.realised_pnl if earlier is not None else 0),
        round_trip_pnl=earlier.round_trip_pnl if earlier is not None else None,
    )
