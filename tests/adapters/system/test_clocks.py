"""Clocks: aware, in KST, and a sleep that can be ended from anywhere."""

import os
import signal
import threading
import time
from datetime import datetime, timedelta
from types import FrameType

import pytest

from kis_adapters.memory.clock import ManualClock
from kis_adapters.system.wake import WakeableSleep
from kis_adapters.system.wall_clock import WallClock
from kis_core.market.session import KST
from kis_core.ports.clock import Clock

NOON = datetime(2026, 11, 24, 12, tzinfo=KST)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(NOON)])
def test_now_is_aware_and_kst(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(hours=9)
    assert isinstance(clock, Clock)


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(NOON)])
def test_an_instant_that_has_passed_is_not_waited_for(clock: Clock) -> None:
    before = clock.now()

    clock.sleep_until(before - HOUR)

    assert clock.now() - before < timedelta(seconds=5)


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(NOON)])
def test_waking_ends_the_next_sleep_and_only_that(clock: Clock) -> None:
    clock.wake()
    before = clock.now()

    clock.sleep_until(before + HOUR)
    clock.sleep_until(before + timedelta(milliseconds=5))

    assert timedelta(milliseconds=5) <= clock.now() - before < timedelta(seconds=10)


def test_a_wall_clock_sleeps_until_the_instant() -> None:
    clock = WallClock()
    instant = clock.now() + timedelta(milliseconds=30)

    clock.sleep_until(instant)

    assert clock.now() >= instant


def test_another_thread_can_end_a_sleep_that_is_going_on() -> None:
    clock = WallClock()
    threading.Timer(0.05, clock.wake).start()

    clock.sleep_until(clock.now() + HOUR)  # the test's timeout is the assertion


@pytest.mark.req("M-17")
def test_a_signal_handler_can_end_a_sleep_that_is_going_on() -> None:
    clock = WallClock()

    def handler(_signal: int, _frame: FrameType | None) -> None:
        clock.wake()

    earlier = signal.signal(signal.SIGUSR1, handler)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        began = time.monotonic()
        clock.sleep_until(clock.now() + HOUR)
    finally:
        signal.signal(signal.SIGUSR1, earlier)

    assert time.monotonic() - began < 5


def test_many_calls_end_one_sleep() -> None:
    sleep = WakeableSleep()
    for _ in range(3):
        sleep.wake()

    assert sleep.sleep(10)
    assert not sleep.sleep(0)


def test_a_manual_clock_jumps_and_remembers() -> None:
    clock = ManualClock(NOON)

    clock.sleep_until(NOON + HOUR)
    clock.sleep_until(NOON)

    assert clock.now() == NOON + HOUR
    assert clock.slept == [NOON + HOUR, NOON]


def test_a_manual_clock_is_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        ManualClock(NOON.replace(tzinfo=None))
