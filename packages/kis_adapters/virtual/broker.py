"""The Broker port on a virtual account: orders fill by the quotes of a live market.

It looks at the market whenever it is asked for its orders or its account, never by itself; a
session asks every two seconds while an order is live. Orders are day orders: what the closing
auction leaves is taken off. Cash follows the exchange's rules: a trade settles two sessions
later, and what a sale will bring may be used to buy at once.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from kis_adapters.virtual.account_file import AccountFile, NotKept, NotRead
from kis_adapters.virtual.ledger import VirtualAccount, VirtualOrder, booked, reserved
from kis_adapters.virtual.matching import is_marketable, match
from kis_adapters.virtual.refusal import refusal_of
from kis_adapters.virtual.rules import FillRules
from kis_core.market.cost import Commission
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import Phase, Session
from kis_core.market.symbol import Instrument, Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import (
    Accepted,
    AccountState,
    Broker,
    BrokerOrder,
    BrokerUnavailable,
    Holding,
    NotSent,
    OrderTicket,
    RefusalKind,
    Rejected,
)
from kis_core.ports.calendar import Calendar, Unconfirmed
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketData, MarketDataUnavailable

BRANCH = "virtual"

_SETTLES_AFTER = 2  # sessions
# The closing price is told some seconds after 15:30; only then the day's orders are over.
_CLOSING_PRICE_WITHIN = timedelta(seconds=60)
_TAKES_ORDERS = (Phase.OPENING_AUCTION, Phase.CONTINUOUS, Phase.CLOSING_AUCTION)

_Quotes = Mapping[Symbol, Quote | QuoteUnavailable]


class VirtualBroker(Broker):
    """The account in `file`, trading at the quotes of `market_data`. Used by one thread."""

    def __init__(
        self,
        file: AccountFile,
        *,
        market_data: MarketData,
        calendar: Calendar,
        clock: Clock,
        commission: Commission,
        rules: FillRules,
    ) -> None:
        self._file = file
        self._market_data, self._calendar, self._clock = market_data, calendar, clock
        self._commission, self._rules = commission, rules
        self._account = file.account()
        self._live = {order.number: order for order in file.live_orders()}
        self._instruments: dict[Symbol, Instrument] = {}
        self._prices: dict[Symbol, Won] = {}

    # --- the port -----------------------------------------------------------------------------

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        asked_at = self._clock.now()
        session = self._session_at(asked_at)
        if session is None or session.phase_at(asked_at) not in _TAKES_ORDERS:
            kind = RefusalKind.MARKET_CLOSED
            return Rejected(kind=kind, code="VIRTUAL-CLOSED", why="장 운영 시간이 아닙니다.")
        instrument, quote = self._told(ticket.symbol)
        order = self._order(ticket, session, instrument, quote, asked_at=asked_at)
        refusal = refusal_of(
            order,
            quote,
            sellable=self._sellable(ticket.symbol),
            orderable=self._orderable(),
            commission=self._commission,
        )
        if refusal is not None:
            return refusal
        try:
            self._keep(replace(self._account, number=order.number), [order])
        except NotKept as error:
            raise NotSent(f"가상 계좌에 기록하지 못했습니다: {error}") from error
        return Accepted(broker_order_no=str(order.number), broker_branch=BRANCH)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        # What the market filled before the cancel arrived stays filled; but an order must come
        # off the market also while no price can be had.
        with suppress(BrokerUnavailable):
            self._look()
        order = next((o for o in self._live.values() if str(o.number) == broker_order_no), None)
        if order is None or order.symbol != symbol:
            return Rejected(
                kind=RefusalKind.NOTHING_TO_CANCEL,
                code="VIRTUAL-NOTHING",
                why="취소할 수량이 없습니다.",
            )
        number = self._account.number + 1
        try:
            self._keep(replace(self._account, number=number), [order.cancelled()])
        except NotKept as error:
            raise NotSent(f"가상 계좌에 기록하지 못했습니다: {error}") from error
        return Accepted(broker_order_no=str(number), broker_branch=BRANCH)

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        self._look()
        try:
            orders = self._file.orders_of(session_date)
        except NotRead as error:
            raise BrokerUnavailable(f"가상 계좌를 읽지 못했습니다: {error}") from error
        return tuple(order.listed(branch=BRANCH) for order in orders)

    def account(self) -> AccountState:
        self._look(*self._account.holdings)
        now, account = self._clock.now(), self._account
        holdings = tuple(self._holding(symbol) for symbol in sorted(account.holdings))
        value = sum(holding.quantity * holding.price for holding in holdings)
        return AccountState(
            at=now,
            holdings=holdings,
            cash=account.cash,
            deposit=account.deposit(now.date()),
            equity=account.cash + value,
            evaluation_pnl=value - sum(holding.cost for holding in holdings),
        )

    # --- the market ---------------------------------------------------------------------------

    def _look(self, *also: Symbol) -> _Quotes:
        """Match what is live with the present quotes, which come back. Raises BrokerUnavailable."""
        symbols = sorted({*also, *(order.symbol for order in self._live.values())})
        if not symbols:
            return {}
        try:
            quotes = self._market_data.quotes(symbols)
        except MarketDataUnavailable as error:
            raise BrokerUnavailable(f"가상 계좌가 시세를 받지 못했습니다: {error}") from error
        told = {s: q.last for s, q in quotes.items() if isinstance(q, Quote)}
        self._prices.update(told)
        account, changed = self._account, []
        for order in list(self._live.values()):
            account, after = self._matched(account, order, quotes)
            if after != order:
                changed.append(after)
        if changed:
            try:
                self._keep(account, changed)
            except NotKept as error:
                raise BrokerUnavailable(f"가상 계좌에 기록하지 못했습니다: {error}") from error
        return quotes

    def _matched(
        self, account: VirtualAccount, order: VirtualOrder, quotes: _Quotes
    ) -> tuple[VirtualAccount, VirtualOrder]:
        now, session = self._clock.now(), self._session_of(order.session_date)
        quote = quotes[order.symbol]
        is_same_day = session is not None and now.date() == order.session_date
        if session is not None and is_same_day and isinstance(quote, Quote):
            met = match(order, quote, phase=session.phase_at(now), rules=self._rules)
            order = met.order
            if met.fill is not None:
                account, order = booked(
                    account,
                    order,
                    met.fill,
                    commission=self._commission,
                    settles_on=self._settles_on(order.session_date),
                )
        if session is None or now >= session.closes_at + _CLOSING_PRICE_WITHIN:
            order = order.cancelled()
        return account, order

    def _told(self, symbol: Symbol) -> tuple[Instrument, Quote]:
        """What the issue is, and its present quote. Raises NotSent."""
        try:
            if symbol not in self._instruments:
                self._instruments[symbol] = self._market_data.instrument(symbol)
            # What already filled counts before it is asked what may be sold or spent.
            quote = self._look(symbol)[symbol]
        except (MarketDataUnavailable, BrokerUnavailable) as error:
            raise NotSent(str(error)) from error
        if isinstance(quote, QuoteUnavailable):
            raise NotSent(f"가상 계좌가 시세를 받지 못했습니다: {quote.why}")
        return self._instruments[symbol], quote

    # --- the account --------------------------------------------------------------------------

    def _order(
        self,
        ticket: OrderTicket,
        session: Session,
        instrument: Instrument,
        quote: Quote,
        *,
        asked_at: datetime,
    ) -> VirtualOrder:
        is_early = session.phase_at(asked_at) is Phase.OPENING_AUCTION
        order = VirtualOrder(
            number=self._account.number + 1,
            session_date=session.session_date,
            instrument=instrument,
            side=ticket.side,
            quantity=ticket.quantity,
            order_type=ticket.order_type,
            price=ticket.price,
            reserved_price=ticket.price or quote.upper_limit,
            accepted_at=self._clock.now(),
            # An older quote (a feed's last one) knows not what traded before the order came.
            seen_volume=quote.volume if quote.at >= asked_at else None,
            waits_for_open=is_early,
            is_resting=False,
        )
        is_limit = ticket.order_type is OrderType.LIMIT
        return replace(order, is_resting=is_limit and not is_marketable(order, quote))

    def _keep(self, account: VirtualAccount, orders: Iterable[VirtualOrder]) -> None:
        """Durable first, then believed. Raises NotKept."""
        changed = list(orders)
        self._file.keep(account, changed)
        self._account = account
        for order in changed:
            if order.is_live:
                self._live[order.number] = order
            else:
                self._live.pop(order.number, None)

    def _holding(self, symbol: Symbol) -> Holding:
        shares = self._account.holdings[symbol]
        return Holding(
            symbol=symbol,
            name=shares.name,
            quantity=shares.quantity,
            sellable=self._sellable(symbol),
            cost=shares.cost,
            price=self._prices.get(symbol, shares.price),
        )

    def _sellable(self, symbol: Symbol) -> int:
        selling = (o for o in self._live.values() if o.symbol == symbol and o.side is Side.SELL)
        return self._account.held(symbol) - sum(order.remaining for order in selling)

    def _orderable(self) -> int:
        """The cash that no live purchase keeps back; sales that have not settled count."""
        kept_back = sum(reserved(order, self._commission) for order in self._live.values())
        return self._account.cash - kept_back

    # --- the calendar -------------------------------------------------------------------------

    def _session_at(self, instant: datetime) -> Session | None:
        return self._session_of(instant.date())

    def _session_of(self, session_date: date) -> Session | None:
        answer = self._calendar.session_of(session_date)
        if isinstance(answer, Unconfirmed):
            return answer.session
        return answer if isinstance(answer, Session) else None

    def _settles_on(self, session_date: date) -> date:
        return self._calendar.sessions_after(session_date, _SETTLES_AFTER)[-1]
