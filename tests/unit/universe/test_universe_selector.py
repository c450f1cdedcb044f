"""The service: what it fetches, reuses, stores, falls back to and tells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.clock import ManualClock
from kis_adapters.memory.listening import MemoryNotifier
from kis_adapters.memory.market_scan import (
    MemoryIndexMembers,
    MemoryMarketScan,
    MemoryUniverseCache,
)
from kis_core.market.bar import Bar
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import TradingMode
from kis_core.ports.candidate_source import CandidatesUnavailable
from kis_core.ports.market_scan import Board, History, RankedIssue, Ranking
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.session.telling import Teller
from kis_core.session.universe_run import UniverseSourceFailed
from kis_core.session.universe_selection import (
    Origin,
    UniverseHalted,
    UniverseSelection,
    UniverseSelector,
)
from kis_core.universe.candidate import Snapshot, Status
from kis_core.universe.fallback import HaltReason
from kis_core.universe.policy import PoolMode, RefreshPolicy, SelectionMethod, UniversePolicy
from kis_core.universe.reuse import CacheDamaged, CachedUniverse

TUESDAY = date(2026, 11, 24)
BILLION = 1_000_000_000
CODES = tuple(Symbol(f"{number:06d}") for number in range(10, 210, 10))  # twenty
POLICY = UniversePolicy(
    stocks=("005930", "000660"), pool_mode=PoolMode.KOSPI200, max_stocks=2, entry_candidates=1
)


def at(hour: int, minute: int = 0, *, day: date = TUESDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), KST)


def bars(calendar: WeekdayCalendar, *, before: date, count: int = 21) -> tuple[Bar, ...]:
    """Bars of 2 % true range around 10,000 won."""
    days: list[date] = []
    for _ in range(count):
        before = calendar.session_before(before)
        days.append(before)
    return tuple(
        Bar(
            session_date=day,
            open=Won(10_000),
            high=Won(10_100),
            low=Won(9_900),
            close=Won(10_000),
            volume=1_000,
        )
        for day in reversed(days)
    )


class Desk:
    """A selector in a small world; `restart` builds a new one from what is durable."""

    def __init__(self, policy: UniversePolicy = POLICY, mode: TradingMode = TradingMode.PAPER):
        self.policy, self.mode = policy, mode
        self.clock = ManualClock(at(8, 40))
        self.calendar = WeekdayCalendar()
        self.scan = MemoryMarketScan()
        self.members = MemoryIndexMembers(codes=CODES)
        self.cache = MemoryUniverseCache()
        self.notifier = MemoryNotifier()
        for place, symbol in enumerate(CODES):
            self.list_symbol(symbol, (50 - place) * BILLION)
        self.restart()

    def list_symbol(self, symbol: Symbol, value: int, *, today: int | None = None) -> None:
        history = bars(self.calendar, before=TUESDAY)
        self.scan.known_histories[symbol] = History(
            symbol=symbol, bars=history, traded_value=value, market_cap_eok=5_000
        )
        self.scan.known_snapshots[symbol] = Snapshot(
            symbol=symbol,
            last=Won(10_000),
            open=Won(10_000),
            traded_value=value if today is None else today,
            valued_on=TUESDAY,
            market_cap_eok=5_000,
            is_halted=False,
            is_managed=False,
        )
        self.scan.known_statuses[symbol] = Status(
            symbol=symbol,
            last=Won(10_000),
            market_cap_eok=5_000,
            is_halted=False,
            is_managed=False,
        )

    def restart(self) -> None:
        self.selector = UniverseSelector(
            policy=self.policy,
            mode=self.mode,
            calendar=self.calendar,
            scan=self.scan,
            members=self.members,
            cache=self.cache,
            teller=Teller(clock=self.clock, notifier=self.notifier),
        )

    def select(self, now: datetime | None = None) -> UniverseSelection:
        outcome = self.outcome(now)
        assert isinstance(outcome, UniverseSelection)
        return outcome

    def outcome(self, now: datetime | None = None) -> UniverseSelection | UniverseHalted:
        if now is not None:
            self.clock.set(now)
        now = self.clock.now()
        return self.selector.select(now.date(), now)

    def told(self, step: str) -> list[dict[str, FieldValue]]:
        events = self.notifier.of(EventKind.UNIVERSE_SELECTED)
        return [event.fields for event in events if event.fields["step"] == step]

    def asked(self, kind: str) -> Sequence[Symbol]:
        return [s for what, symbols in self.scan.asked if what == kind for s in symbols]


def test_the_day_begins_with_a_selection_that_is_stored_and_told() -> None:
    desk = Desk()

    chosen = desk.select()

    assert chosen.origin is Origin.SELECTED
    assert chosen.symbols == CODES[:2]
    assert chosen.candidates == CODES[:1]
    assert desk.cache.stored == CachedUniverse(
        session_date=TUESDAY, symbols=CODES[:2], method="combined", selected_at=at(8, 40)
    )
    assert desk.told("final")[0]["symbols"] == "000010,000020"


@pytest.mark.req("U-13")
def test_universe_size_limits_the_entry_candidates_not_the_universe() -> None:
    chosen = Desk().select()

    assert (len(chosen.symbols), len(chosen.candidates)) == (2, 1)


@pytest.mark.req("F-073")
def test_before_the_open_the_last_completed_day_counts_not_todays_zero() -> None:
    desk = Desk()
    for place, symbol in enumerate(CODES):
        desk.list_symbol(symbol, (place + 1) * BILLION, today=0)

    chosen = desk.select(at(8, 40))

    assert chosen.symbols == (CODES[19], CODES[18])
    assert desk.asked("snapshots") == []


@pytest.mark.req("F-073")
def test_on_a_weekend_the_last_completed_day_counts() -> None:
    desk = Desk()
    saturday = date(2026, 11, 28)
    desk.clock.set(at(11, day=saturday))
    for symbol, history in desk.scan.known_histories.items():
        newer = bars(desk.calendar, before=saturday)
        desk.scan.known_histories[symbol] = replace(history, bars=newer)

    chosen = desk.select()

    assert desk.told("cache")[0]["reason"] == "outside_session"
    assert desk.asked("snapshots") == []
    assert chosen.symbols == CODES[:2]


def test_in_session_todays_traded_value_counts() -> None:
    desk = Desk()
    desk.list_symbol(CODES[7], 0, today=90 * BILLION)

    assert desk.select(at(10)).symbols[0] == CODES[7]


def test_a_day_without_trades_has_no_traded_value_even_where_the_day_before_had_some() -> None:
    desk = Desk()
    halted = desk.scan.known_histories[CODES[0]]
    desk.scan.known_histories[CODES[0]] = replace(halted, bars=halted.bars[:-1])

    chosen = desk.select(at(8, 40))

    assert CODES[0] not in chosen.symbols


@pytest.mark.req("U-08", "U-09")
def test_a_restart_in_session_reuses_the_universe_without_a_call() -> None:
    desk = Desk()
    morning = desk.select(at(8, 40))
    calls = desk.scan.calls
    desk.restart()

    again = desk.select(at(11))

    assert (again.origin, again.symbols) == (Origin.CACHE, morning.symbols)
    assert again.candidates == morning.candidates
    assert desk.scan.calls == calls
    last = desk.told("cache")[-1]
    assert (last["cache"], last["reason"]) == ("HIT", "chosen_today")
    assert (last["cache_key"], last["cache_file"]) == ("2026-11-24:combined", "memory")


def test_tomorrows_universe_is_not_todays_even_in_todays_session() -> None:
    desk = Desk()
    desk.select(at(8, 40))
    desk.clock.set(at(11))

    outcome = desk.selector.select(date(2026, 11, 25), at(11))

    assert isinstance(outcome, UniverseSelection)
    assert (outcome.origin, outcome.session_date) == (Origin.SELECTED, date(2026, 11, 25))


@pytest.mark.req("U-09", "F-076")
def test_a_restart_with_another_method_selects_again() -> None:
    desk = Desk(replace(POLICY, method=SelectionMethod.FIXED))
    assert desk.select(at(8, 40)).symbols == ("005930", "000660")
    desk.policy = POLICY
    desk.restart()

    chosen = desk.select(at(11))

    assert (chosen.origin, chosen.symbols) == (Origin.SELECTED, CODES[:2])
    last = desk.told("cache")[-1]
    assert (last["cache"], last["reason"]) == ("MISS", "other_method")
    assert desk.cache.load() == CachedUniverse(
        session_date=TUESDAY, symbols=CODES[:2], method="combined", selected_at=at(11)
    )


def test_a_restart_before_the_open_selects_again() -> None:
    desk = Desk()
    desk.select(at(8, 30))
    desk.restart()

    assert desk.select(at(8, 50)).origin is Origin.SELECTED


@pytest.mark.req("U-09")
def test_a_damaged_cache_is_told_and_replaced() -> None:
    desk = Desk()
    desk.cache.stored = CacheDamaged(why="not JSON")

    chosen = desk.select(at(11))

    assert chosen.origin is Origin.SELECTED
    assert desk.told("cache_damaged") == [
        {"step": "cache_damaged", "why": "not JSON", "cache_file": "memory"}
    ]
    assert desk.told("cache")[0]["reason"] == "damaged"


def test_a_cache_that_cannot_be_written_is_told_and_the_process_keeps_its_choice() -> None:
    desk = Desk()
    desk.cache.is_read_only = True

    desk.select(at(8, 40))
    again = desk.select(at(11))

    assert len(desk.told("cache_not_written")) == 1
    assert (again.origin, again.symbols) == (Origin.CACHE, CODES[:2])


@pytest.mark.req("F-078")
@pytest.mark.parametrize("now", [at(8, 40), at(10)])
def test_more_failures_than_the_share_are_an_error_not_no_candidate(now: datetime) -> None:
    desk = Desk()
    for symbol in CODES[:3]:  # 3 of 20: 15 %
        del desk.scan.known_histories[symbol], desk.scan.known_snapshots[symbol]

    with pytest.raises(UniverseSourceFailed, match="20종목 중 3종목"):
        desk.outcome(now)

    errors = desk.notifier.of(EventKind.ERROR)
    assert [event.level for event in errors] == [Level.ERROR]
    assert desk.told("fallback") == []


@pytest.mark.req("F-078")
def test_failures_up_to_the_share_leave_the_selection_standing() -> None:
    desk = Desk()
    for symbol in CODES[:2]:  # 2 of 20: exactly 10 %
        del desk.scan.known_histories[symbol]

    assert desk.select(at(8, 40)).symbols == CODES[2:4]


def asked_to_the_end(desk: Desk, instant: datetime) -> tuple[Symbol, ...]:
    """What the engine has once it has asked until there was an answer: a portion each time."""
    for _ in range(100):
        symbols = desk.selector.for_session(TUESDAY, instant)
        if symbols is not None:
            return symbols
    raise AssertionError("the selection does not end")


@pytest.mark.req("F-078")
def test_a_source_that_is_down_is_an_error_to_the_engine_and_may_be_asked_again() -> None:
    desk = Desk()
    desk.scan.is_down = True

    with pytest.raises(CandidatesUnavailable) as refused:
        asked_to_the_end(desk, at(8, 40))
    desk.scan.is_down = False

    assert not refused.value.is_final
    assert asked_to_the_end(desk, at(8, 45)) == CODES[:1]


@pytest.mark.req("U-10")
def test_nobody_left_falls_back_to_the_list_and_does_not_store_it() -> None:
    desk = Desk(replace(POLICY, min_traded_value=10**15))

    chosen = desk.select(at(8, 40))

    assert (chosen.origin, chosen.symbols) == (Origin.FALLBACK, ("005930", "000660"))
    assert not isinstance(desk.cache.load(), CachedUniverse)
    assert desk.told("fallback")[0]["symbols"] == "005930,000660"
    assert desk.clock.slept == []


@pytest.mark.req("U-10", "F-073")
def test_a_fallback_is_no_choice_a_restart_selects_again() -> None:
    desk = Desk(replace(POLICY, min_traded_value=10**15))
    desk.select(at(8, 40))
    desk.policy = POLICY
    desk.restart()

    assert desk.select(at(11)).origin is Origin.SELECTED


@pytest.mark.req("U-10")
def test_in_real_the_fallback_warns_for_ten_seconds() -> None:
    desk = Desk(replace(POLICY, min_traded_value=10**15), TradingMode.REAL)

    chosen = desk.select(at(8, 40))

    assert chosen.origin is Origin.FALLBACK
    assert desk.clock.now() == at(8, 40) + timedelta(seconds=10)
    warning = desk.notifier.of(EventKind.UNIVERSE_SELECTED)[-1]
    assert (warning.level, warning.fields["wait_s"]) == (Level.WARNING, 10.0)


def test_a_request_to_stop_ends_the_warning() -> None:
    desk = Desk(replace(POLICY, min_traded_value=10**15), TradingMode.REAL)
    desk.clock.wake()

    desk.select(at(8, 40))

    assert desk.clock.now() == at(8, 40)


@pytest.mark.req("U-10")
def test_in_real_the_fallback_halts_where_it_is_so_configured() -> None:
    policy = replace(POLICY, min_traded_value=10**15, halt_on_fallback_in_real=True)
    desk = Desk(policy, TradingMode.REAL)

    outcome = desk.outcome(at(8, 40))

    assert isinstance(outcome, UniverseHalted)
    assert outcome.reason is HaltReason.FALLBACK_HALTS_IN_REAL
    with pytest.raises(CandidatesUnavailable) as refused:
        asked_to_the_end(desk, at(8, 41))
    assert refused.value.is_final


@pytest.mark.req("U-11")
def test_zero_symbols_stop_trading_with_an_error() -> None:
    desk = Desk(replace(POLICY, min_traded_value=10**15, fallback_to_fixed=False))

    outcome = desk.outcome(at(8, 40))

    assert isinstance(outcome, UniverseHalted)
    assert outcome.reason is HaltReason.NO_CANDIDATE_LEFT
    assert [event.fields["why"] for event in desk.notifier.of(EventKind.ERROR)] == [
        "no_candidate_left"
    ]


@pytest.mark.req("U-14")
def test_each_stage_tells_its_counts() -> None:
    desk = Desk()

    desk.select(at(8, 40))

    counts = [(f["stage"], f["entered"], f["stayed"]) for f in desk.told("stage")]
    assert counts == [
        ("pool", 20, 20),
        ("traded_value", 20, 20),
        ("status", 20, 6),
        ("atr", 6, 6),
        ("final", 6, 2),
    ]


@pytest.mark.req("U-12")
def test_dropped_letter_codes_are_told_with_their_count() -> None:
    desk = Desk()
    desk.members.codes = ("0126Z0", *CODES)

    desk.select(at(8, 40))

    assert desk.told("stage")[0]["left_letter_code"] == 1


@pytest.mark.req("U-16")
def test_explaining_stores_nothing_and_counts_the_calls() -> None:
    desk = Desk()

    chosen = desk.selector.explain(TUESDAY, at(8, 40))

    assert chosen.account is not None
    assert chosen.calls == 26  # twenty histories, and the status of the first six
    assert (chosen.calls_for[CODES[0]], chosen.calls_for[CODES[19]]) == (2, 1)
    assert not isinstance(desk.cache.load(), CachedUniverse)


@pytest.mark.req("U-04", "F-070")
def test_the_market_is_the_union_of_the_rankings_filled_up_with_the_index() -> None:
    desk = Desk(replace(POLICY, pool_mode=PoolMode.MARKET), TradingMode.REAL)
    newcomer = Symbol("900010")
    desk.list_symbol(newcomer, 99 * BILLION)
    desk.scan.is_ranked = True
    rows = (RankedIssue(code=newcomer, name="", rank=1, amount=99 * BILLION),)
    desk.scan.rankings[Ranking.TRADED_VALUE, Board.KOSDAQ] = rows

    chosen = desk.select(at(10))

    assert chosen.symbols == (newcomer, CODES[0])
    assert chosen.account is not None
    assert len(chosen.account.stages[0].verdicts) == 21


@pytest.mark.req("U-04")
def test_rankings_that_fail_are_replaced_by_the_index_list_and_told() -> None:
    desk = Desk(replace(POLICY, pool_mode=PoolMode.MARKET), TradingMode.REAL)
    desk.scan.is_ranked = desk.scan.without_rankings = True

    chosen = desk.select(at(10))

    assert chosen.symbols == CODES[:2]
    assert any("순위 조회 실패" in note for note in chosen.notes)
    assert any("2026-06-12 기준" in note for note in chosen.notes)
    warnings = [e for e in desk.notifier.events if e.level is Level.WARNING]
    assert ["순위 조회 실패" in str(event.fields["why"]) for event in warnings] == [True]


@pytest.mark.req("U-04")
def test_a_listed_pool_never_looks_at_the_market() -> None:
    policy = replace(POLICY, pool_mode=PoolMode.YAML, candidate_stocks=CODES[4:7])
    desk = Desk(policy)

    assert desk.select(at(8, 40)).symbols == CODES[4:6]
    assert set(desk.asked("histories")) == set(CODES[4:7])


@pytest.mark.req("U-15")
def test_a_refresh_at_the_open_is_announced_done_once_and_not_repeated() -> None:
    refresh = RefreshPolicy(
        is_enabled=True, on_market_open=True, methods=frozenset({SelectionMethod.COMBINED})
    )
    desk = Desk(replace(POLICY, refresh=refresh))
    desk.select(at(8, 40))
    due = desk.selector.next_refresh(TUESDAY)
    desk.list_symbol(CODES[9], 0, today=90 * BILLION)

    refreshed = desk.select(due)

    assert due == at(9)
    assert refreshed.symbols[0] == CODES[9]
    assert desk.selector.next_refresh(TUESDAY) is None
    assert desk.select(at(9, 5)).origin is Origin.CACHE


@pytest.mark.req("U-15")
def test_a_refresh_that_fails_keeps_what_was_chosen_and_is_not_tried_at_once_again() -> None:
    refresh = RefreshPolicy(
        is_enabled=True,
        interval=timedelta(minutes=30),
        methods=frozenset({SelectionMethod.COMBINED}),
    )
    desk = Desk(replace(POLICY, refresh=refresh))
    morning = desk.select(at(8, 40))
    desk.scan.is_down = True

    kept = desk.select(at(9, 10))

    assert (kept.origin, kept.symbols) == (Origin.CACHE, morning.symbols)
    assert len(desk.told("refresh_failed")) == 1
    assert desk.selector.next_refresh(TUESDAY) == at(9, 40)


def test_a_selection_can_be_advanced_a_chunk_at_a_time() -> None:
    desk = Desk()
    run = desk.selector.start(at(8, 40))
    run.chunk = 8
    steps = 0

    while run.advance() is None:
        steps += 1

    # pool, 20 histories in chunks of 8, one chunk of statuses, one of readings
    assert steps == 1 + 3 + 1 + 1
    assert max(len(symbols) for _, symbols in desk.scan.asked) == 8


def test_the_engine_gets_its_turn_between_the_portions_of_a_selection() -> None:
    desk = Desk()

    assert desk.selector.for_session(TUESDAY, at(8, 40)) is None  # the pool alone is known so far
    assert asked_to_the_end(desk, at(8, 40))
