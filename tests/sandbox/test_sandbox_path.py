"""A day's prints honour the day's bar; bars keep to ticks and limits; a VI stops the prints."""

from datetime import date
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kis_core.market.bar import Bar
from kis_core.market.limit import price_limits
from kis_core.market.session import regular_session
from kis_core.market.symbol import Product
from kis_core.market.tick import is_on_tick
from kis_core.market.won import Won
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.history import SyntheticBars
from kis_sandbox.listing import default_listing
from kis_sandbox.path import SECOND_US, DayPath, day_path

DAY = date(2026, 11, 24)
SESSION = regular_session(DAY)
NINE, CLOSING, CLOSE = (s * SECOND_US for s in (32_400, 55_200, 55_800))


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    low = draw(st.integers(500, 300_000))
    high = low + draw(st.integers(0, low // 3))
    return Bar(
        session_date=DAY,
        open=Won(draw(st.integers(low, high))),
        high=Won(high),
        low=Won(low),
        close=Won(draw(st.integers(low, high))),
        volume=draw(st.integers(1, 3_000_000)),
    )


def path_of(bar: Bar, seed: int = 1) -> DayPath:
    return day_path(bar, SESSION, random=Random(seed), product=Product.STOCK)


@pytest.mark.req("X-02")
@settings(deadline=None)
@given(bar=bars(), seed=st.integers(0, 5))
def test_a_path_honours_open_high_low_close_and_volume(bar: Bar, seed: int) -> None:
    path = path_of(bar, seed)

    assert path.prices[0] == bar.open
    assert path.prices[-1] == bar.close
    assert max(path.prices) == bar.high
    assert min(path.prices) == bar.low
    assert sum(path.volumes) == bar.volume
    assert min(path.volumes) >= 0


@pytest.mark.req("X-02")
@settings(deadline=None)
@given(bar=bars(), seed=st.integers(0, 5))
def test_a_path_runs_from_the_opening_to_the_closing_auction(bar: Bar, seed: int) -> None:
    times = list(path_of(bar, seed).times_us)

    assert times == sorted(times)
    assert (times[0], times[-1]) == (NINE, CLOSE)
    assert all(NINE < one < CLOSING for one in times[1:-1])


@pytest.mark.req("X-02")
@settings(deadline=None)
@given(bar=bars(), seed=st.integers(0, 5))
def test_nothing_prints_during_a_vi(bar: Bar, seed: int) -> None:
    path = path_of(bar, seed)

    for one in path.interruptions:
        assert one.end_us - one.start_us == 120 * SECOND_US - 1
        assert not any(one.start_us <= t < one.end_us for t in path.times_us)
        assert abs(one.price - one.reference) * 10 >= one.reference


@pytest.mark.req("X-02")
def test_a_ten_percent_move_starts_a_vi_of_two_minutes() -> None:
    bar = Bar(
        session_date=DAY,
        open=Won(10_000),
        high=Won(12_900),
        low=Won(9_900),
        close=Won(12_500),
        volume=1_000_000,
    )

    first = path_of(bar).interruptions[0]

    assert (first.reference, first.price) == (10_000, 11_000)


@pytest.mark.req("X-02")
def test_a_calm_day_has_no_vi_and_prints_about_every_five_seconds() -> None:
    bar = Bar(
        session_date=DAY,
        open=Won(10_000),
        high=Won(10_200),
        low=Won(9_900),
        close=Won(10_100),
        volume=1_000_000,
    )

    path = path_of(bar)

    assert path.interruptions == []
    assert len(path) == 4_560  # 380 minutes of continuous trading, twelve prints a minute


@pytest.mark.req("X-02")
def test_so_far_columns_are_those_of_the_prints() -> None:
    bar = Bar(
        session_date=DAY,
        open=Won(100),
        high=Won(105),
        low=Won(95),
        close=Won(101),
        volume=64,
    )

    path = path_of(bar)

    for n in range(len(path)):
        assert path.high_so_far[n] == max(path.prices[: n + 1])
        assert path.low_so_far[n] == min(path.prices[: n + 1])
        assert path.volume_so_far[n] == sum(path.volumes[: n + 1])


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return TradingCalendar(until=DAY)


@pytest.fixture(scope="module")
def seeded(calendar: TradingCalendar) -> dict[str, list[Bar]]:
    listing = default_listing(count=40, seed=7, start=DAY, calendar=calendar)
    source = SyntheticBars(seed=7, listing=listing, calendar=calendar)
    return {symbol: source.bars(symbol, DAY) for symbol in listing.symbols}


@pytest.mark.req("X-02")
def test_seeded_prices_stand_on_ticks_inside_the_days_limits(
    seeded: dict[str, list[Bar]],
) -> None:
    for symbol, bars_ in seeded.items():
        product = Product.ETF if symbol == "069500" else Product.STOCK
        for prior, bar in pairwise(bars_):
            limits = price_limits(prior.close, on=bar.session_date, product=product)
            for price in (bar.open, bar.high, bar.low, bar.close):
                assert is_on_tick(price, product, bar.session_date), (symbol, bar)
            assert limits.lower <= bar.low <= bar.high <= limits.upper
            assert bar.is_traded


@pytest.mark.req("X-02")
def test_history_is_long_and_has_every_session(
    seeded: dict[str, list[Bar]], calendar: TradingCalendar
) -> None:
    dates = [bar.session_date for bar in seeded["005930"]]

    assert len(dates) >= 300
    assert dates == calendar.between(dates[0], DAY)


@pytest.mark.req("X-02")
def test_days_move_as_much_as_shares_do(seeded: dict[str, list[Bar]]) -> None:
    for symbol, bars_ in seeded.items():
        moves = [b.close / a.close - 1 for a, b in pairwise(bars_)]
        deviation = (sum(m * m for m in moves) / max(1, len(moves))) ** 0.5
        assert 0.01 < deviation < 0.05, symbol


@pytest.mark.req("X-04")
def test_a_bar_is_the_same_whatever_was_asked_first(calendar: TradingCalendar) -> None:
    listing = default_listing(count=30, seed=3, start=DAY, calendar=calendar)
    straight = SyntheticBars(seed=3, listing=listing, calendar=calendar)
    crooked = SyntheticBars(seed=3, listing=listing, calendar=calendar)

    crooked.bars("000660", date(2026, 12, 15))
    crooked.bars("005930", date(2025, 6, 2))
    crooked.bars("005930", date(2026, 12, 1))

    assert crooked.bars("005930", DAY) == straight.bars("005930", DAY)


@pytest.mark.req("X-04")
def test_another_seed_is_another_market(calendar: TradingCalendar) -> None:
    def last_close(seed: int) -> int:
        listing = default_listing(count=5, seed=seed, start=DAY, calendar=calendar)
        source = SyntheticBars(seed=seed, listing=listing, calendar=calendar)
        return source.bars("005930", DAY)[-1].close

    assert len({last_close(seed) for seed in range(5)}) > 1


@pytest.mark.req("X-02")
def test_every_symbol_walks_its_own_way(seeded: dict[str, list[Bar]]) -> None:
    directions = {
        tuple(b.close > a.close for a, b in pairwise(bars_[-60:])) for bars_ in seeded.values()
    }

    assert len(directions) == len(seeded)


@pytest.mark.req("X-02")
def test_the_default_listing_has_the_special_cases(calendar: TradingCalendar) -> None:
    listing = default_listing(count=None, seed=1, start=DAY, calendar=calendar)
    names = {str(issue.symbol): issue.instrument.name for issue in listing}

    assert len(listing) >= 20
    assert (names["005930"], names["000660"], names["035420"]) == (
        "삼성전자",
        "SK하이닉스",
        "NAVER",
    )
    assert listing.find("0126Z0") is not None
    assert any(issue.is_managed for issue in listing)
    assert any(issue.halts and issue.halts[-1][1] is None for issue in listing)
    assert any(issue.listed_on is not None for issue in listing)
    assert any(issue.instrument.product is Product.ETF for issue in listing)
    assert len(default_listing(count=2_600, seed=1, start=DAY, calendar=calendar)) == 2_600
