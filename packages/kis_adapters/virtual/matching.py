"""Whether, at which price and how much of an order fills by one quote.

Only what was quoted after the order arrived counts, and only shares that traded since: the
account takes a share of them. Everything doubtful is decided against the account: a marketable
order pays slippage, one that rested fills at its own limit although the price went through it,
and nothing is bought at the upper or sold at the lower limit, where a real order would stand in a
long queue. Auctions trade at their one price: the day's open, and after the close the last.
"""

from dataclasses import dataclass, replace
from enum import StrEnum, unique

from kis_adapters.virtual.ledger import VirtualFill, VirtualOrder
from kis_adapters.virtual.rules import FillRules
from kis_core.market.quote import Quote
from kis_core.market.session import Phase
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side


@unique
class Trading(StrEnum):
    """How trades come about at the moment."""

    NOT = "not"  # orders are collected, or nothing trades
    CONTINUOUS = "continuous"
    CLOSED_AT = "closed_at"  # the closing auction has traded, or is about to


_TRADING = {
    Phase.BEFORE: Trading.NOT,
    Phase.OPENING_AUCTION: Trading.NOT,
    Phase.CONTINUOUS: Trading.CONTINUOUS,
    Phase.CLOSING_AUCTION: Trading.NOT,
    Phase.AFTER: Trading.CLOSED_AT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The order as it has been seen up to this quote, and its fill, if any, not yet booked."""

    order: VirtualOrder
    fill: VirtualFill | None = None


def match(order: VirtualOrder, quote: Quote, *, phase: Phase, rules: FillRules) -> Match:
    """Meet a live `order` with `quote`, seen in `phase` of the order's own session."""
    trading = _TRADING[phase]
    if quote.at < order.accepted_at or trading is Trading.NOT or _is_stopped(quote):
        return Match(order=order)
    if order.waits_for_open:
        return _meet_open(order, quote, rules=rules)
    if order.seen_volume is None or quote.volume < order.seen_volume:
        # The first look, or a source that counts anew: what traded before it is not ours.
        return Match(order=_seen(order, quote))
    price = _price(order, quote, trading=trading, rules=rules)
    if price is None:
        return Match(order=_seen(order, quote))
    return _filled(order, quote, price, traded=quote.volume - order.seen_volume, rules=rules)


def is_marketable(order: VirtualOrder, quote: Quote) -> bool:
    """Whether the order would trade at the price quoted now."""
    return _reaches(order, _opposite(order, quote))


def _is_stopped(quote: Quote) -> bool:
    """Halted, or in a volatility interruption: orders are taken and nothing trades."""
    return bool(quote.is_halted) or bool(quote.is_vi)


def _meet_open(order: VirtualOrder, quote: Quote, *, rules: FillRules) -> Match:
    """The opening auction's one price; an order that it leaves unfilled rests in the book."""
    if quote.open <= 0:
        return Match(order=order)
    opened = replace(order, waits_for_open=False)
    if not _reaches(order, quote.open) or _is_locked(order, quote.open, quote):
        return Match(order=_seen(opened, quote))
    return _filled(opened, quote, quote.open, traded=quote.volume, rules=rules)


def _price(order: VirtualOrder, quote: Quote, *, trading: Trading, rules: FillRules) -> Won | None:
    """The price of a fill by this quote; None when there is none to be had."""
    if trading is Trading.CLOSED_AT:
        is_traded = _reaches(order, quote.last) and not _is_locked(order, quote.last, quote)
        return quote.last if is_traded else None
    opposite = _opposite(order, quote)
    if not _reaches(order, opposite) or _is_locked(order, quote.last, quote):
        return None
    if order.is_resting:
        return order.price
    worse = rules.slippage.worsen(
        opposite, side=order.side, product=order.instrument.product, on=order.session_date
    )
    return _bounded(order, worse, quote)


def _filled(
    order: VirtualOrder, quote: Quote, price: Won, *, traded: int, rules: FillRules
) -> Match:
    quantity = min(order.remaining, rules.available(traded))
    if not quantity:
        # Too few shares traded to have had one: they count together with the next ones.
        return Match(order=order)
    seen = replace(order, seen_volume=quote.volume)
    return Match(order=seen, fill=VirtualFill(at=quote.at, quantity=quantity, price=price))


def _seen(order: VirtualOrder, quote: Quote) -> VirtualOrder:
    """Nothing was to be had: what traded so far is gone, and a limit rests where it is."""
    is_resting = order.order_type is OrderType.LIMIT and not is_marketable(order, quote)
    return replace(order, seen_volume=quote.volume, is_resting=order.is_resting or is_resting)


def _opposite(order: VirtualOrder, quote: Quote) -> Won:
    """The best price of the other side; the last one where the source tells no better."""
    told = quote.ask if order.side is Side.BUY else quote.bid
    return told if told > 0 else quote.last


def _reaches(order: VirtualOrder, price: Won) -> bool:
    if order.order_type is OrderType.MARKET:
        return True
    return price <= order.price if order.side is Side.BUY else price >= order.price


def _is_locked(order: VirtualOrder, price: Won, quote: Quote) -> bool:
    """At the limit on which nobody stands against the order."""
    if order.side is Side.BUY:
        return price >= quote.upper_limit
    return price <= quote.lower_limit


def _bounded(order: VirtualOrder, price: Won, quote: Quote) -> Won:
    """Slippage never leaves the order's own limit, nor the day's."""
    if order.side is Side.BUY:
        most = min(quote.upper_limit, order.price or quote.upper_limit)
        return min(price, most)
    return max(price, quote.lower_limit, order.price)
