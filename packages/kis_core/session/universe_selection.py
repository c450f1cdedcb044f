"""Selecting the universe once a day, before the open: reuse, scan, fallback, and the account.

A list that nobody chose never looks chosen: what was reused, selected or fallen back to is told
with its reason, a fallback is never stored, and a failing source is an error (U-08 to U-14).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum, unique

from kis_core.market.session import Session
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import TradingMode
from kis_core.ports.calendar import Calendar, Closed
from kis_core.ports.candidate_source import CandidateSource, CandidatesUnavailable
from kis_core.ports.market_scan import IndexMembers, MarketScan
from kis_core.ports.notifier import Level
from kis_core.ports.universe_cache import CacheNotWritten, UniverseCache
from kis_core.session.telling import Teller
from kis_core.session.universe_run import ScanDay, SelectionRun, UniverseSourceFailed
from kis_core.session.universe_telling import UniverseTeller
from kis_core.universe.candidate import Selection
from kis_core.universe.fallback import Halt, HaltReason, after_nothing_chosen
from kis_core.universe.policy import SelectionMethod, UniversePolicy
from kis_core.universe.reuse import (
    CacheDamaged,
    CachedUniverse,
    Reuse,
    Stored,
    decide_reuse,
    refresh_at,
)


@unique
class Origin(StrEnum):
    """How a universe came to be."""

    SELECTED = "selected"
    CACHE = "cache"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseSelection:
    """The universe of a session. `candidates` are those of `symbols` that may be entered (U-13).

    `account` is None for a universe from the cache. `calls` is what it cost in all, `calls_for`
    the calls made for one symbol alone; `notes` are Korean.
    """

    session_date: date
    selected_at: datetime
    method: SelectionMethod
    origin: Origin
    symbols: tuple[Symbol, ...]
    candidates: tuple[Symbol, ...]
    account: Selection | None = None
    calls: int = 0
    calls_for: Mapping[Symbol, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseHalted:
    """No trading, by policy (exit 4). `selection` says how nobody was left."""

    reason: HaltReason
    selection: UniverseSelection


class UniverseSelector(CandidateSource):
    """Selects, or reuses what was selected for the session. `chunk`: symbols asked for before
    whoever drives `for_session` gets its turn."""

    def __init__(
        self,
        *,
        policy: UniversePolicy,
        mode: TradingMode,
        calendar: Calendar,
        scan: MarketScan,
        members: IndexMembers,
        cache: UniverseCache,
        teller: Teller,
        chunk: int = 30,
    ) -> None:
        self._policy = policy
        self._mode = mode
        self._calendar = calendar
        self._scan = scan
        self._members = members
        self._cache = cache
        self._told = UniverseTeller(teller)
        self._chunk = chunk
        self._chosen: CachedUniverse | None = None
        self._run: SelectionRun | None = None
        self._calls_before = 0

    def for_session(self, session_date: date, at: datetime) -> tuple[Symbol, ...] | None:
        """See the port. One portion of a selection is one chunk of calls."""
        choose = self._advanced(session_date, at)
        if choose is None:
            return None
        try:
            outcome = self._resolved(session_date, at, choose)
        except UniverseSourceFailed as error:
            raise CandidatesUnavailable(str(error), is_final=False) from error
        if isinstance(outcome, UniverseHalted):
            raise CandidatesUnavailable(outcome.reason, is_final=True)
        return outcome.candidates

    def next_refresh(self, session_date: date) -> datetime | None:
        """See the port."""
        chosen, session = self._chosen, self._session_on(session_date)
        if chosen is None or session is None or chosen.session_date != session_date:
            return None
        if chosen.selected_at is None:
            return None
        due = refresh_at(self._policy, selected_at=chosen.selected_at, session=session)
        return due[0] if due is not None else None

    def select(self, session_date: date, at: datetime) -> UniverseSelection | UniverseHalted:
        """The universe of `session_date`, as of `at`. Raises UniverseSourceFailed."""
        return self._resolved(session_date, at, lambda: self.explain(session_date, at))

    def _advanced(self, session_date: date, at: datetime) -> Callable[[], UniverseSelection] | None:
        """How to have a fresh selection where one is needed: None while it is being made."""
        if self._run is None:
            if self._reuse(self._stored(at.date()), session_date, at).is_hit:
                return lambda: self.explain(session_date, at)
            self._run, self._calls_before = self.start(at), self._scan.calls
        run = self._run
        try:
            selection = run.advance()
        except UniverseSourceFailed as error:
            self._run = None
            return _failing(error)
        if selection is None:
            return None
        self._run = None
        before = self._calls_before
        return lambda: self._accounted(session_date, at, run, selection, before)

    def _reuse(self, stored: Stored, session_date: date, at: datetime) -> Reuse:
        return decide_reuse(
            stored,
            policy=self._policy,
            at=at,
            session=self._session_on(session_date) if session_date == at.date() else None,
            is_first_ask=self._chosen is None,
        )

    def _resolved(
        self, session_date: date, at: datetime, choose: Callable[[], UniverseSelection]
    ) -> UniverseSelection | UniverseHalted:
        stored = self._stored(at.date())
        if isinstance(stored, CacheDamaged):
            self._told.cache_damaged(stored.why, location=self._cache.location)
        reuse = self._reuse(stored, session_date, at)
        self._told.cache(
            reuse, session_date, method=self._policy.method, location=self._cache.location
        )
        if isinstance(stored, CachedUniverse) and reuse.symbols:
            return self._select_beside(stored, reuse, at, choose)
        return self._select_anew(choose)

    def explain(self, session_date: date, at: datetime) -> UniverseSelection:
        """A fresh selection with its account; nothing is reused, stored or fallen back to, and it
        may be empty. Raises UniverseSourceFailed."""
        before = self._scan.calls
        run = self.start(at)
        return self._accounted(session_date, at, run, run.finish(), before)

    def _accounted(
        self,
        session_date: date,
        at: datetime,
        run: SelectionRun,
        selection: Selection,
        calls_before: int,
    ) -> UniverseSelection:
        self._told.stages(selection)
        for note in run.notes:
            self._told.note(note)
        for warning in run.warnings:
            self._told.note(warning, level=Level.WARNING)
        return UniverseSelection(
            session_date=session_date,
            selected_at=at,
            method=self._policy.method,
            origin=Origin.SELECTED,
            symbols=selection.symbols,
            candidates=self._enterable(selection.symbols),
            account=selection,
            calls=self._scan.calls - calls_before,
            calls_for=dict(run.calls_for),
            notes=(*run.notes, *run.warnings),
        )

    def start(self, at: datetime) -> SelectionRun:
        """A selection to be advanced step by step."""
        session = self._session_on(at.date())
        is_open = session is not None and at >= session.opens_at
        day = ScanDay(is_open=is_open, completed=self._calendar.session_before(at.date()))
        return SelectionRun(
            policy=self._policy,
            scan=self._scan,
            members=self._members,
            day=day,
            chunk=self._chunk,
        )

    def _stored(self, today: date) -> Stored:
        """What this process chose today, valid also where the file could not be written; else
        the file."""
        chosen = self._chosen
        if chosen is not None and chosen.session_date == today:
            return chosen
        return self._cache.load()

    def _select_beside(
        self,
        stored: CachedUniverse,
        reuse: Reuse,
        at: datetime,
        choose: Callable[[], UniverseSelection],
    ) -> UniverseSelection:
        """What is stored, or its refresh; a refresh that fails leaves it as it was."""
        session_date = stored.session_date
        if reuse.is_hit:
            self._chosen = stored
            return self._reused(reuse, session_date, at)
        try:
            chosen = choose()
        except UniverseSourceFailed as error:
            why = str(error)
        else:
            if chosen.symbols:
                return self._kept(chosen)
            why = HaltReason.NO_CANDIDATE_LEFT
        self._told.refresh_failed(why, kept=reuse.symbols)
        # Counted as looked at now, or the same refresh would be due again at once.
        self._chosen = replace(stored, selected_at=at)
        return self._reused(reuse, session_date, at)

    def _select_anew(
        self, choose: Callable[[], UniverseSelection]
    ) -> UniverseSelection | UniverseHalted:
        try:
            chosen = choose()
        except UniverseSourceFailed as error:
            self._told.failed(str(error))
            raise
        return self._kept(chosen) if chosen.symbols else self._fall_back(chosen)

    def _reused(self, reuse: Reuse, session_date: date, at: datetime) -> UniverseSelection:
        return UniverseSelection(
            session_date=session_date,
            selected_at=at,
            method=self._policy.method,
            origin=Origin.CACHE,
            symbols=reuse.symbols,
            candidates=self._enterable(reuse.symbols),
        )

    def _kept(self, chosen: UniverseSelection) -> UniverseSelection:
        """`chosen`, stored for the session and told."""
        self._chosen = CachedUniverse(
            session_date=chosen.session_date,
            symbols=chosen.symbols,
            method=chosen.method,
            selected_at=chosen.selected_at,
        )
        try:
            self._cache.save(self._chosen)
        except CacheNotWritten as error:
            self._told.cache_not_written(str(error), location=self._cache.location)
        self._told.final(
            chosen.symbols,
            method=chosen.method,
            candidates=len(chosen.candidates),
            calls=chosen.calls,
        )
        return chosen

    def _fall_back(self, nothing: UniverseSelection) -> UniverseSelection | UniverseHalted:
        answer = after_nothing_chosen(self._policy, mode=self._mode)
        if isinstance(answer, Halt):
            self._told.failed(answer.reason)
            return UniverseHalted(reason=answer.reason, selection=nothing)
        self._told.fallback(answer.symbols, reason=HaltReason.NO_CANDIDATE_LEFT, wait=answer.wait)
        self._told.wait(answer.wait)
        return replace(
            nothing,
            origin=Origin.FALLBACK,
            symbols=answer.symbols,
            candidates=self._enterable(answer.symbols),
        )

    def _enterable(self, symbols: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        return symbols[: self._policy.entry_candidates]

    def _session_on(self, day: date) -> Session | None:
        answer = self._calendar.session_of(day)
        if isinstance(answer, Closed):
            return None
        return answer if isinstance(answer, Session) else answer.session


def _failing(error: UniverseSourceFailed) -> Callable[[], UniverseSelection]:
    def choose() -> UniverseSelection:
        raise error

    return choose
