"""What looking costs: calls to the broker and the market, and commits, counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from kis_adapters.memory.market import MemoryMarket
from kis_adapters.memory.world import HYNIX, KAKAO, SAMSUNG, World
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol
from kis_core.orders.identity import Side
from kis_core.ports.candidate_source import CandidateSource, CandidatesUnavailable
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Event, EventKind
from kis_core.session.engine import Ports

_MANY = tuple(Symbol(f"{number:06d}") for number in range(1_000, 1_200))  # two hundred


@dataclass(slots=True)
class _Watched(MarketData):
    """A market that remembers who was quoted."""

    inner: MemoryMarket
    quoted: list[Symbol] = field(default_factory=list)

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        self.quoted += symbols
        return self.inner.quotes(symbols)

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        return self.inner.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        return self.inner.instrument(symbol)


@dataclass(slots=True)
class _Changing(CandidateSource):
    """Other candidates on other days."""

    by_day: Mapping[date, tuple[Symbol, ...]]

    def for_session(self, session_date: date, at: datetime) -> tuple[Symbol, ...]:
        if session_date not in self.by_day:
            raise CandidatesUnavailable("no ranking yet", is_final=False)
        return self.by_day[session_date]

    def next_refresh(self, session_date: date) -> None:
        return None


@pytest.mark.req("F-069")
def test_a_quiet_cycle_costs_one_multi_quote_for_the_held_and_one_for_the_candidates(
    holding: World,
) -> None:
    """Nine cycles between two snapshots: 18 calls, no chart, no balance, no order list."""
    holding.tune(candidates=(SAMSUNG, HYNIX, KAKAO))
    for symbol in (HYNIX, KAKAO):
        holding.list_symbol(symbol, last_close=70_000)
        holding.market.set_price(symbol, 70_050)
    holding.run_until(holding.at(9, 20, 30))
    market, broker = dict(holding.market.calls), dict(holding.broker.calls)
    last = holding.notifier.of(EventKind.ACCOUNT_SNAPSHOT)[-1].at

    holding.run_until(holding.at(9, 29, 30))

    snapshots = [e for e in holding.notifier.of(EventKind.ACCOUNT_SNAPSHOT) if e.at > last]
    assert holding.market.calls["quotes"] - market["quotes"] == 18
    assert holding.market.calls["daily_bars"] == market["daily_bars"] == 3
    assert holding.broker.calls["account"] - broker["account"] == len(snapshots) <= 1
    assert holding.broker.calls["orders_of"] == broker["orders_of"]


@pytest.mark.req("F-069")
def test_a_restart_within_the_day_downloads_no_chart_again(holding: World) -> None:
    before = holding.market.calls["daily_bars"]

    holding.restart()
    holding.run_until(holding.at(9, 30))

    assert holding.market.calls["daily_bars"] == before


@pytest.mark.req("F-079", "U-13")
def test_a_symbol_that_left_the_candidates_is_not_polled_in_the_next_session(
    world: World,
) -> None:
    watched = _Watched(world.market)
    days = {date(2026, 11, 24): (SAMSUNG, HYNIX), date(2026, 11, 25): (SAMSUNG,)}
    world.wrap = lambda ports: replace(ports, market_data=watched, candidates=_Changing(days))
    world.restart()
    world.list_symbol(HYNIX, last_close=70_000)
    world.market.set_price(HYNIX, 70_050)
    world.run_until(world.at(16, 0))
    first_day, watched.quoted = set(watched.quoted), []

    world.run_until(world.at(16, 0) + timedelta(days=1))

    assert first_day == {SAMSUNG, HYNIX}
    assert set(watched.quoted) == {SAMSUNG}


@pytest.mark.req("F-079", "U-13")
def test_yesterdays_candidates_are_not_polled_while_todays_are_unknown(world: World) -> None:
    watched = _Watched(world.market)
    days = {date(2026, 11, 24): (SAMSUNG,)}
    world.wrap = lambda ports: replace(ports, market_data=watched, candidates=_Changing(days))
    world.restart()
    world.run_until(world.at(16, 0))
    watched.quoted.clear()

    world.run_until(world.at(10, 0) + timedelta(days=1))

    assert watched.quoted == []


@pytest.mark.req("F-109")
def test_the_first_look_at_two_hundred_symbols_commits_once_a_portion(world: World) -> None:
    """200 symbols in portions of 30 are seven."""
    for symbol in _MANY:
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_050)
    world.tune(candidates=_MANY)
    world.run_until(world.at(8, 59, 30))
    world.engine.books.keep_names({s: f"종목{s}" for s in _MANY}, at=world.clock.now())
    before = world.store.commits

    world.run_until(world.at(9, 0, 30))

    with world.store.unit_of_work() as uow:
        noted = uow.decisions_of(date(2026, 11, 24))
    of_account = 1  # the snapshot of the open
    assert len(noted) == 200
    assert world.store.commits - before == 7 + of_account


@pytest.mark.req("F-109", "O-01")
def test_reasons_to_hold_are_kept_before_an_entry_of_their_portion_is_placed(
    world: World,
) -> None:
    """HYNIX is looked at first and held; SAMSUNG breaks out in the same portion."""
    world.tune(candidates=(HYNIX, SAMSUNG))
    world.list_symbol(HYNIX, last_close=70_000)
    world.market.set_price(HYNIX, 70_050)
    world.market.set_price(SAMSUNG, 70_300)

    world.run_until(world.at(9, 0, 30))

    with world.store.unit_of_work() as uow:
        decisions = uow.decisions_of(date(2026, 11, 24))
    assert [(d.symbol, d.action) for d in decisions] == [(HYNIX, "hold"), (SAMSUNG, "buy")]


def _calls_until_ready(world: World) -> dict[str, int]:
    """The broker's calls between a restart and the engine's first look at what is held."""
    before = dict(world.broker.calls)
    at_first_look = dict[str, int]()

    @dataclass(slots=True)
    class _FirstLook(_Watched):
        def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
            if not at_first_look:
                at_first_look.update(world.broker.calls)
            return self.inner.quotes(symbols)

    def watch(ports: Ports) -> Ports:
        return replace(ports, market_data=_FirstLook(world.market))

    world.wrap = watch
    world.restart()
    world.run_for(seconds=30)
    assert at_first_look
    return {call: count - before.get(call, 0) for call, count in at_first_look.items()}


@pytest.mark.req("P-11")
def test_a_restart_asks_for_one_balance_before_its_first_look(holding: World) -> None:
    calls = _calls_until_ready(holding)

    assert calls["account"] == 1
    assert calls["orders_of"] == 0  # nothing was open


@pytest.mark.req("P-11", "P-03")
def test_a_restart_with_an_open_order_asks_for_one_list_as_well(holding: World) -> None:
    holding.tune(candidates=(SAMSUNG, HYNIX))
    holding.list_symbol(HYNIX, last_close=70_000)
    holding.market.set_price(HYNIX, 70_050)
    holding.broker.fills_at_once = False
    holding.run_until(holding.at(9, 7, 30))
    holding.market.set_price(HYNIX, 70_300)
    holding.run_until(holding.at(9, 8, 1))
    assert len(holding.engine.books.live_orders) == 1

    calls = _calls_until_ready(holding)

    assert (calls["account"], calls["orders_of"]) == (1, 1)
    assert calls["place"] == 0


@pytest.mark.req("F-112")
def test_when_the_price_fails_at_the_stop_the_next_look_is_seconds_away(holding: World) -> None:
    """The cycle of 09:06 has no price; the next would be 09:07, the near-stop interval is 15 s."""
    holding.run_until(holding.at(9, 5, 30))
    holding.market.set_price(SAMSUNG, 69_400)
    holding.market.is_down = True
    holding.run_until(holding.at(9, 6, 5))
    holding.market.is_down = False

    holding.run_until(holding.at(9, 6, 15))

    [sale] = [o for o in holding.broker.orders if o.side is Side.SELL]
    assert sale.accepted_at == holding.at(9, 6, 15)
    told = holding.notifier.of(EventKind.HELD_WITHOUT_PRICE)
    assert [event.at for event in told] == [holding.at(9, 6)]


@pytest.mark.req("F-112")
def test_a_price_that_stays_away_is_asked_for_four_times_a_minute(holding: World) -> None:
    holding.run_until(holding.at(9, 5, 30))
    holding.market.is_down = True
    before = holding.market.calls["quotes"]

    holding.run_until(holding.at(9, 6, 59))

    assert holding.market.calls["quotes"] - before == 4  # 09:06:00, :15, :30, :45


def _of_kind(events: Sequence[Event], kind: EventKind) -> int:
    return next(at for at, event in enumerate(events) if event.kind is kind)


@pytest.mark.req("E-01", "P-03")
def test_what_was_open_is_resolved_before_the_day_its_universe_and_any_decision(
    world: World,
) -> None:
    """A start in the middle of a session, into a breakout."""
    world.run_until(world.at(9, 10))
    world.notifier.events.clear()
    world.market.set_price(SAMSUNG, 70_300)

    world.restart()
    world.run_for(seconds=90)

    told = world.notifier.events
    order = [
        EventKind.RECOVERY_OPEN_ORDERS,
        EventKind.RECOVERY_FINISHED,
        EventKind.DAY_STARTED,
        EventKind.SIGNAL,
        EventKind.ORDER_CREATED,
    ]
    places = [_of_kind(told, kind) for kind in order]
    assert places == sorted(places)
