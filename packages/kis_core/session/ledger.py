"""The ledger: what the broker's list says of an order becomes fills, position and trade.

One transaction holds all of it: the order's events, the fill, the trade and the position (O-09).
The list is cumulative, so hearing it twice, or late, books nothing twice (O-08).
"""

from collections.abc import Callable
from dataclasses import dataclass

from kis_core.market.cost import sale_tax
from kis_core.market.symbol import Instrument, Symbol
from kis_core.orders.booking import Booked, book_purchase, book_sale, fill_of
from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.orders.slippage import slippage_bp
from kis_core.ports.broker import BrokerOrder
from kis_core.ports.calendar import Calendar
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.store import UnitOfWork
from kis_core.positions.position import Position, PositionSource
from kis_core.session.books import Books
from kis_core.session.journal import OrderJournal
from kis_core.session.settings import SessionSettings
from kis_core.strategy.decision import Reason

_SETTLEMENT_SESSIONS = 2  # T+2


@dataclass(slots=True)
class Ledger:
    """Books what the broker reports."""

    books: Books
    clock: Clock
    calendar: Calendar
    journal: OrderJournal
    settings: SessionSettings
    instrument_of: Callable[[Symbol], Instrument]

    def absorb(self, order: Order, row: BrokerOrder, *, adopted: OrderEvent | None = None) -> Order:
        """Write down what the broker's row says beyond what is known; the order after it.

        `adopted` is the event by which the row was found to be the order's; it is committed
        together with what the row says, so an order that ended is never live for a moment.
        """
        if row.filled_quantity > order.intent.quantity:
            what = f"주문 수량보다 많이 체결되었다고 합니다: {row.filled_quantity}"
            self.journal.halt(order, what)
            return order
        before, booked = order, list[Booked]()
        known = order.after(adopted) if adopted is not None else order
        events = ((adopted,) if adopted is not None else ()) + self._news(known, row)
        if not events:
            return order
        with self.books.writing() as uow:
            position = self.books.positions.get(order.intent.symbol)
            if adopted is not None and _is_known_by_holding(order, row, position):
                position = None
            for event in events:
                if event.kind is OrderEventKind.FILLED:
                    booked.append(self._book(uow, order, event, position))
                    position = booked[-1].position
                order = order.after(event)
            uow.append_order_events(order, events)
            if booked:
                self._write_position(uow, order, position)
                if self._ends_pending_exit(order, position):
                    uow.clear_pending_exit(order.intent.symbol)
        self.books.keep_order(order)
        if adopted is not None:
            self.journal.tell(EventKind.ORDER_ADOPTED, order, order_no=order.broker_order_no)
        if booked:
            self._keep_booked(before, order, booked)
        self._tell_end(order)
        return order

    def _news(self, order: Order, row: BrokerOrder) -> tuple[OrderEvent, ...]:
        """The events between what is known and what the row says; a row that lags gives none."""
        now, events = self.clock.now(), list[OrderEvent]()
        filled = order.filled_quantity
        if row.filled_quantity > filled and row.filled_amount > order.filled_amount:
            filled = row.filled_quantity
            events.append(
                OrderEvent(
                    order_id=order.order_id,
                    sequence=order.sequence + 1,
                    kind=OrderEventKind.FILLED,
                    at=now,
                    filled_quantity=filled,
                    filled_amount=row.filled_amount,
                    commission=self.settings.commission.on(row.filled_amount),
                    tax=self._tax(order, row.filled_amount),
                )
            )
        # What a day's end left unfilled is off the market, whatever its row still says.
        is_over = not row.is_live or order.intent.session_date < now.date()
        is_told = filled >= row.filled_quantity
        if order.is_live and is_told and is_over and filled < order.intent.quantity:
            refused = row.rejected_quantity > 0
            events.append(
                OrderEvent(
                    order_id=order.order_id,
                    sequence=order.sequence + 1 + len(events),
                    kind=OrderEventKind.REJECTED if refused else OrderEventKind.CANCELLED,
                    at=now,
                    code="exchange_rejected" if refused else "cancelled",
                )
            )
        return tuple(events)

    def _tax(self, order: Order, amount: int) -> int:
        if order.intent.side is Side.BUY:
            return 0
        instrument = self.instrument_of(order.intent.symbol)
        settles = self.calendar.sessions_after(order.intent.session_date, _SETTLEMENT_SESSIONS)
        return sale_tax(
            amount, market=instrument.market, product=instrument.product, settles_on=settles[-1]
        )

    def _book(
        self, uow: UnitOfWork, order: Order, event: OrderEvent, position: Position | None
    ) -> Booked:
        fill, trade = fill_of(order, event), uow.trade(order.order_id)
        after = order.after(event)
        if order.intent.side is Side.SELL:
            booked = book_sale(fill, after, position=position, trade=trade)
        else:
            own = position if position and position.entry_order_id == order.order_id else None
            levels = self.settings.strategy_of(order.intent.symbol).entry_levels(
                cost=fill.amount + (own.cost if own else 0),
                quantity=fill.quantity + (own.quantity if own else 0),
                atr=order.intent.atr or 0.0,
            )
            booked = book_purchase(fill, after, position=position, trade=trade, levels=levels)
        uow.add_fill(booked.fill)
        uow.put_trade(booked.trade)
        return booked

    def _write_position(self, uow: UnitOfWork, order: Order, position: Position | None) -> None:
        if position is not None:
            uow.put_position(position)
        elif order.intent.symbol in self.books.positions:
            uow.close_position(order.intent.symbol, at=order.updated_at, why=order.intent.reason)

    def _keep_booked(self, before: Order, order: Order, booked: list[Booked]) -> None:
        symbol, last = order.intent.symbol, booked[-1]
        had = symbol in self.books.positions
        self.books.keep_position(symbol, last.position)
        self.books.keep_trade(last.trade)
        kind = EventKind.ORDER_PARTIAL
        if order.status is OrderStatus.FILLED:
            kind = EventKind.ORDER_FILLED
        self.journal.tell(
            kind,
            order,
            side=order.intent.side,
            filled=order.filled_quantity - before.filled_quantity,
            filled_total=order.filled_quantity,
            quantity=order.intent.quantity,
            average=order.filled_amount / order.filled_quantity,
            reference=order.intent.reference,
            slippage_bp=slippage_bp(order),
            commission=order.commission,
            tax=order.tax,
        )
        self._tell_position(order, last, had=had)
        if self._ends_pending_exit(order, last.position):
            del self.books.pending_exits[symbol]
            self.journal.tell(EventKind.PENDING_EXIT_CLEARED, order, why="filled")

    def _ends_pending_exit(self, order: Order, position: Position | None) -> bool:
        """A sale that filled takes its symbol's parked exit with it; an operator's word stands
        until nothing is left."""
        pending = self.books.pending_exits.get(order.intent.symbol)
        if pending is None or order.intent.side is not Side.SELL:
            return False
        return position is None or pending.reason != Reason.BY_OPERATOR

    def _tell_position(self, order: Order, booked: Booked, *, had: bool) -> None:
        position = booked.position
        if order.intent.side is Side.BUY and position is not None and not had:
            self.journal.tell(
                EventKind.POSITION_OPENED,
                order,
                quantity=position.quantity,
                average=position.average,
                stop=position.levels.stop,
                take=position.levels.take,
                atr=position.levels.atr,
            )
        if order.intent.side is Side.SELL and position is None and had:
            self.journal.tell(
                EventKind.POSITION_CLOSED,
                order,
                reason=order.intent.reason,
                pnl=booked.trade.round_trip_pnl,
            )
        if booked.unmatched:
            self.journal.tell(EventKind.ERROR, order, Level.ERROR, what="sold_more_than_known")

    def _tell_end(self, order: Order) -> None:
        if order.status is OrderStatus.CANCELLED:
            self.journal.tell(
                EventKind.ORDER_CANCELLED,
                order,
                filled_total=order.filled_quantity,
                remaining=order.remaining_quantity,
                code=order.code,
            )
        elif order.status is OrderStatus.FAILED:
            self.journal.tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=order.code)


def _is_known_by_holding(order: Order, row: BrokerOrder, position: Position | None) -> bool:
    """Whether the shares that `row` tells of, later than the account did, became a position
    already: one that was adopted after the order left and has exactly as many. The order's own
    fill then takes its place, with the levels that its entry froze; added to it, it would count
    the shares twice."""
    return (
        position is not None
        and order.intent.side is Side.BUY
        and position.source is PositionSource.ADOPTED
        and position.entered_at >= (order.sent_at or order.created_at)
        and position.quantity == row.filled_quantity
    )
