"""Guarding what is held: the exit rules, before anything else in a cycle.

An exit needs the position and a price. Indicators, limits, the kill switch and other symbols'
troubles do not stand in its way; only what the broker refuses does, and then the exit is parked
for a while and tried again (O-10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import Phase
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.broker import BrokerUnavailable, Rejected
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, Level
from kis_core.positions.position import Position
from kis_core.session.approvals import Approvals
from kis_core.session.books import Books
from kis_core.session.custody import Custody
from kis_core.session.desk import OrderDesk
from kis_core.session.preparation import Preparation
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.strategy.alerts import (
    Alert,
    alerts_after,
    is_near_stop,
    progress_to_stop,
    progress_to_take,
)
from kis_core.strategy.decision import Action, Decision
from kis_core.strategy.levels import observe
from kis_core.strategy.trend_atr import decide, gap_check_of


@dataclass(slots=True)
class Guard:
    """Applies the exit rules to every held symbol."""

    books: Books
    desk: OrderDesk
    custody: Custody
    preparation: Preparation
    approvals: Approvals
    clock: Clock
    teller: Teller
    settings: SessionSettings
    _alerted: dict[Symbol, frozenset[Alert]] = field(default_factory=dict)
    _blind_since: dict[Symbol, datetime] = field(default_factory=dict)

    def watch(
        self, quotes: Mapping[Symbol, Quote | QuoteUnavailable], *, session_date: date, phase: Phase
    ) -> bool:
        """Judge every held symbol; returns whether one of them is near its stop.

        What the prices changed in the positions is committed first, in one unit of work; then the
        exits are placed, each on its own.
        """
        judged = self._judge_all(quotes, session_date)
        self._commit([position for position, _, _ in judged])
        exits = [(p, q, d) for p, q, d in judged if d.action is Action.SELL]
        if exits and phase in (Phase.CONTINUOUS, Phase.CLOSING_AUCTION):
            self._refresh_holdings()
            for position, quote, decision in exits:
                self._exit(position, quote, decision, session_date)
        near_stop = [self._alert(p, q) for p, q, d in judged if d.action is not Action.SELL]
        return any(near_stop)

    def _judge_all(
        self, quotes: Mapping[Symbol, Quote | QuoteUnavailable], session_date: date
    ) -> list[tuple[Position, Quote, Decision]]:
        judged = []
        for symbol, position in sorted(self.books.positions.items()):
            quote = quotes.get(symbol)
            if isinstance(quote, Quote):
                self._blind_since.pop(symbol, None)
                judged.append(self._judge(position, quote, session_date))
            elif quote is not None:
                self._tell_blind(quote)
        return judged

    def _judge(
        self, position: Position, quote: Quote, session_date: date
    ) -> tuple[Position, Quote, Decision]:
        parameters = self.settings.parameters
        decision = decide(
            context=self.preparation.context_of(position.symbol),
            quote=quote,
            position=position,
            parameters=parameters,
            now=self.clock.now(),
        )
        seen = observe(
            position=position, quote=quote, parameters=parameters, session_date=session_date
        )
        check = gap_check_of(position, quote, parameters, session_date)
        if check is not None:
            triggered = session_date if check.triggered else position.gap_triggered_on
            seen = replace(seen, gap_checked_on=session_date, gap_triggered_on=triggered)
            self.teller.tell(
                EventKind.GAP_CHECKED,
                position.symbol,
                open=check.open,
                base_label=check.base_label,
                base_price=check.reference,
                gap_pct=check.raw_gap_pct,
                display=check.display_gap_pct,
                threshold=check.threshold_pct,
                triggered=check.triggered,
                reason=check.reason,
            )
        if seen.is_trailing and not position.is_trailing:
            self.teller.tell(EventKind.TRAILING_ACTIVATED, position.symbol, highest=seen.highest)
        return seen, quote, decision

    def _commit(self, seen: list[Position]) -> None:
        changed = [p for p in seen if self.books.positions.get(p.symbol) != p]
        if not changed:
            return
        with self.books.writing() as uow:
            for position in changed:
                uow.put_position(position)
        for position in changed:
            self.books.keep_position(position.symbol, position)

    def _refresh_holdings(self) -> None:
        """What may be sold is the broker's to say; where it does not answer, the last it said."""
        try:
            self.custody.refresh()
        except BrokerUnavailable as error:
            self.teller.tell(EventKind.ERROR, None, Level.WARNING, what="holdings", why=str(error))

    def _exit(
        self, position: Position, quote: Quote, decision: Decision, session_date: date
    ) -> None:
        symbol = position.symbol
        live = self.books.live_order_of(symbol)
        if live is not None:
            if live.intent.side is Side.BUY and live.cancel_requested_at is None:
                self.desk.cancel(live, why=decision.reason)  # no buy and sale at once (O-15)
            return
        if self._is_parked(symbol, decision.reason):
            return
        sellable = self.custody.sellable(symbol)
        quantity = position.quantity if sellable is None else min(position.quantity, sellable)
        if quantity < 1:
            self._park(symbol, decision.reason, code="nothing_sellable")
            return
        self.teller.tell(
            EventKind.SIGNAL,
            symbol,
            **decision.evidence
            | {"action": decision.action, "reason": decision.reason, "last": quote.last},
        )
        self._sell(position, quote, decision, quantity, session_date)

    def _sell(
        self,
        position: Position,
        quote: Quote,
        decision: Decision,
        quantity: int,
        session_date: date,
    ) -> None:
        approved = self.approvals.sale(
            quote=quote, quantity=quantity, held=position.quantity, session_date=session_date
        )
        if approved is None:
            return
        answer = self.desk.place(
            approved,
            session_date=session_date,
            reason=decision.reason,
            leg=self.approvals.leg(
                symbol=position.symbol,
                side=Side.SELL,
                reason=decision.reason,
                session_date=session_date,
            ),
            atr=None,
            evidence=decision.evidence,
        )
        if isinstance(answer, Rejected):
            self._park(position.symbol, decision.reason, code=answer.code, kind=answer.kind)

    def _is_parked(self, symbol: Symbol, reason: str) -> bool:
        pending = self.books.pending_exits.get(symbol)
        if pending is None:
            return False
        return pending.reason == reason and self.clock.now() < pending.retry_at

    def _park(self, symbol: Symbol, reason: str, *, code: str, kind: str = "") -> None:
        now, earlier = self.clock.now(), self.books.pending_exits.get(symbol)
        same = earlier is not None and earlier.reason == reason
        pending = PendingExit(
            symbol=symbol,
            reason=reason,
            code=code,
            since=earlier.since if earlier is not None and same else now,
            retry_at=now + self.settings.orders.pending_exit_backoff,
            attempts=earlier.attempts + 1 if earlier is not None and same else 1,
        )
        with self.books.writing() as uow:
            uow.put_pending_exit(pending)
        self.books.pending_exits[symbol] = pending
        if not same:
            self.teller.tell(
                EventKind.PENDING_EXIT_SET,
                symbol,
                Level.WARNING,
                reason=reason,
                code=code,
                refusal=kind,
                retry_at=pending.retry_at.isoformat(),
            )

    def _alert(self, position: Position, quote: Quote) -> bool:
        """Tell of a price near stop or target, once per crossing; True when near the stop."""
        parameters, symbol = self.settings.parameters, position.symbol
        before = self._alerted.get(symbol, frozenset())
        now = alerts_after(before, position=position, last=quote.last, parameters=parameters)
        self._alerted[symbol] = now
        for alert in sorted(now - before):
            to_stop = alert is Alert.NEAR_STOP
            progress = progress_to_stop if to_stop else progress_to_take
            self.teller.tell(
                EventKind.NEAR_STOP if to_stop else EventKind.NEAR_TAKE,
                symbol,
                last=quote.last,
                progress=progress(position, quote.last),
                level_price=position.levels.stop if to_stop else position.levels.take,
            )
        return is_near_stop(position, last=quote.last, parameters=parameters)

    def _tell_blind(self, quote: QuoteUnavailable) -> None:
        """A held symbol without a price: told when it begins, and again every ten minutes."""
        now = self.clock.now()
        since = self._blind_since.get(quote.symbol)
        if since is not None and (now - since).total_seconds() < _BLIND_REPEAT_S:
            return
        self._blind_since[quote.symbol] = now
        self.teller.tell(EventKind.HELD_WITHOUT_PRICE, quote.symbol, Level.ERROR, why=quote.why)


_BLIND_REPEAT_S = 600.0
