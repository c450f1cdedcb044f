"""Whose a holding is, when its position is written, and by which dates it is counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.listening import MemoryMirror
from kis_adapters.memory.world import HYNIX, KAKAO, SAMSUNG, World
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.store import Store, StoreUnavailable, UnitOfWork
from kis_core.positions.position import Position


@pytest.mark.req("F-043")
def test_another_symbols_holding_is_never_taken_for_a_candidates_own(world: World) -> None:
    """The only candidate is 005930, the only holding 000660."""
    world.broker.hold(HYNIX, quantity=3, cost=150_000)
    world.market.set_price(HYNIX, 50_000)

    world.run_until(world.at(9, 5))

    positions = world.engine.books.positions
    assert set(positions) == {HYNIX}
    assert (positions[HYNIX].symbol, positions[HYNIX].quantity) == (HYNIX, 3)


@pytest.mark.req("F-043", "P-08")
def test_a_position_that_is_missing_is_not_found_in_another_symbols_holding(
    holding: World,
) -> None:
    """One share of 70,300 each, and only the other one's is at the broker."""
    holding.run_until(holding.at(9, 10))
    before = holding.engine.books.positions[SAMSUNG]
    holding.broker.hold(SAMSUNG, quantity=0, cost=0)
    holding.broker.hold(HYNIX, quantity=1, cost=70_300)
    holding.market.set_price(HYNIX, 70_300)
    holding.restart()

    holding.run_until(holding.at(9, 11))

    assert holding.engine.books.positions[SAMSUNG] == before
    assert holding.engine.books.positions[HYNIX].entry_order_id is None


@pytest.mark.req("F-082", "O-09")
def test_a_position_with_its_stop_is_in_the_database_from_its_fill_on(world: World) -> None:
    """Killed at the telling of the fill, the file lost, the broker silent: the stop is known."""
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    while not world.notifier.of(EventKind.ORDER_FILLED):
        world.run_for(seconds=1)
    world.mirror = MemoryMirror()
    world.broker.fail_next("account", *[Fault.UNAVAILABLE] * 3)

    world.restart()
    world.engine.step()

    position = world.engine.books.positions[SAMSUNG]
    assert (position.levels.atr, position.levels.stop) == (400.0, 69_500)
    assert world.mirror.positions == (position,)


@pytest.mark.req("F-082")
def test_the_fill_and_its_position_are_one_commit(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)

    seen = set[tuple[int, int]]()
    while world.clock.now() < world.at(9, 3):
        world.run_for(seconds=1)
        with world.store.unit_of_work() as uow:
            seen.add((len(uow.fills_of(date(2026, 11, 24))), len(uow.positions())))

    assert seen == {(0, 0), (1, 1)}


@pytest.mark.req("F-075", "F-081")
def test_a_weekend_and_restarts_move_no_entry_date_and_the_gap_counts_sessions(
    world: World,
) -> None:
    """Bought on Friday the 27th: Monday's open is the first of a session after it."""
    friday, monday = date(2026, 11, 27), date(2026, 11, 30)
    world.clock.set(world.at(8, 30) + timedelta(days=3))
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, 70_050)
    world.restart()
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(16, 0))
    bought = world.engine.books.positions[SAMSUNG]
    for _ in range(2):  # Saturday and Sunday
        world.clock.set(world.clock.now() + timedelta(days=1))
        world.restart()
        world.run_for(minutes=5)
    world.list_symbol(SAMSUNG, last_close=70_300)
    world.run_until(world.at(8, 59, 30) + timedelta(days=1))
    world.market.set_price(SAMSUNG, 70_250)

    world.run_until(world.at(9, 30))

    position = world.engine.books.positions[SAMSUNG]
    assert world.clock.now().date() == monday
    assert (bought.entry_session, bought.gap_checked_on) == (friday, None)
    assert (position.entry_session, position.entered_at) == (friday, bought.entered_at)
    assert position.gap_checked_on == monday
    assert len(world.notifier.of(EventKind.GAP_CHECKED)) == 1


@dataclass(slots=True)
class _UnwritableOnce(Store):
    """The first write of one symbol's position is not answered."""

    inner: Store
    symbol: str
    is_spent: bool = False

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        with self.inner.unit_of_work() as uow:
            write = uow.put_position

            def put(position: Position) -> None:
                if position.symbol == self.symbol and not self.is_spent:
                    self.is_spent = True
                    raise StoreUnavailable("gone for a moment")
                write(position)

            uow.put_position = put  # type: ignore[method-assign]  # a fault in one unit of work
            yield uow


@pytest.mark.req("D-07")
def test_one_position_that_cannot_be_written_at_the_start_is_a_warning_and_no_error(
    world: World,
) -> None:
    for symbol in (HYNIX, KAKAO):
        world.broker.hold(symbol, quantity=1, cost=70_000)
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_000)
    world.wrap = lambda ports: replace(ports, store=_UnwritableOnce(world.store, HYNIX))
    world.restart()
    world.engine.step()
    at_first = set(world.engine.books.positions)

    world.run_until(world.at(9, 5))

    [told] = [
        event
        for event in world.notifier.of(EventKind.POSITION_REPAIRED)
        if event.fields["what"] == "position_write_failed"
    ]
    assert (told.symbol, told.level) == (HYNIX, Level.WARNING)
    assert [e.kind for e in world.notifier.events if e.level is Level.ERROR] == []
    assert at_first == {KAKAO}
    assert set(world.engine.books.positions) == {HYNIX, KAKAO}  # the next comparison wrote it
