"""What is committed, kept in memory so that a decision needs no query.

The books are only ever changed after their unit of work was committed. When a commit failed, or
its outcome is unknown, they are not current any more, and are read again before anything is
decided: the database is asked, never assumed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from kis_core.market.symbol import Symbol
from kis_core.orders.booking import Trade
from kis_core.orders.order import Order
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import Store, UnitOfWork
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord
from kis_core.session.by_hand import HANDS_OFF

# Then the broker is asked again; until it answers the old one stays.
NAME_LASTS = timedelta(days=30)
_DAYS_KEPT = 2  # the present session, and one whose orders are still followed


class Books:
    """Open positions, live orders, parked exits, halted symbols, the risk record, and the orders
    and trades of the days that were asked for.

    `quiet`: symbols of which no order of ours moves shares, as of the last comparison with the
    account and of every order since.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.positions: dict[Symbol, Position] = {}
        self.live_orders: dict[str, Order] = {}
        self.pending_exits: dict[Symbol, PendingExit] = {}
        self.halted: dict[Symbol, str] = {}
        self.names: dict[Symbol, str] = {}
        self._named_at: dict[Symbol, datetime] = {}
        self.risk: RiskRecord | None = None
        self.quiet: frozenset[Symbol] = frozenset()
        self._orders: dict[date, dict[str, Order]] = {}
        self._trades: dict[date, dict[str, Trade]] = {}
        self.is_current = False

    def reload(self) -> None:
        """Read everything again. Raises StoreUnavailable."""
        with self._store.unit_of_work() as uow:
            positions, orders = uow.positions(), uow.live_orders()
            pending, halted = uow.pending_exits(), uow.halted_symbols()
            names, risk = uow.names(), uow.risk()
        self.positions = {p.symbol: p for p in positions}
        self.live_orders = {o.order_id: o for o in orders}
        self.pending_exits = {p.symbol: p for p in pending}
        self.halted = dict(halted)
        self.names.update({symbol: name for symbol, (name, _) in names.items()})
        self._named_at.update({symbol: at for symbol, (_, at) in names.items()})
        self.risk = risk
        self.quiet = frozenset()
        self._orders.clear()
        self._trades.clear()
        self.is_current = True

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """One unit of work. The caller changes the books after the block, never inside it."""
        was_current, self.is_current = self.is_current, False
        with self._store.unit_of_work() as uow:
            yield uow
        self.is_current = was_current

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """One unit of work that only reads; its failure leaves the books as current as before."""
        with self._store.unit_of_work() as uow:
            yield uow

    def orders_of(self, session_date: date) -> tuple[Order, ...]:
        """Every order of a session, oldest first. Raises StoreUnavailable where it must ask."""
        return tuple(self._day(session_date)[0].values())

    def trades_of(self, session_date: date) -> tuple[Trade, ...]:
        """Every trade of a session. Raises StoreUnavailable where it must ask."""
        return tuple(self._day(session_date)[1].values())

    def live_order_of(self, symbol: Symbol) -> Order | None:
        """The symbol's one live order, if it has one (O-06, O-15)."""
        return next((o for o in self.live_orders.values() if o.intent.symbol == symbol), None)

    @property
    def hands_off(self) -> frozenset[Symbol]:
        """Symbols that the operator keeps for himself (P-13): their shares are not ours."""
        return frozenset(s for s, why in self.halted.items() if why == HANDS_OFF)

    def keep_order(self, order: Order) -> None:
        """Take over a committed order: live ones are kept, ended ones forgotten."""
        self.quiet -= {order.intent.symbol}
        if order.intent.session_date in self._orders:
            self._orders[order.intent.session_date][order.order_id] = order
        if order.is_live:
            self.live_orders[order.order_id] = order
        else:
            self.live_orders.pop(order.order_id, None)

    def keep_trade(self, trade: Trade) -> None:
        """Take over a committed trade: the whole of its order, as far as it is filled."""
        if trade.session_date in self._trades:
            self._trades[trade.session_date][trade.order_id] = trade

    def keep_position(self, symbol: Symbol, position: Position | None) -> None:
        """Take over a committed position, or that there is none any more."""
        if position is None:
            self.positions.pop(symbol, None)
        else:
            self.positions[symbol] = position

    def keep_names(self, names: dict[Symbol, str], *, at: datetime) -> None:
        """Remember symbol names that the broker just said, in the database where they are new or
        were last confirmed too long ago (N-03)."""
        news = {
            s: n for s, n in names.items() if n and (self.names.get(s) != n or self._old(s, at))
        }
        if not news:
            return
        with self.writing() as uow:
            uow.put_names(news, at=at)
        self.names.update(news)
        self._named_at.update(dict.fromkeys(news, at))

    def _day(self, session_date: date) -> tuple[dict[str, Order], dict[str, Trade]]:
        """The session's orders and trades by order; read once, then kept as they are committed."""
        if session_date not in self._orders:
            with self.reading() as uow:
                orders, trades = uow.orders_of(session_date), uow.trades_of(session_date)
            for day in sorted(self._orders)[: 1 - _DAYS_KEPT]:
                del self._orders[day], self._trades[day]
            self._orders[session_date] = {order.order_id: order for order in orders}
            self._trades[session_date] = {trade.order_id: trade for trade in trades}
        return self._orders[session_date], self._trades[session_date]

    def _old(self, symbol: Symbol, at: datetime) -> bool:
        confirmed_at = self._named_at.get(symbol)
        return confirmed_at is None or at - confirmed_at >= NAME_LASTS
