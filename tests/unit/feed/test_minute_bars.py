"""Minutes are closed by the clock and made right whatever order prints come in."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.minute_bar import MinuteBar, MinuteBars
from kis_core.market.session import KST, regular_session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print

DAY = date(2026, 11, 24)
A, B = Symbol("005930"), Symbol("000660")


def at(hour: int, minute: int, second: int = 0, *, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=KST)


def a_print(
    hms: int,
    price: int,
    volume: int,
    *,
    quantity: int = 10,
    symbol: Symbol = A,
    day: int = 20261124,
) -> Print:
    return Print(symbol, day, hms, price, 0, 0, 0, 0, quantity, volume, 0, False)


@pytest.fixture
def bars() -> MinuteBars:
    made = MinuteBars()
    made.begin(regular_session(DAY))
    return made


def bar(
    start: datetime, prices: tuple[int, int, int, int], volume: int, prints: int, symbol: Symbol = A
) -> MinuteBar:
    opening, high, low, close = prices
    return MinuteBar(
        symbol=symbol,
        starts_at=start,
        open=opening,  # type: ignore[arg-type]  # plain numbers read better in a table
        high=high,  # type: ignore[arg-type]
        low=low,  # type: ignore[arg-type]
        close=close,  # type: ignore[arg-type]
        volume=volume,
        prints=prints,
    )


@pytest.mark.req("W-02", "F-060")
def test_a_minute_ends_by_the_clock_although_nothing_prints_after_it(bars: MinuteBars) -> None:
    bars.add(a_print(100005, 700, 110))
    bars.add(a_print(100030, 720, 130, quantity=20))
    bars.add(a_print(100059, 710, 135, quantity=5))

    before = bars.close_until(at(10, 1, 1))
    after = bars.close_until(at(10, 1, 2))

    assert before == ()
    assert after == (bar(at(10, 0), (700, 720, 700, 710), 35, 3),)
    assert bars.close_until(at(10, 5)) == ()


@pytest.mark.req("W-02", "F-066")
def test_a_minute_without_a_print_has_no_bar(bars: MinuteBars) -> None:
    bars.add(a_print(100005, 700, 110))
    bars.add(a_print(100305, 701, 120))

    done = bars.close_until(at(10, 10))

    assert [one.starts_at for one in done] == [at(10, 0), at(10, 3)]


@pytest.mark.req("W-02")
def test_prints_of_the_next_minute_do_not_end_this_one(bars: MinuteBars) -> None:
    bars.add(a_print(100059, 700, 100))
    bars.add(a_print(100100, 800, 110))
    bars.add(a_print(100059, 690, 105, quantity=5))  # was on its way

    (first,) = bars.close_until(at(10, 1, 2))
    (second,) = bars.close_until(at(10, 2, 2))

    assert first == bar(at(10, 0), (700, 700, 690, 690), 15, 2)
    assert second == bar(at(10, 1), (800, 800, 800, 800), 10, 1)


@pytest.mark.req("W-02")
def test_a_repeated_print_changes_nothing_and_is_counted(bars: MinuteBars) -> None:
    for _ in range(3):
        bars.add(a_print(100005, 700, 110))
    bars.add(a_print(100006, 710, 120))
    bars.add(a_print(100005, 700, 110))

    (done,) = bars.close_until(at(10, 1, 2))

    assert (done.open, done.close, done.volume) == (700, 710, 20)
    assert bars.counts.reordered == 3


@pytest.mark.req("W-02")
@given(order=st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    bars = MinuteBars()
    bars.begin(regular_session(DAY))
    prints = [
        a_print(100000 + n, price, 110 + 10 * n)
        for n, price in enumerate((700, 730, 690, 710, 720, 705))
    ]

    for index in order:
        bars.add(prints[index])

    assert bars.close_until(at(10, 1, 2)) == (bar(at(10, 0), (700, 730, 690, 705), 60, 6),)


@pytest.mark.req("W-02")
def test_a_print_whose_minute_is_over_is_dropped_and_counted(bars: MinuteBars) -> None:
    bars.close_until(at(10, 1, 2))

    bars.add(a_print(100059, 700, 110))

    assert bars.close_until(at(11, 0)) == ()
    assert bars.counts.late == 1


@pytest.mark.req("W-02")
def test_shares_missed_between_two_minutes_belong_to_neither(bars: MinuteBars) -> None:
    bars.add(a_print(100005, 700, 110))
    bars.add(a_print(100105, 700, 5_110))  # 4,990 shares were traded unseen

    first, second = bars.close_until(at(10, 5))

    assert (first.volume, second.volume) == (10, 10)


@pytest.mark.req("W-02", "F-060")
def test_the_closing_auction_makes_the_last_bar_and_the_after_market_none(
    bars: MinuteBars,
) -> None:
    bars.add(a_print(151959, 700, 1_000))
    bars.add(a_print(153012, 705, 3_000, quantity=2_000))  # the auction's end is random
    bars.add(a_print(153100, 1, 3_010))
    bars.add(a_print(160000, 900, 3_020))

    done = bars.close_until(at(15, 31, 2))

    assert [(one.starts_at.time(), one.close) for one in done] == [
        (time(15, 19), 700),
        (time(15, 30), 705),
    ]
    assert bars.counts.outside == 2


@pytest.mark.req("W-02")
def test_prints_before_the_open_or_of_another_day_make_no_bar(bars: MinuteBars) -> None:
    bars.add(a_print(85959, 700, 10))
    bars.add(a_print(100000, 700, 10, day=20261123))

    assert bars.close_until(at(15, 40)) == ()
    assert bars.counts.outside == 2


def test_a_late_day_has_its_own_hours() -> None:
    bars = MinuteBars()
    bars.begin(regular_session(DAY, opens=time(10), closes=time(16, 30)))

    bars.add(a_print(93000, 700, 10))
    bars.add(a_print(163000, 710, 20))

    assert [one.starts_at for one in bars.close_until(at(17, 0))] == [at(16, 30)]


@pytest.mark.req("F-060")
def test_what_is_open_at_midnight_is_over_the_next_day(bars: MinuteBars) -> None:
    bars.add(a_print(153000, 700, 110))

    done = bars.close_until(at(0, 0, 5, day=date(2026, 11, 25)))

    assert [one.starts_at for one in done] == [at(15, 30)]


def test_a_new_session_starts_from_nothing_and_the_same_one_goes_on(bars: MinuteBars) -> None:
    bars.add(a_print(100005, 700, 110))

    bars.begin(regular_session(DAY))
    kept = bars.close_until(at(10, 1, 2))
    bars.add(a_print(100105, 700, 120))
    bars.begin(regular_session(date(2026, 11, 25)))

    assert len(kept) == 1
    assert bars.close_until(at(18, 0, day=date(2026, 11, 25))) == ()


def test_bars_come_by_time_and_then_symbol(bars: MinuteBars) -> None:
    bars.add(a_print(100105, 700, 10, symbol=A))
    bars.add(a_print(100005, 700, 10, symbol=A))
    bars.add(a_print(100105, 100, 10, symbol=B))

    done = bars.close_until(at(10, 2, 2))

    assert [(one.starts_at.minute, one.symbol) for one in done] == [(0, A), (1, B), (1, A)]


def test_a_print_knows_its_instant_and_base() -> None:
    one = Print(A, 20261120, 101530, 70_500, 500, 0, 0, 0, 12, 100, 0, False)

    assert one.at == datetime(2026, 11, 20, 10, 15, 30, tzinfo=KST)
    assert one.base == 70_000
