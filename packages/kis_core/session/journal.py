"""Writing down what happened to an order: each event committed before anything is made of it."""

from dataclasses import dataclass
from datetime import datetime

from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.order import Order
from kis_core.ports.broker import Accepted, BrokerOrder
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.session.books import Books
from kis_core.session.telling import Teller


@dataclass(slots=True)
class OrderJournal:
    """Appends events to orders, and tells of them once they are committed."""

    books: Books
    clock: Clock
    teller: Teller

    def append(
        self,
        order: Order,
        kind: OrderEventKind,
        *,
        code: str | None = None,
        why: str | None = None,
    ) -> Order:
        """Commit one more event of `order`; the order after it. Raises what the store raises."""
        event = OrderEvent(
            order_id=order.order_id,
            sequence=order.sequence + 1,
            kind=kind,
            at=self.clock.now(),
            code=code,
            why=why,
        )
        return self._commit(order, event)

    def number(self, order: Order, answer: Accepted) -> Order:
        """Commit the number that the broker gave the order."""
        order = self._commit(order, numbered(order, OrderEventKind.ACCEPTED, answer, self.now()))
        self.tell(EventKind.ORDER_SUBMITTED, order, order_no=order.broker_order_no)
        return order

    def halt(self, order: Order, why: str) -> None:
        """Let nothing be entered in the symbol until a person looked; told once."""
        symbol = order.intent.symbol
        if self.books.halted.get(symbol) == why:
            return
        with self.books.writing() as uow:
            uow.put_halted_symbol(symbol, why=why, at=self.clock.now())
        self.books.halted[symbol] = why
        self.tell(EventKind.SYMBOL_HALTED, order, Level.ERROR, why=why)

    def tell(
        self, kind: EventKind, order: Order, level: Level = Level.INFO, **fields: FieldValue
    ) -> None:
        """Tell a fact about an order, with its side and reason."""
        named = {"side": order.intent.side, "reason": order.intent.reason} | fields
        self.teller.tell(kind, order.intent.symbol, level, order.order_id, **named)

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    def _commit(self, order: Order, event: OrderEvent) -> Order:
        after = order.after(event)
        with self.books.writing() as uow:
            uow.append_order_events(after, (event,))
        self.books.keep_order(after)
        return after


def numbered(
    order: Order, kind: OrderEventKind, answer: Accepted | BrokerOrder, at: datetime
) -> OrderEvent:
    """The event that gives `order` its number: ACCEPTED by an answer, ADOPTED from the list."""
    return OrderEvent(
        order_id=order.order_id,
        sequence=order.sequence + 1,
        kind=kind,
        at=at,
        broker_order_no=answer.broker_order_no,
        broker_branch=answer.broker_branch,
    )
