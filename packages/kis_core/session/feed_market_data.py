"""Quotes from the feed where it has them, from REST where it has not (W-05, W-06).

A print carries neither the day's limits nor the broker's flags, so a symbol is first asked by
REST once a day; its prints then move that quote. A price is used only while it is young, whatever
the feed says of itself (F-063): a symbol that has not printed for a while, one without a place on
the stream, and every symbol once the feed is lost, are asked by REST, in the very same call.

Whether a symbol is in a VI no print tells. So a candidate's quote from the feed says nothing of
that (its `is_halted` is None), and the close look that an entry takes, at that symbol alone, is
REST's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum, unique

from kis_core.market.bar import Bar
from kis_core.market.minute_bar import MinuteBar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol
from kis_core.market.trade_print import Print
from kis_core.market.won import Won
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Feed, FeedChange, FeedProblem, FeedState, OrderHint
from kis_core.ports.market_data import MarketData, MarketDataUnavailable

AGE_MAX = timedelta(seconds=20)
_AHEAD_MAX = timedelta(seconds=5)  # the exchange's clock and ours need not agree to the second


@unique
class QuoteSource(StrEnum):
    """Where quotes come from, as far as the feed can give them."""

    WS = "ws"
    REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSwitch:
    """From `at` on quotes come from `source`; `why` is a word for the log."""

    at: datetime
    source: QuoteSource
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedNews:
    """What the engine acts on or tells after a poll, each once.

    `bars`: completed minutes, in order of time. `hints`: look at the broker's list now.
    `printed`: symbols whose price may have moved. `switches`: to be notified. `changes` and
    `problems`: for the log.
    """

    bars: tuple[MinuteBar, ...] = ()
    hints: tuple[OrderHint, ...] = ()
    printed: frozenset[Symbol] = frozenset()
    switches: tuple[SourceSwitch, ...] = ()
    changes: tuple[FeedChange, ...] = ()
    problems: tuple[FeedProblem, ...] = ()


class FeedMarketData(MarketData):
    """Market data of which the quotes come from a feed as far as possible.

    Used by the engine's thread alone. `poll` is to be called in each step: what the feed told
    is handed out there. `age_max`: how old a print may be and still be traded on.
    """

    def __init__(
        self, feed: Feed, *, rest: MarketData, clock: Clock, age_max: timedelta = AGE_MAX
    ) -> None:
        self._feed = feed
        self._rest = rest
        self._clock = clock
        self._age_max = age_max
        self._wish: tuple[tuple[Symbol, ...], tuple[Symbol, ...]] = ((), ())
        self._held: frozenset[Symbol] = frozenset()
        self._seeds: dict[Symbol, Quote] = {}
        self._prints: dict[Symbol, Print] = {}
        self._live: frozenset[Symbol] = frozenset()
        self._state = FeedState.CONNECTING
        self._source: QuoteSource | None = None
        self._news = FeedNews()

    @property
    def source(self) -> QuoteSource | None:
        """Where quotes come from now; None until the feed has been live or failed."""
        return self._source

    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        """See the feed; the same wish again costs nothing."""
        wish = (tuple(held), tuple(others))
        if wish != self._wish:
            self._wish, self._held = wish, frozenset(held)
            self._feed.desire(held, others)

    def poll(self) -> FeedNews:
        """What has arrived since the last poll."""
        self._take()
        news, self._news = self._news, FeedNews()
        return news

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        """See the port. What REST cannot say while the feed gives some is unavailable alone."""
        self._take()
        now = self._clock.now()
        answer: dict[Symbol, Quote | QuoteUnavailable] = {}
        is_close_look = len(symbols) == 1 and symbols[0] not in self._held
        for symbol in () if is_close_look else symbols:
            quote = self._from_feed(symbol, now)
            if quote is not None:
                answer[symbol] = quote
        rest = [symbol for symbol in symbols if symbol not in answer]
        if rest:
            answer.update(self._from_rest(rest, has_others=bool(answer)))
        return answer

    def young(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """The quotes that the feed has by itself now; REST is not asked for the others."""
        now = self._clock.now()
        quotes = {symbol: self._from_feed(symbol, now) for symbol in symbols}
        return {symbol: quote for symbol, quote in quotes.items() if quote is not None}

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        """See the port: REST's."""
        return self._rest.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        """See the port: REST's."""
        return self._rest.instrument(symbol)

    def _from_feed(self, symbol: Symbol, now: datetime) -> Quote | None:
        """The quote that the newest print makes of the day's first one; None where it does not,
        or is too old, or contradicts what REST said of the day."""
        one, seed = self._prints.get(symbol), self._seeds.get(symbol)
        if one is None or seed is None or symbol not in self._live:
            return None
        at = one.at
        if seed.at.date() != at.date() or not -_AHEAD_MAX <= now - at <= self._age_max:
            return None
        if one.base != seed.base or not seed.lower_limit <= one.price <= seed.upper_limit:
            return None
        if seed.at > at:  # REST has seen more of the day
            return None
        return replace(
            seed,
            at=min(at, now),
            last=Won(one.price),
            open=Won(one.open),
            high=Won(one.high),
            low=Won(one.low),
            volume=one.volume,
            turnover=one.turnover,
            ask=Won(0),
            bid=Won(0),
            is_halted=one.is_halted if one.is_halted or symbol in self._held else None,
            is_vi=None,
        )

    def _from_rest(
        self, symbols: Sequence[Symbol], *, has_others: bool
    ) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        try:
            told = self._rest.quotes(symbols)
        except MarketDataUnavailable as error:
            if not has_others:
                raise
            return {symbol: QuoteUnavailable(symbol=symbol, why=str(error)) for symbol in symbols}
        for symbol, quote in told.items():
            if isinstance(quote, Quote):
                self._seeds[symbol] = quote
        return told

    def _take(self) -> None:
        arrived = self._feed.drain()
        self._prints.update(arrived.prints)
        self._live, self._state = arrived.live, arrived.state
        switches = [s for change in arrived.changes if (s := self._switched(change)) is not None]
        news = self._news
        self._news = FeedNews(
            bars=news.bars + arrived.bars,
            hints=news.hints + arrived.hints,
            printed=news.printed | arrived.prints.keys(),
            switches=(*news.switches, *switches),
            changes=news.changes + arrived.changes,
            problems=news.problems + arrived.problems,
        )

    def _switched(self, change: FeedChange) -> SourceSwitch | None:
        """The switch that a change of the feed's state makes, if it makes one.

        A feed that was lost and comes back within its attempts makes none: meanwhile REST gives
        what the feed cannot, and nobody needs to be called.
        """
        if change.state is FeedState.LIVE:
            source = QuoteSource.WS
        elif change.state in (FeedState.DOWN, FeedState.REFUSED):
            source = QuoteSource.REST
        else:
            return None
        if source is self._source:
            return None
        self._source = source
        return SourceSwitch(at=change.at, source=source, why=change.why)
