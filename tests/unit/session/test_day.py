"""The day around the decisions: outages, clocks, the close, and a database that fails."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.mortal import Crash
from kis_adapters.memory.simulation import COMMIT_FAILURES
from kis_adapters.memory.store import CommitFailure
from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.ports.notifier import Event, EventKind, Level

TUESDAY = date(2026, 11, 24)


def _orders(world: World, day: date = TUESDAY) -> tuple[Order, ...]:
    with world.store.unit_of_work() as uow:
        return uow.orders_of(day)


@pytest.mark.req("E-03", "F-052")
def test_an_outage_of_a_minute_stops_orders_and_is_told_with_its_start_and_length(
    holding: World,
) -> None:
    holding.run_until(holding.at(9, 5, 30))
    holding.market.is_down = True
    holding.broker.fail_next("account", *[Fault.UNAVAILABLE] * 20)
    holding.run_until(holding.at(9, 8, 20))
    during = [e.kind for e in holding.notifier.events]
    holding.market.is_down = False
    holding.broker.faults.clear()

    holding.run_until(holding.at(9, 10))

    assert EventKind.OUTAGE_STARTED in during
    [started] = holding.notifier.of(EventKind.OUTAGE_STARTED)
    [ended] = holding.notifier.of(EventKind.OUTAGE_ENDED)
    assert started.level is Level.ERROR
    assert started.fields["since"] == holding.at(9, 6).isoformat()
    assert ended.fields["seconds"] == 150.0  # answered at 09:08:30
    assert ended.fields["since"] == started.fields["since"]


@pytest.mark.req("E-03")
def test_after_an_outage_the_account_is_compared_before_anything_is_sold(holding: World) -> None:
    holding.run_until(holding.at(9, 5, 30))
    holding.market.is_down = True
    holding.run_until(holding.at(9, 8, 20))
    holding.market.set_price(SAMSUNG, 69_400)
    holding.broker.fail_next("account", *[Fault.UNAVAILABLE] * 2)
    holding.market.is_down = False
    placed = holding.broker.calls["place"]

    holding.run_until(holding.at(9, 8, 50))  # two cycles, both without the account's answer
    silent = holding.broker.calls["place"]
    holding.run_until(holding.at(9, 10))

    assert silent == placed
    assert holding.broker.costs == {}


@pytest.mark.req("E-03")
def test_quotes_that_stay_away_while_the_account_answers_are_one_outage(holding: World) -> None:
    holding.run_until(holding.at(9, 5, 30))
    holding.market.is_down = True

    holding.run_until(holding.at(9, 36))  # the account is asked and answers again and again
    during = (
        holding.notifier.of(EventKind.OUTAGE_STARTED),
        holding.notifier.of(EventKind.OUTAGE_ENDED),
    )
    holding.market.is_down = False
    holding.run_until(holding.at(9, 40))

    assert [len(told) for told in during] == [1, 0]
    [started] = holding.notifier.of(EventKind.OUTAGE_STARTED)
    [ended] = holding.notifier.of(EventKind.OUTAGE_ENDED)
    assert started.fields["since"] == holding.at(9, 6).isoformat()
    assert ended.fields["seconds"] == 1_815.0  # answered by the first look after 09:36:00


@pytest.mark.req("E-03", "F-052")
def test_one_failed_request_is_no_outage(holding: World) -> None:
    holding.broker.fail_next("account", Fault.UNAVAILABLE)

    holding.run_until(holding.at(9, 40))

    assert holding.notifier.of(EventKind.OUTAGE_STARTED) == []


@pytest.mark.req("E-02")
def test_cycles_stay_on_the_grid_and_a_late_one_is_told_and_never_piled_up(
    holding: World,
) -> None:
    holding.run_until(holding.at(9, 6, 1))
    before = holding.market.calls["quotes"]
    holding.clock.set(holding.at(9, 11, 20))  # something took five minutes

    holding.run_until(holding.at(9, 13, 1))

    assert holding.market.calls["quotes"] - before == 3  # 09:11:20, 09:12:00, 09:13:00
    [late] = holding.notifier.of(EventKind.CYCLE_LATE)
    assert late.fields["delay_s"] == 260.0  # due at 09:07


@pytest.mark.req("E-08")
def test_a_clock_that_went_back_is_noticed_and_stops_are_served_at_once(holding: World) -> None:
    holding.run_until(holding.at(10, 0))
    holding.clock.set(holding.at(9, 40))
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(9, 40, 10))

    assert holding.broker.costs == {}
    told = [e.fields["what"] for e in holding.notifier.of(EventKind.ERROR)]
    assert told == ["clock_went_back"]


@pytest.mark.req("E-08", "F-050", "F-049")
def test_a_clock_that_went_back_before_the_open_sells_at_the_open_and_not_before(
    holding: World,
) -> None:
    holding.run_until(holding.at(9, 6))
    holding.clock.set(holding.at(8, 40))
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(8, 59, 59))
    with holding.store.unit_of_work() as uow:
        before_the_open = [order.intent.side for order in uow.orders_of(TUESDAY)]
    holding.run_until(holding.at(9, 1))

    assert before_the_open == [Side.BUY]
    assert holding.broker.costs == {}


@pytest.mark.req("E-08", "E-05")
def test_a_clock_over_the_close_and_back_closes_the_day_once_and_guards_on(
    holding: World,
) -> None:
    holding.run_until(holding.at(15, 0))
    holding.clock.set(holding.at(15, 40))
    holding.run_for(seconds=10)
    holding.clock.set(holding.at(15, 1))
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(15, 40))

    assert holding.broker.costs == {}
    with holding.store.unit_of_work() as uow:
        summary = uow.summary_of(TUESDAY)
    assert summary is not None
    assert summary.trades == 2


@pytest.mark.req("E-08")
def test_a_clock_that_slept_over_days_closes_the_old_day_and_begins_the_new_one(
    holding: World,
) -> None:
    holding.run_until(holding.at(14, 0))
    holding.clock.set(holding.at(10, 0) + timedelta(days=2))
    holding.list_symbol(SAMSUNG, last_close=70_300)
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(10, 3))

    assert holding.broker.costs == {}
    assert [s.intent.session_date for s in _orders(holding, date(2026, 11, 26))] == [
        date(2026, 11, 26)
    ]


@pytest.mark.req("E-05")
def test_the_close_sums_the_day_up_once_and_keeps_the_position(holding: World) -> None:
    holding.run_until(holding.at(16, 0))

    [closed] = holding.notifier.of(EventKind.DAY_CLOSED)
    [kept] = holding.notifier.of(EventKind.POSITION_KEPT)
    with holding.store.unit_of_work() as uow:
        summary = uow.summary_of(TUESDAY)
    assert summary is not None
    assert (summary.trades, summary.positions, summary.realised_pnl) == (1, 1, 0)
    assert closed.at == holding.at(15, 32)
    assert kept.fields["stop"] == 69_500
    assert [o.side for o in holding.broker.orders] == [Side.BUY]


@pytest.mark.req("E-05")
def test_realised_and_evaluated_results_are_two_figures(holding: World) -> None:
    holding.market.set_price(SAMSUNG, 70_900)
    holding.run_until(holding.at(16, 0))

    [closed] = holding.notifier.of(EventKind.DAY_CLOSED)
    assert closed.fields["realised_pnl"] == 0
    assert closed.fields["evaluation_pnl"] == 600


@pytest.mark.req("E-05", "P-09")
def test_a_day_whose_summary_died_with_the_process_is_summed_up_by_the_next_one(
    holding: World,
) -> None:
    holding.run_until(holding.at(15, 31))
    holding.clock.set(holding.at(18, 0))

    holding.restart()
    holding.run_for(seconds=10)

    with holding.store.unit_of_work() as uow:
        summary = uow.summary_of(TUESDAY)
    assert summary is not None
    assert summary.trades == 1
    assert len(holding.notifier.of(EventKind.DAY_CLOSED)) == 1
    holding.restart()
    holding.run_for(seconds=10)
    assert len(holding.notifier.of(EventKind.DAY_CLOSED)) == 1


@pytest.mark.req("T-08", "F-041")
def test_bars_fetched_in_the_evening_are_fetched_again_in_the_morning(holding: World) -> None:
    holding.run_until(holding.at(15, 40))
    holding.broker.hold(HYNIX, quantity=1, cost=50_000)
    holding.market.set_price(HYNIX, 50_000)
    holding.list_symbol(HYNIX, last_close=50_000)
    holding.restart()
    holding.run_until(holding.at(20, 0))  # adopted with the bars of its own evening
    fetched = holding.market.calls["daily_bars"]

    holding.run_until(holding.at(8, 59) + timedelta(days=1))

    assert holding.market.calls["daily_bars"] - fetched == 2  # both held symbols, anew
    assert holding.cache.saved is not None
    assert holding.cache.saved[0] == date(2026, 11, 25)


@pytest.mark.req("E-05")
def test_the_process_may_end_after_the_close(holding: World) -> None:
    holding.tune(exit_after_close=True)

    holding.run_until(holding.at(16, 0))

    assert holding.engine.is_finished


@pytest.mark.req("O-01", "O-09", "F-013", "F-026")
@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("failure", COMMIT_FAILURES)
def test_no_order_leaves_without_its_journal_row(
    world: World, at: int, failure: CommitFailure
) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.store.fails_at[world.store.commits + at] = failure
    missing: list[str] = []
    place = world.broker.calls.get("place", 0)

    while world.clock.now() < world.at(9, 10):
        world.run_for(seconds=1)
        with world.store.unit_of_work() as uow:
            known = {order.order_id for order in uow.orders_of(TUESDAY)}
        missing += [key for key in world.broker.client_ids if key not in known]

    assert missing == []
    assert world.broker.calls["place"] - place == 1
    assert world.broker.costs == {SAMSUNG: (1, 70_300)}
    assert world.engine.books.positions[SAMSUNG].levels.stop == 69_500
    assert [o.status for o in _orders(world) if o.filled_quantity] == [OrderStatus.FILLED]


@pytest.mark.req("O-01", "F-013")
def test_a_database_that_stays_away_sends_nothing_and_says_so(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    for at in range(1, 200):
        world.store.fails_at[world.store.commits + at] = "not_committed"

    world.run_until(world.at(9, 5))

    assert world.broker.calls.get("place", 0) == 0
    assert world.notifier.of(EventKind.STORE_UNAVAILABLE)


@pytest.mark.req("E-06")
def test_the_same_day_twice_tells_the_same_story() -> None:
    def day() -> list[Event]:
        world = World()
        world.list_symbol(SAMSUNG, last_close=70_000)
        world.market.set_price(SAMSUNG, 70_050)
        world.run_until(world.at(9, 1, 30))
        world.market.set_price(SAMSUNG, 70_300)
        world.run_until(world.at(9, 30))
        world.market.set_price(SAMSUNG, 69_400)
        world.run_until(world.at(16, 0))
        return world.notifier.events

    assert day() == day()


@pytest.mark.req("O-09", "P-09")
def test_a_telling_that_dies_with_the_process_undoes_nothing(holding: World) -> None:
    class Deaf:
        def tell(self, event: Event) -> None:
            if event.kind is EventKind.POSITION_CLOSED:
                raise Crash

    holding.market.set_price(SAMSUNG, 69_400)
    holding.wrap = lambda ports: replace(ports, notifier=Deaf())
    holding.restart()
    with pytest.raises(Crash):
        holding.run_until(holding.at(9, 10))

    with holding.store.unit_of_work() as uow:
        assert uow.positions() == ()
        assert len(uow.trades_of(TUESDAY)) == 2


def test_a_number_of_runs_ends_the_engine_after_its_last_order(world: World) -> None:
    world.tune(max_cycles=2)
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 0, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 1, 10))
    with_an_order = world.engine.is_finished
    world.broker.fill("1", 1)

    world.run_until(world.at(9, 2))

    assert not with_an_order
    assert world.engine.is_finished
    assert world.engine.books.positions[SAMSUNG].quantity == 1
