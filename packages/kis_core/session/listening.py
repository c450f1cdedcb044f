"""What the feed told, sorted by what the engine does about it; the rest is told to the operator.

A feed hurries the engine and decides nothing: a notice is a reason to look at the broker's list
(O-08), a print of something held a reason to judge it now, a completed minute a reason to judge a
candidate. Without a feed nothing is ever heard, and everything happens by the interval alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kis_core.market.quote import Quote
from kis_core.market.symbol import Symbol
from kis_core.ports.feed import FeedChange, FeedProblem, FeedState
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.books import Books
from kis_core.session.feed_market_data import FeedMarketData, QuoteSource, SourceSwitch
from kis_core.session.telling import Teller


@dataclass(slots=True)
class Listening:
    """Asks `feed` (None: there is none) what arrived, once in each step."""

    feed: FeedMarketData | None
    books: Books
    teller: Teller
    _moved: set[Symbol] = field(default_factory=set)
    _completed: set[Symbol] = field(default_factory=set)
    _problems: set[tuple[str, str, Symbol | None]] = field(default_factory=set)

    def listen(self, candidates: Sequence[Symbol]) -> bool:
        """Take what arrived, and say what is wanted from now on: what is held before
        `candidates`. Returns whether a notice came."""
        if self.feed is None:
            return False
        held = sorted(self.books.positions)
        self.feed.desire(held, [s for s in candidates if s not in self.books.positions])
        news = self.feed.poll()
        completed = {bar.symbol for bar in news.bars}
        self._completed |= completed
        self._moved = (self._moved | news.printed | completed) & self.books.positions.keys()
        for switch in news.switches:
            self._tell_switch(switch)
        switched_at = {switch.at for switch in news.switches}
        for change in news.changes:
            self._tell_change(change, is_told=change.at in switched_at)
        for problem in news.problems:
            self._tell_problem(problem)
        return bool(news.hints)

    @property
    def has_moved(self) -> bool:
        """Whether something held printed, or its minute is over."""
        return bool(self._moved)

    @property
    def has_completed(self) -> bool:
        """Whether a minute is over in which something printed."""
        return bool(self._completed)

    def moved(self) -> Mapping[Symbol, Quote]:
        """The quotes of what is held and has moved, each move once."""
        moved, self._moved = self._moved, set()
        return self._young(sorted(moved & self.books.positions.keys()))

    def completed(self, candidates: Sequence[Symbol]) -> list[Symbol]:
        """The candidates with a completed minute, each minute once, whose price the feed knows;
        what printed too long ago is the next cycle's to ask for."""
        completed, self._completed = self._completed, set()
        return list(self._young([symbol for symbol in candidates if symbol in completed]))

    def _young(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        return {} if self.feed is None else self.feed.young(symbols)

    def _tell_switch(self, switch: SourceSwitch) -> None:
        is_lost = switch.source is QuoteSource.REST
        level = Level.WARNING if is_lost else Level.INFO
        self.teller.tell(EventKind.FEED_SWITCHED, None, level, source=switch.source, why=switch.why)

    def _tell_change(self, change: FeedChange, *, is_told: bool) -> None:
        """A loss that may be over in seconds calls nobody: it stands on the console."""
        level = Level.DEBUG if is_told or change.state is FeedState.CONNECTING else Level.INFO
        state = f"stream_{change.state}"
        self.teller.tell(EventKind.STREAM_STATE, None, level, state=state, why=change.why)

    def _tell_problem(self, problem: FeedProblem) -> None:
        """Each once: a registration that is refused is refused again after each reconnect."""
        known = (problem.what, problem.why, problem.symbol)
        if known in self._problems:
            return
        self._problems.add(known)
        self.teller.tell(
            EventKind.FEED_PROBLEM,
            problem.symbol,
            Level.WARNING,
            what=problem.what,
            why=problem.why,
        )
