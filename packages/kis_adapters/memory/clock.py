"""A clock that stands still until it is told otherwise."""

from datetime import datetime

from kis_core.ports.clock import Clock


class ManualClock(Clock):
    """Starts at `now`; `sleep_until` jumps there, and nothing else moves it but `set`.

    `slept` lists the instants that were slept until, in order, for tests to look at.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("an instant is aware")
        self._now = now
        self._is_woken = False
        self.slept: list[datetime] = []

    def now(self) -> datetime:
        return self._now

    def sleep_until(self, instant: datetime) -> None:
        if self._is_woken:
            self._is_woken = False
            return
        self.slept.append(instant)
        self._now = max(self._now, instant)

    def wake(self) -> None:
        self._is_woken = True

    def set(self, instant: datetime) -> None:
        """Move the clock, backwards too (clocks do)."""
        self._now = instant
