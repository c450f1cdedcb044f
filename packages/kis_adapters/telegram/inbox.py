"""Commands on their way from the telephone's thread to the engine's."""

import threading
from collections import deque
from collections.abc import Callable

from kis_core.ports.operator_inbox import OperatorCommand, OperatorInbox


class TelegramInbox(OperatorInbox):
    """Holds commands until the engine's next step, and wakes it.

    The engine looks at every step, so the last look is also when it was last seen alive;
    `seconds` is a monotonic clock.
    """

    def __init__(self, *, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._given: deque[OperatorCommand] = deque()
        self._wake: Callable[[], None] = lambda: None
        self._taken_at: float | None = None

    def wake_by(self, wake: Callable[[], None]) -> None:
        """How the engine's sleep is ended; `wake` may be called from any thread."""
        self._wake = wake

    def give(self, command: OperatorCommand) -> None:
        """Leave a command for the engine's next step, which is now."""
        with self._lock:
            self._given.append(command)
        self._wake()

    def seen_s(self) -> float | None:
        """How long ago the engine last looked; None before it did."""
        taken_at = self._taken_at
        return self._seconds() - taken_at if taken_at is not None else None

    def take(self) -> tuple[OperatorCommand, ...]:
        with self._lock:
            self._taken_at = self._seconds()
            taken = tuple(self._given)
            self._given.clear()
            return taken
