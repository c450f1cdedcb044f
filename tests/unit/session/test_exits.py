"""Leaving a position: whatever else is broken, a stop is served."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from kis_adapters.memory.broker import Fault, MemoryBroker
from kis_adapters.memory.market import MemoryMarket
from kis_adapters.memory.world import HYNIX, KAKAO, SAMSUNG, World
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import Phase
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.ports.broker import AccountState, Holding, OrderTicket
from kis_core.ports.notifier import EventKind, Level
from kis_core.risk.limits import RiskLimits
from kis_core.sizing.policy import Fixed
from kis_core.strategy.decision import Reason

_NEAR = 69_700  # three quarters of the way from 70,300 to the stop of 69,500


def _sales(world: World) -> list[Order]:
    with world.store.unit_of_work() as uow:
        orders = uow.orders_of(world.clock.now().date())
    return [order for order in orders if order.intent.side is Side.SELL]


def _fall(world: World, price: int = 69_400) -> None:
    """Below the stop of 69,500."""
    world.market.set_price(SAMSUNG, price)


@pytest.mark.req("O-01")
def test_a_stop_sells_everything_with_one_market_order(holding: World) -> None:
    _fall(holding)

    holding.run_until(holding.at(9, 7))

    [sale] = _sales(holding)
    assert (sale.status, sale.intent.reason) == (OrderStatus.FILLED, Reason.STOP_LOSS)
    assert holding.broker.costs == {}
    assert holding.engine.books.positions == {}


@pytest.mark.req("F-033")
def test_a_missing_chart_does_not_disable_the_stop(holding: World) -> None:
    holding.market.without_bars.add(SAMSUNG)
    holding.cache.saved = None
    holding.restart()
    _fall(holding)

    holding.run_until(holding.at(9, 7))

    assert holding.broker.costs == {}


@pytest.mark.req("R-02", "F-048")
def test_the_kill_switch_stops_entries_and_no_exit(holding: World) -> None:
    holding.kill_switch.text = "점검"
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_300)
    holding.tune(candidates=(SAMSUNG, HYNIX))
    _fall(holding)

    holding.run_until(holding.at(9, 20))

    assert holding.broker.costs == {}
    assert len([o for o in holding.broker.orders if o.side is Side.BUY]) == 1
    [told] = holding.notifier.of(EventKind.KILL_SWITCH_ON)
    assert told.fields["reason"] == "점검"
    assert not holding.engine.is_finished


@pytest.mark.req("R-02", "F-048")
def test_removing_the_kill_switch_file_allows_entries_again(world: World) -> None:
    world.kill_switch.text = "점검"
    world.run_until(world.at(9, 1))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 5))
    while_on = dict(world.broker.costs)

    world.kill_switch.text = None
    world.run_until(world.at(9, 10))

    assert while_on == {}
    assert world.broker.costs == {SAMSUNG: (1, 70_300)}


@pytest.mark.req("F-034")
def test_five_stops_at_once_are_all_served_within_seconds(world: World) -> None:
    symbols = tuple(Symbol(f"00000{n}") for n in range(5))
    for symbol in symbols:
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_300)
    limits = RiskLimits(daily_max_trades=5, max_positions=5)
    world.tune(candidates=symbols, limits=limits)
    world.run_until(world.at(9, 3))
    assert len(world.broker.costs) == 5
    world.broker.fills_at_once = False  # a market that takes its time
    for symbol in symbols:
        world.market.set_price(symbol, 69_400)

    world.run_until(world.at(9, 4, 3))

    sent = [o.accepted_at for o in world.broker.orders if o.side is Side.SELL]
    assert len(sent) == 5
    assert max(sent) - min(sent) <= timedelta(seconds=2)
    assert max(sent) <= world.at(9, 4, 2)


@pytest.mark.req("O-12")
def test_an_unfilled_sale_is_taken_off_and_sold_again_under_its_next_leg(holding: World) -> None:
    holding.broker.fills_at_once = False
    _fall(holding)

    holding.run_until(holding.at(9, 6, 30))

    sales = _sales(holding)
    assert len(sales) >= 4
    assert [sale.intent.leg for sale in sales] == list(range(len(sales)))
    assert len({sale.intent.idempotency_key for sale in sales}) == len(sales)
    assert {sale.status for sale in sales[:-1]} == {OrderStatus.CANCELLED}
    # Cancelled by the first look after 3 s (looks are 2 s apart), seen off the market 2 s later.
    gaps = [b.created_at - a.created_at for a, b in pairwise(sales)]
    assert set(gaps) == {timedelta(seconds=6)}


@pytest.mark.req("O-12", "O-10")
def test_after_ten_attempts_the_exit_is_parked_and_the_operator_called(holding: World) -> None:
    holding.broker.fills_at_once = False
    _fall(holding)

    holding.run_until(holding.at(9, 9))
    after_ten = len(_sales(holding))
    holding.run_until(holding.at(9, 11))
    holding.run_until(holding.at(9, 16))

    assert after_ten == 10
    called = [e for e in holding.notifier.of(EventKind.PENDING_EXIT_SET) if e.level is Level.ERROR]
    assert [e.fields["code"] for e in called] == ["exit_attempts"]
    assert len(_sales(holding)) in (11, 12)  # one more for each backoff of five minutes


@pytest.mark.req("O-12")
def test_a_sale_in_the_closing_auction_waits_for_the_auction_to_end(holding: World) -> None:
    holding.run_until(holding.at(15, 19, 30))
    holding.broker.fills_at_once = False
    holding.run_until(holding.at(15, 20, 30))
    _fall(holding)

    holding.run_until(holding.at(15, 29, 59))
    [waiting] = [o for o in holding.broker.orders if o.side is Side.SELL]
    holding.broker.fill(waiting.broker_order_no, 1)
    holding.run_until(holding.at(15, 40))

    assert holding.broker.calls.get("cancel", 0) == 0
    assert [sale.status for sale in _sales(holding)] == [OrderStatus.FILLED]
    assert holding.engine.books.positions == {}


@pytest.mark.req("O-10", "O-14", "F-049")
def test_a_halted_symbol_is_not_sold_before_it_trades_again_and_then_at_once(
    holding: World,
) -> None:
    holding.market.halted.add(SAMSUNG)
    _fall(holding)
    holding.run_until(holding.at(9, 30))
    while_halted = list(_sales(holding))

    holding.market.halted.clear()
    holding.run_until(holding.at(9, 30, 20))

    assert while_halted == []
    assert len(holding.notifier.of(EventKind.PENDING_EXIT_SET)) == 1
    assert holding.broker.costs == {}
    assert len(holding.notifier.of(EventKind.PENDING_EXIT_CLEARED)) == 1


@pytest.mark.req("O-10", "F-049")
@pytest.mark.parametrize("fault", [Fault.REJECT, Fault.MARKET_CLOSED])
def test_a_refused_exit_backs_off_five_minutes_and_is_told_once(
    holding: World, fault: Fault
) -> None:
    holding.broker.fail_next("place", *[fault] * 3)
    _fall(holding)

    holding.run_until(holding.at(9, 25))

    at = [sale.created_at for sale in _sales(holding)]
    assert len(at) == 4
    assert all(b - a >= timedelta(minutes=5) for a, b in pairwise(at))
    assert len(holding.notifier.of(EventKind.PENDING_EXIT_SET)) == 1
    assert holding.broker.costs == {}


@pytest.mark.req("O-10")
def test_another_reason_is_not_held_up_by_a_parked_exit(holding: World) -> None:
    holding.broker.fail_next("place", Fault.REJECT)
    _fall(holding)
    holding.run_until(holding.at(9, 6, 30))
    holding.market.set_price(SAMSUNG, 71_600)  # above the target now

    holding.run_until(holding.at(9, 8))

    assert [s.intent.reason for s in _sales(holding)] == [Reason.STOP_LOSS, Reason.TAKE_PROFIT]
    assert holding.broker.costs == {}


@pytest.mark.req("O-10")
def test_a_parked_exit_survives_a_restart(holding: World) -> None:
    holding.broker.fail_next("place", Fault.REJECT)
    _fall(holding)
    holding.run_until(holding.at(9, 6, 30))

    holding.restart()
    holding.run_until(holding.at(9, 10))

    assert len(_sales(holding)) == 1


@pytest.mark.req("F-050", "T-07")
def test_nothing_is_sold_outside_the_session(holding: World) -> None:
    holding.run_until(holding.at(15, 29))
    holding.run_until(holding.at(15, 35))
    _fall(holding)

    holding.run_until(holding.at(23, 0))
    holding.restart()
    holding.run_until(holding.at(23, 30))

    assert _sales(holding) == []
    assert SAMSUNG in holding.engine.books.positions


@pytest.mark.req("F-050", "O-14")
@pytest.mark.parametrize("phase", [Phase.BEFORE, Phase.OPENING_AUCTION, Phase.AFTER])
def test_the_guard_itself_sends_nothing_while_nothing_trades(holding: World, phase: Phase) -> None:
    """The engine does not ask it then; should it ever, the stop waits and no attempt is used."""
    holding.run_until(holding.at(9, 5))
    _fall(holding)
    guard, today = holding.engine._guard, holding.clock.now().date()
    quotes = holding.market.quotes([SAMSUNG])

    is_urgent = guard.watch(quotes, session_date=today, phase=phase)
    sold_meanwhile = _sales(holding)
    guard.watch(quotes, session_date=today, phase=Phase.CONTINUOUS)

    assert is_urgent
    assert sold_meanwhile == []
    assert len(_sales(holding)) == 1


@pytest.mark.req("O-11", "F-029")
def test_never_more_is_sold_than_the_broker_says_is_sellable(world: World) -> None:
    world.tune(sizing=Fixed(shares=10))
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 5))
    world.wrap = lambda ports: replace(ports, broker=_OnlySixSellable(world.broker))
    world.restart()
    world.run_until(world.at(9, 5, 30))
    _fall(world)

    world.run_until(world.at(9, 6, 5))

    assert [sale.intent.quantity for sale in _sales(world)] == [6, 4]  # the rest is not forgotten


class _OnlySixSellable:
    """A broker that holds ten shares of which four may not be sold yet."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self.place, self.cancel, self.orders_of = broker.place, broker.cancel, broker.orders_of

    def account(self) -> AccountState:
        state = self._broker.account()
        fewer: list[Holding] = [replace(h, sellable=min(6, h.sellable)) for h in state.holdings]
        return replace(state, holdings=tuple(fewer))


class _Listed:
    """A broker that lists the names of what it was asked."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._broker, name)


def _listed(world: World) -> list[str]:
    """Restart on a broker that lists; its list, which is empty again when the day goes on."""
    listed = _Listed(world.broker)
    world.wrap = lambda ports: replace(ports, broker=listed)
    world.restart()
    world.run_for(seconds=100)  # what was bought has settled, and the start's answer is old
    listed.asked.clear()
    return listed.asked


@pytest.mark.req("O-11", "E-02")
def test_a_stop_that_was_near_is_sold_without_another_question(holding: World) -> None:
    asked = _listed(holding)
    _fall(holding, _NEAR)
    holding.run_for(seconds=61)
    near = list(asked)
    _fall(holding)

    holding.run_for(seconds=16)

    assert near[-1] == "account"
    assert asked[len(near)] == "place"
    assert [sale.status for sale in _sales(holding)] == [OrderStatus.FILLED]


@pytest.mark.req("O-11", "F-029")
def test_a_stop_that_comes_out_of_the_blue_asks_the_account_first(holding: World) -> None:
    asked = _listed(holding)
    _fall(holding)

    holding.run_for(seconds=61)

    assert asked[:2] == ["account", "place"]


@pytest.mark.req("O-11", "F-029")
def test_shares_sold_by_hand_a_moment_ago_are_not_sold_again(world: World) -> None:
    """The answer of before the hand's sale is refused by the broker, and the rest goes at once."""
    world.tune(sizing=Fixed(shares=10))
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 5))
    asked = _listed(world)
    _fall(world, _NEAR)
    world.run_for(seconds=61)
    world.broker.take_by_hand(
        OrderTicket(
            order_id="by hand",
            symbol=SAMSUNG,
            side=Side.SELL,
            quantity=7,
            order_type=OrderType.MARKET,
            price=Won(0),
        )
    )
    asked.clear()
    _fall(world)

    world.run_for(seconds=25)

    attempts = [name for name in asked if name != "orders_of"]
    assert attempts[:4] == ["place", "account", "account", "place"]
    sales = [(sale.intent.quantity, sale.status) for sale in _sales(world)]
    assert sales[:2] == [(10, OrderStatus.FAILED), (3, OrderStatus.FILLED)]
    assert world.broker.costs == {}


@pytest.mark.req("O-12", "O-10")
def test_anothers_refusal_does_not_delay_the_sale_that_never_left(world: World) -> None:
    world.list_symbol(HYNIX, last_close=70_000)
    world.tune(candidates=(SAMSUNG, HYNIX))
    world.run_until(world.at(9, 1, 30))
    for symbol in (SAMSUNG, HYNIX):
        world.market.set_price(symbol, 70_300)
    world.run_until(world.at(9, 5))
    assert world.broker.costs.keys() == {SAMSUNG, HYNIX}
    for fault in (Fault.REFUSE, Fault.REJECT):
        world.broker.fail_next("place", fault)
    for symbol in (SAMSUNG, HYNIX):
        world.market.set_price(symbol, 69_400)

    world.run_until(world.at(9, 6, 10))

    never_left, refused, again = _sales(world)
    assert (never_left.code, refused.code) == ("not_sent", "40070000")
    assert again.intent.symbol == never_left.intent.symbol
    assert again.created_at - never_left.created_at <= timedelta(seconds=4)


@pytest.mark.req("O-11", "O-12", "F-029")
def test_a_second_attempt_asks_the_account_first(holding: World) -> None:
    asked = _listed(holding)
    _fall(holding, _NEAR)
    holding.run_for(seconds=61)
    holding.broker.fills_at_once = False
    asked.clear()
    _fall(holding)

    holding.run_for(seconds=25)

    attempts = [name for name in asked if name not in ("orders_of", "cancel")]
    assert attempts[:4] == ["place", "account", "place", "account"]


@pytest.mark.req("O-11", "F-029")
def test_after_a_sale_of_today_the_account_is_always_asked_first(holding: World) -> None:
    """The broker's list and holdings may lag: the earlier sale may yet turn up."""
    asked = _listed(holding)
    holding.broker.fail_next("place", Fault.REFUSE)
    _fall(holding)
    while not _sales(holding):
        holding.run_for(seconds=1)
    _fall(holding, 70_300)
    holding.run_for(seconds=1_300)  # compared with the account again, twice
    _fall(holding, _NEAR)
    holding.run_for(seconds=61)
    asked.clear()
    _fall(holding)

    holding.run_for(seconds=16)

    assert asked[:2] == ["account", "place"]


@pytest.mark.req("O-11", "F-029")
def test_what_was_bought_a_moment_ago_is_not_sold_by_an_answer_that_may_lag(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 20))
    listed = _Listed(world.broker)
    world.wrap = lambda ports: replace(ports, broker=listed)
    world.restart()  # and compared with the account, twenty seconds after the purchase
    _fall(world, _NEAR)
    world.run_until(world.at(9, 3, 10))
    listed.asked.clear()
    _fall(world)

    world.run_for(seconds=16)

    assert SAMSUNG not in world.engine.books.positions
    attempts = [name for name in listed.asked if name != "orders_of"]
    assert attempts[:2] == ["account", "place"]


@pytest.mark.req("O-11", "P-08", "F-110")
def test_one_empty_answer_sells_nothing_and_delays_the_stop_by_seconds_only(
    holding: World,
) -> None:
    _fall(holding)
    holding.broker.fail_next("account", Fault.EMPTY_HOLDINGS)

    holding.run_until(holding.at(9, 6, 20))

    assert holding.broker.costs == {}
    assert [sale.status for sale in _sales(holding)] == [OrderStatus.FILLED]


@pytest.mark.req("O-15", "O-06")
def test_an_entry_still_filling_is_taken_off_before_the_exit_is_sent(world: World) -> None:
    patient = replace(world.settings.orders, fill_wait=timedelta(hours=1))
    world.tune(sizing=Fixed(shares=10), orders=patient)
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 1))
    world.broker.fill("1", 4)
    world.run_until(world.at(9, 2, 30))
    _fall(world)
    live_together = 0
    world.broker.fills_at_once = True

    while world.clock.now() < world.at(9, 6):
        world.run_for(seconds=1)
        live_together = max(live_together, sum(o.is_live for o in world.broker.orders))

    assert live_together == 1
    [sale] = _sales(world)
    assert sale.intent.quantity == 4
    assert world.broker.costs == {}


@pytest.mark.req("F-051", "T-10")
def test_a_held_symbol_without_a_price_calls_the_operator_every_ten_minutes(
    holding: World,
) -> None:
    holding.market.blind.add(SAMSUNG)

    holding.run_until(holding.at(9, 27))

    told = holding.notifier.of(EventKind.HELD_WITHOUT_PRICE)
    assert [e.at for e in told] == [holding.at(9, 6), holding.at(9, 16), holding.at(9, 26)]
    assert {e.level for e in told} == {Level.ERROR}


@pytest.mark.req("F-051")
def test_a_silent_source_leaves_held_symbols_blind_and_says_so(holding: World) -> None:
    holding.market.is_down = True

    holding.run_until(holding.at(9, 7))

    [told] = holding.notifier.of(EventKind.HELD_WITHOUT_PRICE)
    assert told.symbol == SAMSUNG


@pytest.mark.req("T-10", "F-051")
def test_a_stale_quote_sells_nothing_and_is_told(holding: World) -> None:
    _fall(holding)
    holding.wrap = lambda ports: replace(ports, market_data=_Stale(holding.market))
    holding.restart()

    holding.run_until(holding.at(9, 10))

    assert _sales(holding) == []
    assert holding.notifier.of(EventKind.HELD_WITHOUT_PRICE)[0].fields["why"] == "stale_quote"


class _Stale:
    """A source that answers with what it knew 31 s ago (30 s are allowed)."""

    def __init__(self, market: MemoryMarket) -> None:
        self._market = market
        self.daily_bars, self.instrument = market.daily_bars, market.instrument

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        old = self._market.clock.now() - timedelta(seconds=31)
        quotes = self._market.quotes(symbols)
        return {s: replace(q, at=old) for s, q in quotes.items() if isinstance(q, Quote)}


@pytest.mark.req("T-11", "E-02", "F-035")
def test_near_its_stop_a_position_is_looked_at_every_fifteen_seconds(holding: World) -> None:
    holding.market.set_price(SAMSUNG, 69_700)  # 600 of the 800 won to the stop: 75 %
    holding.run_until(holding.at(9, 6, 1))
    before = holding.market.calls["quotes"]

    holding.run_until(holding.at(9, 7, 0))

    assert holding.market.calls["quotes"] - before == 4


@pytest.mark.req("T-11", "F-056")
def test_a_near_stop_is_told_once_per_crossing(holding: World) -> None:
    for price in (69_650, 69_690, 69_640, 69_660):  # 81, 76, 82, 80 % of the way
        holding.market.set_price(SAMSUNG, price)
        holding.run_for(minutes=1)
    once = len(holding.notifier.of(EventKind.NEAR_STOP))
    for price in (70_300, 69_650):
        holding.market.set_price(SAMSUNG, price)
        holding.run_for(minutes=1)

    assert once == 1
    assert len(holding.notifier.of(EventKind.NEAR_STOP)) == 2


@pytest.mark.req("G-05", "G-06", "F-039", "F-040")
def test_a_gap_is_judged_once_on_the_next_morning_and_never_on_the_entry_day(
    holding: World,
) -> None:
    holding.run_until(holding.at(15, 40))
    same_day = list(holding.notifier.of(EventKind.GAP_CHECKED))
    holding.clock.set(holding.at(8, 30) + timedelta(days=1))
    holding.list_symbol(SAMSUNG, last_close=70_300)
    holding.run_until(holding.at(8, 59, 59))
    holding.market.set_price(SAMSUNG, 68_800)  # −2.13 % of 70,300, threshold −2.001 %

    holding.run_until(holding.at(9, 5))

    assert same_day == []
    [check] = holding.notifier.of(EventKind.GAP_CHECKED)
    assert check.fields["triggered"] is True
    assert check.fields["open"] == 68_800
    assert check.fields["base_price"] == 70_300
    [sale] = _sales(holding)
    assert sale.intent.reason == Reason.GAP_PROTECTION
    told = [e.kind for e in holding.notifier.events]
    assert told.index(EventKind.GAP_CHECKED) < max(
        place for place, kind in enumerate(told) if kind is EventKind.ORDER_CREATED
    )


@pytest.mark.req("F-047", "P-09", "F-037")
def test_highest_price_and_trailing_survive_death(holding: World) -> None:
    holding.market.set_price(SAMSUNG, 71_100)  # +1.14 %: trailing from 71,100 − 800 = 70,300
    holding.run_until(holding.at(9, 7))
    before = holding.engine.books.positions[SAMSUNG]
    holding.restart()
    holding.run_until(holding.at(9, 7, 30))
    after = holding.engine.books.positions[SAMSUNG]
    holding.market.set_price(SAMSUNG, 70_300)

    holding.run_until(holding.at(9, 10))

    assert (before.highest, before.is_trailing) == (71_100, True)
    assert after == before
    assert [sale.intent.reason for sale in _sales(holding)] == [Reason.TRAILING_STOP]


@pytest.mark.req("U-13")
def test_a_held_symbol_is_guarded_though_it_is_no_candidate(holding: World) -> None:
    holding.tune(candidates=(KAKAO,))
    _fall(holding)

    holding.run_until(holding.at(9, 10))

    assert holding.broker.costs == {}


@pytest.mark.req("F-034")
def test_held_symbols_are_quoted_in_portions_and_judged_before_the_next(world: World) -> None:
    symbols = [Symbol(f"0001{n:02}") for n in range(7)]
    for symbol in symbols:
        world.broker.hold(symbol, quantity=1, cost=50_000)
        world.list_symbol(symbol, last_close=50_000)
        world.market.set_price(symbol, 50_000)
    world.tune(scan_chunk=3)
    counting = _Counting(world.market)
    world.wrap = lambda ports: replace(ports, market_data=counting)
    world.restart()

    world.run_until(world.at(9, 0, 1))

    assert counting.asked[:3] == [3, 3, 1]


class _Counting:
    """Remembers how many symbols each request asked for."""

    def __init__(self, market: MemoryMarket) -> None:
        self._market = market
        self.daily_bars, self.instrument = market.daily_bars, market.instrument
        self.asked: list[int] = []

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        self.asked.append(len(symbols))
        return self._market.quotes(symbols)


@pytest.mark.req("O-01")
def test_a_sale_whose_intent_may_be_committed_is_withdrawn_and_decided_again_at_once(
    holding: World,
) -> None:
    _fall(holding)
    holding.run_until(holding.at(9, 5, 59))
    holding.store.fails_at[holding.store.commits + 1] = "committed_but_unknown"

    holding.run_until(holding.at(9, 6, 15))  # well before a lost answer would have been given up

    first, second = _sales(holding)
    assert (first.status, first.code) == (OrderStatus.FAILED, "not_sent")
    assert second.status is OrderStatus.FILLED
    assert holding.broker.costs == {}
