"""When to connect again: soon, then less soon, then rarely, and never like a connect loop.

The broker blocks app keys that connect and disconnect without end (notice of 2026-05-18). Five
attempts with growing pauses, then one every few minutes for as long as it takes; a connection
that was good for a while gives the five attempts back (F-061). Seconds in, seconds out.
"""

from dataclasses import dataclass

ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
BUSY_PAUSE_S = 30.0  # the slot of a lost session stays taken for tens of seconds
PROBE_PAUSE_S = 60.0
PROBE_PAUSE_MAX_S = 300.0
GOOD_AFTER_S = 60.0
SPACING_S = 1.0  # between two connects, whatever happened


@dataclass(slots=True)
class Reconnects:
    """How often it failed in a row, and when it may be tried next."""

    failures: int = 0
    connects: int = 0
    _next_at: float = 0.0
    _connected_at: float | None = None
    _last_at: float = float("-inf")

    @property
    def are_used_up(self) -> bool:
        """Whether the attempts in a row have all failed."""
        return self.failures > ATTEMPTS

    def is_due(self, now: float) -> bool:
        """Whether a connection may be made now."""
        return now >= self._next_at

    def connecting(self, now: float) -> None:
        """A connection is tried."""
        self._last_at = now
        self._connected_at = None
        self.connects += 1

    def connected(self, now: float) -> None:
        """It was made; whether it is any good remains to be seen."""
        self._connected_at = now

    def good(self, now: float) -> None:
        """It delivers what it should. After a while of it the attempts are given back."""
        if self._connected_at is not None and now - self._connected_at >= GOOD_AFTER_S:
            self.failures = 0

    def failed(self, now: float, *, is_busy: bool = False) -> None:
        """It was lost, refused, or never made."""
        self._connected_at = None
        self.failures += 1
        pause = self._pause()
        if is_busy:
            pause = max(pause, BUSY_PAUSE_S)
        self._next_at = max(now + pause, self._last_at + SPACING_S)

    def hurry(self, now: float) -> None:
        """Something makes success likelier (the exchange opens): try soon, but not at once."""
        self._next_at = min(self._next_at, max(now, self._last_at + BUSY_PAUSE_S))

    def _pause(self) -> float:
        if self.failures <= ATTEMPTS:
            return float(FIRST_PAUSE_S * 2 ** (self.failures - 1))
        doubled = PROBE_PAUSE_S * 2 ** min(self.failures - ATTEMPTS - 1, 10)
        return float(min(PROBE_PAUSE_MAX_S, doubled))
