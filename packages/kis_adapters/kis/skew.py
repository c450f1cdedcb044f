"""How far our clock is from the broker's, read from the Date header of its answers (E-08)."""

from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

from kis_core.ports.clock import Clock

_SAMPLES = 5
_SLOW = timedelta(seconds=2)  # too slow an answer says too little about the instant
_HALF_SECOND = timedelta(milliseconds=500)  # the header is cut to whole seconds


class ClockSkew:
    """The median over the last few answers; good to about half a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    def see(self, date_header: str, *, asked_at: datetime) -> None:
        """Take one answer into account; headers that are absent or not a date are passed by."""
        answered_at = self._clock.now()
        if not timedelta(0) <= answered_at - asked_at <= _SLOW:
            return
        try:
            theirs = parsedate_to_datetime(date_header)
        except (TypeError, ValueError):
            return
        if theirs.tzinfo is None:
            theirs = theirs.replace(tzinfo=UTC)
        ours = asked_at + (answered_at - asked_at) / 2
        self._samples.append((ours - theirs - _HALF_SECOND).total_seconds())

    def seconds(self) -> float | None:
        """Seconds by which our clock is ahead (negative: behind); None before any answer."""
        samples = list(self._samples)
        return median(samples) if samples else None
