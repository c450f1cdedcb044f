"""The simulated exchange and ledger: takes orders, lets time pass, fills them, keeps the books.

Pure and synchronous: it knows no clock and no network. `advance(to)` lets time pass; what happens
depends on the seed and on what was asked at which instant, never on how often time was advanced.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from kis_core.market.session import KST, Phase, Session
from kis_sandbox.account import Account
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.listing import Issue, Listing
from kis_sandbox.matching import Match, matches
from kis_sandbox.order import NO_MISHAP, Fill, Kind, Mishap, Order, OrderType, Side
from kis_sandbox.order_price import limit_of
from kis_sandbox.path import microseconds
from kis_sandbox.refusal import Refusal, RefusalReason
from kis_sandbox.switch import Switch
from kis_sandbox.tape import Day, State, Tape


class Exchange:
    """One account's view of the market, from `start` on."""

    def __init__(
        self,
        *,
        listing: Listing,
        calendar: TradingCalendar,
        tape: Tape,
        account: Account,
        start: datetime,
    ) -> None:
        self.listing = listing
        self.calendar = calendar
        self.tape = tape
        self.account = account
        self.orders: list[Order] = []
        self._now = start.astimezone(KST)
        self._live: dict[str, list[Order]] = {}
        self._last_number = 0
        self.opening_equity = self.equity_at(self._now)

    @property
    def now(self) -> datetime:
        """The instant up to which everything has happened."""
        return self._now

    @property
    def today(self) -> date:
        """The KST date of `now`."""
        return self._now.date()

    def advance(self, to: datetime) -> None:
        """Let everything up to `to` happen. Going backwards is a ValueError."""
        target = to.astimezone(KST)
        if target < self._now:
            raise ValueError(f"time does not go backwards: {self._now} -> {target}")
        while self._now.date() < target.date():
            self._pass_until(_end_of(self._now.date()))
            self._begin_day(self._now.date() + timedelta(days=1))
        self._pass_until(target)

    def state(self, symbol: str) -> State | None:
        """What the exchange shows of `symbol` now, or None for an unknown symbol."""
        return self.tape.state(symbol, self._now)

    def place(
        self,
        *,
        symbol: str,
        side: Side,
        order_type: OrderType,
        quantity: int,
        price: int,
        mishap: Mishap = NO_MISHAP,
    ) -> Order:
        """Take an order at `now`. Raises Refusal for what the broker turns away."""
        day = self._tradeable(symbol, side, quantity)
        limit, reserved = self._limit_of(day, side, order_type, price)
        self._check_means(symbol, side, quantity, reserved)
        order = self._numbered(
            symbol,
            side,
            order_type,
            quantity,
            price=price,
            limit=limit,
            reserved=reserved,
            mishap=mishap,
        )
        self._enter(order)
        return order

    def amend(
        self, number: int, *, order_type: OrderType, price: int, quantity: int | None
    ) -> Order:
        """Replace the rest (or `quantity` of it) of an order by one of another price or type.

        Raises Refusal when there is no such order today, nothing is left, or the new one is bad.
        """
        original = self._amendable(number)
        moved = _part(original, quantity)
        day = self._tradeable(original.symbol, original.side, moved, is_new=False)
        limit, reserved = self._limit_of(day, original.side, order_type, price)
        original.cancelled_quantity += moved
        try:
            self._check_means(original.symbol, original.side, moved, reserved)
        except Refusal:
            original.cancelled_quantity -= moved
            raise
        order = self._numbered(
            original.symbol,
            original.side,
            order_type,
            moved,
            price=price,
            limit=limit,
            reserved=reserved,
            kind=Kind.AMEND,
            original=number,
        )
        self._enter(order)
        return order

    def cancel(self, number: int, *, quantity: int | None = None) -> Order:
        """Cancel the rest (or `quantity` of it) of an order; returns the cancel's own row.

        Raises Refusal when there is no such order today or nothing is left.
        """
        original = self._amendable(number)
        self._require_open_session()
        gone = _part(original, quantity)
        original.cancelled_quantity += gone
        row = self._numbered(
            original.symbol,
            original.side,
            original.order_type,
            gone,
            price=0,
            limit=None,
            reserved=0,
            kind=Kind.CANCEL,
            original=number,
        )
        row.cancelled_quantity = gone
        self.orders.append(row)
        return row

    def fill_at_once(self, number: int) -> None:
        """Fill the rest of a live order now: what happens just before a cancel arrives."""
        order = self._amendable(number)
        state = self.state(order.symbol)
        assert state is not None, order.symbol
        price = order.limit if order.limit is not None else state.last
        at_us = microseconds(self._now)
        self._book([Match(order=order, quantity=order.remaining, price=price, at_us=at_us)])

    def throw(self, switch: Switch) -> None:
        """Apply an operator's switch from `now` on."""
        self.tape.throw(switch)

    @property
    def orderable_cash(self) -> int:
        """Cash that a new buy may use: D+2 cash without what open buys hold."""
        held = sum(self._held_cash(o) for orders in self._live.values() for o in orders)
        return self.account.cash_d2 - held

    def sellable(self, symbol: str) -> int:
        """Shares held and not in an open sell."""
        holding = self.account.holdings.get(symbol)
        held = holding.quantity if holding else 0
        return held - sum(o.remaining for o in self._live.get(symbol, ()) if o.side is Side.SELL)

    def orders_on(self, first: date, last: date) -> Iterator[Order]:
        """The order rows of the dates, in order of acceptance."""
        return (o for o in self.orders if first <= o.session_date <= last)

    def price_at(self, symbol: str, now: datetime) -> int:
        """The last price of `symbol` at `now`; 0 for an unknown one."""
        state = self.tape.state(symbol, now)
        return state.last if state else 0

    def equity_at(self, now: datetime) -> int:
        """D+2 cash and holdings at their last prices."""
        values = (h.quantity * self.price_at(s, now) for s, h in self.account.holdings.items())
        return self.account.cash_d2 + sum(values)

    # -- taking orders -----------------------------------------------------------------------

    def _require_open_session(self) -> Session:
        session = self.calendar.session(self.today)
        if session is None:
            raise Refusal(RefusalReason.HOLIDAY)
        phase = session.phase_at(self._now)
        if phase is Phase.BEFORE:
            raise Refusal(RefusalReason.BEFORE_OPEN)
        if phase is Phase.AFTER:
            raise Refusal(RefusalReason.AFTER_CLOSE)
        return session

    def _tradeable(self, symbol: str, side: Side, quantity: int, *, is_new: bool = True) -> Day:
        session = self._require_open_session()
        day = self.tape.day(symbol, session.session_date)
        if day is None:
            raise Refusal(RefusalReason.UNKNOWN_SYMBOL)
        state = self.state(symbol)
        if state is None or state.is_halted:
            raise Refusal(RefusalReason.HALTED)
        if quantity < 1:
            raise Refusal(RefusalReason.QUANTITY)
        if is_new and side is Side.SELL and symbol not in self.account.holdings:
            raise Refusal(RefusalReason.NO_HOLDING)
        return day

    def _limit_of(
        self, day: Day, side: Side, order_type: OrderType, price: int
    ) -> tuple[int | None, int]:
        session = self.calendar.session(day.session_date)
        assert session is not None, day.session_date
        return limit_of(
            day,
            side,
            order_type,
            price=price,
            last=self.price_at(day.issue.symbol, self._now),
            phase=session.phase_at(self._now),
        )

    def _check_means(self, symbol: str, side: Side, quantity: int, reserved: int) -> None:
        if side is Side.SELL:
            if quantity > self.sellable(symbol):
                raise Refusal(RefusalReason.SELL_QUANTITY)
            return
        needed = quantity * reserved + self.account.commission.on(quantity * reserved)
        if needed > self.orderable_cash:
            raise Refusal(RefusalReason.CASH)

    def _numbered(
        self,
        symbol: str,
        side: Side,
        order_type: OrderType,
        quantity: int,
        *,
        price: int,
        limit: int | None,
        reserved: int,
        kind: Kind = Kind.NEW,
        original: int | None = None,
        mishap: Mishap = NO_MISHAP,
    ) -> Order:
        self._last_number += 1
        last = self.price_at(symbol, self._now)
        reaches = limit is None or (limit >= last if side is Side.BUY else limit <= last)
        return Order(
            session_date=self.today,
            number=self._last_number,
            symbol=symbol,
            side=side,
            order_type=order_type,
            quantity=quantity,
            price=price if order_type.is_priced else 0,
            limit=limit,
            reserved_price=reserved,
            accepted_at=self._now,
            accepted_us=microseconds(self._now),
            is_marketable=reaches,
            kind=kind,
            original_number=original,
            mishap=mishap,
        )

    def _enter(self, order: Order) -> None:
        self.orders.append(order)
        if order.mishap.is_refused:
            order.rejected_quantity = order.quantity
            return
        self._live.setdefault(order.symbol, []).append(order)

    def _amendable(self, number: int) -> Order:
        order = self.find_order(number)
        if order is None or order.kind is Kind.CANCEL:
            raise Refusal(RefusalReason.NO_ORIGINAL)
        if not order.is_live:
            raise Refusal(RefusalReason.NOTHING_LEFT)
        return order

    def find_order(self, number: int) -> Order | None:
        """Today's order of that number, or None."""
        for order in reversed(self.orders):
            if order.session_date != self.today:
                return None
            if order.number == number:
                return order
        return None

    def _held_cash(self, order: Order) -> int:
        """What an open buy may still cost, its commission to come included."""
        if order.side is Side.SELL or not order.is_live:
            return 0
        rest = order.remaining * order.reserved_price
        charge = self.account.commission.on
        return rest + charge(order.filled_amount + rest) - charge(order.filled_amount)

    # -- letting time pass -------------------------------------------------------------------

    def _pass_until(self, to: datetime) -> None:
        """Match up to `to`, on the same day; after the close the day's rest is cancelled."""
        session = self.calendar.session(self._now.date())
        if session is not None and self._live:
            self._match(session, to)
            if to >= session.closes_at:
                self._expire()
        self._now = to

    def _match(self, session: Session, to: datetime) -> None:
        after_us, until_us = microseconds(self._now), microseconds(to)
        found: list[Match] = []
        for symbol, orders in self._live.items():
            day = self.tape.day(symbol, session.session_date)
            assert day is not None, symbol
            found += matches(orders, day.path, after_us=after_us, until_us=until_us)
        # In order of time whatever the order of the symbols: the books are a history.
        found.sort(key=lambda match: (match.at_us, match.order.number))
        self._book(found)
        self._live = {
            symbol: left
            for symbol, orders in self._live.items()
            if (left := [order for order in orders if order.is_live])
        }

    def _book(self, found: list[Match]) -> None:
        for match in found:
            order = match.order
            if match.is_cancel:
                order.cancelled_quantity += match.quantity
                continue
            issue = self._issue(order.symbol)
            at = _instant(order.session_date, match.at_us)
            fill = Fill(
                session_date=order.session_date,
                number=order.number,
                symbol=order.symbol,
                side=order.side,
                quantity=match.quantity,
                price=match.price,
                at=at,
                at_us=match.at_us,
            )
            settles_on = self.calendar.after(order.session_date, 2)
            self.account.apply(fill, order, instrument=issue.instrument, settles_on=settles_on)
            order.filled_quantity += match.quantity
            order.filled_amount += match.quantity * match.price
            order.last_fill_at = at

    def _expire(self) -> None:
        for orders in self._live.values():
            for order in orders:
                order.cancelled_quantity += order.remaining
        self._live = {}

    def _begin_day(self, day: date) -> None:
        self.opening_equity = self.equity_at(self._now)
        self._now = datetime.combine(day, time(0), KST)
        self._last_number = 0
        self.account.settle(day)

    def _issue(self, symbol: str) -> Issue:
        issue = self.listing.find(symbol)
        assert issue is not None, symbol
        return issue


def _part(order: Order, quantity: int | None) -> int:
    if quantity is None:
        return order.remaining
    if not 1 <= quantity <= order.remaining:
        raise Refusal(RefusalReason.NOTHING_LEFT)
    return quantity


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, KST)


def _instant(day: date, at_us: int) -> datetime:
    return datetime.combine(day, time(0), KST) + timedelta(microseconds=at_us)
