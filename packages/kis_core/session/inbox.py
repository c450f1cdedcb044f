"""Where a feed leaves what arrives, and the engine takes it: small whatever the load.

Of prices only the newest per symbol is kept, of bars and hints so many; what had to go is
counted. So a slow reader costs the writer nothing and no memory (F-064), and reads the newest.
"""

from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TypeVar

from kis_core.market.minute_bar import BarCounts, MinuteBar, MinuteBars
from kis_core.market.session import Session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print
from kis_core.ports.feed import Arrived, FeedChange, FeedProblem, FeedState, OrderHint

_T = TypeVar("_T")

_BARS_MAX = 41 * 60  # an hour of everything that can be registered
_HINTS_MAX = 1_000
_TOLD_MAX = 200


class Inbox:
    """Written by a feed's thread, read by the engine's; `lock` keeps them apart."""

    def __init__(self, lock: AbstractContextManager[object], *, bars: MinuteBars) -> None:
        self._lock = lock
        self._bars = bars
        self._newest: dict[Symbol, Print] = {}
        self._changed: dict[Symbol, Print] = {}
        self._completed: deque[MinuteBar] = deque(maxlen=_BARS_MAX)
        self._hints: deque[OrderHint] = deque(maxlen=_HINTS_MAX)
        self._changes: deque[FeedChange] = deque(maxlen=_TOLD_MAX)
        self._problems: deque[FeedProblem] = deque(maxlen=_TOLD_MAX)
        self._state = FeedState.CONNECTING
        self._live: frozenset[Symbol] = frozenset()
        self.replaced = 0
        self.dropped_bars = 0
        self.dropped_hints = 0

    @property
    def bar_counts(self) -> BarCounts:
        """What the bars made of prints that were not simply the next one."""
        return self._bars.counts

    def begin(self, session: Session) -> None:
        """Bars are those of `session` from now on."""
        with self._lock:
            self._bars.begin(session)

    def put_prints(self, prints: Iterable[Print]) -> None:
        """Keep the newest per symbol, and put each into its minute; only of the session."""
        with self._lock:
            newest, changed, add = self._newest, self._changed, self._bars.add
            for one in prints:
                if not add(one):
                    continue
                symbol = one.symbol
                known = newest.get(symbol)
                if known is not None and not one.is_later_than(known):
                    continue
                newest[symbol] = one
                if symbol in changed:
                    self.replaced += 1
                changed[symbol] = one

    def put_hint(self, hint: OrderHint) -> None:
        """Keep a hint; the oldest leaves when nobody reads."""
        with self._lock:
            self.dropped_hints += len(self._hints) == _HINTS_MAX
            self._hints.append(hint)

    def put_change(self, change: FeedChange) -> None:
        """The feed's state changed."""
        with self._lock:
            self._state = change.state
            self._changes.append(change)

    def put_problem(self, problem: FeedProblem) -> None:
        """Something that somebody should know."""
        with self._lock:
            self._problems.append(problem)

    def put_live(self, live: frozenset[Symbol]) -> None:
        """The symbols that are registered now."""
        with self._lock:
            self._live = live

    def close_minutes(self, now: datetime) -> bool:
        """Complete the bars that are over at `now`; whether there were any.

        The writer's to call, when it has put what came before `now`: the reader's clock may be
        ahead of what is still in the socket.
        """
        with self._lock:
            done = self._bars.close_until(now)
            self.dropped_bars += max(0, len(self._completed) + len(done) - _BARS_MAX)
            self._completed.extend(done)
            return bool(done)

    def drain(self) -> Arrived:
        """Take everything; see `Feed.drain`."""
        with self._lock:
            prints, self._changed = self._changed, {}
            return Arrived(
                prints=prints,
                bars=_taken(self._completed),
                hints=_taken(self._hints),
                changes=_taken(self._changes),
                problems=_taken(self._problems),
                state=self._state,
                live=self._live,
            )


def _taken(kept: deque[_T]) -> tuple[_T, ...]:
    everything = tuple(kept)
    kept.clear()
    return everything
