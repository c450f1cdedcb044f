"""The order desk: everything that happens to an order between a decision and its end.

Each fact is committed before the next step: the intent and that it is being sent before the
request leaves, the answer before anything else is decided, a fill together with the position and
the trade it makes. Whatever the broker did not clearly answer is left open, and only its own
order list closes it (O-05).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from kis_core.orders.event import Evidence, OrderEvent, OrderEventKind, OrderIntent
from kis_core.orders.identity import Side, idempotency_key, order_id_of, signal_id
from kis_core.orders.order import Order, OrderStatus, born
from kis_core.ports.broker import (
    Accepted,
    Broker,
    BrokerOrder,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    Rejected,
)
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.store import CommitOutcomeUnknown, DecisionRecord, DuplicateOrder
from kis_core.risk.approval import Approved
from kis_core.session.books import Books
from kis_core.session.journal import OrderJournal
from kis_core.session.ledger import Ledger
from kis_core.session.lost import STALE, LostAnswers, is_given_up
from kis_core.session.settings import SessionSettings

NOT_SENT = "not_sent"


@dataclass(slots=True)
class OrderDesk:
    """Places, follows, cancels and resolves the orders of one account.

    `may_cancel`: whether an order that waited too long may be taken off now. A sale may not in an
    auction, nor while its symbol is halted: nothing fills until that ends (O-12).
    """

    books: Books
    broker: Broker
    journal: OrderJournal
    ledger: Ledger
    lost: LostAnswers
    settings: SessionSettings
    may_cancel: Callable[[Order], bool]

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
        order = self._begin(self._intent(approved, session_date, reason, leg, atr, evidence))
        return self._send(order) if order is not None else None

    def cancel(self, order: Order, *, why: str) -> None:
        """Ask the broker to take off what remains. Its list, not its answer, ends the order."""
        if order.broker_order_no is None:
            return
        order = self.journal.append(order, OrderEventKind.CANCEL_REQUESTED, why=why)
        self.journal.tell(EventKind.ORDER_CANCEL_REQUESTED, order, why=why)
        refused = OrderEventKind.CANCEL_REFUSED
        try:
            answer = self.broker.cancel(
                broker_order_no=order.broker_order_no or "",
                broker_branch=order.broker_branch or "",
                symbol=order.intent.symbol,
            )
        except NotSent as error:
            self.journal.append(order, refused, code=error.code, why=error.why)
        except OutcomeUnknown:
            return
        else:
            if isinstance(answer, Rejected):
                self.journal.append(order, refused, code=answer.code, why=answer.why)

    def follow(self, *days: date) -> None:
        """Ask the broker's list about every live order and write down what is new; cancel what
        waited too long. `days` are also looked at for what the list told too late.
        Raises BrokerUnavailable; what was written down before it stays true."""
        live = {o.intent.session_date for o in self.books.live_orders.values()}
        for session_date in sorted(live | {day for day in days if self._may_be_late(day)}):
            self._follow_day(session_date)

    def _may_be_late(self, session_date: date) -> bool:
        orders = self.books.orders_of(session_date)
        return any(is_given_up(order) or _may_have_filled_more(order) for order in orders)

    def _follow_day(self, session_date: date) -> None:
        listed = tuple(dict.fromkeys(self.broker.orders_of(session_date)))  # a repeated row is one
        ours = self.books.orders_of(session_date)
        claimed = frozenset(o.broker_order_no for o in ours if o.broker_order_no is not None)
        late = self.lost.find_late(ours, listed, claimed=claimed)
        for order in ours:
            row = _row_of(order, listed) if _may_have_filled_more(order) else None
            if row is not None:  # a fill that crossed the cancel, and that the list told late
                self.ledger.absorb(order, row)
        for order in list(self.books.live_orders.values()):
            if order.intent.session_date == session_date:
                self._follow_one(order, listed, claimed | late)

    def _follow_one(
        self, order: Order, listed: tuple[BrokerOrder, ...], claimed: frozenset[str]
    ) -> None:
        if order.sent_at is None:  # it died between birth and sending: nobody else has it
            order = self.journal.append(order, OrderEventKind.NOT_SENT, code=NOT_SENT)
            self.journal.tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_SENT)
        elif order.broker_order_no is None:
            self.lost.search(order, listed, claimed=claimed)
        else:
            row = _row_of(order, listed)
            if row is not None:
                order = self.ledger.absorb(order, row)
            elif self._is_past(order):
                order = self.journal.append(order, OrderEventKind.CANCELLED, code=STALE)
                self.journal.tell(EventKind.ORDER_CANCELLED, order, Level.WARNING, code=STALE)
            self._cancel_when_due(order)

    def _is_past(self, order: Order) -> bool:
        """Whether an order that the list does not show any more can be given up (P-04)."""
        return self.journal.now() - order.updated_at >= self.settings.orders.stale

    def _cancel_when_due(self, order: Order) -> None:
        """Each further request waits as long again as the order has lived: a list that lags is
        not answered with a storm of cancels."""
        if not order.is_live:
            return
        limits, now = self.settings.orders, self.journal.now()
        is_sale = order.intent.side is Side.SELL
        if now - order.created_at < (limits.exit_wait if is_sale else limits.fill_wait):
            return
        if not self.may_cancel(order):
            return
        requested = order.cancel_requested_at
        if requested is None or now - requested >= max(
            limits.cancel_again, requested - order.created_at
        ):
            self.cancel(order, why="fill_wait")

    def _begin(self, intent: OrderIntent) -> Order | None:
        """Commit the intent and that it is being sent; None when it must not be."""
        now = self.journal.now()
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
                uow.add_decision(_decision(order))
        except DuplicateOrder as error:
            self.books.reload()
            why = str(error)
            self.journal.tell(EventKind.ERROR, order, Level.ERROR, what="duplicate_order", why=why)
            return None
        except CommitOutcomeUnknown:
            self._withdraw(order)
            raise
        self.books.keep_order(order)
        self.journal.tell(
            EventKind.ORDER_CREATED, order, quantity=intent.quantity, price=intent.price
        )
        return order

    def _withdraw(self, order: Order) -> None:
        """The intent may be committed, and nobody but us knows that it never left: say so now,
        or the list would have to be waited for."""
        self.books.reload()
        committed = self.books.live_orders.get(order.order_id)
        if committed is not None and committed.sequence == order.sequence:
            self.journal.append(committed, OrderEventKind.NOT_SENT, code=NOT_SENT)

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
            strategy=self.settings.strategy_of(proposal.symbol).name,
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
        intent, journal = order.intent, self.journal
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
            order = journal.append(order, OrderEventKind.NOT_SENT, code=NOT_SENT, why=why)
            journal.tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_SENT, why=why)
            return order
        except OutcomeUnknown as error:
            lost = OrderEventKind.OUTCOME_LOST
            order = journal.append(order, lost, code=error.code, why=error.why)
            journal.tell(EventKind.ORDER_AMBIGUOUS, order, Level.WARNING, why=error.why)
            return order
        if isinstance(answer, Accepted):
            return journal.number(order, answer)
        code, why = answer.code, answer.why
        order = journal.append(order, OrderEventKind.REJECTED, code=code, why=why)
        journal.tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=code, why=why)
        return answer


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


def _may_have_filled_more(order: Order) -> bool:
    """Whether it ended short of its quantity, by a list that may have lagged."""
    return order.status is OrderStatus.CANCELLED and order.broker_order_no is not None


def _decision(order: Order) -> DecisionRecord:
    intent = order.intent
    return DecisionRecord(
        session_date=intent.session_date,
        at=order.created_at,
        symbol=intent.symbol,
        action=intent.side,
        reason=intent.reason,
        evidence=intent.evidence,
        order_id=intent.order_id,
    )
