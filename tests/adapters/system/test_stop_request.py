"""A process that is asked to stop while its main thread cannot hear it, or will not."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from apps.exit_code import ExitCode

_ROOT = Path(__file__).parents[3]
_WITHIN_S = 60.0

# A signal that comes between Python's look for one and the system call is seen only when the call
# returns. The same is a signal that another thread receives: it wakes nobody.
_BEFORE = """
    import signal, socket, threading, time
    from datetime import timedelta
    from apps.kr_trade.lifetime import StopRequest
    from kis_adapters.system.wall_clock import WallClock

    def receive(number):
        is_ready.wait()
        time.sleep(0.5)  # until the main thread waits
        signal.pthread_kill(threading.get_ident(), number)

    is_ready = threading.Event()
    stop = StopRequest(last_words=lambda: print("last words", flush=True))
    stop.install()
    silent, _other = socket.socketpair()
    silent.settimeout(600)
    threading.Thread(target=receive, args=(signal.{number},)).start()
"""


def _run(script: str, *, number: str = "SIGTERM") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # its command is this file's
        [sys.executable, "-c", dedent(_BEFORE.format(number=number)) + dedent(script)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )


@pytest.mark.req("M-17")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_that_the_start_did_not_see_is_sent_once_more(number: str) -> None:
    ended = _run(
        """
        try:
            is_ready.set()
            silent.recv(1)
        except KeyboardInterrupt:
            print("interrupted")
        """,
        number=number,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted\n", "")


@pytest.mark.req("M-17")
def test_a_start_that_swallows_the_request_is_left_behind() -> None:
    """An exception in a finalizer is only printed; a name that is looked up waits in C."""
    ended = _run(
        """
        is_ready.set()
        while True:
            try:
                silent.recv(1)
            except KeyboardInterrupt:
                pass
        """
    )

    assert (ended.returncode, ended.stdout) == (ExitCode.INTERRUPTED, "last words\n")


@pytest.mark.req("M-17")
def test_a_second_signal_does_not_break_off_the_leaving() -> None:
    ended = _run(
        """
        try:
            is_ready.set()
            silent.recv(1)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            print("left in peace")
        """
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "left in peace\n", "")


@pytest.mark.req("M-17")
def test_once_it_trades_a_signal_ends_the_sleep_and_nothing_else() -> None:
    ended = _run(
        """
        clock = WallClock()
        stop.follow(clock, last_words=lambda: print("left behind"))
        is_ready.set()
        clock.sleep_until(clock.now() + timedelta(hours=1))
        print(stop.is_asked)
        """
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


@pytest.mark.req("M-17")
def test_once_it_trades_a_step_that_hangs_is_left_behind() -> None:
    ended = _run(
        """
        stop.follow(WallClock(), last_words=lambda: print("left behind", flush=True))
        is_ready.set()
        silent.recv(1)
        """
    )

    assert (ended.returncode, ended.stdout) == (ExitCode.INTERRUPTED, "left behind\n")
