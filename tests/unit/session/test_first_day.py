"""A real account begins with a small order and one symbol, whatever is restarted."""

from datetime import datetime, timedelta

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import HYNIX, KAKAO, SAMSUNG, World
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.notifier import EventKind
from kis_core.risk.limits import RiskLimits
from kis_core.session.first_day import (
    Experience,
    FirstDayLimits,
    limited_quantity,
    limited_symbols,
)
from kis_core.sizing.policy import Fixed

_WEDNESDAY_MORNING = datetime(2026, 11, 25, 8, 30, tzinfo=KST)
_BREAKOUT = 70_300

NEW = Experience(has_bought=False, is_first_day=True, symbol=None)
BOUGHT_TODAY = Experience(has_bought=True, is_first_day=True, symbol=HYNIX)
OLD = Experience(has_bought=True, is_first_day=False, symbol=None)


@pytest.mark.req("M-09")
@pytest.mark.parametrize(
    ("quantity", "percent", "allowed"),
    [(100, 10, 10), (19, 10, 1), (9, 10, 1), (1, 10, 1), (250, 30, 75), (7, 100, 7), (55, 1, 1)],
)
def test_the_first_order_is_a_percentage_of_the_computed_quantity_at_least_one(
    quantity: int, percent: int, allowed: int
) -> None:
    limits = FirstDayLimits(order_percent=percent)

    assert limited_quantity(quantity, NEW, limits) == allowed


@pytest.mark.req("M-09", "F-005")
@pytest.mark.parametrize("known", [BOUGHT_TODAY, OLD])
def test_after_a_filled_purchase_quantities_are_as_computed(known: Experience) -> None:
    assert limited_quantity(100, known, FirstDayLimits()) == 100


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_percentage_that_is_none_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match="order_percent"):
        FirstDayLimits(order_percent=percent)


@pytest.mark.req("M-10", "F-005")
@pytest.mark.parametrize(
    ("known", "one_symbol", "allowed"),
    [
        (NEW, True, (SAMSUNG,)),
        (BOUGHT_TODAY, True, (HYNIX,)),  # it, though it is not the first of the list
        (OLD, True, (SAMSUNG, HYNIX, KAKAO)),
        (NEW, False, (SAMSUNG, HYNIX, KAKAO)),
        (BOUGHT_TODAY, False, (SAMSUNG, HYNIX, KAKAO)),
    ],
)
def test_the_first_day_has_one_symbol(
    known: Experience, one_symbol: bool, allowed: tuple[Symbol, ...]
) -> None:
    limits = FirstDayLimits(one_symbol=one_symbol)

    assert limited_symbols((SAMSUNG, HYNIX, KAKAO), known, limits) == allowed


def _real_world(limits: FirstDayLimits | None) -> World:
    """Three symbols that will all break out, ten shares each, on a real account."""
    world = World()
    _list_all(world)
    world.tune(
        namespace=Namespace(mode=TradingMode.REAL, account="9910000101"),
        candidates=(SAMSUNG, HYNIX, KAKAO),
        limits=RiskLimits(daily_max_trades=20, max_positions=5),
        sizing=Fixed(shares=20),
        first_day=limits,
    )
    return world


def _list_all(world: World) -> None:
    for symbol in (SAMSUNG, HYNIX, KAKAO):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_050)


def _break_out(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    for symbol in (SAMSUNG, HYNIX, KAKAO):
        world.market.set_price(symbol, _BREAKOUT)


def _bought(world: World) -> list[tuple[Symbol, int]]:
    return [(order.symbol, order.quantity) for order in world.broker.orders]


@pytest.mark.req("M-09", "M-10", "F-005")
def test_a_real_accounts_first_day_buys_one_symbol_and_a_tenth() -> None:
    world = _real_world(FirstDayLimits())

    _break_out(world)
    world.run_until(world.at(9, 20))

    assert _bought(world) == [(SAMSUNG, 2)]
    told = [e.fields["why"] for e in world.notifier.events if e.kind is EventKind.RISK_LIMIT]
    assert len([why for why in told if "첫 주문" in str(why)]) == 1
    assert len([why for why in told if "첫 거래일" in str(why)]) == 1


@pytest.mark.req("M-09")
def test_without_limits_all_is_bought_as_computed() -> None:
    world = _real_world(None)

    _break_out(world)
    world.run_until(world.at(9, 20))

    assert sorted(_bought(world)) == sorted([(SAMSUNG, 20), (HYNIX, 20), (KAKAO, 20)])


@pytest.mark.req("M-09", "M-10")
def test_only_the_first_order_is_small_where_the_day_may_have_more_symbols() -> None:
    world = _real_world(FirstDayLimits(order_percent=50, one_symbol=False))
    world.tune(candidates=(SAMSUNG,))

    _break_out(world)
    world.run_until(world.at(9, 20))
    world.tune(candidates=(SAMSUNG, HYNIX))
    world.run_until(world.at(9, 30))

    assert _bought(world) == [(SAMSUNG, 10), (HYNIX, 20)]


@pytest.mark.req("M-09")
def test_as_long_as_no_purchase_has_filled_every_order_is_the_first() -> None:
    world = _real_world(FirstDayLimits(order_percent=50, one_symbol=False))

    _break_out(world)
    world.run_until(world.at(9, 20))

    assert sorted(_bought(world)) == sorted([(SAMSUNG, 10), (HYNIX, 10), (KAKAO, 10)])


@pytest.mark.req("M-10")
def test_a_restart_with_another_list_is_still_the_first_day_of_the_same_symbol() -> None:
    world = _real_world(FirstDayLimits())
    _break_out(world)
    world.run_until(world.at(9, 5))

    world.tune(candidates=(HYNIX, KAKAO, SAMSUNG))
    world.run_until(world.at(9, 30))

    assert _bought(world) == [(SAMSUNG, 2)]


@pytest.mark.req("M-10", "F-005")
def test_the_second_day_is_an_ordinary_one() -> None:
    world = _real_world(FirstDayLimits())
    _break_out(world)
    world.run_until(_WEDNESDAY_MORNING - timedelta(minutes=30))
    _list_all(world)

    world.run_until(_WEDNESDAY_MORNING)
    _break_out(world)
    world.run_until(world.at(9, 20))

    later = _bought(world)[1:]
    assert {symbol for symbol, _ in later} >= {HYNIX, KAKAO}
    assert {quantity for _, quantity in later if quantity} == {20}


@pytest.mark.req("M-09", "M-10")
def test_an_order_that_was_refused_was_not_the_first() -> None:
    world = _real_world(FirstDayLimits(one_symbol=False))
    world.tune(candidates=(SAMSUNG, HYNIX))
    world.broker.fail_next("place", Fault.REJECT)

    _break_out(world)
    world.run_until(world.at(9, 20))

    assert _bought(world) == [(HYNIX, 2)]
