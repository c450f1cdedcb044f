"""Which prints fill which orders: hand-written paths, hand-computed fills."""

from array import array
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kis_core.market.session import KST
from kis_sandbox.matching import matches
from kis_sandbox.order import Mishap, Order, OrderType, Side
from kis_sandbox.path import SECOND_US, DayPath

NINE = 9 * 3_600 * SECOND_US
CLOSE = (15 * 3_600 + 30 * 60) * SECOND_US
DAY = date(2026, 11, 24)


def path_of(*prints: tuple[int, int]) -> DayPath:
    """Prints of (price, volume): the open at 09:00:00, then every 10 s, the last at 15:30:00."""
    times = [NINE + 10 * SECOND_US * n for n in range(len(prints) - 1)] + [CLOSE]
    return DayPath(
        times_us=array("q", times),
        prices=array("q", (price for price, _ in prints)),
        volumes=array("q", (volume for _, volume in prints)),
    )


def order_of(
    side: Side = Side.BUY,
    *,
    number: int = 1,
    quantity: int = 10,
    limit: int | None = None,
    order_type: OrderType = OrderType.LIMIT,
    after_s: int = 5,
    is_marketable: bool = False,
    mishap: Mishap | None = None,
) -> Order:
    """An order that arrived `after_s` seconds after nine."""
    return Order(
        session_date=DAY,
        number=number,
        symbol="000010",
        side=side,
        order_type=order_type,
        quantity=quantity,
        price=limit or 0,
        limit=limit,
        reserved_price=limit or 0,
        accepted_at=datetime(2026, 11, 24, 9, tzinfo=KST),
        accepted_us=NINE + after_s * SECOND_US,
        is_marketable=is_marketable,
        mishap=mishap or Mishap(),
    )


def fills(path: DayPath, *orders: Order) -> list[tuple[int, int, int, int]]:
    """(order number, quantity, price, seconds after nine) of every fill of the day."""
    found = matches(orders, path, after_us=0, until_us=CLOSE)
    return [
        (m.order.number, m.quantity, m.price, (m.at_us - NINE) // SECOND_US)
        for m in found
        if not m.is_cancel
    ]


@pytest.mark.req("X-02")
def test_a_market_order_trades_at_the_next_print() -> None:
    path = path_of((100, 400), (101, 400), (102, 400), (103, 400))

    assert fills(path, order_of(limit=None, order_type=OrderType.MARKET)) == [(1, 10, 101, 10)]


@pytest.mark.req("X-02")
def test_a_print_at_the_moment_of_arrival_is_too_early() -> None:
    path = path_of((100, 400), (101, 400), (102, 400), (103, 400))
    order = order_of(limit=None, order_type=OrderType.MARKET, after_s=10)

    assert fills(path, order) == [(1, 10, 102, 20)]


@pytest.mark.req("X-02")
def test_a_print_gives_away_a_quarter_of_its_shares() -> None:
    path = path_of((100, 400), (101, 19), (102, 8), (103, 400))

    # 19 // 4 = 4, 8 // 4 = 2, and the rest of 10 at the close
    assert fills(path, order_of(limit=None, order_type=OrderType.MARKET)) == [
        (1, 4, 101, 10),
        (1, 2, 102, 20),
        (1, 4, 103, 23_400),
    ]


@pytest.mark.req("X-02")
def test_what_came_first_is_served_first() -> None:
    path = path_of((100, 400), (101, 48), (101, 40), (101, 400))
    early = order_of(number=1, limit=101, quantity=10, after_s=4)
    late = order_of(number=2, limit=101, quantity=10, after_s=5)

    assert fills(path, early, late) == [(1, 10, 101, 10), (2, 2, 101, 10), (2, 8, 101, 20)]


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("side", "limit", "filled"),
    [
        (Side.BUY, 99, [(1, 10, 99, 20)]),
        (Side.BUY, 98, []),
        (Side.SELL, 103, [(1, 10, 103, 10)]),
        (Side.SELL, 104, []),
    ],
)
def test_a_waiting_limit_order_trades_at_its_own_limit(
    side: Side, limit: int, filled: list[tuple[int, int, int, int]]
) -> None:
    path = path_of((100, 400), (103, 400), (99, 400), (101, 400))

    assert fills(path, order_of(side, limit=limit)) == filled


@pytest.mark.req("X-02")
def test_a_print_through_a_waiting_limit_gives_no_better_price() -> None:
    path = path_of((100, 400), (97, 400), (99, 400))

    assert fills(path, order_of(limit=99)) == [(1, 10, 99, 10)]


@pytest.mark.req("X-02")
def test_a_marketable_limit_order_gets_the_better_price() -> None:
    path = path_of((100, 400), (97, 400), (99, 400))

    assert fills(path, order_of(limit=101, is_marketable=True)) == [(1, 10, 97, 10)]


@pytest.mark.req("X-02")
def test_an_auction_trades_at_one_price_for_all() -> None:
    path = path_of((100, 400), (103, 400), (98, 400))
    buy = order_of(number=1, limit=102, after_s=-60)
    sell = order_of(Side.SELL, number=2, limit=99, after_s=-30)

    assert fills(path, buy, sell) == [(1, 10, 100, 0), (2, 10, 100, 0)]


@pytest.mark.req("X-02")
def test_a_conditional_limit_order_becomes_a_market_order_at_the_close() -> None:
    path = path_of((100, 400), (103, 400), (105, 400))
    conditional = order_of(limit=99, order_type=OrderType.LIMIT_THEN_MARKET)

    assert fills(path, conditional) == [(1, 10, 105, 23_400)]
    assert fills(path, replace(conditional, order_type=OrderType.LIMIT)) == []


@pytest.mark.req("X-02")
def test_the_rest_of_an_ioc_order_is_cancelled_at_its_first_print() -> None:
    path = path_of((100, 400), (101, 16), (101, 400), (101, 400))
    order = order_of(limit=101, order_type=OrderType.LIMIT_IOC, is_marketable=True)

    found = list(matches([order], path, after_us=0, until_us=CLOSE))

    assert [(m.quantity, m.is_cancel) for m in found] == [(4, False), (6, True)]


@pytest.mark.req("X-02")
@pytest.mark.parametrize(("volume", "filled"), [(39, 0), (40, 10)])
def test_a_fok_order_fills_whole_or_not_at_all(volume: int, filled: int) -> None:
    path = path_of((100, 400), (101, volume), (101, 400), (101, 400))
    order = order_of(limit=101, order_type=OrderType.LIMIT_FOK, is_marketable=True)

    assert sum(quantity for _, quantity, _, _ in fills(path, order)) == filled


@pytest.mark.req("X-05")
def test_mishaps_cap_and_delay_a_fill() -> None:
    path = path_of((100, 400), (101, 400), (102, 400), (103, 400))
    capped = order_of(limit=None, order_type=OrderType.MARKET, mishap=Mishap(fill_at_most=3))
    delayed = order_of(
        limit=None, order_type=OrderType.MARKET, mishap=Mishap(delay_us=6 * SECOND_US)
    )

    assert fills(path, capped) == [(1, 3, 101, 10)]
    assert fills(path, delayed) == [(1, 10, 102, 20)]


@pytest.mark.req("X-04")
@settings(deadline=None)
@given(
    prints=st.lists(st.tuples(st.integers(95, 105), st.integers(0, 60)), min_size=4, max_size=30),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    limits=st.lists(st.one_of(st.none(), st.integers(95, 105)), min_size=1, max_size=4),
)
def test_fills_do_not_depend_on_how_often_time_is_advanced(
    prints: list[tuple[int, int]], cuts: list[int], limits: list[int | None]
) -> None:
    path = path_of(*prints)
    whole = _played(path, limits, [])

    assert _played(path, limits, cuts) == whole


def _played(
    path: DayPath, limits: list[int | None], cuts: list[int]
) -> list[tuple[int, int, int, int]]:
    orders = [
        order_of(number=n, limit=limit, order_type=OrderType.LIMIT if limit else OrderType.MARKET)
        for n, limit in enumerate(limits)
    ]
    seen = []
    edges = [0, *sorted(NINE + cut * SECOND_US for cut in cuts), CLOSE]
    for after, until in pairwise(edges):
        for match in list(matches(orders, path, after_us=after, until_us=until)):
            match.order.filled_quantity += match.quantity
            seen.append((match.order.number, match.quantity, match.price, match.at_us))
    return seen
