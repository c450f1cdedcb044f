"""The first steps of a real account: a small first order, one symbol on the first day (M-09, M-10).

What counts as first is read from the stored orders, so a restart begins nothing anew. An order
counts once it has filled: one that was refused, or cancelled without a share, taught nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from kis_core.market.symbol import Symbol
from kis_core.orders.event import OrderEvent, OrderEventKind
from kis_core.orders.identity import Side
from kis_core.orders.order import Order
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.books import Books
from kis_core.session.telling import Teller

_WHOLE_PCT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDayLimits:
    """`order_percent` (1 to 100) of the computed quantity for the account's first order, and for
    those that follow before it has filled; `one_symbol`: no second one on its first day.
    Raises ValueError for another percentage."""

    order_percent: int = 10
    one_symbol: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.order_percent <= _WHOLE_PCT:
            raise ValueError(f"order_percent must be in 1..{_WHOLE_PCT}, was {self.order_percent}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """`has_bought`: a purchase has filled, ever. `is_first_day`: none has before this session.
    `symbol`: what was bought in this session, or is being bought."""

    has_bought: bool
    is_first_day: bool
    symbol: Symbol | None


def experience(
    events: Sequence[OrderEvent], orders: Sequence[Order], session_date: date
) -> Experience:
    """What the account's history of `events` and the session's `orders` (oldest first) say."""
    filled = {e.order_id for e in events if e.kind is OrderEventKind.FILLED}
    bought_on = {
        event.intent.session_date
        for event in events
        if event.intent is not None and event.intent.side is Side.BUY and event.order_id in filled
    }
    bought = [
        order.intent.symbol
        for order in orders
        if order.intent.side is Side.BUY and (order.filled_quantity or order.is_live)
    ]
    return Experience(
        has_bought=bool(bought_on),
        is_first_day=all(day >= session_date for day in bought_on),
        symbol=bought[0] if bought else None,
    )


def limited_quantity(quantity: int, known: Experience, limits: FirstDayLimits) -> int:
    """The shares of an order that would have `quantity`: fewer, at least one, if it is the first
    of the account."""
    if known.has_bought:
        return quantity
    return max(1, quantity * limits.order_percent // _WHOLE_PCT)


def limited_symbols(
    symbols: Sequence[Symbol], known: Experience, limits: FirstDayLimits
) -> tuple[Symbol, ...]:
    """The candidates that may be entered: on the first day only what was bought in it, or before
    that the first one."""
    if not (limits.one_symbol and known.is_first_day):
        return tuple(symbols)
    if known.symbol is not None:
        return tuple(symbol for symbol in symbols if symbol == known.symbol)
    return tuple(symbols[:1])


@dataclass(slots=True)
class FirstDay:
    """Applies the limits, where there are any, to what the stored orders say."""

    books: Books
    teller: Teller
    limits: FirstDayLimits | None
    _is_over: bool = False
    _told: set[tuple[date, Symbol | None]] = field(default_factory=set)

    def quantity(self, symbol: Symbol, quantity: int, session_date: date) -> int:
        """How many of `quantity` shares may be ordered now. Raises StoreUnavailable."""
        known = self._experience(session_date)
        if self.limits is None or known is None:
            return quantity
        allowed = limited_quantity(quantity, known, self.limits)
        if allowed < quantity:
            percent = self.limits.order_percent
            why = f"REAL 계좌의 첫 주문: 계산 수량 {quantity}주의 {percent}%인 {allowed}주만 냅니다"
            self._tell(session_date, symbol, why)
        return allowed

    def symbols(self, symbols: tuple[Symbol, ...], session_date: date) -> tuple[Symbol, ...]:
        """Which of the candidates may be entered now. Raises StoreUnavailable."""
        known = self._experience(session_date)
        if self.limits is None or known is None:
            return symbols
        allowed = limited_symbols(symbols, known, self.limits)
        if len(allowed) < len(symbols):
            why = (
                f"REAL 첫 거래일: 후보 {len(symbols)}종목 중 {', '.join(allowed) or '없음'}만 진입"
            )
            self._tell(session_date, None, why)
        return allowed

    def _experience(self, session_date: date) -> Experience | None:
        """None where nothing is limited any more; while it is, the history is short."""
        if self.limits is None or self._is_over:
            return None
        with self.books.reading() as uow:
            known = experience(uow.all_events(), uow.orders_of(session_date), session_date)
        self._is_over = not known.is_first_day
        return known

    def _tell(self, session_date: date, symbol: Symbol | None, why: str) -> None:
        if (session_date, symbol) not in self._told:
            self._told.add((session_date, symbol))
            self.teller.tell(EventKind.RISK_LIMIT, symbol, Level.WARNING, why=why)
