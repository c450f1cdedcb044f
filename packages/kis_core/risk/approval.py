"""The gate between a decision and an order: nothing is sent that was not approved here."""

from dataclasses import InitVar, dataclass
from datetime import date, datetime
from enum import StrEnum, unique

from kis_core.market.cost import Commission, sale_tax
from kis_core.market.percent import PPM, ppm
from kis_core.market.symbol import Market, Product, Symbol
from kis_core.market.tick import is_on_tick
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.risk.limits import RiskLimits
from kis_core.risk.state import RiskState

Bound = str | int | float | None

_SEAL = object()


@unique
class RefusalReason(StrEnum):
    """The limit that an order would break."""

    INVALID = "invalid"
    BEYOND_SELLABLE = "beyond_sellable"
    OFF_TICK = "off_tick"
    OUTSIDE_LIMITS = "outside_limits"
    KILL_SWITCH = "kill_switch"
    DAILY_LOSS = "daily_loss"
    DAILY_TRADES = "daily_trades"
    CONSECUTIVE_LOSSES = "consecutive_losses"
    MAX_POSITIONS = "max_positions"
    ORDER_QUANTITY = "order_quantity"
    ORDER_VALUE = "order_value"
    ORDER_RATE = "order_rate"
    PRICE_COLLAR = "price_collar"
    WORST_CASE_LOSS = "worst_case_loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProposal:
    """An order as it would be sent, with what it is judged by. Prices are won per share.

    `price` is 0 for a market order, `reference` the last price. `worst_price` is where a purchase
    would be sold at a loss: its stop. `held_quantity` and `sellable_quantity` are what the broker
    says of the symbol. `upper_limit` and `lower_limit` are the day's.
    """

    symbol: Symbol
    side: Side
    quantity: int
    order_type: OrderType
    price: Won
    reference: Won
    worst_price: Won = Won(0)
    held_quantity: int = 0
    sellable_quantity: int = 0
    upper_limit: Won
    lower_limit: Won
    product: Product = Product.STOCK
    market: Market = Market.KOSPI

    @property
    def value(self) -> int:
        """What it is worth, in won, at its price or else at the last one."""
        return self.quantity * (self.price or self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A proposal that may be sent: the only thing the order pipeline takes.

    Only `approve` makes one; anything else raises ValueError, `dataclasses.replace` included.
    """

    proposal: OrderProposal
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise ValueError("only approve() makes an Approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An order that must not be sent. `was` is what met the bound `limit`; both for people."""

    reason: RefusalReason
    limit: Bound
    was: Bound


def approve(
    proposal: OrderProposal,
    *,
    state: RiskState,
    limits: RiskLimits,
    orders_last_minute: int,
    now: datetime,
    commission: Commission,
    settles_on: date,
) -> Approved | Refused:
    """Judge one order; the first limit that it meets is the answer.

    A sale is only ever refused for what the market could not mean: more than is sellable, off
    the tick, outside the day's limits. Kill switch, losses, counts, value and rate never refuse
    one, for that would leave a position unprotected (R-02, F-048). `orders_last_minute` counts
    orders sent in the minute before `now`; `settles_on` is when a sale of today settles (tax).
    """
    refused = _unfit(proposal, on=now.date())
    if refused is None and proposal.side is Side.SELL:
        refused = _oversold(proposal)
    elif refused is None:
        refused = (
            _halted(proposal, state, limits)
            or _absurd(proposal, limits, orders_last_minute)
            or _too_risky(proposal, state, limits, commission, settles_on)
        )
    return refused or Approved(proposal=proposal, seal=_SEAL)


def _unfit(proposal: OrderProposal, *, on: date) -> Refused | None:
    """What no order may be."""
    price = proposal.price
    if proposal.quantity < 1:
        return _refuse(RefusalReason.INVALID, limit=1, was=proposal.quantity)
    if proposal.reference < 1:
        return _refuse(RefusalReason.INVALID, limit=1, was=proposal.reference)
    if proposal.order_type is OrderType.MARKET:
        return None if price == 0 else _refuse(RefusalReason.INVALID, limit=0, was=price)
    if price < 1:
        return _refuse(RefusalReason.INVALID, limit=1, was=price)
    if not is_on_tick(price, proposal.product, on):
        return _refuse(RefusalReason.OFF_TICK, limit=None, was=price)
    if price > proposal.upper_limit:
        return _refuse(RefusalReason.OUTSIDE_LIMITS, limit=proposal.upper_limit, was=price)
    if price < proposal.lower_limit:
        return _refuse(RefusalReason.OUTSIDE_LIMITS, limit=proposal.lower_limit, was=price)
    return None


def _oversold(proposal: OrderProposal) -> Refused | None:
    sellable = min(proposal.sellable_quantity, proposal.held_quantity)
    if proposal.quantity <= sellable:
        return None
    return _refuse(RefusalReason.BEYOND_SELLABLE, limit=sellable, was=proposal.quantity)


def _halted(proposal: OrderProposal, state: RiskState, limits: RiskLimits) -> Refused | None:
    """What blocks every new entry."""
    if state.record.kill_switch is not None:
        return _refuse(RefusalReason.KILL_SWITCH, limit=None, was=state.record.kill_switch)
    if _reaches_daily_loss(state.realised_pnl, state, limits):
        floor = -_daily_loss_limit(state, limits)
        return _refuse(RefusalReason.DAILY_LOSS, limit=floor, was=state.realised_pnl)
    if state.entries >= limits.daily_max_trades:
        most = limits.daily_max_trades
        return _refuse(RefusalReason.DAILY_TRADES, limit=most, was=state.entries)
    if state.consecutive_losses >= limits.max_consecutive_losses:
        most = limits.max_consecutive_losses
        return _refuse(RefusalReason.CONSECUTIVE_LOSSES, limit=most, was=state.consecutive_losses)
    # The rest of an entry that filled in part is no further position.
    if proposal.held_quantity == 0 and state.holdings >= limits.max_positions:
        most = limits.max_positions
        return _refuse(RefusalReason.MAX_POSITIONS, limit=most, was=state.holdings)
    return None


def _absurd(proposal: OrderProposal, limits: RiskLimits, orders_last_minute: int) -> Refused | None:
    """What only a bug would buy (R-09)."""
    if proposal.quantity > limits.max_order_quantity:
        most = limits.max_order_quantity
        return _refuse(RefusalReason.ORDER_QUANTITY, limit=most, was=proposal.quantity)
    if proposal.value > limits.max_order_value:
        return _refuse(RefusalReason.ORDER_VALUE, limit=limits.max_order_value, was=proposal.value)
    if orders_last_minute >= limits.max_orders_per_minute:
        most = limits.max_orders_per_minute
        return _refuse(RefusalReason.ORDER_RATE, limit=most, was=orders_last_minute)
    if proposal.order_type is OrderType.LIMIT:
        distance = abs(proposal.price - proposal.reference)
        if distance * PPM > ppm(limits.price_collar_pct) * proposal.reference:
            away = distance / proposal.reference * 100
            limit = limits.price_collar_pct
            return _refuse(RefusalReason.PRICE_COLLAR, limit=limit, was=away)
    return None


def _too_risky(
    proposal: OrderProposal,
    state: RiskState,
    limits: RiskLimits,
    commission: Commission,
    settles_on: date,
) -> Refused | None:
    """Whether selling at the stop, with all costs, would reach the daily limit (R-08)."""
    proceeds = proposal.quantity * proposal.worst_price
    tax = sale_tax(
        proceeds, market=proposal.market, product=proposal.product, settles_on=settles_on
    )
    costs = commission.on(proposal.value) + commission.on(proceeds) + tax
    worst = state.realised_pnl + proceeds - proposal.value - costs
    if not _reaches_daily_loss(worst, state, limits):
        return None
    floor = -_daily_loss_limit(state, limits)
    return _refuse(RefusalReason.WORST_CASE_LOSS, limit=floor, was=worst)


def _reaches_daily_loss(pnl: int, state: RiskState, limits: RiskLimits) -> bool:
    return pnl * PPM <= -ppm(limits.daily_max_loss_pct) * state.record.start_equity


def _daily_loss_limit(state: RiskState, limits: RiskLimits) -> int:
    return ppm(limits.daily_max_loss_pct) * state.record.start_equity // PPM


def _refuse(reason: RefusalReason, *, limit: Bound, was: Bound) -> Refused:
    return Refused(reason=reason, limit=limit, was=was)
