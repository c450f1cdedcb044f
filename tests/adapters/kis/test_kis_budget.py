"""How fast calls may follow each other, and in which order."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kis_adapters.kis.budget import Priority, RateBudget
from kis_adapters.memory.clock import ManualClock
from kis_core.market.session import KST
from kis_core.ports.clock import Clock

NOW = datetime(2026, 11, 20, 10, tzinfo=KST)
SECOND = timedelta(seconds=1)


def _marks(budget: RateBudget, clock: ManualClock, count: int) -> list[float]:
    marks = []
    for _ in range(count):
        budget.acquire(Priority.SCAN)
        marks.append((clock.now() - NOW).total_seconds())
    return marks


@pytest.mark.req("K-05", "F-067")
def test_one_call_a_second_leaves_room_for_jitter() -> None:
    clock = ManualClock(NOW)

    assert _marks(RateBudget(1, clock), clock, 3) == [0, 1.05, 2.1]


@pytest.mark.req("K-05")
def test_four_a_second_are_spread_and_a_window_never_holds_a_fifth() -> None:
    clock = ManualClock(NOW)

    marks = _marks(RateBudget(4, clock), clock, 6)

    assert marks == [0, 0.25, 0.5, 0.75, 1.05, 1.3]


@pytest.mark.req("K-05")
@settings(max_examples=50)
@given(
    rate=st.sampled_from([1, 3, 15, 18]),
    pauses=st.lists(st.integers(0, 900), min_size=2, max_size=60),
)
def test_no_second_ever_holds_more_than_the_rate(rate: int, pauses: list[int]) -> None:
    clock = ManualClock(NOW)
    budget = RateBudget(rate, clock)
    marks = []

    for pause in pauses:
        clock.set(clock.now() + timedelta(milliseconds=pause))
        budget.acquire(Priority.ENTRY)
        marks.append(clock.now())

    for start in marks:
        assert sum(start <= mark <= start + SECOND for mark in marks) <= rate


@pytest.mark.req("K-05")
def test_the_brokers_limit_error_doubles_the_spacing_for_ten_seconds() -> None:
    clock = ManualClock(NOW)
    budget = RateBudget(1, clock)
    budget.acquire(Priority.SCAN)

    budget.slow_down()
    marks = _marks(budget, clock, 6)

    assert marks == pytest.approx([2.1, 4.2, 6.3, 8.4, 10.5, 11.55])


def test_a_clock_set_back_does_not_hold_up_calls() -> None:
    clock = ManualClock(NOW)
    budget = RateBudget(1, clock)
    budget.acquire(Priority.ORDER)

    clock.set(NOW - timedelta(hours=3))
    budget.acquire(Priority.ORDER)

    assert clock.now() == NOW - timedelta(hours=3)


def test_a_wake_is_handed_on_to_whoever_it_was_for() -> None:
    clock = ManualClock(NOW)
    budget = RateBudget(1, clock)
    budget.acquire(Priority.ORDER)
    clock.wake()

    budget.acquire(Priority.ORDER)
    clock.sleep_until(NOW + timedelta(hours=1))

    assert clock.now() == NOW + timedelta(seconds=1.05)


@pytest.mark.parametrize("rate", [0, -1, 1001])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError):
        RateBudget(rate, ManualClock(NOW))


class _GatedClock(Clock):
    """Time moves when the test says so; sleepers wait for it in real threads."""

    def __init__(self) -> None:
        self._now = NOW
        self._changed = threading.Condition()

    def now(self) -> datetime:
        return self._now

    def sleep_until(self, instant: datetime) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._now >= instant, timeout=5)

    def wake(self) -> None:
        """Nobody wakes anybody here."""

    def move(self, seconds: float) -> None:
        with self._changed:
            self._now += timedelta(seconds=seconds)
            self._changed.notify_all()


@pytest.mark.req("K-05")
def test_an_order_that_comes_last_goes_first() -> None:
    clock = _GatedClock()
    budget = RateBudget(1, clock)
    budget.acquire(Priority.SCAN)
    served: list[Priority] = []
    threads = []
    for number, priority in enumerate([Priority.SCAN, Priority.ENTRY, Priority.EXIT], start=1):
        threads.append(_caller(budget, priority, served))
        _until(lambda number=number: len(budget._waiting) == number)  # type: ignore[misc]
    threads.append(_caller(budget, Priority.ORDER, served))
    _until(lambda: len(budget._waiting) == 4)

    for left in (3, 2, 1, 0):
        clock.move(1.06)
        _until(lambda left=left: len(budget._waiting) == left)  # type: ignore[misc]
    for thread in threads:
        thread.join(5)

    assert served == [Priority.ORDER, Priority.EXIT, Priority.ENTRY, Priority.SCAN]


def _caller(budget: RateBudget, priority: Priority, served: list[Priority]) -> threading.Thread:
    def call() -> None:
        budget.acquire(priority)
        served.append(priority)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def _until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if holds():
            return
        pause.wait(0.001)
    raise AssertionError("it never came to it")
