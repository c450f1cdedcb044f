"""The session that the engine is in or waits for, and what of it is going on now."""

from datetime import date, datetime

from kis_core.market.session import Phase, Session
from kis_core.ports.calendar import Calendar, Unconfirmed
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.session.upcoming import session_at

_LATE_CLOSES = 5  # times `close_after`: then the day is summed up whatever is still open


class Timetable:
    """`session` is None before the first `look_up`. `is_confirmed`: the calendar is sure of it."""

    def __init__(
        self, *, calendar: Calendar, clock: Clock, teller: Teller, settings: SessionSettings
    ) -> None:
        self._calendar = calendar
        self._clock = clock
        self._teller = teller
        self._close_after = settings.close_after
        self._prepare_before_open = settings.prepare_before_open
        self.session: Session | None = None
        self.is_confirmed = True
        self._told: date | None = None

    @property
    def current(self) -> Session:
        """The session. Raises ValueError when none was looked up."""
        if self.session is None:
            raise ValueError("the engine has not recovered yet")
        return self.session

    @property
    def phase(self) -> Phase | None:
        """What the exchange is doing now; None when no session was looked up."""
        return self.phase_at(self._clock.now())

    def phase_at(self, now: datetime) -> Phase | None:
        """What the exchange does at `now`; None when no session was looked up."""
        return None if self.session is None else self.session.phase_at(now)

    def look_up(self) -> Session:
        """The session of today or the next one; tells where the calendar is not sure of it."""
        answer = session_at(self._calendar, self._clock.now(), close_after=self._close_after)
        self.is_confirmed = not isinstance(answer, Unconfirmed)
        self.session = answer.session if isinstance(answer, Unconfirmed) else answer
        if isinstance(answer, Unconfirmed):
            self._tell(Level.WARNING, answer.reason)
        return self.session

    def tell_day(self, *, positions: int) -> None:
        """Tell that the session is being prepared, once."""
        session = self.current
        if session.session_date == self._told:
            return
        self._told = session.session_date
        self._teller.tell(
            EventKind.DAY_STARTED,
            session_date=session.session_date.isoformat(),
            opens_at=session.opens_at.isoformat(),
            closes_at=session.closes_at.isoformat(),
            positions=positions,
        )

    def confirm_again(self) -> None:
        """A broker that did not say whether today is a trading day may have said so by now."""
        if self.is_confirmed:
            return
        answer = self._calendar.session_of(self.current.session_date)
        self.is_confirmed = isinstance(answer, Session)
        if self.is_confirmed:
            self._tell(Level.INFO, "오늘의 거래소 일정이 확인되어 새 진입을 다시 허용합니다.")

    def is_open(self) -> bool:
        """Whether the exchange is open, its auctions after the open included."""
        return self.current.opens_at <= self._clock.now() < self.current.closes_at

    def is_in_session(self) -> bool:
        """Whether the exchange is open, about to open, or has closed only just."""
        session, now = self.session, self._clock.now()
        if session is None:
            return False
        return session.opening_auction_at <= now < session.closes_at + self._close_after

    def is_closing_late(self) -> bool:
        """Whether the day's end has been waited for long enough."""
        return self._clock.now() >= self.current.closes_at + self._close_after * _LATE_CLOSES

    def begins_at(self) -> datetime:
        """When to prepare the session; now where that has passed."""
        return max(self._clock.now(), self.current.opens_at - self._prepare_before_open)

    def _tell(self, level: Level, why: str) -> None:
        self._teller.tell(EventKind.CALENDAR_WARNING, None, level, why=why)
