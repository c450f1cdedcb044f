"""Guarding what is held: the exit rules, before anything else in a cycle.

An exit needs the position and a price. Indicators, limits, the kill switch and other symbols'
troubles do not stand in its way; only what the broker or a halt refuses does, and then the exit
is parked for a while and tried again (O-10). A sale that does not fill is taken off by the desk
and decided again here under its next leg, up to a number of attempts (O-12).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from kis_core.gap import GapCheck
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import Phase
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.orders.order import Order
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
from kis_core.strategy.alerts import Alert, progress_to_stop, progress_to_take
from kis_core.strategy.decision import Action, Decision, Reason

_BLIND = (Reason.INVALID_PRICE, Reason.STALE_QUOTE)
_BLIND_REPEAT = timedelta(minutes=10)
NOTHING_SELLABLE = "nothing_sellable"
SYMBOL_HALTED = "symbol_halted"
ATTEMPTS_SPENT = "exit_attempts"


@dataclass(slots=True)
class _Judged:
    """One held symbol after its quote was looked at; `before` is the position as it was."""

    before: Position
    seen: Position
    quote: Quote
    decision: Decision
    gap: GapCheck | None


@dataclass(slots=True)
class Guard:
    """Applies the exit rules to every held symbol.

    `is_retrying`: a sale certainly did not reach the broker and is to be decided again at once.
    `tried`: what the last watch wanted to sell.
    """

    books: Books
    desk: OrderDesk
    custody: Custody
    preparation: Preparation
    approvals: Approvals
    clock: Clock
    teller: Teller
    settings: SessionSettings
    is_retrying: bool = False
    tried: frozenset[Symbol] = frozenset()
    _alerted: dict[Symbol, frozenset[Alert]] = field(default_factory=dict)
    _blind_since: dict[Symbol, datetime] = field(default_factory=dict)
    _stopped: set[Symbol] = field(default_factory=set)
    _restricted: dict[Symbol, frozenset[str]] = field(default_factory=dict)
    _unflagged: set[Symbol] = field(default_factory=set)

    def watch(
        self, quotes: Mapping[Symbol, Quote | QuoteUnavailable], *, session_date: date, phase: Phase
    ) -> bool:
        """Judge the held symbols that `quotes` has; returns whether one of them needs another
        look soon: it is near its stop, or its exit is not done.

        What the prices changed in the positions is committed first, in one unit of work; then the
        exits are placed, each on its own.
        """
        self.is_retrying = False
        judged = self._judge_all(quotes, session_date)
        self._commit(judged)
        exits = [each for each in judged if each.decision.action is Action.SELL]
        self.tried = frozenset(each.seen.symbol for each in exits)
        if exits and phase in (Phase.CONTINUOUS, Phase.CLOSING_AUCTION):
            if not all(self.custody.is_surely_sellable(each.seen) for each in exits):
                self._refresh_holdings()
            for each in exits:
                self._exit(each.seen, each.quote, each.decision, session_date)
        kept = [each for each in judged if each.decision.action is not Action.SELL]
        near_stop = [self._keep(each.seen, each.quote) for each in kept]
        if any(near_stop):
            self.custody.stay_sure()
        return any(near_stop) or bool(exits)

    def tell_blind(self, symbols: Iterable[Symbol], why: str) -> None:
        """No price could be had for held `symbols`: told when it begins, and every ten minutes."""
        now = self.clock.now()
        for symbol in symbols:
            since = self._blind_since.get(symbol)
            if since is None or not timedelta(0) <= now - since < _BLIND_REPEAT:
                self._blind_since[symbol] = now
                self.teller.tell(EventKind.HELD_WITHOUT_PRICE, symbol, Level.ERROR, why=why)

    def is_stopped(self, symbol: Symbol) -> bool:
        """Whether the symbol's last quote said that nothing trades in it now (halt, VI)."""
        return symbol in self._stopped

    @property
    def unflagged(self) -> tuple[Symbol, ...]:
        """Held symbols whose last quote told nothing of halts and warnings."""
        return tuple(sorted(self._unflagged & self.books.positions.keys()))

    def note_flags(self, quote: Quote) -> None:
        """Remember what the broker says of the symbol; what is new is told once (O-14)."""
        if quote.is_halted is None:
            self._unflagged.add(quote.symbol)
            return
        self._unflagged.discard(quote.symbol)
        flags = {
            "거래정지": quote.is_halted,
            "관리종목": quote.is_managed,
            "투자경고": quote.is_warned,
            "VI 발동": quote.is_vi,
        }
        now = frozenset(word for word, is_on in flags.items() if is_on)
        news = now - self._restricted.get(quote.symbol, frozenset())
        self._restricted[quote.symbol] = now
        if news:
            why = f"보유 종목: {', '.join(sorted(news))}. 추가 매수는 없고, 청산은 계속 시도합니다."
            self.teller.tell(
                EventKind.ERROR, quote.symbol, Level.WARNING, what="restricted", why=why
            )

    def _judge_all(
        self, quotes: Mapping[Symbol, Quote | QuoteUnavailable], session_date: date
    ) -> list[_Judged]:
        judged = []
        for symbol, quote in sorted(quotes.items()):
            position = self.books.positions.get(symbol)
            if position is None:
                continue
            if isinstance(quote, QuoteUnavailable):
                self.tell_blind([symbol], quote.why)
                continue
            each = self._judge(position, quote, session_date)
            if each.decision.reason in _BLIND:
                self.tell_blind([symbol], each.decision.reason)
                continue
            self._blind_since.pop(symbol, None)
            self._note_stopped(quote)
            judged.append(each)
        return judged

    def _judge(self, position: Position, quote: Quote, session_date: date) -> _Judged:
        strategy = self.settings.strategy_of(position.symbol)
        decision = strategy.decide(
            context=self.preparation.context_of(position.symbol),
            quote=quote,
            position=position,
            now=self.clock.now(),
        )
        if self._is_wanted_sold(position.symbol) and decision.reason not in _BLIND:
            decision = replace(decision, action=Action.SELL, reason=Reason.BY_OPERATOR)
        seen = strategy.observe(position=position, quote=quote, session_date=session_date)
        gap = strategy.gap_check(position, quote, session_date)
        if gap is not None:
            triggered = session_date if gap.triggered else position.gap_triggered_on
            seen = replace(seen, gap_checked_on=session_date, gap_triggered_on=triggered)
        return _Judged(before=position, seen=seen, quote=quote, decision=decision, gap=gap)

    def _is_wanted_sold(self, symbol: Symbol) -> bool:
        """Whether the operator said to sell it; a price is all that this needs."""
        pending = self.books.pending_exits.get(symbol)
        return pending is not None and pending.reason == Reason.BY_OPERATOR

    def _note_stopped(self, quote: Quote) -> None:
        self.note_flags(quote)
        if quote.is_halted or quote.is_vi:
            self._stopped.add(quote.symbol)
        else:
            self._stopped.discard(quote.symbol)

    def _commit(self, judged: list[_Judged]) -> None:
        changed = [each for each in judged if each.seen != each.before]
        if not changed:
            return
        with self.books.writing() as uow:
            for each in changed:
                uow.put_position(each.seen)
        for each in changed:
            self.books.keep_position(each.seen.symbol, each.seen)
            self._tell_seen(each)

    def _tell_seen(self, each: _Judged) -> None:
        gap, symbol = each.gap, each.seen.symbol
        if gap is not None:
            self.teller.tell(
                EventKind.GAP_CHECKED,
                symbol,
                open=gap.open,
                base_label=gap.base_label,
                base_price=gap.reference,
                gap_pct=gap.raw_gap_pct,
                display=gap.display_gap_pct,
                threshold=gap.threshold_pct,
                triggered=gap.triggered,
                reason=gap.reason,
            )
        if each.seen.is_trailing and not each.before.is_trailing:
            self.teller.tell(EventKind.TRAILING_ACTIVATED, symbol, highest=each.seen.highest)

    def _refresh_holdings(self) -> None:
        """What may be sold is the broker's to say; where it does not answer, the last it said.

        Seldom on a sale's way: near a stop the answer is there already."""
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
        if self._is_parked(quote, decision.reason):
            return
        if quote.is_halted:
            self._park(symbol, decision.reason, code=SYMBOL_HALTED)
            return
        sellable = self.custody.sellable(symbol)
        quantity = position.quantity if sellable is None else min(position.quantity, sellable)
        if quantity < 1:  # holdings lag a fill by seconds: not a reason to wait for minutes
            soon = self.settings.near_stop_interval
            self._park(symbol, decision.reason, code=NOTHING_SELLABLE, backoff=soon)
            return
        leg = self.approvals.leg(
            symbol=symbol, side=Side.SELL, reason=decision.reason, session_date=session_date
        )
        if leg >= self.settings.orders.exit_attempts and not self._may_try_once_more(
            symbol, decision.reason
        ):
            return
        self.teller.tell(
            EventKind.SIGNAL,
            symbol,
            **decision.evidence
            | {"action": decision.action, "reason": decision.reason, "last": quote.last},
        )
        self._sell(position, quote, decision, quantity=quantity, leg=leg, session_date=session_date)

    def _may_try_once_more(self, symbol: Symbol, reason: str) -> bool:
        """After the last attempt the exit is parked; then each backoff allows one more."""
        earlier = self.books.pending_exits.get(symbol)
        waited = earlier is not None and earlier.code == ATTEMPTS_SPENT and earlier.reason == reason
        self._park(symbol, reason, code=ATTEMPTS_SPENT, level=Level.ERROR)
        return waited

    def _sell(
        self,
        position: Position,
        quote: Quote,
        decision: Decision,
        *,
        quantity: int,
        leg: int,
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
            leg=leg,
            atr=None,
            evidence=decision.evidence,
        )
        if isinstance(answer, Rejected):
            if self._holds_less_than(quantity, position.symbol):
                self.is_retrying = True
            else:
                self._park(position.symbol, decision.reason, code=answer.code, kind=answer.kind)
        elif isinstance(answer, Order) and not answer.is_live:
            self.is_retrying = True

    def _holds_less_than(self, quantity: int, symbol: Symbol) -> bool:
        """Whether the refused sale was of shares that were sold by hand a moment ago."""
        self._refresh_holdings()
        sellable = self.custody.sellable(symbol)
        return sellable is not None and sellable < quantity

    def _is_parked(self, quote: Quote, reason: str) -> bool:
        pending = self.books.pending_exits.get(quote.symbol)
        if pending is None or pending.reason != reason:
            return False
        if pending.code == SYMBOL_HALTED and not quote.is_halted:
            return False
        return self.clock.now() < pending.retry_at

    def _park(
        self,
        symbol: Symbol,
        reason: str,
        *,
        code: str,
        kind: str = "",
        backoff: timedelta | None = None,
        level: Level = Level.WARNING,
    ) -> None:
        """Do not try this exit before the backoff is over; told when symbol, reason or code is
        another than before."""
        now, earlier = self.clock.now(), self.books.pending_exits.get(symbol)
        same = earlier is not None and (earlier.reason, earlier.code) == (reason, code)
        pending = PendingExit(
            symbol=symbol,
            reason=reason,
            code=code,
            since=earlier.since if earlier is not None and same else now,
            retry_at=now + (backoff or self.settings.orders.pending_exit_backoff),
            attempts=earlier.attempts + 1 if earlier is not None and same else 1,
        )
        with self.books.writing() as uow:
            uow.put_pending_exit(pending)
        self.books.pending_exits[symbol] = pending
        if not same:
            self.teller.tell(
                EventKind.PENDING_EXIT_SET,
                symbol,
                level,
                reason=reason,
                code=code,
                refusal=kind,
                retry_at=pending.retry_at.isoformat(),
            )

    def _keep(self, position: Position, quote: Quote) -> bool:
        """Nothing to sell: forget an exit whose backoff is over, alert; True near the stop."""
        pending = self.books.pending_exits.get(position.symbol)
        if pending is not None and self.clock.now() >= pending.retry_at:
            with self.books.writing() as uow:
                uow.clear_pending_exit(position.symbol)
            del self.books.pending_exits[position.symbol]
            self.teller.tell(EventKind.PENDING_EXIT_CLEARED, position.symbol, why="no_exit_now")
        return self._alert(position, quote)

    def _alert(self, position: Position, quote: Quote) -> bool:
        """Tell of a price near stop or target, once per crossing; True when near the stop."""
        symbol, strategy = position.symbol, self.settings.strategy_of(position.symbol)
        before = self._alerted.get(symbol, frozenset())
        now = strategy.alerts_after(before, position=position, last=quote.last)
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
        return strategy.is_near_stop(position, last=quote.last)
