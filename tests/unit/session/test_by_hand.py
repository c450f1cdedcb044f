"""The operator's answers about one symbol: adopt, ignore, clear its halt (P-12, P-13)."""

from datetime import timedelta

import pytest

from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import OrderTicket
from kis_core.positions.position import PositionSource
from kis_core.session.by_hand import HANDS_OFF, NotPossible, adopt, clear_halt, ignore


@pytest.fixture
def by_hand(world: World) -> World:
    """At 09:05 with three shares that somebody bought elsewhere at 70,000: stop 69,200."""
    world.broker.hold(SAMSUNG, quantity=3, cost=210_000)
    world.run_until(world.at(9, 5))
    assert world.engine.books.positions[SAMSUNG].source is PositionSource.ADOPTED
    return world


def _touch(holding: World) -> None:
    """Two more shares by hand, in the broker's own app."""
    holding.run_until(holding.at(9, 10))
    holding.broker.take_by_hand(
        OrderTicket(
            order_id="by-hand",
            symbol=SAMSUNG,
            side=Side.BUY,
            quantity=2,
            order_type=OrderType.MARKET,
            price=Won(0),
        )
    )
    holding.run_until(holding.at(9, 25))
    assert holding.engine.books.positions[SAMSUNG].source is PositionSource.TOUCHED


def _ignore(world: World) -> None:
    with world.store.unit_of_work() as uow:
        ignore(uow, SAMSUNG, at=world.clock.now())
    world.restart()


@pytest.mark.req("P-13")
def test_ignored_shares_are_neither_adopted_again_nor_sold(by_hand: World) -> None:
    _ignore(by_hand)
    by_hand.market.set_price(SAMSUNG, 60_000)  # far below any stop

    by_hand.run_until(by_hand.at(15, 40))

    assert by_hand.engine.books.positions == {}
    assert by_hand.broker.costs == {SAMSUNG: (3, 210_000)}
    assert by_hand.broker.orders == []


@pytest.mark.req("P-13")
def test_nothing_is_bought_in_a_symbol_that_is_ignored(by_hand: World) -> None:
    _ignore(by_hand)
    by_hand.broker.hold(SAMSUNG, quantity=0, cost=0)  # the operator has sold
    by_hand.market.set_price(SAMSUNG, 70_300)  # a breakout

    by_hand.run_until(by_hand.at(10, 0))

    assert by_hand.broker.orders == []


@pytest.mark.req("P-13")
def test_what_was_ignored_and_is_adopted_again_is_guarded_with_the_current_atr(
    by_hand: World,
) -> None:
    """70,000 less twice an ATR of 400."""
    _ignore(by_hand)
    by_hand.run_until(by_hand.at(9, 10))
    with by_hand.store.unit_of_work() as uow:
        adopt(uow, SAMSUNG)

    by_hand.restart()
    by_hand.run_until(by_hand.at(9, 12))

    position = by_hand.engine.books.positions[SAMSUNG]
    assert (position.quantity, position.levels.stop) == (3, 69_200)
    assert by_hand.engine.books.halted == {}
    by_hand.market.set_price(SAMSUNG, 69_100)
    by_hand.run_until(by_hand.at(9, 14))
    assert by_hand.broker.costs == {}


@pytest.mark.req("P-13")
def test_a_touched_position_that_is_adopted_keeps_its_levels(holding: World) -> None:
    _touch(holding)
    before = holding.engine.books.positions[SAMSUNG]
    with holding.store.unit_of_work() as uow:
        adopt(uow, SAMSUNG)

    holding.restart()
    holding.run_until(holding.at(9, 27))

    after = holding.engine.books.positions[SAMSUNG]
    assert (after.quantity, after.levels) == (3, before.levels)
    assert after.source is PositionSource.ADOPTED


@pytest.mark.req("P-13")
def test_a_touched_position_may_be_left_to_the_hand_that_touched_it(holding: World) -> None:
    _touch(holding)

    _ignore(holding)
    holding.market.set_price(SAMSUNG, 60_000)
    holding.run_until(holding.at(10, 0))

    assert holding.broker.costs[SAMSUNG][0] == 3
    with holding.store.unit_of_work() as uow:
        assert uow.positions() == ()


@pytest.mark.req("P-13")
def test_what_our_own_strategy_bought_is_not_left_without_its_stop(holding: World) -> None:
    with holding.store.unit_of_work() as uow, pytest.raises(NotPossible):
        ignore(uow, SAMSUNG, at=holding.clock.now())

    holding.restart()
    holding.run_until(holding.at(9, 6, 30))
    holding.market.set_price(SAMSUNG, 69_400)
    holding.run_until(holding.at(9, 8))
    assert holding.broker.costs == {}


@pytest.mark.req("P-13")
def test_a_symbol_with_an_open_order_is_not_ignored(world: World) -> None:
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 5))

    with world.store.unit_of_work() as uow, pytest.raises(NotPossible):
        ignore(uow, SAMSUNG, at=world.clock.now())


@pytest.mark.req("P-12")
def test_a_cleared_halt_allows_entries_from_the_next_start(holding: World) -> None:
    holding.run_until(holding.at(9, 10))
    holding.broker.hold(SAMSUNG, quantity=0, cost=0)
    holding.run_until(holding.at(9, 25))
    assert SAMSUNG in holding.engine.books.halted
    with holding.store.unit_of_work() as uow:
        clear_halt(uow, SAMSUNG)
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(SAMSUNG, last_close=70_000)
    holding.market.set_price(SAMSUNG, 70_050)

    holding.restart()
    holding.run_until(holding.at(9, 1, 30))
    holding.market.set_price(SAMSUNG, 70_300)
    holding.run_until(holding.at(9, 5))

    assert holding.broker.costs == {SAMSUNG: (1, 70_300)}


@pytest.mark.req("P-12", "P-13")
def test_an_answer_to_a_question_that_nobody_asked_is_refused(by_hand: World) -> None:
    with by_hand.store.unit_of_work() as uow:
        for answer in (clear_halt, adopt):
            with pytest.raises(NotPossible):
                answer(uow, HYNIX)
        uow.put_halted_symbol(HYNIX, why=HANDS_OFF, at=by_hand.clock.now())
        with pytest.raises(NotPossible):
            clear_halt(uow, HYNIX)
