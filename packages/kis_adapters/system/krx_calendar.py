"""The trading days of KRX: the `holidays` package, overlaid by the operator's file.

The package knows weekends, public and substitute holidays, Labour Day, election days and the
year's closing day (31 December, or the last weekday before it). The overlay knows the rest. The
first session of a year opens at 10:00 (kis-wire section 7.3).
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import lru_cache
from importlib.metadata import version

from kis_adapters.system.korea_exchange import korea_exchange
from kis_adapters.system.session_overlay import SessionOverlay
from kis_core.market.session import Session, regular_session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed

_LATE_OPEN = time(10)
_SATURDAY = 5
_WARN_FROM_MONTH = 11
_LONGEST_CLOSURE = 30  # days; the longest ever was a dozen
_DAY = timedelta(days=1)


class KrxCalendar(Calendar):
    """Answers for any date; beyond `overlay.confirmed_until` only as a guess."""

    def __init__(self, overlay: SessionOverlay) -> None:
        self._overlay = overlay
        self._closures = {entry.date: entry.why for entry in overlay.closures}
        self._open_days = frozenset(entry.date for entry in overlay.open_days)
        self._special_hours = {entry.date: entry for entry in overlay.special_hours}

    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        reason = self._closed_reason(session_date)
        if reason is not None:
            return Closed(session_date=session_date, reason=reason)
        session = self._session(session_date)
        if session_date <= self._overlay.confirmed_until:
            return session
        until = self._overlay.confirmed_until
        return Unconfirmed(
            session=session,
            reason=f"거래소 일정이 {until}까지만 확인되었습니다 (krx_sessions.yaml).",
        )

    def sessions_after(self, session_date: date, count: int) -> tuple[date, ...]:
        days = self._open_days_from(session_date, _DAY)
        return tuple(next(days) for _ in range(count))

    def session_before(self, session_date: date) -> date:
        return next(self._open_days_from(session_date, -_DAY))

    @property
    def version(self) -> str:
        until = self._overlay.confirmed_until
        return f"holidays {version('holidays')}, confirmed until {until}"

    def warning(self, today: date) -> str | None:
        """What to tell the operator from 1 November while the next year is unconfirmed, and
        whenever `today` itself is (E-04); None when all is well."""
        until = self._overlay.confirmed_until
        if today > until:
            return f"거래소 일정이 {until}까지만 확인되어 새로 진입하지 않습니다."
        if today.month >= _WARN_FROM_MONTH and until.year <= today.year:
            return (
                f"내년({today.year + 1}) 거래소 일정이 확인되지 않았습니다."
                " 발표된 휴장일을 확인하고 krx_sessions.yaml의 confirmed_until을 고쳐 주세요."
            )
        return None

    def _session(self, session_date: date) -> Session:
        special = self._special_hours.get(session_date)
        if special is not None:
            return regular_session(session_date, opens=special.opens, closes=special.closes)
        if self.session_before(session_date).year < session_date.year:
            return regular_session(session_date, opens=_LATE_OPEN)
        return regular_session(session_date)

    def _closed_reason(self, day: date) -> str | None:
        if day in self._closures:
            return self._closures[day]
        if day in self._open_days:
            return None
        if day.weekday() >= _SATURDAY:
            return "주말"
        return _closures_of(day.year).get(day)

    def _open_days_from(self, day: date, step: timedelta) -> Iterator[date]:
        closed = 0
        while closed < _LONGEST_CLOSURE:
            day += step
            if self._closed_reason(day) is None:
                closed = 0
                yield day
            else:
                closed += 1
        raise ValueError(f"no session within {_LONGEST_CLOSURE} days before {day}")


@lru_cache(maxsize=32)
def _closures_of(year: int) -> dict[date, str]:
    return {day: name for day, name in korea_exchange(year).items() if day.year == year}
