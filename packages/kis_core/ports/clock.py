"""Time, the only way the session may ask for it."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """The session's time. Every instant is aware and KST."""

    @abstractmethod
    def now(self) -> datetime:
        """The present instant."""

    @abstractmethod
    def sleep_until(self, instant: datetime) -> None:
        """Return at `instant`, at once if it has passed, or earlier when `wake` was called.

        The caller therefore looks at `now` again after it.
        """

    @abstractmethod
    def wake(self) -> None:
        """End a sleep that is going on, or the next one; may be called from any thread."""
