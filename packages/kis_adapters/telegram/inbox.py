"""Commands on their way from the telephone's thread to the engine's."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime

from kis_core.ports.operator_inbox import OperatorCommand, OperatorInbox


class TelegramInbox(OperatorInbox):
    """Holds commands until the engine's next step, and wakes it.

    `taken_at`: when the engine last looked, by `now`; it looks at every step, so this is also
    when it was last seen alive.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._given: deque[OperatorCommand] = deque()
        self._wake: Callable[[], None] = lambda: None
        self.taken_at: datetime | None = None

    def wake_by(self, wake: Callable[[], None]) -> None:
        """How the engine's sleep is ended; `wake` may be called from any thread."""
        self._wake = wake

    def give(self, command: OperatorCommand) -> None:
        """Leave a command for the engine's next step, which is now."""
        with self._lock:
            self._given.append(command)
        self._wake()

    def take(self) -> tuple[OperatorCommand, ...]:
        with self._lock:
            self.taken_at = self._now()
            taken = tuple(self._given)
            self._given.clear()
            return taken
