"""Waiting through the Clock port without losing a wake that was meant for somebody else."""

from datetime import datetime

from kis_core.ports.clock import Clock


def wait_until(clock: Clock, instant: datetime) -> None:
    """Return at `instant`, not before; a wake that came meanwhile is handed on afterwards.

    For waits of a second or two, which nobody needs to cut short.
    """
    is_woken = False
    while clock.now() < instant:
        clock.sleep_until(instant)
        is_woken = is_woken or clock.now() < instant
    if is_woken:
        clock.wake()


def waits_out(clock: Clock, instant: datetime) -> bool:
    """Sleep until `instant`; False when a wake cut it short (it is handed on).

    For long waits, which must not hold up the end of the process.
    """
    if clock.now() < instant:
        clock.sleep_until(instant)
    if clock.now() >= instant:
        return True
    clock.wake()
    return False
