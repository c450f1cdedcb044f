"""One process at a time for one data directory (P-01)."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol, runtime_checkable


class InstanceHeld(Exception):
    """Another process holds the lock. `holder` is its text, for the operator."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class InstanceLockLost(Exception):
    """The lock's file is not the one that was locked any more: somebody removed or replaced it,
    and a second process could start. Stop sending orders."""


@runtime_checkable
class InstanceLock(Protocol):
    """Held from `acquire` until `release` or the end of the process, however it ends."""

    @abstractmethod
    def acquire(self, *, now: datetime) -> None:
        """Take the lock, at once or not at all.

        Raises InstanceHeld, any number of times, without changing anything the holder wrote.
        """

    @abstractmethod
    def heartbeat(self, *, now: datetime) -> None:
        """Write that the holder is alive, for people to read. Raises InstanceLockLost."""

    @abstractmethod
    def release(self) -> None:
        """Let go; harmless when not held. The file and its text stay."""
