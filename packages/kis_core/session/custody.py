"""What the account holds by the broker's word, and keeping our positions equal to it (P-06).

Shares that the broker shows beyond what we know are believed at once: an unknown holding gets
levels from its average price and the current ATR. Shares that it does not show must stay missing
over several answers and some time, or be explained by sales in its own order list, before our
position follows (P-08, F-110). An answer that failed changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.ports.broker import AccountState, Broker, BrokerUnavailable
from kis_core.ports.clock import Clock
from kis_core.ports.files import PositionsMirror
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.ports.store import StoreUnavailable
from kis_core.positions.position import Position, PositionSource
from kis_core.positions.reconcile import Difference, DifferenceKind, Held, differences
from kis_core.session.books import Books
from kis_core.session.telling import Teller
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.levels import entry_levels
from kis_core.strategy.parameters import StrategyParameters

_CONFIRM_ANSWERS = 3
_CONFIRM_FOR = timedelta(seconds=60)
_UNSETTLED_FOR = timedelta(seconds=90)  # a paper account's holdings lag a fill by seconds
_PERCENT = 100.0


@dataclass(slots=True)
class _Missing:
    """Since when and how often the broker has not shown shares that we believe in."""

    held: Held | None
    since: datetime
    answers: int = 1


@dataclass(slots=True)
class Custody:
    """Compares positions with holdings and repairs the positions."""

    books: Books
    broker: Broker
    clock: Clock
    teller: Teller
    mirror: PositionsMirror
    parameters: StrategyParameters
    context_of: Callable[[Symbol], DayContext | NoContext]
    state: AccountState | None = None
    _missing: dict[Symbol, _Missing] = field(default_factory=dict)
    _last_live: dict[Symbol, datetime] = field(default_factory=dict)

    def refresh(self) -> AccountState:
        """Ask the broker. Raises BrokerUnavailable; `state` then keeps the last good answer."""
        self.state = self.broker.account()
        names = {h.symbol: h.name for h in self.state.holdings}
        self.books.keep_names(names, at=self.state.at)
        return self.state

    def sellable(self, symbol: Symbol) -> int | None:
        """Shares that the broker's last answer lets us sell; None before any answer."""
        if self.state is None:
            return None
        holding = self.state.holding(symbol)
        return holding.sellable if holding is not None else 0

    def note_live_orders(self) -> None:
        """Remember which symbols have live orders now: their holdings move for a while yet."""
        now = self.clock.now()
        for order in self.books.live_orders.values():
            self._last_live[order.intent.symbol] = now

    @property
    def has_unconfirmed(self) -> bool:
        """Whether a difference waits for further answers before it is believed."""
        return bool(self._missing)

    def reconcile(self, session_date: date) -> int:
        """Compare the last answer with the books and repair; returns how many repairs.

        Raises what the store raises, except that one position's failed write is soft (D-07).
        """
        if self.state is None:
            return 0
        holdings = {h.symbol: Held(quantity=h.quantity, cost=h.cost) for h in self.state.holdings}
        found = differences(self.books.positions, holdings, unsettled=self._unsettled())
        self._missing = {
            d.symbol: self._missing[d.symbol]
            for d in found
            if d.kind.takes_away and d.symbol in self._missing
        }
        return sum(self._repair(difference, session_date) for difference in found)

    def write_mirror(self) -> None:
        """Bring `data/positions.json` up to the books."""
        positions = [self.books.positions[s] for s in sorted(self.books.positions)]
        self.mirror.write(positions, at=self.clock.now())

    def _unsettled(self) -> frozenset[Symbol]:
        self.note_live_orders()
        now = self.clock.now()
        return frozenset(s for s, at in self._last_live.items() if now - at < _UNSETTLED_FOR)

    def _repair(self, difference: Difference, session_date: date) -> bool:
        if difference.kind.takes_away and not self._is_confirmed(difference, session_date):
            return False
        try:
            self._follow_broker(difference, session_date)
        except StoreUnavailable as error:
            self._tell(difference, Level.WARNING, what="position_write_failed", why=str(error))
            return False
        self._missing.pop(difference.symbol, None)
        return True

    def _is_confirmed(self, difference: Difference, session_date: date) -> bool:
        """Whether shares are gone for certain: sold by the broker's own list, or missing long."""
        now = self.clock.now()
        seen = self._missing.get(difference.symbol)
        if seen is None or seen.held != difference.held:
            self._missing[difference.symbol] = _Missing(held=difference.held, since=now)
            self._tell(difference, Level.WARNING, what="unconfirmed")
        else:
            seen.answers += 1
        seen = self._missing[difference.symbol]
        if seen.answers >= _CONFIRM_ANSWERS and now - seen.since >= _CONFIRM_FOR:
            return True
        return self._is_sold(difference, session_date)

    def _is_sold(self, difference: Difference, session_date: date) -> bool:
        position, held = difference.position, difference.held
        if position is None:
            return False
        gone = position.quantity - (held.quantity if held is not None else 0)
        try:
            listed = self.broker.orders_of(session_date)
        except BrokerUnavailable:
            return False
        with self.books.reading() as uow:
            ours = {o.broker_order_no for o in uow.orders_of(session_date)}
        sold = sum(
            row.filled_quantity
            for row in listed
            if row.symbol == difference.symbol
            and row.side is Side.SELL
            and row.broker_order_no not in ours
        )
        return sold >= gone

    def _follow_broker(self, difference: Difference, session_date: date) -> None:
        now, symbol, held = self.clock.now(), difference.symbol, difference.held
        if held is None:
            with self.books.writing() as uow:
                uow.close_position(symbol, at=now, why=difference.kind)
                uow.clear_pending_exit(symbol)
            self.books.keep_position(symbol, None)
            self.books.pending_exits.pop(symbol, None)
            self._tell(difference, Level.WARNING, what="closed")
            return
        position = self._repaired(difference, held, session_date, now)
        with self.books.writing() as uow:
            uow.put_position(position)
        self.books.keep_position(symbol, position)
        self._tell(
            difference,
            Level.WARNING,
            what="adopted" if difference.position is None else "corrected",
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
        if difference.kind is DifferenceKind.FEWER_SHARES:
            fees = known.entry_fees * held.quantity // known.quantity
            return replace(known, quantity=held.quantity, cost=held.cost, entry_fees=fees)
        return replace(known, quantity=held.quantity, cost=held.cost)

    def _adopted(self, symbol: Symbol, held: Held, session_date: date, now: datetime) -> Position:
        levels = entry_levels(
            cost=held.cost,
            quantity=held.quantity,
            atr=self._atr(symbol, held),
            parameters=self.parameters,
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
        """The current ATR, or, where bars cannot be had, the one whose stop is the maximum loss:
        a holding is never left without a stop."""
        context = self.context_of(symbol)
        if isinstance(context, DayContext) and context.atr > 0:
            return context.atr
        average = held.cost / held.quantity
        loss = average * self.parameters.max_loss_pct / _PERCENT
        return loss / self.parameters.atr_multiplier_sl

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
