"""Quotes come from the feed while it is right, and from REST in the same call when it is not."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest

from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Symbol
from kis_core.market.trade_print import Print
from kis_core.market.won import Won
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Arrived, Feed, FeedChange, FeedState, OrderHint
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.session.feed_market_data import FeedMarketData, QuoteSource

A, B = Symbol("005930"), Symbol("000660")
START = datetime(2026, 11, 24, 10, 0, tzinfo=KST)


class StandingClock(Clock):
    def __init__(self) -> None:
        self.instant = START

    def now(self) -> datetime:
        return self.instant

    def sleep_until(self, instant: datetime) -> None:
        self.instant = max(self.instant, instant)

    def wake(self) -> None:
        raise AssertionError("nobody sleeps here")

    def pass_by(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class ScriptedFeed(Feed):
    def __init__(self) -> None:
        self.prints: dict[Symbol, Print] = {}
        self.hints: tuple[OrderHint, ...] = ()
        self.changes: tuple[FeedChange, ...] = ()
        self.live = frozenset({A, B})
        self.desired: tuple[list[Symbol], list[Symbol]] = ([], [])

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        self.desired = (list(held), list(others))

    def drain(self) -> Arrived:
        arrived = Arrived(
            prints=self.prints, hints=self.hints, changes=self.changes, live=self.live
        )
        self.prints, self.hints, self.changes = {}, (), ()
        return arrived

    def counts(self) -> Mapping[str, int]:
        return {}

    def become(self, state: FeedState, why: str = "") -> None:
        self.changes += (FeedChange(at=START, state=state, why=why),)
        if state is not FeedState.LIVE:
            self.live = frozenset()


class ScriptedRest(MarketData):
    def __init__(self, clock: StandingClock) -> None:
        self._clock = clock
        self.asked: list[list[Symbol]] = []
        self.is_down = False
        self.last = 70_000
        self.is_vi = False

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        self.asked.append(list(symbols))
        if self.is_down:
            raise MarketDataUnavailable("REST is down")
        return {symbol: self._quote(symbol) for symbol in symbols}

    def _quote(self, symbol: Symbol) -> Quote:
        return Quote(
            symbol=symbol,
            at=self._clock.now(),
            last=Won(self.last),
            open=Won(70_000),
            high=Won(70_500),
            low=Won(69_900),
            base=Won(70_000),
            upper_limit=Won(91_000),
            lower_limit=Won(49_000),
            volume=1_000,
            turnover=70_000_000,
            is_halted=False,
            is_managed=False,
            is_warned=True,
            is_vi=self.is_vi,
        )

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        return ()

    def instrument(self, symbol: Symbol) -> Instrument:
        raise MarketDataUnavailable("not asked here")


class Desk:
    """Everything together, with A held and B a candidate, both asked by REST once."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.feed = ScriptedFeed()
        self.rest = ScriptedRest(self.clock)
        self.data = FeedMarketData(feed=self.feed, rest=self.rest, clock=self.clock)
        self.data.desire([A], [B])
        self.data.quotes([A, B])
        self.rest.asked.clear()
        self.clock.pass_by(10)

    def prints(self, price: int, *, symbol: Symbol = A, change: int | None = None) -> None:
        at = self.clock.now()
        hms = at.hour * 10_000 + at.minute * 100 + at.second
        told = price - 70_000 if change is None else change
        self.feed.prints[symbol] = Print(
            symbol,
            20261124,
            hms,
            price,
            told,
            70_000,
            price,
            69_000,
            7,
            1_007,
            70_500_000,
            False,
        )

    def quote(self, symbol: Symbol = A) -> Quote:
        quote = self.data.quotes([A, B])[symbol]
        assert isinstance(quote, Quote)
        return quote


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.req("W-05", "M-02")
def test_a_young_print_is_the_quote_with_the_days_limits_and_flags_of_rest(desk: Desk) -> None:
    desk.prints(70_400)
    desk.clock.pass_by(3)

    quote = desk.quote()

    assert quote == Quote(
        symbol=A,
        at=START + timedelta(seconds=10),
        last=Won(70_400),
        open=Won(70_000),
        high=Won(70_400),
        low=Won(69_000),
        base=Won(70_000),
        upper_limit=Won(91_000),
        lower_limit=Won(49_000),
        volume=1_007,
        turnover=70_500_000,
        is_halted=False,
        is_managed=False,
        is_warned=True,
        is_vi=None,
    )
    assert desk.rest.asked == [[B]]


@pytest.mark.req("W-06", "F-063")
@pytest.mark.parametrize(("age", "is_fed"), [(20, True), (20.001, False), (3_600, False)])
def test_a_print_older_than_its_limit_is_never_a_quote(
    desk: Desk, age: float, is_fed: bool
) -> None:
    desk.prints(70_400)
    desk.clock.pass_by(age)

    assert (desk.quote().last == 70_400) is is_fed
    assert (A in desk.rest.asked[0]) is not is_fed


@pytest.mark.req("W-05", "F-063")
@pytest.mark.parametrize("state", [FeedState.RECOVERING, FeedState.DOWN, FeedState.REFUSED])
def test_once_the_feed_is_lost_rest_is_asked_in_the_very_same_call(
    desk: Desk, state: FeedState
) -> None:
    desk.prints(70_400)
    desk.feed.become(state)

    quote = desk.quote()

    assert quote.last == 70_000
    assert desk.rest.asked == [[A, B]]


@pytest.mark.req("W-07")
def test_a_symbol_without_a_place_on_the_stream_is_asked_by_rest(desk: Desk) -> None:
    desk.prints(70_400)
    desk.prints(70_400, symbol=B)
    desk.feed.live = frozenset({A})

    desk.quote()

    assert desk.rest.asked == [[B]]


@pytest.mark.parametrize(
    ("price", "change"),
    [
        pytest.param(70_400, 300, id="change does not fit the base"),
        pytest.param(91_100, 21_100, id="above the upper limit"),
        pytest.param(48_900, -21_100, id="below the lower limit"),
    ],
)
@pytest.mark.req("W-08")
def test_a_print_that_contradicts_the_day_is_no_quote(desk: Desk, price: int, change: int) -> None:
    desk.prints(price, change=change)

    assert desk.quote().last == 70_000


def test_a_print_before_what_rest_has_seen_is_no_quote(desk: Desk) -> None:
    desk.prints(70_400)
    desk.clock.pass_by(1)
    desk.feed.live = frozenset()
    desk.quote()
    desk.feed.live = frozenset({A, B})

    assert desk.quote().last == 70_000


@pytest.mark.req("W-06")
def test_a_print_from_the_future_is_no_quote(desk: Desk) -> None:
    desk.prints(70_400)
    desk.clock.pass_by(-6)

    assert desk.quote().last == 70_000


def test_yesterdays_limits_are_not_todays(desk: Desk) -> None:
    desk.clock.pass_by(24 * 3_600)
    desk.prints(70_400)
    one = desk.feed.prints[A]
    one.day = 20261125

    assert desk.quote().last == 70_000


@pytest.mark.req("O-14")
def test_the_close_look_before_an_entry_is_always_rests(desk: Desk) -> None:
    desk.prints(70_400, symbol=B)
    desk.rest.is_vi = True

    fed = desk.quote(B)
    close = desk.data.quotes([B])[B]

    assert (fed.last, fed.is_halted, fed.is_vi) == (70_400, None, None)
    assert isinstance(close, Quote)
    assert (close.last, close.is_vi) == (70_000, True)


def test_a_held_symbol_alone_is_still_quoted_by_the_feed(desk: Desk) -> None:
    desk.prints(70_400)

    quote = desk.data.quotes([A])[A]

    assert isinstance(quote, Quote)
    assert quote.last == 70_400


@pytest.mark.req("W-05")
def test_while_rest_is_down_the_feed_still_quotes_what_it_has(desk: Desk) -> None:
    desk.prints(70_400)
    desk.rest.is_down = True

    answer = desk.data.quotes([A, B])

    assert isinstance(answer[A], Quote)
    assert isinstance(answer[B], QuoteUnavailable)


def test_with_nothing_from_the_feed_a_silent_rest_is_an_error(desk: Desk) -> None:
    desk.rest.is_down = True

    with pytest.raises(MarketDataUnavailable):
        desk.data.quotes([A, B])


@pytest.mark.req("W-05")
def test_each_switch_is_told_once(desk: Desk) -> None:
    told = []
    for state in (
        FeedState.LIVE,
        FeedState.RECOVERING,
        FeedState.LIVE,
        FeedState.RECOVERING,
        FeedState.DOWN,
        FeedState.DOWN,
        FeedState.LIVE,
        FeedState.REFUSED,
    ):
        desk.feed.become(state, str(state))
        told += [(s.source, s.why) for s in desk.data.poll().switches]

    assert told == [
        (QuoteSource.WS, "live"),
        (QuoteSource.REST, "down"),
        (QuoteSource.WS, "live"),
        (QuoteSource.REST, "refused"),
    ]
    assert desk.data.source is QuoteSource.REST


@pytest.mark.req("W-04", "O-08")
def test_what_arrives_while_quotes_are_asked_is_still_polled(desk: Desk) -> None:
    hint = OrderHint(broker_order_no="12", symbol=A, at=START)
    desk.feed.hints = (hint,)
    desk.prints(70_400)
    desk.quote()

    first, second = desk.data.poll(), desk.data.poll()

    assert (first.hints, first.printed) == ((hint,), frozenset({A}))
    assert (second.hints, second.printed) == ((), frozenset())
