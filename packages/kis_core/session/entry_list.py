"""Which symbols this session may enter: asked of the universe once a day, portion by portion.

While it is not known, nothing is entered and what is held is guarded as ever. A source that fails
is asked again; a universe that policy leaves empty ends the session when there is nothing to
guard (U-11).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kis_core.market.symbol import Symbol
from kis_core.ports.candidate_source import CandidateSource, CandidatesUnavailable
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.telling import Teller

_AGAIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ListedCandidates(CandidateSource):
    """The same symbols every session."""

    symbols: tuple[Symbol, ...]

    def for_session(self, session_date: date, at: datetime) -> tuple[Symbol, ...]:
        return self.symbols

    def next_refresh(self, session_date: date) -> datetime | None:
        return None


@dataclass(slots=True)
class EntryList:
    """The candidates of the present session. `halted` says why there will be none, for good."""

    source: CandidateSource
    clock: Clock
    teller: Teller
    symbols: tuple[Symbol, ...] = ()
    halted: str | None = None
    _session_date: date | None = None

    def begin(self, session_date: date) -> None:
        """A new session starts without candidates: yesterday's are not today's (F-079)."""
        if session_date != self._session_date:
            self._session_date, self.symbols, self.halted = session_date, (), None

    def advance(self) -> datetime | None:
        """Do one portion of the selection; when to call again, None for not in this session."""
        session_date, now = self._session_date, self.clock.now()
        if session_date is None:
            raise ValueError("no session has begun")
        try:
            symbols = self.source.for_session(session_date, now)
        except CandidatesUnavailable as error:
            return self._without(error)
        if symbols is None:
            return now
        self.symbols = symbols
        return self.source.next_refresh(session_date)

    def _without(self, error: CandidatesUnavailable) -> datetime | None:
        self.teller.tell(EventKind.ERROR, None, Level.ERROR, what="universe", why=str(error))
        if error.is_final:
            self.halted = str(error)
            return None
        return self.clock.now() + _AGAIN
