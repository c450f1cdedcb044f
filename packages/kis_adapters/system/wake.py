"""A sleep that can be ended from outside, from a signal handler too."""

from queue import Empty, SimpleQueue


class WakeableSleep:
    """Sleeps until a time has passed or somebody called `wake`, before or during the sleep.

    A SimpleQueue, because its `put` is reentrant: an Event's `set`, called by a signal handler
    while the same thread is inside `wait`, can wait for a lock that its own thread holds.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        """End the sleep that is going on, or the next one."""
        self._calls.put(None)

    def sleep(self, seconds: float) -> bool:
        """Sleep; whether it was ended by `wake`. Any number of calls end one sleep."""
        try:
            self._calls.get(timeout=max(0.0, seconds))
        except Empty:
            return False
        self._drain()
        return True

    def _drain(self) -> None:
        while not self._calls.empty():
            self._calls.get_nowait()
