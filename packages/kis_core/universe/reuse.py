"""Whether a universe chosen earlier today is still the universe (U-08, U-09, U-15)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique

from kis_core.market.session import Session
from kis_core.market.symbol import Symbol, parse_symbol
from kis_core.universe.fixed import select_fixed
from kis_core.universe.policy import SelectionMethod, UniversePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedUniverse:
    """A universe as it was stored: the session it was chosen for, its symbols (at least one) and
    the method, in the words of the file. `selected_at` is None where the file does not tell."""

    session_date: date
    symbols: tuple[Symbol, ...]
    method: str
    selected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CacheAbsent:
    """Nothing is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheDamaged:
    """What is stored cannot be believed, or not be read; `why` is for the log."""

    why: str


Stored = CachedUniverse | CacheAbsent | CacheDamaged


@unique
class CacheReason(StrEnum):
    """Why a stored universe was used (the first) or not (all others)."""

    CHOSEN_TODAY = "chosen_today"
    OUTSIDE_SESSION = "outside_session"
    ABSENT = "absent"
    DAMAGED = "damaged"
    OTHER_DATE = "other_date"
    OTHER_METHOD = "other_method"
    STOCKS_CHANGED = "stocks_changed"
    CODE_NOT_ALLOWED = "code_not_allowed"
    REFRESH_ON_RESTART = "refresh_on_restart"
    REFRESH_ON_OPEN = "refresh_on_open"
    REFRESH_BY_AGE = "refresh_by_age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """The answer: on a hit `symbols` are the universe. `symbols` of a miss, where there are any,
    are still valid and kept when the refresh they make way for fails."""

    reason: CacheReason
    symbols: tuple[Symbol, ...] = ()

    @property
    def is_hit(self) -> bool:
        """Whether what is stored is the universe."""
        return self.reason is CacheReason.CHOSEN_TODAY


def decide_reuse(
    stored: Stored,
    *,
    policy: UniversePolicy,
    at: datetime,
    session: Session | None,
    is_first_ask: bool,
) -> Reuse:
    """Whether `stored` is the universe at `at`.

    `session` is the session of `at`'s own date, None on a day without one: a weekend is no market
    hour (F-073). `is_first_ask`: this process has not chosen or reused a universe yet.
    """
    if session is None or not session.opens_at <= at < session.closes_at:
        return Reuse(reason=CacheReason.OUTSIDE_SESSION)
    if isinstance(stored, CacheAbsent):
        return Reuse(reason=CacheReason.ABSENT)
    if isinstance(stored, CacheDamaged):
        return Reuse(reason=CacheReason.DAMAGED)
    reason = _mismatch(stored, policy, session)
    if reason is not None:
        return Reuse(reason=reason)
    reason = _refresh(stored, policy, at, session, is_first_ask=is_first_ask)
    symbols = tuple(dict.fromkeys(stored.symbols))[: policy.max_stocks]
    return Reuse(reason=reason or CacheReason.CHOSEN_TODAY, symbols=symbols)


def refresh_at(
    policy: UniversePolicy, *, selected_at: datetime, session: Session
) -> tuple[datetime, CacheReason] | None:
    """When in `session` a universe chosen at `selected_at` is to be chosen again, and why; None
    for never."""
    refresh = policy.refresh
    if not refresh.is_enabled or policy.method not in refresh.methods:
        return None
    times: list[tuple[datetime, CacheReason]] = []
    if refresh.on_market_open and selected_at < session.opens_at:
        times.append((session.opens_at, CacheReason.REFRESH_ON_OPEN))
    if refresh.interval is not None:
        by_age = max(selected_at + refresh.interval, session.opens_at)
        times.append((by_age, CacheReason.REFRESH_BY_AGE))
    due = min(times, default=None)
    return due if due is not None and due[0] < session.closes_at else None


def _mismatch(
    stored: CachedUniverse, policy: UniversePolicy, session: Session
) -> CacheReason | None:
    if stored.session_date != session.session_date:
        return CacheReason.OTHER_DATE
    # Chosen on an evening before, from bars that were not final yet.
    if stored.selected_at is not None and stored.selected_at.date() != session.session_date:
        return CacheReason.OTHER_DATE
    if stored.method != policy.method:
        return CacheReason.OTHER_METHOD
    if not all(_is_allowed(symbol, policy) for symbol in stored.symbols):
        return CacheReason.CODE_NOT_ALLOWED
    if policy.method is SelectionMethod.FIXED and stored.symbols != _listed(policy):
        return CacheReason.STOCKS_CHANGED
    return None


def _refresh(
    stored: CachedUniverse,
    policy: UniversePolicy,
    at: datetime,
    session: Session,
    *,
    is_first_ask: bool,
) -> CacheReason | None:
    refresh = policy.refresh
    if not refresh.is_enabled or policy.method not in refresh.methods:
        return None
    if refresh.on_restart and is_first_ask:
        return CacheReason.REFRESH_ON_RESTART
    if stored.selected_at is None:
        return None
    due = refresh_at(policy, selected_at=stored.selected_at, session=session)
    return due[1] if due is not None and at >= due[0] else None


def _is_allowed(symbol: Symbol, policy: UniversePolicy) -> bool:
    try:
        parse_symbol(symbol, allow_alphanumeric=policy.allow_alphanumeric)
    except ValueError:
        return False
    return True


def _listed(policy: UniversePolicy) -> tuple[Symbol, ...]:
    if not policy.stocks:
        return ()
    return select_fixed(
        policy.stocks, max_stocks=policy.max_stocks, allow_alphanumeric=policy.allow_alphanumeric
    )
