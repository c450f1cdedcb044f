"""A calendar of weekdays, for tests that are not about the calendar."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from kis_core.market.session import Session, regular_session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed

_SATURDAY = 5


@dataclass(slots=True)
class WeekdayCalendar(Calendar):
    """Open on weekdays but for `closed`; dates after `confirmed_until` are not confirmed."""

    closed: set[date] = field(default_factory=set)
    confirmed_until: date | None = None

    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        if session_date.weekday() >= _SATURDAY or session_date in self.closed:
            return Closed(session_date=session_date, reason="휴장일")
        session = regular_session(session_date)
        if self.confirmed_until is not None and session_date > self.confirmed_until:
            return Unconfirmed(session=session, reason="달력 범위 밖")
        return session

    def sessions_after(self, session_date: date, count: int) -> tuple[date, ...]:
        found: list[date] = []
        while len(found) < count:
            session_date += timedelta(days=1)
            if not isinstance(self.session_of(session_date), Closed):
                found.append(session_date)
        return tuple(found)

    def session_before(self, session_date: date) -> date:
        while True:
            session_date -= timedelta(days=1)
            if not isinstance(self.session_of(session_date), Closed):
                return session_date

    @property
    def version(self) -> str:
        return "weekdays"
