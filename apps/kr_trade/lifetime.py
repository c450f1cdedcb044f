"""Running the engine until it is finished, or until somebody asks it to stop, and its end.

A request to stop ends the sleep, lets the step that is going on finish, and then leaves. Before
there is an engine it is a KeyboardInterrupt. Whatever hangs (a server that answers byte by byte,
a name that is looked up for a minute) is left behind after `_GRACE_S`: everything that matters is
committed before it is acted on, so leaving at any moment is safe (M-17). Waiting for a simulator
that is gone ends the same way.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import FrameType

from apps.exit_code import ExitCode
from apps.terminal import say
from kis_adapters.console.words import meaning
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import Event, EventKind, Notifier
from kis_core.session.engine import Engine

_GRACE_S = 2.3  # with the last words to console and log, within the 5 s of M-17
_UNSEEN_S = 0.1


class StopRequest:
    """Hears SIGTERM and SIGINT, from `install` to the end of the process.

    Python runs a signal's handler between two steps of the main thread, so a signal that comes
    just before a system call is seen only when that call returns, which may be a broker's whole
    time limit. What hears it here is a thread of its own; it sends the signal once more where the
    main thread has not seen it, and it ends the process when the main thread does not, after
    `last_words`. To be made and installed in the main thread, once.
    """

    def __init__(self, *, last_words: Callable[[], object]) -> None:
        self._clock: Clock | None = None
        self._last_words = last_words
        self._asked = threading.Event()
        self._is_seen = False
        self._main = threading.get_ident()

    @property
    def is_asked(self) -> bool:
        """Whether it is time to leave."""
        return self._asked.is_set()

    def install(self) -> None:
        """Take over both signals of this process. The first of them raises KeyboardInterrupt."""
        heard, told = socket.socketpair()
        told.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(heard,), name="stop", daemon=True).start()

    def follow(self, clock: Clock, *, last_words: Callable[[], object]) -> None:
        """From now on a request ends the sleep on `clock` and interrupts nothing."""
        self._last_words = last_words
        self._clock = clock

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        is_first, self._is_seen = not self._is_seen, True
        if is_first and self._clock is None:
            raise KeyboardInterrupt

    def _listen(self, heard: socket.socket) -> None:
        number = heard.recv(1)[0]
        self._asked.set()
        if self._clock is not None:
            self._clock.wake()
        never = threading.Event()
        never.wait(_UNSEEN_S)
        if not self._is_seen:
            signal.pthread_kill(self._main, number)
        never.wait(_GRACE_S)
        self._last_words()
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


def conclude(engine: Engine, clock: Clock, notifier: Notifier, *, is_finished: bool) -> ExitCode:
    """Stop the engine, tell that it has stopped and why; returns the exit code."""
    engine.stop()
    reason = "finished" if is_finished else "interrupted"
    with suppress(SimulatorUnreachable):
        notifier.tell(
            Event(kind=EventKind.SESSION_STOPPED, at=clock.now(), fields={"reason": reason})
        )
    if engine.halted is not None:
        return say(f"거래할 종목이 없어 끝냅니다: {meaning(engine.halted)}", ExitCode.HALTED)
    return ExitCode.OK if is_finished else ExitCode.INTERRUPTED


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
