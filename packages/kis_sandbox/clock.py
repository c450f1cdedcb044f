"""The simulator's clock: real, accelerated or stepped. It never goes backwards."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum, unique

from kis_core.market.session import KST

SPEED_MAX = 10_000.0


@unique
class ClockMode(StrEnum):
    """How virtual time passes."""

    REAL = "real"
    ACCELERATED = "accelerated"
    STEPPED = "stepped"


class ClockBackwards(Exception):
    """Somebody asked for an instant before now."""


class VirtualClock:
    """KST time that starts at `start` and then passes as the mode says.

    `monotonic` gives seconds of real time. In the stepped mode time stands still but for
    `advance` and `spend`.
    """

    def __init__(
        self,
        start: datetime,
        *,
        mode: ClockMode,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._base = start.astimezone(KST)
        self._since = monotonic()
        self._mode = mode
        self._speed = _checked(speed)

    @property
    def mode(self) -> ClockMode:
        """How time passes now."""
        return self._mode

    @property
    def speed(self) -> float:
        """Virtual seconds in a real one; 0 when stepped."""
        if self._mode is ClockMode.STEPPED:
            return 0.0
        return 1.0 if self._mode is ClockMode.REAL else self._speed

    def now(self) -> datetime:
        """The virtual instant, aware, KST."""
        passed = (self._monotonic() - self._since) * self.speed
        return self._base + timedelta(seconds=passed)

    def advance(self, to: datetime) -> datetime:
        """Jump to `to`. Raises ClockBackwards for an instant before now. Returns the new now."""
        target = to.astimezone(KST)
        if target < self.now():
            raise ClockBackwards(f"{self.now().isoformat()} -> {target.isoformat()}")
        self._rebase(target)
        return target

    def spend(self, duration: timedelta) -> None:
        """What a call takes. Only a stepped clock is moved by it: the others pass by themselves."""
        if self._mode is ClockMode.STEPPED:
            self._base += duration

    def change(self, *, mode: ClockMode | None = None, speed: float | None = None) -> None:
        """Go on from now in another way. Raises ValueError for an impossible speed."""
        checked = self._speed if speed is None else _checked(speed)
        self._rebase(self.now())
        self._mode = self._mode if mode is None else mode
        self._speed = checked

    def _rebase(self, instant: datetime) -> None:
        self._base = instant
        self._since = self._monotonic()


def _checked(speed: float) -> float:
    if not 0 < speed <= SPEED_MAX:
        raise ValueError(f"배속은 0보다 크고 {SPEED_MAX:.0f} 이하여야 합니다: {speed}")
    return speed
