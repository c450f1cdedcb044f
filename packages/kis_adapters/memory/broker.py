"""A broker in memory: orders, fills, holdings and cash as a real one keeps them, and its faults.

What it believes is the truth that tests compare with: `books` of every order it took, whoever
sent it. Orders fill when `fill` or `match` says so, so a test decides the moment.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum, unique

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.symbol import Market, Product, Symbol
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
    OutcomeUnknown,
    RefusalKind,
    Rejected,
)
from kis_core.ports.clock import Clock


@unique
class Fault(StrEnum):
    """What can go wrong with one call."""

    REFUSE = "refuse"  # the connection is never made
    RATE_LIMIT = "rate_limit"  # turned away at the gateway, certainly not processed
    LOSE_BEFORE = "lose_before"  # lost on the way, not processed, no answer
    LOSE_AFTER = "lose_after"  # processed, the answer is lost
    REJECT = "reject"  # a business refusal
    MARKET_CLOSED = "market_closed"
    UNAVAILABLE = "unavailable"  # an inquiry without an answer
    EMPTY_HOLDINGS = "empty_holdings"  # a well-formed answer without any holding
    LAGGING_LIST = "lagging_list"  # the newest orders are not listed yet
    REPEATED_ROWS = "repeated_rows"  # every row of the list comes twice
    FILL_FIRST = "fill_first"  # a cancel meets an order that has just filled


@dataclass(slots=True)
class MemoryBroker(Broker):
    """One account. `price_of` gives the price at which market orders and matches trade."""

    clock: Clock
    price_of: Callable[[Symbol], Won]
    cash: int = 10_000_000
    commission: Commission = field(default_factory=Commission)
    settles_on: Callable[[date], date] = field(default=lambda day: day + timedelta(days=2))
    orders: list[BrokerOrder] = field(default_factory=list)
    client_ids: dict[str, list[str]] = field(default_factory=dict)  # order_id -> numbers taken
    costs: dict[Symbol, tuple[int, int]] = field(default_factory=dict)  # quantity, total cost
    fees: int = 0
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    fills_at_once: bool = True
    list_lag: timedelta = timedelta(0)  # how long a new order is not in the list
    calls: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def fail_next(self, call: str, *faults: Fault) -> None:
        """Let the next calls of `call` ("place", "cancel", "orders_of", "account") go wrong."""
        self.faults.setdefault(call, []).extend(faults)

    # --- the port -----------------------------------------------------------------------------

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        fault = self._next_fault("place")
        match fault:
            case Fault.REFUSE:
                raise NotSent("connection refused")
            case Fault.RATE_LIMIT:
                raise NotSent("초당 거래건수를 초과하였습니다.", code="EGW00201")
            case Fault.LOSE_BEFORE:
                raise OutcomeUnknown("no answer")
            case Fault.REJECT:
                return Rejected(kind=RefusalKind.OTHER, code="40070000", why="매매불가 종목")
            case Fault.MARKET_CLOSED:
                return Rejected(kind=RefusalKind.MARKET_CLOSED, code="40580000", why="장종료")
            case _:
                pass
        refusal = self._refusal(ticket)
        if refusal is not None:
            return refusal
        order = self._take(ticket)
        if fault is Fault.LOSE_AFTER:
            raise OutcomeUnknown("the answer was lost")
        return Accepted(broker_order_no=order.broker_order_no, broker_branch=order.broker_branch)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        fault = self._next_fault("cancel")
        if fault in (Fault.REFUSE, Fault.RATE_LIMIT):
            raise NotSent("connection refused")
        if fault is Fault.LOSE_BEFORE:
            raise OutcomeUnknown("no answer")
        order = self._find(broker_order_no)
        if fault is Fault.FILL_FIRST and order is not None and order.is_live:
            self.fill(broker_order_no, order.quantity - order.filled_quantity)
            order = self._find(broker_order_no)
        if order is None or not order.is_live:
            kind = RefusalKind.NOTHING_TO_CANCEL
            return Rejected(kind=kind, code="40330000", why="정정/취소할 수량이 없습니다.")
        rest = order.quantity - order.filled_quantity
        self._replace(replace(order, cancelled_quantity=rest, is_live=False))
        if fault is Fault.LOSE_AFTER:
            raise OutcomeUnknown("the answer was lost")
        self._number += 1
        return Accepted(broker_order_no=str(self._number), broker_branch=broker_branch)

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        fault = self._next_fault("orders_of")
        if fault is Fault.UNAVAILABLE:
            raise BrokerUnavailable("no answer")
        of_day = [o for o in self.orders if o.accepted_at.date() == session_date]
        listed = [o for o in of_day if not self._is_lagging(o)]
        if fault is Fault.LAGGING_LIST:
            listed = listed[:-1]
        return tuple(listed) * (2 if fault is Fault.REPEATED_ROWS else 1)

    def account(self) -> AccountState:
        fault = self._next_fault("account")
        if fault is Fault.UNAVAILABLE:
            raise BrokerUnavailable("no answer")
        holdings = () if fault is Fault.EMPTY_HOLDINGS else self._holdings()
        value = sum(h.quantity * h.price for h in holdings)
        cost = sum(h.cost for h in holdings)
        return AccountState(
            at=self.clock.now(),
            holdings=holdings,
            cash=self.cash,
            deposit=self.cash,
            equity=self.cash + value,
            evaluation_pnl=value - cost,
        )

    # --- the market's side --------------------------------------------------------------------

    def fill(self, broker_order_no: str, quantity: int, *, price: int | None = None) -> None:
        """Fill `quantity` shares of an order at `price`, or at the market's."""
        order = self._find(broker_order_no)
        if order is None or not order.is_live:
            raise ValueError(f"{broker_order_no} is not live")
        amount = quantity * (price or self.price_of(order.symbol))
        filled = order.filled_quantity + quantity
        self._settle(order, quantity, amount)
        self._replace(
            replace(
                order,
                filled_quantity=filled,
                filled_amount=order.filled_amount + amount,
                is_live=filled < order.quantity,
            )
        )

    def reject_at_exchange(self, broker_order_no: str) -> None:
        """The exchange refuses what the broker had accepted."""
        order = self._find(broker_order_no)
        if order is not None:
            rest = order.quantity - order.filled_quantity
            self._replace(replace(order, rejected_quantity=rest, is_live=False))

    def expire_all(self) -> None:
        """The session ends: what is live is cancelled by the exchange."""
        for order in [o for o in self.orders if o.is_live]:
            rest = order.quantity - order.filled_quantity
            self._replace(replace(order, cancelled_quantity=rest, is_live=False))

    def hold(self, symbol: Symbol, *, quantity: int, cost: int) -> None:
        """Let the account own shares that no order of ours bought; 0 takes them away."""
        if quantity:
            self.costs[symbol] = (quantity, cost)
        else:
            self.costs.pop(symbol, None)

    def take_by_hand(self, ticket: OrderTicket) -> BrokerOrder:
        """An order given in the broker's own app."""
        return self._take(ticket)

    # --- inside -------------------------------------------------------------------------------

    def _is_lagging(self, order: BrokerOrder) -> bool:
        return timedelta(0) <= self.clock.now() - order.accepted_at < self.list_lag

    def _next_fault(self, call: str) -> Fault | None:
        self.calls[call] = self.calls.get(call, 0) + 1
        waiting = self.faults.get(call)
        return waiting.pop(0) if waiting else None

    def _refusal(self, ticket: OrderTicket) -> Rejected | None:
        if ticket.side is Side.SELL and ticket.quantity > self._sellable(ticket.symbol):
            kind = RefusalKind.INSUFFICIENT_QUANTITY
            return Rejected(kind=kind, code="40240000", why="잔고내역이 없습니다.")
        price = ticket.price or self.price_of(ticket.symbol)
        amount = ticket.quantity * price
        if ticket.side is Side.BUY and amount + self.commission.on(amount) > self.cash:
            kind = RefusalKind.INSUFFICIENT_CASH
            return Rejected(kind=kind, code="40250000", why="주문가능금액이 부족합니다.")
        return None

    def _take(self, ticket: OrderTicket) -> BrokerOrder:
        self._number += 1
        order = BrokerOrder(
            broker_order_no=str(self._number),
            broker_branch="00950",
            symbol=ticket.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            order_type=ticket.order_type,
            price=ticket.price,
            accepted_at=_whole_second(self.clock.now()),
            filled_quantity=0,
            filled_amount=0,
            cancelled_quantity=0,
            rejected_quantity=0,
            is_live=True,
        )
        self.orders.append(order)
        self.client_ids.setdefault(ticket.order_id, []).append(order.broker_order_no)
        if self.fills_at_once and self.is_marketable(order):
            self.fill(order.broker_order_no, order.quantity)
        return self._find(order.broker_order_no) or order

    def is_marketable(self, order: BrokerOrder) -> bool:
        """Whether the order would trade at the present price."""
        last = self.price_of(order.symbol)
        if order.order_type is OrderType.MARKET:
            return last > 0
        return last <= order.price if order.side is Side.BUY else last >= order.price

    def _settle(self, order: BrokerOrder, quantity: int, amount: int) -> None:
        before, after = order.filled_amount, order.filled_amount + amount
        commission = self.commission.on(after) - self.commission.on(before)
        held, cost = self.costs.get(order.symbol, (0, 0))
        if order.side is Side.BUY:
            self.cash -= amount + commission
            self.costs[order.symbol] = (held + quantity, cost + amount)
            self.fees += commission
            return
        tax = self._tax(order, after) - self._tax(order, before)
        self.cash += amount - commission - tax
        self.fees += commission + tax
        rest = held - quantity
        if rest:
            self.costs[order.symbol] = (rest, cost - cost * quantity // held)
        else:
            del self.costs[order.symbol]

    def _tax(self, order: BrokerOrder, amount: int) -> int:
        settles = self.settles_on(order.accepted_at.date())
        return sale_tax(amount, market=Market.KOSPI, product=Product.STOCK, settles_on=settles)

    def _holdings(self) -> tuple[Holding, ...]:
        return tuple(
            Holding(
                symbol=symbol,
                name=f"종목{symbol}",
                quantity=quantity,
                sellable=self._sellable(symbol),
                cost=cost,
                price=self.price_of(symbol),
            )
            for symbol, (quantity, cost) in sorted(self.costs.items())
        )

    def _sellable(self, symbol: Symbol) -> int:
        held, _ = self.costs.get(symbol, (0, 0))
        selling = sum(
            o.quantity - o.filled_quantity
            for o in self.orders
            if o.is_live and o.symbol == symbol and o.side is Side.SELL
        )
        return held - selling

    def _find(self, broker_order_no: str) -> BrokerOrder | None:
        return next((o for o in self.orders if o.broker_order_no == broker_order_no), None)

    def _replace(self, order: BrokerOrder) -> None:
        numbers = [o.broker_order_no for o in self.orders]
        self.orders[numbers.index(order.broker_order_no)] = order


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
