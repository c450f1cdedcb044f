"""A calendar that is not believed alone: the broker has to say the same of today (E-04).

The broker tells days, not hours. Where the two disagree, or the broker does not say, nothing new
is entered and what is held is guarded by the better guess.
"""

from datetime import date

from kis_adapters.system.broker_holidays import BrokerHolidays
from kis_core.market.session import Session, regular_session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed
from kis_core.ports.clock import Clock
from kis_core.ports.holiday_source import HolidaysUnavailable

_CLAIMS = {True: "개장", False: "휴장"}


class BrokerCheckedCalendar(Calendar):
    """`calendar`, with the broker's word laid over it."""

    def __init__(self, calendar: Calendar, *, holidays: BrokerHolidays, clock: Clock) -> None:
        self._calendar = calendar
        self._holidays = holidays
        self._clock = clock

    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        """See the port. The past is history; of coming days the broker may not have told yet."""
        ours, today = self._calendar.session_of(session_date), self._clock.now().date()
        if session_date < today:
            return ours
        is_today = session_date == today
        try:
            told = self._holidays.is_open(session_date)
        except HolidaysUnavailable as error:
            return (
                _unsure(ours, f"증권사 휴장일 조회에 실패했습니다: {error}") if is_today else ours
            )
        if told is None:
            return _unsure(ours, "증권사의 휴장일 응답에 오늘이 없습니다.") if is_today else ours
        if told is isinstance(ours, Closed):
            mine = f"휴장({ours.reason})" if isinstance(ours, Closed) else "개장"
            return Unconfirmed(
                session=_guess(ours, session_date),
                reason=f"{session_date}: 내장 달력은 {mine}, 증권사는 {_CLAIMS[told]}이라 합니다."
                " 확인될 때까지 새로 진입하지 않습니다.",
            )
        return ours

    def sessions_after(self, session_date: date, count: int) -> tuple[date, ...]:
        """See the port: settlement days, which the broker is not asked about."""
        return self._calendar.sessions_after(session_date, count)

    def session_before(self, session_date: date) -> date:
        """See the port."""
        return self._calendar.session_before(session_date)

    @property
    def version(self) -> str:
        return f"{self._calendar.version}, checked by the broker"


def _unsure(ours: Session | Closed | Unconfirmed, why: str) -> Closed | Unconfirmed:
    """Silence is never "open"; what is closed anyhow stays closed."""
    if isinstance(ours, Session):
        return Unconfirmed(session=ours, reason=f"{why} 새로 진입하지 않습니다.")
    return ours


def _guess(ours: Session | Closed | Unconfirmed, day: date) -> Session:
    if isinstance(ours, Closed):
        return regular_session(day)
    return ours.session if isinstance(ours, Unconfirmed) else ours
