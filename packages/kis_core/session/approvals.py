"""From a decision to what risk approved: the state is summed up from the books each time.

The books are what is committed, so limits are the same before and after a restart (R-07).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from kis_core.market.quote import Quote
from kis_core.market.symbol import Symbol
from kis_core.market.tick import ceil_to_tick
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.ports.calendar import Calendar
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, FieldValue
from kis_core.risk.approval import Approved, OrderProposal, Refused, approve
from kis_core.risk.kill_switch import with_outside_switch
from kis_core.risk.state import RiskState, risk_state
from kis_core.session.books import Books
from kis_core.session.desk import NOT_SENT
from kis_core.session.first_day import FirstDay
from kis_core.session.lost import NOT_RECEIVED
from kis_core.session.preparation import Preparation
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.sizing.policy import quantity_for
from kis_core.strategy.decision import Reason

_MINUTE = timedelta(minutes=1)
_PERCENT = 100.0
HELD_AT_BROKER = "held_at_broker"
_SETTLEMENT_SESSIONS = 2


class NoRiskRecord(ValueError):
    """A session trades only after its risk record was begun; this is our own bug."""


@dataclass(slots=True)
class Approvals:
    """Asks risk about each order, with the account's state as it is committed."""

    books: Books
    preparation: Preparation
    calendar: Calendar
    clock: Clock
    teller: Teller
    settings: SessionSettings
    outside_switch: Callable[[], str | None]
    first_day: FirstDay
    _last_refusal: dict[Symbol, str] = field(default_factory=dict)

    def state(self, session_date: date, *, equity: int) -> RiskState:
        """The risk state of a session."""
        record = self.books.risk
        if record is not None:
            record = with_outside_switch(record, reason=self.outside_switch())
        if record is None:
            raise NoRiskRecord(f"no risk record for {session_date}")
        live = self.books.live_orders.values()
        older = [order for order in live if order.intent.session_date != session_date]
        return risk_state(
            record,
            trades=self.books.trades_of(session_date),
            orders=[*self.books.orders_of(session_date), *older],
            open_positions=len(self.books.positions),
            equity=equity,
        )

    def leg(self, *, symbol: Symbol, side: Side, reason: str, session_date: date) -> int:
        """How many orders the same decision already had in this session."""
        return len(
            [
                order
                for order in self.books.orders_of(session_date)
                if order.intent.symbol == symbol
                and order.intent.side is side
                and order.intent.reason == reason
            ]
        )

    def may_enter(self, symbol: Symbol, session_date: date) -> bool:
        """Whether the symbol may be entered in this session, as far as its own orders go.

        One filled entry a session, and none after a sale: what was stopped out is not bought again
        the same day, nor what was just sold at its target (the backtest's rule as well). A
        rejected entry is not repeated; one that certainly did not reach the broker may be decided
        again, up to `entry_legs_max` orders. What the operator had sold stays sold.
        """
        orders = [o for o in self.books.orders_of(session_date) if o.intent.symbol == symbol]
        if any(order.intent.reason == Reason.BY_OPERATOR for order in orders):
            return False
        if any(o.intent.side is Side.SELL and o.filled_quantity for o in orders):
            return False
        entries = [order for order in orders if order.intent.side is Side.BUY]
        if len(entries) >= self.settings.orders.entry_legs_max:
            return False
        return all(_allows_another(order) for order in entries)

    def sale(
        self, *, quote: Quote, quantity: int, held: int, session_date: date
    ) -> Approved | None:
        """A market order to sell; only what is absurd is refused, and that is told."""
        instrument = self.preparation.instrument_of(quote.symbol)
        proposal = OrderProposal(
            symbol=quote.symbol,
            side=Side.SELL,
            quantity=quantity,
            order_type=OrderType.MARKET,
            price=Won(0),
            reference=quote.last,
            worst_price=quote.lower_limit,
            held_quantity=held,
            sellable_quantity=quantity,
            upper_limit=quote.upper_limit,
            lower_limit=quote.lower_limit,
            market=instrument.market,
            product=instrument.product,
        )
        return self._ask(proposal, session_date, equity=0)

    def purchase(
        self, *, quote: Quote, atr: float, equity: int, cash: int, held: int, session_date: date
    ) -> Approved | None:
        """A buy of as many shares as sizing, cash and risk allow; None (and told) otherwise.

        `held`: the broker's shares of a symbol in which we know of none. They may be a purchase
        of ours whose answer was lost and that the order list does not show yet, so nothing is
        added to them before reconciliation has explained them (O-01).
        """
        if held:
            self._tell_refused(quote.symbol, reason=HELD_AT_BROKER, limit=0, was=held)
            return None
        instrument = self.preparation.instrument_of(quote.symbol)
        order_type = self.settings.orders.entry_order_type
        price = self._entry_price(quote, session_date)
        # What the broker reserves: the limit price, or the upper limit for a market order.
        reserved = price if order_type is OrderType.LIMIT else quote.upper_limit
        strategy = self.settings.strategy_of(quote.symbol)
        levels = strategy.entry_levels(cost=price, quantity=1, atr=atr)
        quantity = quantity_for(
            self.settings.sizing_of(quote.symbol),
            price=reserved,
            stop=levels.stop,
            equity=equity,
            cash=cash,
            commission=self.settings.commission,
        )
        if quantity < 1:
            self._tell_refused(quote.symbol, reason="cash", limit=cash, was=reserved)
            return None
        quantity = self.first_day.quantity(quote.symbol, quantity, session_date)
        proposal = OrderProposal(
            symbol=quote.symbol,
            side=Side.BUY,
            quantity=quantity,
            order_type=order_type,
            price=price if order_type is OrderType.LIMIT else Won(0),
            reference=quote.last,
            worst_price=levels.stop,
            held_quantity=0,
            sellable_quantity=0,
            upper_limit=quote.upper_limit,
            lower_limit=quote.lower_limit,
            market=instrument.market,
            product=instrument.product,
        )
        return self._ask(proposal, session_date, equity=equity)

    def _entry_price(self, quote: Quote, session_date: date) -> Won:
        """The highest price an entry accepts: a little above the last, so that it fills at once
        but never far away in a thin book (F-030)."""
        product = self.preparation.instrument_of(quote.symbol).product
        wanted = quote.last * (1 + self.settings.orders.entry_limit_pct / _PERCENT)
        return min(ceil_to_tick(wanted, product, session_date), quote.upper_limit)

    def _ask(self, proposal: OrderProposal, session_date: date, *, equity: int) -> Approved | None:
        now = self.clock.now()
        recent = [o for o in self.books.orders_of(session_date) if now - o.created_at < _MINUTE]
        answer = approve(
            proposal,
            state=self.state(session_date, equity=equity),
            limits=self.settings.limits,
            orders_last_minute=len(recent),
            now=now,
            commission=self.settings.commission,
            settles_on=self.calendar.sessions_after(session_date, _SETTLEMENT_SESSIONS)[-1],
        )
        if isinstance(answer, Refused):
            self._tell_refused(
                proposal.symbol, reason=answer.reason, limit=answer.limit, was=answer.was
            )
            return None
        self._last_refusal.pop(proposal.symbol, None)
        return answer

    def _tell_refused(
        self, symbol: Symbol, *, reason: str, limit: FieldValue, was: FieldValue
    ) -> None:
        """Tell a refusal when it is not the one of the cycle before."""
        if self._last_refusal.get(symbol) == reason:
            return
        self._last_refusal[symbol] = reason
        self.teller.tell(EventKind.ENTRY_REFUSED, symbol, reason=reason, limit=limit, was=was)


def _allows_another(order: Order) -> bool:
    if order.is_live or order.filled_quantity:
        return False
    if order.status is OrderStatus.FAILED:
        return order.code in (NOT_SENT, NOT_RECEIVED)
    return True  # cancelled without a fill
