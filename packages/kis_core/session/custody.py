"""What the account holds by the broker's word, and keeping our positions equal to it (P-06).

The broker wins, but not on one answer. Shares that it does not show must be sold by hand in its
own order list, or stay missing over many answers and some minutes of a session, before our
position follows (P-08, F-110). Shares beyond what we know are believed at once, unless an order
of ours moved the symbol today: holdings lag. An answer that failed changes nothing. What nothing
explains leaves the symbol to exits only, until a person looked (P-12); settings say whether the
whole account with it (P-07). Shares that the operator keeps from us are nobody's difference.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.orders.order import Order
from kis_core.ports.broker import AccountState, Broker, BrokerOrder, BrokerUnavailable
from kis_core.ports.clock import Clock
from kis_core.ports.files import PositionsMirror
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.ports.store import StoreUnavailable
from kis_core.positions.position import Levels, Position, PositionSource
from kis_core.positions.reconcile import Difference, DifferenceKind, Held, differences
from kis_core.risk.kill_switch import engage
from kis_core.session.books import Books
from kis_core.session.settings import OnUnexplained, SessionSettings
from kis_core.session.telling import Teller
from kis_core.strategy.context import DayContext, NoContext

_GONE_ANSWERS, _GONE_FOR = 5, timedelta(minutes=5)
_YOUNG = timedelta(seconds=10)
_SURE_FOR = timedelta(seconds=90)
_STILL_SURE = timedelta(seconds=40)  # looked at every 15 s near a stop, long before the other
_NEW_ANSWERS, _NEW_FOR = 3, timedelta(seconds=60)


@dataclass(slots=True)
class _Doubt:
    """Since when and how often the broker has told of a difference not yet believed."""

    held: Held | None
    since: datetime
    answers: int = 1


@dataclass(frozen=True, slots=True)
class _Day:
    """The orders of the present day: ours, and what the broker lists beside them."""

    session_date: date
    ours: tuple[Order, ...]
    by_hand: tuple[BrokerOrder, ...]

    def net_by_hand(self, symbol: Symbol) -> int:
        """Shares bought less shares sold by orders that are not ours."""
        rows = [row for row in self.by_hand if row.symbol == symbol]
        return sum(r.filled_quantity if r.side is Side.BUY else -r.filled_quantity for r in rows)


@dataclass(slots=True)
class Custody:
    """Compares positions with holdings and repairs the positions."""

    books: Books
    broker: Broker
    clock: Clock
    teller: Teller
    mirror: PositionsMirror
    settings: SessionSettings
    context_of: Callable[[Symbol], DayContext | NoContext]
    state: AccountState | None = None
    _doubts: dict[Symbol, _Doubt] = field(default_factory=dict)
    _explained: dict[tuple[date, Symbol], int] = field(default_factory=dict)  # shares by hand
    _unwritten: set[Symbol] = field(default_factory=set)  # known since the start, not yet stored
    _mirrored: tuple[Position, ...] | None = None

    def refresh(self) -> AccountState:
        """Ask the broker. Raises BrokerUnavailable; `state` then keeps the last good answer."""
        self.state = self.broker.account()
        names = {h.symbol: h.name for h in self.state.holdings}
        self.books.keep_names(names, at=self.state.at)
        return self.state

    def recent(self) -> AccountState | None:
        """The last answer, where it is so young that nobody need be asked again (P-11)."""
        return self.state if self._is_younger_than(_YOUNG) else None

    def sellable(self, symbol: Symbol) -> int | None:
        """Shares that the broker's last answer lets us sell; None before any answer."""
        if self.state is None:
            return None
        holding = self.state.holding(symbol)
        return holding.sellable if holding is not None else 0

    def is_surely_sellable(self, position: Position) -> bool:
        """Whether the broker said a moment ago that all of it may be sold, and no order of ours
        can have changed that: a sale then need not wait for another answer."""
        is_told = self._is_younger_than(_SURE_FOR) and position.symbol in self.books.quiet
        return is_told and (self.sellable(position.symbol) or 0) >= position.quantity

    def stay_sure(self) -> None:
        """Ask the account before a sale needs it, so that the sale need not wait for it."""
        if self._is_younger_than(_STILL_SURE):
            return
        with suppress(BrokerUnavailable):  # told by the line; the sale itself will ask
            self.refresh()

    @property
    def unknown(self) -> list[Symbol]:
        """What the broker's last answer holds and the books have no position of."""
        holdings = self.state.holdings if self.state is not None else ()
        return [h.symbol for h in holdings if h.symbol not in self.books.positions]

    @property
    def has_doubts(self) -> bool:
        """Whether a difference waits for further answers before it is believed."""
        return bool(self._doubts)

    def reconcile(self, session_date: date, *, is_open: bool, is_start: bool = False) -> int:
        """Compare the last answer with the books and repair; returns how many repairs.

        Only in a session that `is_open` may shares be believed gone; at the start of a process,
        shares we never knew are no riddle. Raises what the store raises, except that one
        position's failed write is soft (D-07).
        """
        if self.state is None:
            return 0
        holdings = {h.symbol: Held(quantity=h.quantity, cost=h.cost) for h in self.state.holdings}
        today = self.clock.now().date()
        ours = self.books.orders_of(today)
        unsettled = self._unsettled(ours)
        sold = {o.intent.symbol for o in ours if o.intent.side is Side.SELL}
        self.books.quiet = frozenset(self.books.positions) - unsettled - sold
        found = differences(self.books.positions, holdings, unsettled=unsettled)
        self._doubts = {d.symbol: self._doubts[d.symbol] for d in found if d.symbol in self._doubts}
        if not found:
            return 0
        day = self._day(today, ours)
        return sum(
            self._judge(difference, day, session_date, is_open=is_open, is_start=is_start)
            for difference in found
        )

    def write_mirror(self) -> None:
        """Bring `data/positions.json` up to the books, where it is not."""
        positions = tuple(self.books.positions[s] for s in sorted(self.books.positions))
        if positions != self._mirrored:
            self.mirror.write(positions, at=self.clock.now())
            self._mirrored = positions

    def _is_younger_than(self, age: timedelta) -> bool:
        state = self.state
        return state is not None and timedelta(0) <= self.clock.now() - state.at < age

    def _unsettled(self, ours: tuple[Order, ...]) -> frozenset[Symbol]:
        """Symbols whose holdings may still be moving, by what is stored: a restart knows too; and
        those that the operator keeps for himself."""
        now, unsettled_for = self.clock.now(), self.settings.orders.unsettled_for
        moved = {o.intent.symbol for o in ours if abs(now - o.updated_at) < unsettled_for}
        live = {o.intent.symbol for o in self.books.live_orders.values()}
        return frozenset(moved | live | self.books.hands_off)

    def _day(self, today: date, ours: tuple[Order, ...]) -> _Day | None:
        """None when the broker's list cannot be had: then nothing is explained by it."""
        try:
            listed = self.broker.orders_of(today)
        except BrokerUnavailable:
            return None
        numbers = {o.broker_order_no for o in ours}
        by_hand = tuple(r for r in dict.fromkeys(listed) if r.broker_order_no not in numbers)
        return _Day(session_date=today, ours=ours, by_hand=by_hand)

    def _judge(
        self,
        difference: Difference,
        day: _Day | None,
        session_date: date,
        *,
        is_open: bool,
        is_start: bool,
    ) -> bool:
        symbol, change = difference.symbol, _change(difference)
        by_hand = self._unaccounted(day, symbol) if day is not None else 0
        is_explained = change != 0 and by_hand == change
        if not self._is_confirmed(difference, day, is_explained=is_explained, is_open=is_open):
            return False
        is_riddle = not is_start and symbol not in self._unwritten
        if is_riddle and not is_explained and difference.kind not in _HARMLESS:
            self._tell_unexplained(difference, day)  # first: what follows explains it away
        try:
            self._follow_broker(difference, session_date, by_hand=is_explained)
        except StoreUnavailable as error:
            self._tell(difference, Level.WARNING, what="position_write_failed", why=str(error))
            if not is_riddle:
                self._unwritten.add(symbol)
            return False
        self._unwritten.discard(symbol)
        self._doubts.pop(symbol, None)
        if is_explained and day is not None:
            key = (day.session_date, symbol)
            self._explained[key] = self._explained.get(key, 0) + change
        return True

    def _unaccounted(self, day: _Day, symbol: Symbol) -> int:
        """Shares moved by hand today for which no position was corrected yet."""
        return day.net_by_hand(symbol) - self._explained.get((day.session_date, symbol), 0)

    def _is_confirmed(
        self, difference: Difference, day: _Day | None, *, is_explained: bool, is_open: bool
    ) -> bool:
        now, symbol = self.clock.now(), difference.symbol
        takes_away = difference.kind.takes_away
        is_ours = day is None or any(o.intent.symbol == symbol for o in day.ours)
        if not takes_away and (is_explained or not is_ours):
            return True
        doubt = self._doubts.get(symbol)
        if doubt is None or doubt.held != difference.held:
            self._doubts[symbol] = _Doubt(held=difference.held, since=now)
            self._tell(difference, Level.WARNING, what="unconfirmed")
            return False
        doubt.answers += 1
        if takes_away:
            is_long = doubt.answers >= _GONE_ANSWERS and now - doubt.since >= _GONE_FOR
            return is_explained or (is_long and is_open)
        return doubt.answers >= _NEW_ANSWERS and now - doubt.since >= _NEW_FOR

    def _tell_unexplained(self, difference: Difference, day: _Day | None) -> None:
        """Nobody can say why: by the settings no entry in the symbol, or none at all, until a
        person looked."""
        symbol = difference.symbol
        rows = day.by_hand if day is not None else ()
        numbers = ", ".join(row.broker_order_no for row in rows if row.symbol == symbol)
        why = f"설명되지 않는 잔고 차이 {_change(difference):+d}주 (후보 주문: {numbers or '없음'})"
        if self.settings.on_unexplained is OnUnexplained.WARN:
            self._tell(difference, Level.ERROR, what="unexplained", why=why, candidates=numbers)
            return
        if self.books.halted.get(symbol) == why:
            return
        self._halt(symbol, why)
        self.teller.tell(EventKind.SYMBOL_HALTED, symbol, Level.ERROR, why=why, candidates=numbers)

    def _halt(self, symbol: Symbol, why: str) -> None:
        """Halt the symbol, and switch all entries off where settings say so, in one commit."""
        now, before = self.clock.now(), self.books.risk
        record = before
        if record is not None and self.settings.on_unexplained is OnUnexplained.STOP:
            record = engage(record, reason=f"{symbol} {why}", at=now)
        with self.books.writing() as uow:
            uow.put_halted_symbol(symbol, why=why, at=now)
            if record is not None and record != before:
                uow.put_risk(record)
        self.books.halted[symbol] = why
        if record is not None and record != before:
            self.books.risk = record
            reason = record.kill_switch
            self.teller.tell(EventKind.KILL_SWITCH_ON, None, Level.ERROR, reason=reason)

    def _follow_broker(self, difference: Difference, session_date: date, *, by_hand: bool) -> None:
        now, symbol, held = self.clock.now(), difference.symbol, difference.held
        if held is None:
            with self.books.writing() as uow:
                uow.close_position(symbol, at=now, why=difference.kind)
                uow.clear_pending_exit(symbol)
            self.books.keep_position(symbol, None)
            self.books.pending_exits.pop(symbol, None)
            self._tell(difference, Level.WARNING, what="closed", by_hand=by_hand)
            return
        position = self._repaired(difference, held, session_date, now)
        if by_hand and difference.position is not None:
            position = replace(position, source=PositionSource.TOUCHED)
        with self.books.writing() as uow:
            uow.put_position(position)
        self.books.keep_position(symbol, position)
        self._tell(
            difference,
            Level.WARNING,
            what="adopted" if difference.position is None else "corrected",
            by_hand=by_hand,
            quantity=position.quantity,
            average=position.average,
            stop=position.levels.stop,
            take=position.levels.take,
        )

    def _repaired(
        self, difference: Difference, held: Held, session_date: date, now: datetime
    ) -> Position:
        known = difference.position
        if known is None:
            return self._adopted(difference.symbol, held, session_date, now)
        if difference.kind is DifferenceKind.OTHER_BASIS:
            return _rescaled(known, held)
        if difference.kind is DifferenceKind.FEWER_SHARES:
            fees = known.entry_fees * held.quantity // known.quantity
            return replace(known, quantity=held.quantity, cost=held.cost, entry_fees=fees)
        return replace(known, quantity=held.quantity, cost=held.cost)

    def _adopted(self, symbol: Symbol, held: Held, session_date: date, now: datetime) -> Position:
        levels = self.settings.strategy_of(symbol).entry_levels(
            cost=held.cost, quantity=held.quantity, atr=self._atr(symbol, held)
        )
        return Position(
            symbol=symbol,
            quantity=held.quantity,
            cost=held.cost,
            levels=levels,
            entry_session=session_date,
            entered_at=now,
            highest=Won(held.cost // held.quantity),
            source=PositionSource.ADOPTED,
        )

    def _atr(self, symbol: Symbol, held: Held) -> float:
        """The current ATR, or what the strategy assumes where bars cannot be had."""
        context = self.context_of(symbol)
        if isinstance(context, DayContext) and context.atr > 0:
            return context.atr
        return self.settings.strategy_of(symbol).assumed_atr(held.cost / held.quantity)

    def _tell(self, difference: Difference, level: Level, **fields: FieldValue) -> None:
        known, held = difference.position, difference.held
        self.teller.tell(
            EventKind.POSITION_REPAIRED,
            difference.symbol,
            level,
            difference=difference.kind,
            known_quantity=known.quantity if known is not None else 0,
            held_quantity=held.quantity if held is not None else 0,
            **fields,
        )


_HARMLESS = (DifferenceKind.OTHER_COST, DifferenceKind.OTHER_BASIS)


def _change(difference: Difference) -> int:
    """Shares that the broker shows beyond what we know; negative when it shows fewer."""
    known = difference.position.quantity if difference.position is not None else 0
    return (difference.held.quantity if difference.held is not None else 0) - known


def _rescaled(known: Position, held: Held) -> Position:
    """A split or a bonus issue changes what one share is worth, and with it every level (T-15)."""
    ratio = known.quantity / held.quantity
    levels = Levels(
        atr=known.levels.atr * ratio,
        stop=Won(math.floor(known.levels.stop * ratio)),
        take=Won(math.ceil(known.levels.take * ratio)),
    )
    return replace(
        known,
        quantity=held.quantity,
        cost=held.cost,
        levels=levels,
        highest=Won(math.floor(known.highest * ratio)),
    )
