"""When a stored universe is the universe, when it is refreshed, and what replaces none."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from kis_core.market.session import KST, regular_session
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import TradingMode
from kis_core.universe.fallback import Halt, HaltReason, UseFixed, after_nothing_chosen
from kis_core.universe.policy import RefreshPolicy, SelectionMethod, UniversePolicy
from kis_core.universe.reuse import (
    CacheAbsent,
    CacheDamaged,
    CachedUniverse,
    CacheReason,
    Reuse,
    Stored,
    decide_reuse,
    refresh_at,
)

TUESDAY = date(2026, 11, 24)
SESSION = regular_session(TUESDAY)
POLICY = UniversePolicy(stocks=("005930", "000660"))
EVERY = frozenset({SelectionMethod.COMBINED})
CACHED = CachedUniverse(
    session_date=TUESDAY,
    symbols=(Symbol("005380"), Symbol("035420")),
    method="combined",
    selected_at=datetime.combine(TUESDAY, time(8, 40), KST),
)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(TUESDAY, time(hour, minute, second), KST)


def asked(
    stored: Stored,
    *,
    now: datetime,
    policy: UniversePolicy = POLICY,
    is_first: bool = True,
) -> Reuse:
    return decide_reuse(stored, policy=policy, at=now, session=SESSION, is_first_ask=is_first)


@pytest.mark.req("U-08")
@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (at(8, 59, 59), CacheReason.OUTSIDE_SESSION),
        (at(9), CacheReason.CHOSEN_TODAY),
        (at(11), CacheReason.CHOSEN_TODAY),
        (at(15, 29, 59), CacheReason.CHOSEN_TODAY),
        (at(15, 30), CacheReason.OUTSIDE_SESSION),
    ],
)
def test_todays_universe_is_reused_in_session_only(now: datetime, reason: CacheReason) -> None:
    assert asked(CACHED, now=now).reason is reason


@pytest.mark.req("U-08", "F-073")
def test_a_day_without_a_session_has_no_market_hours() -> None:
    reuse = decide_reuse(CACHED, policy=POLICY, at=at(11), session=None, is_first_ask=True)

    assert reuse.reason is CacheReason.OUTSIDE_SESSION


@pytest.mark.req("U-08")
def test_on_a_late_opening_day_market_hours_begin_late() -> None:
    session = regular_session(TUESDAY, opens=time(10), closes=time(16, 30))

    early, late = (
        decide_reuse(CACHED, policy=POLICY, at=now, session=session, is_first_ask=True)
        for now in (at(9, 30), at(16))
    )

    assert early.reason is CacheReason.OUTSIDE_SESSION
    assert late.is_hit


@pytest.mark.req("U-09", "F-076")
def test_another_method_invalidates_even_in_session() -> None:
    reuse = asked(replace(CACHED, method="fixed"), now=at(11))

    assert (reuse.reason, reuse.symbols) == (CacheReason.OTHER_METHOD, ())


@pytest.mark.req("U-09")
@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (CacheAbsent(), CacheReason.ABSENT),
        (CacheDamaged(why="not JSON"), CacheReason.DAMAGED),
        (replace(CACHED, session_date=date(2026, 11, 23)), CacheReason.OTHER_DATE),
        (
            replace(CACHED, selected_at=datetime(2026, 11, 23, 20, 0, tzinfo=KST)),
            CacheReason.OTHER_DATE,
        ),
        (replace(CACHED, symbols=(Symbol("0126Z0"),)), CacheReason.CODE_NOT_ALLOWED),
    ],
)
def test_what_is_not_todays_choice_is_a_miss(stored: Stored, reason: CacheReason) -> None:
    assert asked(stored, now=at(11)).reason is reason


def test_a_file_of_the_replaced_system_without_an_instant_is_reused() -> None:
    assert asked(replace(CACHED, selected_at=None), now=at(11)).is_hit


@pytest.mark.req("U-11")
def test_a_reused_universe_still_obeys_max_stocks_and_has_no_duplicates() -> None:
    stored = replace(CACHED, symbols=(Symbol("005380"), Symbol("005380"), Symbol("035420")))

    assert asked(stored, now=at(11)).symbols == (Symbol("005380"), Symbol("035420"))
    policy = replace(POLICY, max_stocks=1)
    assert asked(stored, now=at(11), policy=policy).symbols == (Symbol("005380"),)


def test_a_fixed_universe_is_reused_while_the_list_is_the_same() -> None:
    policy = replace(POLICY, method=SelectionMethod.FIXED)
    same = replace(CACHED, method="fixed", symbols=(Symbol("005930"), Symbol("000660")))

    assert asked(same, now=at(11), policy=policy).is_hit
    changed = asked(replace(CACHED, method="fixed"), now=at(11), policy=policy)
    assert changed.reason is CacheReason.STOCKS_CHANGED


@pytest.mark.req("U-15")
@pytest.mark.parametrize(
    ("refresh", "now", "is_first", "reason"),
    [
        ({"on_restart": True}, at(11), True, CacheReason.REFRESH_ON_RESTART),
        ({"on_restart": True}, at(11), False, CacheReason.CHOSEN_TODAY),
        ({"on_market_open": True}, at(9), True, CacheReason.REFRESH_ON_OPEN),
        ({"interval": timedelta(minutes=30)}, at(9, 9), True, CacheReason.CHOSEN_TODAY),
        ({"interval": timedelta(minutes=30)}, at(9, 10), True, CacheReason.REFRESH_BY_AGE),
        ({}, at(11), True, CacheReason.CHOSEN_TODAY),
        ({"on_restart": True, "is_enabled": False}, at(11), True, CacheReason.CHOSEN_TODAY),
        (
            {"on_restart": True, "methods": frozenset({SelectionMethod.VOLUME_TOP})},
            at(11),
            True,
            CacheReason.CHOSEN_TODAY,
        ),
    ],
)
def test_refreshing_happens_only_as_configured(
    refresh: dict[str, object], now: datetime, is_first: bool, reason: CacheReason
) -> None:
    settings = replace(
        RefreshPolicy(is_enabled=True, methods=EVERY),
        **refresh,  # type: ignore[arg-type]  # replace checks the names
    )

    reuse = asked(CACHED, now=now, policy=replace(POLICY, refresh=settings), is_first=is_first)

    assert reuse.reason is reason
    assert reuse.symbols == CACHED.symbols  # kept when the refresh fails


@pytest.mark.req("U-15")
def test_the_next_refresh_is_the_open_then_the_interval_and_none_after_the_close() -> None:
    refresh = RefreshPolicy(
        is_enabled=True, on_market_open=True, interval=timedelta(hours=3), methods=EVERY
    )
    policy = replace(POLICY, refresh=refresh)

    assert refresh_at(policy, selected_at=at(8, 40), session=SESSION) == (
        at(9),
        CacheReason.REFRESH_ON_OPEN,
    )
    assert refresh_at(policy, selected_at=at(9), session=SESSION) == (
        at(12),
        CacheReason.REFRESH_BY_AGE,
    )
    assert refresh_at(policy, selected_at=at(12, 30), session=SESSION) is None
    assert refresh_at(POLICY, selected_at=at(8, 40), session=SESSION) is None


@pytest.mark.req("U-10")
@pytest.mark.parametrize(
    ("changes", "mode", "expected"),
    [
        (
            {},
            TradingMode.PAPER,
            UseFixed(symbols=(Symbol("005930"), Symbol("000660")), wait=timedelta()),
        ),
        (
            {},
            TradingMode.REAL,
            UseFixed(symbols=(Symbol("005930"), Symbol("000660")), wait=timedelta(seconds=10)),
        ),
        (
            {"halt_on_fallback_in_real": True},
            TradingMode.REAL,
            Halt(reason=HaltReason.FALLBACK_HALTS_IN_REAL),
        ),
        (
            {"halt_on_fallback_in_real": True},
            TradingMode.PAPER,
            UseFixed(symbols=(Symbol("005930"), Symbol("000660")), wait=timedelta()),
        ),
        (
            {"fallback_to_fixed": False},
            TradingMode.PAPER,
            Halt(reason=HaltReason.NO_CANDIDATE_LEFT),
        ),
        ({"stocks": ()}, TradingMode.PAPER, Halt(reason=HaltReason.FIXED_IS_EMPTY)),
        (
            {"method": SelectionMethod.FIXED, "stocks": ()},
            TradingMode.REAL,
            Halt(reason=HaltReason.FIXED_IS_EMPTY),
        ),
    ],
)
def test_what_follows_a_selection_that_chose_nothing(
    changes: dict[str, object], mode: TradingMode, expected: UseFixed | Halt
) -> None:
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]  # replace checks the names

    assert after_nothing_chosen(policy, mode=mode) == expected
