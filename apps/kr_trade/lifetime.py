"""Running the engine until it is finished, or until somebody asks it to stop.

A request to stop ends the sleep, lets the step that is going on finish, and then leaves. A step
that hangs (a server that answers byte by byte) is left behind after `_GRACE_S`: everything that
matters is committed before it is acted on, so leaving at any moment is safe (M-17). Waiting for
a simulator that is gone ends the same way.
"""

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import FrameType

from apps.exit_code import ExitCode
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_core.ports.clock import Clock
from kis_core.session.engine import Engine

_GRACE_S = 2.5  # with the last words to console and log, within the 5 s of M-17


class StopRequest:
    """Remembers that SIGTERM or SIGINT came, and wakes whoever sleeps on the clock."""

    def __init__(self, clock: Clock, *, on_overdue: Callable[[], None]) -> None:
        self._clock = clock
        self._on_overdue = on_overdue
        self._asked = threading.Event()

    @property
    def is_asked(self) -> bool:
        """Whether it is time to leave."""
        return self._asked.is_set()

    def install(self) -> None:
        """Take over both signals of this process."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            return
        self._asked.set()
        self._clock.wake()
        overdue = threading.Timer(_GRACE_S, self._leave_behind)
        overdue.daemon = True
        overdue.start()

    def _leave_behind(self) -> None:
        self._on_overdue()
        os._exit(ExitCode.INTERRUPTED)


def run(
    engine: Engine,
    clock: Clock,
    stop: StopRequest,
    *,
    heartbeat: Callable[[], None],
    pulse_s: float | None = None,
) -> bool:
    """Step the engine until it is finished (True) or a stop was asked for (False).

    `heartbeat` is called between steps, by this thread, so that an engine that hangs is silent;
    while nothing is due it is called every `pulse_s` seconds, where somebody wants to hear it.
    """
    try:
        while not stop.is_asked:
            wanted = engine.step()
            if wanted is None:
                return True
            heartbeat()
            if not stop.is_asked:
                _sleep(clock, wanted, heartbeat, pulse_s)
    except SimulatorUnreachable:
        if not stop.is_asked:
            raise
    return False


def _sleep(
    clock: Clock, until: datetime, heartbeat: Callable[[], None], pulse_s: float | None
) -> None:
    """Sleep until then or until woken, with a heartbeat now and then: a night is long."""
    if pulse_s is None:
        clock.sleep_until(until)
        return
    while (now := clock.now()) < until:
        wanted = min(until, now + timedelta(seconds=pulse_s))
        clock.sleep_until(wanted)
        if clock.now() < wanted:
            return  # woken
        heartbeat()
