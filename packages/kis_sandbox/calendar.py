"""Which days the simulated exchange trades, and at what hours.

Closures come from the `holidays` package (financial market XKRX). The first session of a year
opens an hour late; on the day of the college entrance exam the whole session is an hour late.
Source: kis-wire section 7.3.
"""

from bisect import bisect_left, bisect_right
from datetime import date, time, timedelta

import holidays

from kis_core.market.session import Session, regular_session

FIRST_DAY = date(2024, 1, 1)
_LAST_YEAR_AHEAD = 2
_SATURDAY = 5
# College entrance exam days (Thursdays of November), as announced by the ministry of education.
_EXAM_DAYS = frozenset({date(2024, 11, 14), date(2025, 11, 13), date(2026, 11, 19)})


class TradingCalendar:
    """Sessions from `FIRST_DAY` to the end of the second year after `until`."""

    def __init__(self, *, until: date) -> None:
        self._last_day = date(until.year + _LAST_YEAR_AHEAD, 12, 31)
        years = range(FIRST_DAY.year, self._last_day.year + 1)
        self._closed = frozenset(holidays.financial_holidays("XKRX", years=years))
        self._dates = self._open_dates()
        self._first_of_year = {d.year: d for d in reversed(self._dates)}

    @property
    def last_day(self) -> date:
        """The last calendar day that the calendar can answer for."""
        return self._last_day

    @property
    def dates(self) -> list[date]:
        """Every session date, ascending. Not to be changed."""
        return self._dates

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on `day`."""
        index = bisect_left(self._dates, day)
        return index < len(self._dates) and self._dates[index] == day

    def is_business_day(self, day: date) -> bool:
        """Whether banks are open: a session, or the year's last weekday, when KRX is closed."""
        if self.is_session(day):
            return True
        return (day.month, day.day) == (12, 31) and day.weekday() < _SATURDAY

    def session(self, day: date) -> Session | None:
        """The session of `day`, or None when the exchange is closed."""
        if not self.is_session(day):
            return None
        if day in _EXAM_DAYS:
            return regular_session(day, opens=time(10), closes=time(16, 30))
        if self._first_of_year[day.year] == day:
            return regular_session(day, opens=time(10))
        return regular_session(day)

    def before(self, day: date) -> date:
        """The last session date before `day`."""
        return self._dates[bisect_left(self._dates, day) - 1]

    def after(self, day: date, sessions: int = 1) -> date:
        """The session date that comes `sessions` sessions after `day` (2 is the settlement)."""
        return self._dates[bisect_right(self._dates, day) + sessions - 1]

    def at_or_after(self, day: date) -> date:
        """`day` if it is a session, else the next one."""
        return self._dates[bisect_left(self._dates, day)]

    def between(self, first: date, last: date) -> list[date]:
        """The session dates from `first` to `last`, both inclusive, ascending."""
        return self._dates[bisect_left(self._dates, first) : bisect_right(self._dates, last)]

    def _open_dates(self) -> list[date]:
        span = (self._last_day - FIRST_DAY).days + 1
        days = (FIRST_DAY + timedelta(days=n) for n in range(span))
        return [d for d in days if d.weekday() < _SATURDAY and d not in self._closed]
