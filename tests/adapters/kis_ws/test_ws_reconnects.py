"""Coming back: five times with growing pauses, then rarely, and never as a loop."""

from itertools import pairwise

import pytest

from kis_adapters.kis_ws.reconnects import Reconnects


def pauses(reconnects: Reconnects, count: int, *, start: float = 0) -> list[float]:
    """How long each of `count` failures in a row is waited for, to a tenth."""
    found, now = [], start
    for _ in range(count):
        reconnects.connecting(now)
        reconnects.failed(now)
        waited = 0.0
        while not reconnects.is_due(now + waited):
            waited = round(waited + 0.1, 1)
        found.append(waited)
        now += waited
    return found


@pytest.mark.req("W-03")
def test_the_pauses_double_for_five_attempts_and_then_become_minutes() -> None:
    reconnects = Reconnects()

    assert pauses(reconnects, 5) == [1, 2, 4, 8, 16]
    assert not reconnects.are_used_up
    assert pauses(reconnects, 5, start=100) == [60, 120, 240, 300, 300]
    assert reconnects.are_used_up


@pytest.mark.req("F-061")
def test_a_connection_that_was_good_for_a_minute_gives_the_attempts_back() -> None:
    reconnects = Reconnects()
    pauses(reconnects, 4)
    reconnects.connecting(100)
    reconnects.connected(100)

    reconnects.good(159.9)
    early = reconnects.failures
    reconnects.good(160)

    assert (early, reconnects.failures) == (4, 0)


@pytest.mark.req("F-061")
def test_disconnects_over_weeks_never_use_the_attempts_up() -> None:
    reconnects = Reconnects()

    for day in range(100):
        now = day * 86_400.0
        reconnects.connecting(now)
        reconnects.connected(now)
        reconnects.good(now + 3_600)
        reconnects.failed(now + 7_200)

    assert not reconnects.are_used_up
    assert reconnects.is_due(99 * 86_400 + 7_201)


@pytest.mark.req("W-01")
def test_connections_that_fail_at_once_give_nothing_back() -> None:
    reconnects = Reconnects()
    times, now = [], 0.0

    while now < 3_600:
        if reconnects.is_due(now):
            times.append(now)
            reconnects.connecting(now)
            reconnects.connected(now)
            reconnects.good(now + 0.5)
            reconnects.failed(now + 0.5)
        now += 0.5

    assert len(times) < 20  # in an hour
    assert min(b - a for a, b in pairwise(times)) >= 1


@pytest.mark.req("W-03")
def test_a_slot_in_use_is_waited_for_half_a_minute_at_least() -> None:
    reconnects = Reconnects()
    reconnects.connecting(0)

    reconnects.failed(0, is_busy=True)

    assert not reconnects.is_due(29.9)
    assert reconnects.is_due(30)


@pytest.mark.req("W-05")
def test_the_open_brings_the_next_attempt_forward_but_not_to_at_once() -> None:
    reconnects = Reconnects()
    pauses(reconnects, 9)
    reconnects.connecting(5_000)
    reconnects.failed(5_000)

    reconnects.hurry(5_010)

    assert not reconnects.is_due(5_029.9)
    assert reconnects.is_due(5_030)
