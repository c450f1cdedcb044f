"""What must be true of a world at any moment, and what once everything has settled.

The broker's own books are the truth that ours are compared with. What is wrong comes back as
sentences; an empty list is a healthy world.
"""

from collections import Counter
from collections.abc import Iterable

from kis_adapters.memory.world import World
from kis_core.market.symbol import Symbol
from kis_core.orders.booking import Trade
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, fold
from kis_core.ports.broker import BrokerOrder
from kis_core.positions.position import Position, PositionSource
from kis_core.strategy.levels import entry_levels


def always(world: World) -> list[str]:
    """What may never be otherwise, not for a moment."""
    broker, limits = world.broker, world.settings.limits
    wrong = [
        f"{order_id} was accepted {len(numbers)} times"
        for order_id, numbers in broker.client_ids.items()
        if len(numbers) > 1
    ]
    live = [order for order in broker.orders if order.is_live]
    symbols = Counter(order.symbol for order in live)
    wrong += [f"{symbol} has {n} live orders" for symbol, n in symbols.items() if n > 1]
    wrong += _oversold(world, live)
    if broker.cash < 0:
        wrong.append(f"the account owes {-broker.cash} won")
    buying = {o.symbol for o in live if o.side is Side.BUY} | set(broker.costs)
    if len(buying) > limits.max_positions:
        wrong.append(f"{len(buying)} positions of {limits.max_positions}")
    today = world.clock.now().date()
    entries = [
        o
        for o in broker.orders
        if o.accepted_at.date() == today
        and o.side is Side.BUY
        and (o.is_live or o.filled_quantity > 0)
    ]
    if len(entries) > limits.daily_max_trades:
        wrong.append(f"{len(entries)} entries of {limits.daily_max_trades} a day")
    return wrong + _frozen_levels(world)


def settled(world: World, *, start_cash: int) -> list[str]:
    """What must be true once no order is live and the broker was asked."""
    with world.store.unit_of_work() as uow:
        positions = {p.symbol: p for p in uow.positions()}
        live, days = uow.live_orders(), {o.accepted_at.date() for o in world.broker.orders}
        orders = [order for day in days for order in uow.orders_of(day)]
        trades = [trade for day in days for trade in uow.trades_of(day)]
        decided = {d.order_id: d for day in days for d in uow.decisions_of(day) if d.order_id}
        histories = {order.order_id: uow.events_of(order.order_id) for order in orders}
    wrong = [f"{order.order_id} is still {order.status}" for order in live]
    wrong += _holdings(world, positions)
    wrong += _trades(world, trades)
    wrong += [
        f"{order.order_id}: its events do not make its state"
        for order in orders
        if fold(histories[order.order_id]) != order
    ]
    wrong += [
        f"{order.order_id} has no decision with evidence"
        for order in orders
        if order.order_id not in decided or not decided[order.order_id].evidence
    ]
    flow = sum(_cash_flow(trade) for trade in trades)
    if start_cash + flow != world.broker.cash:
        wrong.append(f"cash {world.broker.cash}, by the trades {start_cash + flow}")
    return wrong + _beyond_daily_loss(world, orders, trades)


def _oversold(world: World, live: Iterable[BrokerOrder]) -> list[str]:
    wrong = []
    for order in live:
        held, _ = world.broker.costs.get(order.symbol, (0, 0))
        rest = order.quantity - order.filled_quantity
        if order.side is Side.SELL and rest > held:
            wrong.append(f"{order.symbol}: selling {rest} of {held}")
    return wrong


def _frozen_levels(world: World) -> list[str]:
    """A position's levels are those of what its entry order paid, to the last digit."""
    wrong = []
    with world.store.unit_of_work() as uow:
        for position in uow.positions():
            if position.source is PositionSource.ADOPTED or position.entry_order_id is None:
                wrong.append(f"{position.symbol} was adopted: a fill of ours was lost")
                continue
            trade, order = uow.trade(position.entry_order_id), uow.order(position.entry_order_id)
            if trade is None or order is None:
                wrong.append(f"{position.symbol} has no entry")
                continue
            levels = entry_levels(
                cost=trade.amount,
                quantity=trade.quantity,
                atr=order.intent.atr or 0.0,
                parameters=world.settings.parameters,
            )
            if position.levels != levels:
                wrong.append(f"{position.symbol}: {position.levels} is not {levels}")
    return wrong


def _holdings(world: World, positions: dict[Symbol, Position]) -> list[str]:
    ours = {symbol: (p.quantity, p.cost) for symbol, p in positions.items()}
    if ours == world.broker.costs:
        return []
    return [f"positions {ours}, holdings {world.broker.costs}"]


def _trades(world: World, trades: Iterable[Trade]) -> list[str]:
    """Each order of ours that filled has its trade, to the won."""
    ours = {number: key for key, all_ in world.broker.client_ids.items() for number in all_}
    theirs = {
        ours[o.broker_order_no]: (o.side, o.filled_quantity, o.filled_amount)
        for o in world.broker.orders
        if o.filled_quantity and o.broker_order_no in ours
    }
    booked = {t.order_id: (t.side, t.quantity, t.amount) for t in trades}
    if booked == theirs:
        return []
    odd = sorted(set(booked.items()) ^ set(theirs.items()))
    return [f"trades and the broker's fills differ: {odd}"]


def _cash_flow(trade: Trade) -> int:
    gross = trade.amount if trade.side is Side.SELL else -trade.amount
    return gross - trade.commission - trade.tax


def _beyond_daily_loss(world: World, orders: Iterable[Order], trades: Iterable[Trade]) -> list[str]:
    """Entries that were created although the day's loss had reached its limit."""
    with world.store.unit_of_work() as uow:
        record = uow.risk()
    if record is None:
        return []
    floor = -world.settings.limits.daily_max_loss_pct * record.start_equity / 100
    wrong = []
    for order in orders:
        if order.intent.side is Side.BUY and order.intent.session_date == record.session_date:
            known = [
                t.realised_pnl
                for t in trades
                if t.session_date == record.session_date and t.at < order.created_at
            ]
            if sum(known) <= floor:
                wrong.append(f"{order.order_id} was entered beyond the daily loss")
    return wrong
