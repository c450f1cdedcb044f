"""What the virtual account owns and owes: values, and what one fill does to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.symbol import Instrument, Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFill:
    """Some shares of one order at one price."""

    at: datetime
    quantity: int
    price: Won


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualOrder:
    """One order of the account.

    `reserved_price` is what a purchase keeps back a share: its limit, or the day's upper limit.
    `seen_volume` is the symbol's volume up to which the order has been matched; None until a
    quote was seen after it arrived. `waits_for_open`: it arrived in the opening auction and has
    not met the opening price yet. `is_resting`: it was not marketable when it was last seen, so
    it stands in the book at its own limit. `commission` and `tax` are cumulative won.
    """

    number: int
    session_date: date
    instrument: Instrument
    side: Side
    quantity: int
    order_type: OrderType
    price: Won
    reserved_price: Won
    accepted_at: datetime
    seen_volume: int | None
    waits_for_open: bool
    is_resting: bool
    cancelled_quantity: int = 0
    fills: tuple[VirtualFill, ...] = ()
    commission: int = 0
    tax: int = 0

    @property
    def symbol(self) -> Symbol:
        """What is traded."""
        return self.instrument.symbol

    @property
    def filled_quantity(self) -> int:
        """Shares, cumulative."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def filled_amount(self) -> int:
        """Won, cumulative, without fees."""
        return sum(fill.quantity * fill.price for fill in self.fills)

    @property
    def remaining(self) -> int:
        """Shares that may still fill."""
        return self.quantity - self.filled_quantity - self.cancelled_quantity

    @property
    def is_live(self) -> bool:
        """Whether it may still fill."""
        return self.remaining > 0

    def cancelled(self) -> "VirtualOrder":
        """The order with all that remains taken off."""
        return replace(self, cancelled_quantity=self.cancelled_quantity + self.remaining)

    def listed(self, *, branch: str) -> BrokerOrder:
        """The order as the broker's list shows it."""
        return BrokerOrder(
            broker_order_no=str(self.number),
            broker_branch=branch,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            order_type=self.order_type,
            price=self.price,
            accepted_at=self.accepted_at,
            filled_quantity=self.filled_quantity,
            filled_amount=self.filled_amount,
            cancelled_quantity=self.cancelled_quantity,
            rejected_quantity=0,
            is_live=self.is_live,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldShares:
    """`cost` is total won paid without fees, `price` the last one seen."""

    name: str
    quantity: int
    cost: int
    price: Won


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Won that change hands on `due`: positive comes in."""

    due: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualAccount:
    """Cash after everything settles, what is still to settle, and the shares."""

    cash: int
    number: int = 0
    flows: tuple[Flow, ...] = ()
    holdings: Mapping[Symbol, HeldShares] = field(default_factory=dict)

    def deposit(self, on: date) -> int:
        """The cash that has settled by `on`."""
        return self.cash - sum(flow.amount for flow in self.flows if flow.due > on)

    def held(self, symbol: Symbol) -> int:
        """Shares owned."""
        shares = self.holdings.get(symbol)
        return shares.quantity if shares is not None else 0


def reserved(order: VirtualOrder, commission: Commission) -> int:
    """The won that a live purchase keeps back for what remains of it, its commission included."""
    if order.side is Side.SELL or not order.is_live:
        return 0
    most = order.filled_amount + order.remaining * order.reserved_price
    return order.remaining * order.reserved_price + commission.on(most) - order.commission


def booked(
    account: VirtualAccount,
    order: VirtualOrder,
    fill: VirtualFill,
    *,
    commission: Commission,
    settles_on: date,
) -> tuple[VirtualAccount, VirtualOrder]:
    """The account and the order after `fill`.

    Commission and tax are counted on the order's whole filled amount, so that it costs the same
    however many fills it came in. Raises ValueError for more than remains or is held.
    """
    if not 0 < fill.quantity <= order.remaining:
        raise ValueError(f"{fill.quantity} shares of {order.remaining} that remain")
    after = order.filled_amount + fill.quantity * fill.price
    fee, tax = int(commission.on(after)), 0
    if order.side is Side.SELL:
        market, product = order.instrument.market, order.instrument.product
        tax = int(sale_tax(after, market=market, product=product, settles_on=settles_on))
    amount = fill.quantity * fill.price
    costs = fee - order.commission + tax - order.tax
    net = (amount if order.side is Side.SELL else -amount) - costs
    done = replace(order, fills=(*order.fills, fill), commission=fee, tax=tax)
    return (
        replace(
            account,
            cash=account.cash + net,
            flows=_merged(account.flows, Flow(due=settles_on, amount=net), on=fill.at.date()),
            holdings=_moved(account.holdings, order, fill),
        ),
        done,
    )


def _merged(flows: tuple[Flow, ...], new: Flow, *, on: date) -> tuple[Flow, ...]:
    """One flow a date, without those that are settled on `on`."""
    due: dict[date, int] = {}
    for flow in (*flows, new):
        if flow.due > on:
            due[flow.due] = due.get(flow.due, 0) + flow.amount
    return tuple(Flow(due=each, amount=due[each]) for each in sorted(due))


def _moved(
    holdings: Mapping[Symbol, HeldShares], order: VirtualOrder, fill: VirtualFill
) -> Mapping[Symbol, HeldShares]:
    kept = dict(holdings)
    before = kept.pop(order.symbol, None)
    quantity, cost = (before.quantity, before.cost) if before is not None else (0, 0)
    if order.side is Side.BUY:
        quantity, cost = quantity + fill.quantity, cost + fill.quantity * fill.price
    elif fill.quantity > quantity:
        raise ValueError(f"{fill.quantity} shares of {quantity} that are held")
    else:
        cost -= cost * fill.quantity // quantity
        quantity -= fill.quantity
    if quantity:
        kept[order.symbol] = HeldShares(
            name=order.instrument.name, quantity=quantity, cost=cost, price=fill.price
        )
    return kept
