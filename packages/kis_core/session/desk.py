"""The order desk: everything that happens to an order between a decision and its end.

Each fact is committed before the next step: the intent and that it is being sent before the
request leaves, the answer before anything else is decided, a fill together with the position and
the trade it makes. Whatever the broker did not clearly answer is left open, and only its own
order list closes it (O-05).
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from kis_core.orders.event import Evidence, OrderEvent, OrderEventKind, OrderIntent
from kis_core.orders.fingerprint import candidates
from kis_core.orders.identity import Side, idempotency_key, order_id_of, signal_id
from kis_core.orders.order import Order, born
from kis_core.ports.broker import (
    Accepted,
    Broker,
    BrokerOrder,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    Rejected,
)
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.ports.store import DecisionRecord, DuplicateOrder
from kis_core.risk.approval import Approved
from kis_core.session.books import Books
from kis_core.session.ledger import Ledger
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.strategy.trend_atr import NAME

NOT_SENT = "not_sent"
NOT_RECEIVED = "not_received"
STALE = "stale"


@dataclass(slots=True)
class _Search:
    """How long an order whose answer was lost has been looked for, in this process."""

    lookups: int = 0
    last_at: datetime | None = None


@dataclass(slots=True)
class OrderDesk:
    """Places, follows, cancels and resolves the orders of one account."""

    books: Books
    broker: Broker
    clock: Clock
    ledger: Ledger
    teller: Teller
    settings: SessionSettings
    _searches: dict[str, _Search] = field(default_factory=dict)

    def place(
        self,
        approved: Approved,
        *,
        session_date: date,
        reason: str,
        leg: int,
        atr: float | None,
        evidence: Evidence,
    ) -> Order | Rejected | None:
        """Write the intent down, send it once, write the answer down.

        Returns the order, live or ended; `Rejected` when the broker said no (the order is FAILED
        then); None when another order already stands for the same decision or symbol, in which
        case nothing was sent. Raises what the store raises; nothing was sent if the intent could
        not be committed.
        """
        now = self.clock.now()
        intent = self._intent(approved, session_date, reason, leg, atr, evidence)
        created = OrderEvent(
            order_id=intent.order_id,
            sequence=0,
            kind=OrderEventKind.CREATED,
            at=now,
            intent=intent,
        )
        sending = OrderEvent(
            order_id=intent.order_id, sequence=1, kind=OrderEventKind.SENDING, at=now
        )
        order = born(created).after(sending)
        try:
            with self.books.writing() as uow:
                uow.append_order_events(order, (created, sending))
                uow.add_decision(_decision(intent, now))
        except DuplicateOrder as error:
            self._tell(EventKind.ERROR, order, Level.ERROR, what="duplicate_order", why=str(error))
            return None
        self.books.keep_order(order)
        self._tell(EventKind.ORDER_CREATED, order, quantity=intent.quantity, price=intent.price)
        return self._send(order)

    def cancel(self, order: Order, *, why: str) -> None:
        """Ask the broker to take off what remains. Its list, not its answer, ends the order."""
        if order.broker_order_no is None:
            return
        order = self._append(order, OrderEventKind.CANCEL_REQUESTED, why=why)
        self._tell(EventKind.ORDER_CANCEL_REQUESTED, order, why=why)
        try:
            answer = self.broker.cancel(
                broker_order_no=order.broker_order_no or "",
                broker_branch=order.broker_branch or "",
                symbol=order.intent.symbol,
            )
        except NotSent as error:
            self._append(order, OrderEventKind.CANCEL_REFUSED, code=error.code, why=error.why)
        except OutcomeUnknown:
            return
        else:
            if isinstance(answer, Rejected):
                kind = OrderEventKind.CANCEL_REFUSED
                self._append(order, kind, code=answer.code, why=answer.why)

    def follow(self) -> None:
        """Ask the broker's list about every live order and write down what is new; cancel what
        waited too long. Raises BrokerUnavailable, after which nothing has changed."""
        for session_date in sorted(
            {o.intent.session_date for o in self.books.live_orders.values()}
        ):
            listed = self.broker.orders_of(session_date)
            with self.books.reading() as uow:
                ours = uow.orders_of(session_date)
            claimed = frozenset(o.broker_order_no for o in ours if o.broker_order_no is not None)
            for order in list(self.books.live_orders.values()):
                if order.intent.session_date == session_date:
                    self._follow_one(order, listed, claimed)

    def _follow_one(
        self, order: Order, listed: tuple[BrokerOrder, ...], claimed: frozenset[str]
    ) -> None:
        if order.sent_at is None:  # it died between birth and sending: nobody else has it
            order = self._append(order, OrderEventKind.NOT_SENT, code=NOT_SENT)
            self._tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_SENT)
        elif order.broker_order_no is None:
            self._search(order, listed, claimed)
        else:
            row = _row_of(order, listed)
            if row is not None:
                order = self._absorb(order, row)
            elif self._is_past(order):
                self._end_stale(order)
                return
            self._cancel_when_due(order)

    def _intent(
        self,
        approved: Approved,
        session_date: date,
        reason: str,
        leg: int,
        atr: float | None,
        evidence: Evidence,
    ) -> OrderIntent:
        proposal = approved.proposal
        signal = signal_id(
            session_date=session_date,
            strategy=NAME,
            symbol=proposal.symbol,
            side=proposal.side,
            reason=reason,
            leg=leg,
        )
        key = idempotency_key(
            mode=self.settings.namespace.mode,
            side=proposal.side,
            symbol=proposal.symbol,
            quantity=proposal.quantity,
            signal=signal,
        )
        return OrderIntent(
            order_id=order_id_of(key),
            idempotency_key=key,
            signal_id=signal,
            session_date=session_date,
            symbol=proposal.symbol,
            side=proposal.side,
            quantity=proposal.quantity,
            order_type=proposal.order_type,
            price=proposal.price,
            reference=proposal.reference,
            reason=reason,
            leg=leg,
            atr=atr,
            evidence=evidence,
        )

    def _send(self, order: Order) -> Order | Rejected:
        intent = order.intent
        ticket = OrderTicket(
            order_id=order.order_id,
            symbol=intent.symbol,
            side=intent.side,
            quantity=intent.quantity,
            order_type=intent.order_type,
            price=intent.price,
        )
        try:
            answer = self.broker.place(ticket)
        except NotSent as error:
            why = f"{error.code or ''} {error.why}".strip()
            order = self._append(order, OrderEventKind.NOT_SENT, code=NOT_SENT, why=why)
            self._tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_SENT, why=why)
            return order
        except OutcomeUnknown as error:
            order = self._append(order, OrderEventKind.OUTCOME_LOST, code=error.code, why=error.why)
            self._tell(EventKind.ORDER_AMBIGUOUS, order, Level.WARNING, why=error.why)
            return order
        if isinstance(answer, Accepted):
            return self._number(order, OrderEventKind.ACCEPTED, answer)
        order = self._append(order, OrderEventKind.REJECTED, code=answer.code, why=answer.why)
        self._tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=answer.code, why=answer.why)
        return answer

    def _number(self, order: Order, kind: OrderEventKind, answer: Accepted | BrokerOrder) -> Order:
        order = self._append(
            order,
            kind,
            broker_order_no=answer.broker_order_no,
            broker_branch=answer.broker_branch,
        )
        told = EventKind.ORDER_SUBMITTED
        if kind is OrderEventKind.ADOPTED:
            told = EventKind.ORDER_ADOPTED
        self._tell(told, order, order_no=order.broker_order_no)
        return order

    def _search(
        self, order: Order, listed: tuple[BrokerOrder, ...], claimed: frozenset[str]
    ) -> None:
        """Decide about an order whose answer was lost, by the broker's list alone."""
        found = candidates(order, listed, claimed=claimed, skew=self.settings.orders.skew)
        if len(found) == 1:
            self._searches.pop(order.order_id, None)
            order = self._number(order, OrderEventKind.ADOPTED, found[0])
            self._absorb(order, found[0])
        elif found:
            numbers = ", ".join(row.broker_order_no for row in found)
            self._halt(order, f"같은 모양의 주문이 여럿입니다: {numbers}")
        elif self._is_settled(order):
            self._end_unreceived(order)

    def _is_settled(self, order: Order) -> bool:
        """Whether the list had its time to show the order. Looks too close together count once."""
        limits, now = self.settings.orders, self.clock.now()
        search = self._searches.setdefault(order.order_id, _Search())
        if search.last_at is None or now - search.last_at >= limits.settle_interval:
            search.lookups, search.last_at = search.lookups + 1, now
        settle = limits.settle_buy if order.intent.side is Side.BUY else limits.settle_sell
        waited = now - (order.sent_at or now)
        return search.lookups >= limits.settle_lookups and waited >= settle

    def _end_unreceived(self, order: Order) -> None:
        self._searches.pop(order.order_id, None)
        age = self.clock.now() - order.updated_at
        if age >= self.settings.orders.stale_without_number:
            order = self._append(order, OrderEventKind.CANCELLED, code=STALE)
            self._tell(EventKind.ORDER_CANCELLED, order, Level.WARNING, code=STALE)
        else:
            order = self._append(order, OrderEventKind.NOT_RECEIVED, code=NOT_RECEIVED)
            self._tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_RECEIVED)

    def _is_past(self, order: Order) -> bool:
        """Whether an order that the list does not show any more can be given up (P-04)."""
        age = self.clock.now() - order.updated_at
        return age >= self.settings.orders.stale

    def _end_stale(self, order: Order) -> None:
        order = self._append(order, OrderEventKind.CANCELLED, code=STALE)
        self._tell(EventKind.ORDER_CANCELLED, order, Level.WARNING, code=STALE)

    def _cancel_when_due(self, order: Order) -> None:
        if not order.is_live:
            return
        limits, now = self.settings.orders, self.clock.now()
        if now - order.created_at < limits.fill_wait:
            return
        requested = order.cancel_requested_at
        if requested is None or now - requested >= limits.cancel_again:
            self.cancel(order, why="fill_wait")

    def _absorb(self, order: Order, row: BrokerOrder) -> Order:
        if row.filled_quantity > order.intent.quantity:
            self._halt(order, f"주문 수량보다 많이 체결되었다고 합니다: {row.filled_quantity}")
            return order
        return self.ledger.absorb(order, row)

    def _halt(self, order: Order, why: str) -> None:
        """Stop trading the symbol until a person looked; told once."""
        symbol = order.intent.symbol
        if self.books.halted.get(symbol) == why:
            return
        with self.books.writing() as uow:
            uow.put_halted_symbol(symbol, why=why, at=self.clock.now())
        self.books.halted[symbol] = why
        self._tell(EventKind.SYMBOL_HALTED, order, Level.ERROR, why=why)

    def _append(
        self,
        order: Order,
        kind: OrderEventKind,
        *,
        code: str | None = None,
        why: str | None = None,
        broker_order_no: str | None = None,
        broker_branch: str | None = None,
    ) -> Order:
        event = OrderEvent(
            order_id=order.order_id,
            sequence=order.sequence + 1,
            kind=kind,
            at=self.clock.now(),
            code=code,
            why=why,
            broker_order_no=broker_order_no,
            broker_branch=broker_branch,
        )
        after = order.after(event)
        with self.books.writing() as uow:
            uow.append_order_events(after, (event,))
        self.books.keep_order(after)
        return after

    def _tell(
        self, kind: EventKind, order: Order, level: Level = Level.INFO, **fields: FieldValue
    ) -> None:
        named = {"side": order.intent.side, "reason": order.intent.reason} | fields
        self.teller.tell(kind, order.intent.symbol, level, order.order_id, **named)


def _row_of(order: Order, listed: tuple[BrokerOrder, ...]) -> BrokerOrder | None:
    """The order's own row: its number, symbol and side, for numbers restart every day (F-024).

    Numbers are unique within a branch, so where several rows fit, the branch decides.
    """
    rows = [
        row
        for row in listed
        if row.broker_order_no == order.broker_order_no
        and row.symbol == order.intent.symbol
        and row.side is order.intent.side
    ]
    if len(rows) > 1:
        rows = [row for row in rows if row.broker_branch == order.broker_branch]
    return rows[0] if len(rows) == 1 else None


def _decision(intent: OrderIntent, now: datetime) -> DecisionRecord:
    return DecisionRecord(
        session_date=intent.session_date,
        at=now,
        symbol=intent.symbol,
        action=intent.side,
        reason=intent.reason,
        evidence=intent.evidence,
        order_id=intent.order_id,
    )
