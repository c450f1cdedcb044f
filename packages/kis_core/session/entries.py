"""Looking for entries among the candidates, some at a time.

A scan never stands between a held position and its stop: it runs in portions, and the engine
turns to whatever else is due between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerUnavailable
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.ports.store import DecisionRecord
from kis_core.session.approvals import Approvals
from kis_core.session.books import Books
from kis_core.session.custody import Custody
from kis_core.session.desk import OrderDesk
from kis_core.session.preparation import Preparation
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.strategy.context import DayContext
from kis_core.strategy.decision import Action, Decision, Reason


@dataclass(slots=True)
class Entries:
    """Judges candidates and enters those that the strategy and risk agree on."""

    books: Books
    desk: OrderDesk
    custody: Custody
    preparation: Preparation
    approvals: Approvals
    market_data: MarketData
    clock: Clock
    teller: Teller
    settings: SessionSettings
    _waiting: list[Symbol] = field(default_factory=list)
    _last_reason: dict[Symbol, str] = field(default_factory=dict)
    _holds: list[DecisionRecord] = field(default_factory=list)

    def begin_scan(self, symbols: Sequence[Symbol]) -> None:
        """Queue the candidates that are neither held nor being ordered nor halted."""
        self._waiting = [s for s in symbols if self._is_free(s)]

    def queue(self, symbols: Sequence[Symbol]) -> None:
        """Put candidates behind those that wait, each once."""
        waiting = set(self._waiting)
        self._waiting += [s for s in symbols if s not in waiting and self._is_free(s)]

    @property
    def has_waiting(self) -> bool:
        """Whether the scan has portions left."""
        return bool(self._waiting)

    def stop_scan(self) -> None:
        """Forget what is left of the scan."""
        self._waiting = []

    def scan_portion(self, session_date: date) -> None:
        """Judge the next portion. Raises MarketDataUnavailable.

        Its reasons to hold are committed together: before something is entered, for a decision
        stands before its order, and at the end. What is lost on the way is noted by the next scan.
        """
        self._holds = []
        size = self.settings.scan_chunk
        portion, self._waiting = self._waiting[:size], self._waiting[size:]
        portion = [s for s in portion if self._is_free(s)]  # much may happen between portions
        if not portion:
            return
        quotes = self.market_data.quotes(portion)
        for symbol in portion:
            quote = quotes[symbol]
            if isinstance(quote, QuoteUnavailable):
                self._note_hold(symbol, "quote_unavailable", {"why": quote.why}, session_date)
                continue
            self._judge(quote, session_date)
        self._keep_holds()

    def _is_free(self, symbol: Symbol) -> bool:
        return (
            symbol not in self.books.positions
            and symbol not in self.books.halted
            and self.books.live_order_of(symbol) is None
        )

    def _judge(self, quote: Quote, session_date: date) -> None:
        decision = self._decide(quote, session_date)
        if decision.action is not Action.BUY:
            self._note_hold(quote.symbol, decision.reason, decision.evidence, session_date)
            return
        if not self.approvals.may_enter(quote.symbol, session_date):
            self._note_hold(quote.symbol, "entered_already", decision.evidence, session_date)
            return
        self._keep_holds()
        if quote.is_halted is None:  # the multi-quote has no such flags: look once more, closely
            closer = self.market_data.quotes([quote.symbol])[quote.symbol]
            if isinstance(closer, QuoteUnavailable):
                return
            if closer.is_halted is None:  # nobody says that it may be bought (O-14)
                unknown: dict[str, FieldValue] = {"last": closer.last, "is_halted": None}
                self._note_hold(quote.symbol, Reason.NOT_TRADABLE, unknown, session_date)
                return
            quote, decision = closer, self._decide(closer, session_date)
            if decision.action is not Action.BUY:
                self._note_hold(quote.symbol, decision.reason, decision.evidence, session_date)
                return
        self._enter(quote, decision, session_date)

    def _decide(self, quote: Quote, session_date: date) -> Decision:
        return self.settings.strategy_of(quote.symbol).decide(
            context=self.preparation.context_of(quote.symbol),
            quote=quote,
            position=None,
            now=self.clock.now(),
            is_event_day=session_date in self.settings.event_dates,
        )

    def _enter(self, quote: Quote, decision: Decision, session_date: date) -> None:
        context = self.preparation.context_of(quote.symbol)
        if not isinstance(context, DayContext):
            return
        if self._last_reason.get(quote.symbol) != decision.reason:
            self._last_reason[quote.symbol] = decision.reason
            self.teller.tell(
                EventKind.SIGNAL,
                quote.symbol,
                **decision.evidence
                | {"action": decision.action, "reason": decision.reason, "last": quote.last},
            )
        try:
            account = self.custody.refresh()
        except BrokerUnavailable as error:
            self.teller.tell(
                EventKind.ERROR, quote.symbol, Level.WARNING, what="account", why=str(error)
            )
            return
        holding = account.holding(quote.symbol)
        approved = self.approvals.purchase(
            quote=quote,
            atr=context.atr,
            equity=account.equity,
            cash=account.cash - self._reserved(),
            held=holding.quantity if holding is not None else 0,
            session_date=session_date,
        )
        if approved is None:
            return
        leg = self.approvals.leg(
            symbol=quote.symbol, side=Side.BUY, reason=decision.reason, session_date=session_date
        )
        self.desk.place(
            approved,
            session_date=session_date,
            reason=decision.reason,
            leg=leg,
            atr=context.atr,
            evidence=decision.evidence,
        )

    def _reserved(self) -> int:
        """Won that live buys may still take, which the broker's D+2 cash does not yet show."""
        return sum(
            order.remaining_quantity * (order.intent.price or order.intent.reference)
            for order in self.books.live_orders.values()
            if order.intent.side is Side.BUY
        )

    def _note_hold(
        self, symbol: Symbol, reason: str, evidence: dict[str, FieldValue], session_date: date
    ) -> None:
        """Note a reason to hold when it is not the one of the cycle before (F-109)."""
        if self._last_reason.get(symbol) == reason:
            return
        now: datetime = self.clock.now()
        self._holds.append(
            DecisionRecord(
                session_date=session_date,
                at=now,
                symbol=symbol,
                action=Action.HOLD,
                reason=reason,
                evidence=evidence,
            )
        )

    def _keep_holds(self) -> None:
        """Commit what was noted, in one unit of work, and tell it."""
        holds, self._holds = self._holds, []
        if not holds:
            return
        with self.books.writing() as uow:
            for record in holds:
                uow.add_decision(record)
        for record in holds:
            self._last_reason[record.symbol] = record.reason
            fields = record.evidence | {"reason": record.reason}
            self.teller.tell(EventKind.HOLD_CHANGED, record.symbol, Level.DEBUG, **fields)
