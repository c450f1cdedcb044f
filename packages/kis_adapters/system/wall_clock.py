"""The clock on the wall, in KST whatever the machine's zone."""

from datetime import datetime

from kis_adapters.system.wake import WakeableSleep
from kis_core.market.session import KST
from kis_core.ports.clock import Clock

_LONGEST_SLEEP_S = 30.0  # the wall clock may be set while we sleep; look again


class WallClock(Clock):
    """The real time. `wake` may be called from any thread and from a signal handler."""

    def __init__(self) -> None:
        self._sleep = WakeableSleep()

    def now(self) -> datetime:
        return datetime.now(KST)

    def sleep_until(self, instant: datetime) -> None:
        while (remaining := (instant - self.now()).total_seconds()) > 0:
            if self._sleep.sleep(min(remaining, _LONGEST_SLEEP_S)):
                return

    def wake(self) -> None:
        self._sleep.wake()
