"""What counts once and only once: legs, orders of earlier days, shares moved by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import HYNIX, SAMSUNG, TUESDAY, World
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import OrderTicket
from kis_core.ports.notifier import EventKind
from kis_core.sizing.policy import Fixed


def _by_hand(world: World, side: Side, symbol: Symbol = SAMSUNG, *, price: int = 0) -> None:
    """One share ordered in the broker's own app."""
    world.broker.take_by_hand(
        OrderTicket(
            order_id="by-hand",
            symbol=symbol,
            side=side,
            quantity=1,
            order_type=OrderType.LIMIT if price else OrderType.MARKET,
            price=Won(price),
        )
    )


def _two_symbols(world: World, *, max_positions: int) -> None:
    world.list_symbol(HYNIX, last_close=70_000)
    world.market.set_price(HYNIX, 70_050)
    limits = replace(world.settings.limits, max_positions=max_positions)
    world.tune(candidates=(SAMSUNG, HYNIX), limits=limits)


@pytest.mark.req("O-02")
def test_a_leg_counts_the_orders_of_its_own_symbol_alone(world: World) -> None:
    _two_symbols(world, max_positions=2)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 3, 30))

    world.market.set_price(HYNIX, 70_300)
    world.run_until(world.at(9, 6))

    with world.store.unit_of_work() as uow:
        legs = {order.intent.symbol: order.intent.leg for order in uow.orders_of(TUESDAY)}
    assert legs == {SAMSUNG: 0, HYNIX: 0}


@pytest.mark.req("R-04", "F-032")
def test_an_order_that_nobody_could_identify_yesterday_still_counts_as_a_position(
    world: World,
) -> None:
    """Ours and one by hand look the same, and neither filled: ours stays open over the night."""
    _two_symbols(world, max_positions=1)
    world.broker.fills_at_once = False
    world.broker.fail_next("place", Fault.LOSE_AFTER)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2))
    [sent] = world.broker.orders
    _by_hand(world, Side.BUY, price=sent.price)
    world.run_until(world.at(15, 40))
    world.broker.expire_all()
    world.market.set_price(SAMSUNG, 70_050)
    world.run_until(world.at(8, 30) + timedelta(days=1))
    for symbol in (SAMSUNG, HYNIX):
        world.list_symbol(symbol, last_close=70_000)
    world.run_until(world.at(9, 1, 30))

    world.market.set_price(HYNIX, 70_300)
    world.run_until(world.at(9, 20))

    assert [o.intent.symbol for o in world.engine.books.live_orders.values()] == [SAMSUNG]
    assert world.broker.calls["place"] == 1
    refused = world.notifier.of(EventKind.ENTRY_REFUSED)
    assert {event.fields["reason"] for event in refused} == {"max_positions"}


@pytest.mark.req("P-08", "P-13", "F-110")
def test_a_sale_by_hand_explains_its_own_shares_and_no_later_empty_answer(world: World) -> None:
    world.tune(sizing=Fixed(shares=2))
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 10))
    _by_hand(world, Side.SELL)
    world.run_until(world.at(9, 25))
    before = world.engine.books.positions[SAMSUNG].quantity
    world.broker.fail_next("account", *[Fault.EMPTY_HOLDINGS] * 4)

    world.run_until(world.at(9, 45))

    assert before == 1
    assert world.engine.books.positions[SAMSUNG].quantity == 1
