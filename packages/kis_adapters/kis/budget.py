"""How many calls a second one app key may make, and who goes first.

KIS limits calls per app key, not per object, so everything that calls with one key shares one
budget (K-05). Its limiter's window is not documented; both rules kept here satisfy a sliding and
a fixed second: calls are spaced 1/rate apart, and no more than `rate` of them fall in any second
plus a margin for the jitter of the network. Source: kis-wire section 3.1.
"""

import threading
from bisect import insort
from collections import deque
from datetime import datetime, timedelta
from enum import IntEnum, unique
from itertools import count

import structlog

from kis_adapters.kis.waiting import wait_until
from kis_core.ports.clock import Clock

_WINDOW = timedelta(seconds=1)
_SLOWED_FOR = timedelta(seconds=10)
_SLOWED_TIMES = 2
_MOST_LATE = timedelta(seconds=30)  # no legal wait is longer: beyond it the clock has jumped
_LATE_WAKE = timedelta(milliseconds=20)
_STEP = timedelta(milliseconds=5)  # between looks of a caller whose turn is not next

_log = structlog.get_logger(__name__)


@unique
class Priority(IntEnum):
    """Who is served first when calls have to wait."""

    ORDER = 0  # orders and cancels
    EXIT = 1  # what guards a position: its quotes, the order list, the balance
    ENTRY = 2  # quotes of entry candidates
    SCAN = 3  # bars, names, universe scans


class RateBudget:
    """Lets `rate_per_s` calls a second pass, the most urgent first. Safe between threads."""

    def __init__(self, rate_per_s: float, clock: Clock, *, margin_s: float = 0.05) -> None:
        if not 0 < rate_per_s <= 1000:
            raise ValueError(f"초당 호출 수는 0보다 크고 1000 이하여야 합니다: {rate_per_s}")
        self.rate_per_s = rate_per_s
        self._clock = clock
        self._spacing = timedelta(seconds=1 / rate_per_s)
        self._window = _WINDOW + timedelta(seconds=margin_s)
        self._passed: deque[datetime] = deque(maxlen=max(1, int(rate_per_s)))
        self._slow_until: datetime | None = None
        self._waiting: list[tuple[int, int]] = []
        self._arrivals = count()
        self._lock = threading.Lock()

    def acquire(self, priority: Priority) -> None:
        """Return when the caller may make one call."""
        with self._lock:
            ticket = (int(priority), next(self._arrivals))
            insort(self._waiting, ticket)
        try:
            while (until := self._turn_of(ticket)) is not None:
                wait_until(self._clock, until)
        finally:
            with self._lock:
                self._waiting.remove(ticket)

    def slow_down(self) -> None:
        """Double the spacing for ten seconds: the broker said that the calls were too many."""
        with self._lock:
            self._slow_until = self._clock.now() + _SLOWED_FOR
        _log.warning("kis.budget.slowed", rate_per_s=self.rate_per_s)

    def _turn_of(self, ticket: tuple[int, int]) -> datetime | None:
        """None when the call may go now (and is counted), else when to look again."""
        with self._lock:
            now = self._clock.now()
            rank = self._waiting.index(ticket)
            ready_at = self._ready_at(now)
            if rank:
                return max(ready_at, now + _STEP)
            if ready_at > now:
                return ready_at
            # Woken a little late: the next slot is counted from the due one, or every late
            # wake-up would add to all that follow. The margin of the window covers it.
            is_on_time = now - ready_at <= _LATE_WAKE
            self._passed.append(ready_at if is_on_time else now)
            return None

    def _ready_at(self, now: datetime) -> datetime:
        if not self._passed:
            return now
        factor = 1
        if self._slow_until is not None and now < self._slow_until:
            factor = _SLOWED_TIMES
        ready_at = self._passed[-1] + self._spacing * factor
        if len(self._passed) == self._passed.maxlen:
            ready_at = max(ready_at, self._passed[0] + self._window * factor)
        if ready_at - now > max(_MOST_LATE, self._spacing * factor):
            self._passed.clear()  # the clock went back: its old marks mean nothing
            return now
        return ready_at
