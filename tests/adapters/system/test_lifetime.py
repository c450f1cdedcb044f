"""The loop around the engine: when it sleeps, beats and leaves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

import pytest

from apps.kr_trade.lifetime import StopRequest, run
from kis_adapters.memory.clock import ManualClock
from kis_core.market.session import KST
from kis_core.session.engine import Engine

_START = datetime(2026, 11, 24, 15, 40, tzinfo=KST)


class _Steps:
    """An engine that wants to be called at these instants and is then finished."""

    def __init__(self, clock: ManualClock, wanted: Sequence[timedelta]) -> None:
        self._clock = clock
        self._wanted = [_START + each for each in wanted]
        self.stepped: list[datetime] = []

    def step(self) -> datetime | None:
        self.stepped.append(self._clock.now())
        return self._wanted.pop(0) if self._wanted else None


def _run(clock: ManualClock, steps: _Steps, *, pulse_s: float | None) -> tuple[bool, list[float]]:
    beats: list[float] = []
    stop = StopRequest(last_words=lambda: None)
    is_finished = run(
        cast(Engine, steps),
        clock,
        stop,
        heartbeat=lambda: beats.append((clock.now() - _START).total_seconds()),
        pulse_s=pulse_s,
    )
    return is_finished, beats


@pytest.mark.req("V-07")
def test_a_long_wait_is_heard_of_in_every_pulse() -> None:
    clock = ManualClock(_START)
    steps = _Steps(clock, [timedelta(seconds=750)])

    is_finished, beats = _run(clock, steps, pulse_s=300)

    assert is_finished
    assert beats == [0, 300, 600, 750]
    assert steps.stepped == [_START, _START + timedelta(seconds=750)]


def test_nobody_listening_means_one_sleep() -> None:
    clock = ManualClock(_START)
    steps = _Steps(clock, [timedelta(hours=17)])

    _, beats = _run(clock, steps, pulse_s=None)

    assert beats == [0]
    assert clock.slept == [_START + timedelta(hours=17)]


@pytest.mark.req("V-07", "E-02")
def test_a_wake_during_a_long_wait_ends_it() -> None:
    """A command from the telephone, a price of something held: not after the next pulse."""
    clock = ManualClock(_START)
    steps = _Steps(clock, [timedelta(hours=17)])
    clock.wake()

    _, beats = _run(clock, steps, pulse_s=300)

    assert steps.stepped == [_START, _START]
    assert beats == [0]
