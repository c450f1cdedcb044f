"""Holdings that no order explains: what follows is the operator's choice (P-07)."""

from datetime import timedelta

import pytest

from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.ports.notifier import Event, EventKind, Level
from kis_core.session.settings import OnUnexplained


def _lose_the_share(holding: World, choice: OnUnexplained) -> None:
    """From 09:10 on the share is gone without an order; believed some five minutes later."""
    holding.tune(candidates=(SAMSUNG, HYNIX), on_unexplained=choice)
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_050)
    holding.run_until(holding.at(9, 10))
    holding.broker.hold(SAMSUNG, quantity=0, cost=0)
    holding.run_until(holding.at(9, 25))
    assert holding.engine.books.positions == {}


def _bought_later(holding: World) -> set[str]:
    """What a breakout of both symbols at 09:26 leads to."""
    for symbol in (SAMSUNG, HYNIX):
        holding.market.set_price(symbol, 70_500)
    with holding.store.unit_of_work() as uow:  # a share lost by no sale is no sale of the day
        before = {o.order_id for o in uow.orders_of(holding.clock.now().date())}
    holding.run_until(holding.at(9, 30))
    with holding.store.unit_of_work() as uow:
        orders = uow.orders_of(holding.clock.now().date())
    return {o.intent.symbol for o in orders if o.order_id not in before}


def _repairs(holding: World, what: str) -> list[Event]:
    told = holding.notifier.of(EventKind.POSITION_REPAIRED)
    return [event for event in told if event.fields.get("what") == what]


@pytest.mark.req("P-07")
def test_warn_tells_it_and_halts_nothing(holding: World) -> None:
    _lose_the_share(holding, OnUnexplained.WARN)

    [told] = _repairs(holding, "unexplained")
    assert (told.level, told.symbol) == (Level.ERROR, SAMSUNG)
    assert holding.engine.books.halted == {}
    assert HYNIX in _bought_later(holding)


@pytest.mark.req("P-07", "P-12")
def test_exits_only_halts_the_symbol_and_no_other(holding: World) -> None:
    _lose_the_share(holding, OnUnexplained.EXITS_ONLY)

    assert set(holding.engine.books.halted) == {SAMSUNG}
    assert holding.engine.books.risk is not None
    assert holding.engine.books.risk.kill_switch is None
    assert _bought_later(holding) == {HYNIX}


@pytest.mark.req("P-07", "R-02")
def test_stop_enters_nothing_any_more_and_says_why(holding: World) -> None:
    _lose_the_share(holding, OnUnexplained.STOP)

    [switched] = holding.notifier.of(EventKind.KILL_SWITCH_ON)
    assert switched.level is Level.ERROR
    assert str(switched.fields["reason"]).startswith("005930 설명되지 않는 잔고 차이 -1주")
    assert _bought_later(holding) == set()


@pytest.mark.req("P-07", "R-07")
def test_a_stop_outlives_the_process_and_the_night(holding: World) -> None:
    _lose_the_share(holding, OnUnexplained.STOP)
    holding.run_until(holding.at(15, 40))
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(HYNIX, last_close=70_300)
    holding.restart()

    holding.run_until(holding.at(9, 1, 30))

    holding.market.set_price(HYNIX, 70_800)
    holding.run_until(holding.at(9, 10))
    with holding.store.unit_of_work() as uow:
        assert uow.orders_of(holding.clock.now().date()) == ()


@pytest.mark.req("P-07", "P-12")
@pytest.mark.parametrize("nth", range(1, 5))
def test_the_halt_and_the_switch_are_one_commit(holding: World, nth: int) -> None:
    """Believed at 09:18:33; whichever commit of it fails, there is never one without the other,
    and in the end there are both."""
    holding.tune(on_unexplained=OnUnexplained.STOP)
    holding.run_until(holding.at(9, 10))
    holding.broker.hold(SAMSUNG, quantity=0, cost=0)
    holding.run_until(holding.at(9, 18, 30))
    holding.store.fails_at[holding.store.commits + nth] = "not_committed"

    seen = list[tuple[bool, bool]]()
    while holding.clock.now() < holding.at(9, 25):
        holding.run_for(seconds=1)
        with holding.store.unit_of_work() as uow:
            risk = uow.risk()
            switched = risk is not None and risk.kill_switch is not None
            seen.append((SAMSUNG in uow.halted_symbols(), switched))

    assert set(seen) == {(False, False), (True, True)}
    assert seen[-1] == (True, True)
    assert holding.engine.books.positions == {}
