"""What the operator should hear of clock and calendar while there is still time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from kis_core.ports.notifier import EventKind, Level
from kis_core.session.telling import Teller

SKEW_MAX_S = 2.0  # E-08


@dataclass(slots=True)
class Surroundings:
    """`calendar_warning` says in Korean what is to be mended in the calendar as of a day, or
    None; `clock_skew` by how many seconds our clock is ahead of the broker's, None if unknown."""

    teller: Teller
    calendar_warning: Callable[[date], str | None]
    clock_skew: Callable[[], float | None]
    _warned_on: date | None = None
    _is_skewed: bool = False

    def look(self, today: date) -> None:
        """Tell what is wrong: of the calendar once a day, of the clock when it begins."""
        warning = self.calendar_warning(today)
        if warning is not None and self._warned_on != today:
            self._warned_on = today
            self.teller.tell(EventKind.CALENDAR_WARNING, None, Level.WARNING, why=warning)
        skew_s = self.clock_skew()
        was_skewed, self._is_skewed = self._is_skewed, is_skewed(skew_s)
        if skew_s is not None and self._is_skewed and not was_skewed:
            why = skew_sentence(skew_s)
            self.teller.tell(EventKind.ERROR, None, Level.WARNING, what="clock_skew", why=why)


def is_skewed(skew_s: float | None) -> bool:
    """Whether the clocks are further apart than may be."""
    return skew_s is not None and abs(skew_s) > SKEW_MAX_S


def skew_sentence(skew_s: float) -> str:
    """How our clock goes, in Korean."""
    way = "빠릅니다" if skew_s > 0 else "느립니다"
    return f"이 컴퓨터의 시계가 증권사보다 {abs(skew_s):.1f}초 {way} (허용 {SKEW_MAX_S:g}초)"
