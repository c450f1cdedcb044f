"""The simulated account: cash that settles after two sessions, holdings, fees and tax.

Cash moves on the trade date in `cash_d2` and on the settlement date in `cash`. Commission and
tax are taken on an order's cumulative amount, so an order costs the same however many fills it
came in. Conservation, at every moment: cash_d2 = initial cash − bought + sold − fees − taxes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.symbol import Instrument
from kis_sandbox.order import Fill, Order, Side


@dataclass(slots=True)
class Holding:
    """Shares held and what they cost in won, without fees."""

    quantity: int = 0
    cost: int = 0


class Account:
    """One cash account without credit."""

    def __init__(self, *, cash: int, commission: Commission) -> None:
        self._commission = commission
        self._settled = cash
        self._pending: dict[date, int] = {}
        self._proceeds: dict[date, int] = {}
        self.initial_cash = cash
        self.holdings: dict[str, Holding] = {}
        self.fills: list[Fill] = []
        self.fees_total = 0
        self.taxes_total = 0
        self.realised: dict[date, int] = {}

    @property
    def commission(self) -> Commission:
        """The broker's commission."""
        return self._commission

    def preload(self, symbol: str, *, quantity: int, price: int) -> None:
        """Hold `quantity` shares bought at `price` long ago, outside the cash."""
        self.holdings[symbol] = Holding(quantity=quantity, cost=quantity * price)

    def settle(self, today: date) -> None:
        """Move what settles up to `today` into settled cash."""
        for day in sorted(d for d in self._pending if d <= today):
            self._settled += self._pending.pop(day)
            self._proceeds.pop(day, None)

    def cash_on(self, day: date) -> int:
        """Settled cash on `day`, if nothing else trades."""
        return self._settled + sum(v for d, v in self._pending.items() if d <= day)

    @property
    def cash(self) -> int:
        """Settled cash (D+0)."""
        return self._settled

    @property
    def cash_d2(self) -> int:
        """Cash after everything traded has settled."""
        return self._settled + sum(self._pending.values())

    @property
    def unsettled_proceeds(self) -> int:
        """What sales will bring, net; buys may use it at once."""
        return sum(self._proceeds.values())

    def apply(self, fill: Fill, order: Order, *, instrument: Instrument, settles_on: date) -> Fill:
        """Book `fill`, which `order` does not contain yet. Returns it with its costs."""
        before, after = order.filled_amount, order.filled_amount + fill.quantity * fill.price
        charged = self._commission.on(after)
        commission = charged - self._commission.on(before)
        tax = 0
        if fill.side is Side.SELL:
            tax = _tax(after, instrument, settles_on) - _tax(before, instrument, settles_on)
        booked = replace(fill, commission=commission, commission_cumulative=charged, tax=tax)
        self._move(booked, settles_on)
        self.fees_total += commission
        self.taxes_total += tax
        self.fills.append(booked)
        return booked

    def filled_on(self, day: date) -> Iterable[Fill]:
        """The fills of `day`, in order of time."""
        return (fill for fill in self.fills if fill.session_date == day)

    def _move(self, fill: Fill, settles_on: date) -> None:
        amount = fill.quantity * fill.price
        costs = fill.commission + fill.tax
        holding = self.holdings.setdefault(fill.symbol, Holding())
        if fill.side is Side.BUY:
            net = -amount - costs
            holding.quantity += fill.quantity
            holding.cost += amount
        else:
            net = amount - costs
            released = holding.cost * fill.quantity // holding.quantity
            holding.quantity -= fill.quantity
            holding.cost -= released
            earned = amount - released - costs
            self.realised[fill.session_date] = self.realised.get(fill.session_date, 0) + earned
            self._proceeds[settles_on] = self._proceeds.get(settles_on, 0) + net
        self._pending[settles_on] = self._pending.get(settles_on, 0) + net


def _tax(amount: int, instrument: Instrument, settles_on: date) -> int:
    return sale_tax(
        amount, market=instrument.market, product=instrument.product, settles_on=settles_on
    )
