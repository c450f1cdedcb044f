"""One event to several listeners, each on a thread of its own (E-07)."""

import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from kis_core.ports.notifier import Event, Notifier

_QUEUE_MAX = 1_000
_CLOSE_WITHIN_S = 2.0
_HEAD_START_S = 0.02  # for the order that an event may precede: telling takes no time from it


class FanOut(Notifier):
    """Hands over and returns; a listener that is slow, dead or broken only loses its own events.

    Each listener gets its events in order. `dropped` counts events that a listener had no room
    for, `failures` exceptions that one raised.
    """

    def __init__(self, listeners: Sequence[Notifier], *, queue_max: int = _QUEUE_MAX) -> None:
        self._lanes = [_Lane(listener, queue_max) for listener in listeners]

    def tell(self, event: Event) -> None:
        for lane in self._lanes:
            lane.put(event)

    @property
    def dropped(self) -> int:
        """How many events were lost for want of room, over all listeners."""
        return sum(lane.dropped for lane in self._lanes)

    @property
    def failures(self) -> int:
        """How many exceptions listeners raised, which they must not."""
        return sum(lane.failures for lane in self._lanes)

    def close(self, *, within_s: float = _CLOSE_WITHIN_S) -> None:
        """Let the listeners finish what they were given, for at most `within_s` in all."""
        deadline = time.monotonic() + within_s
        for lane in self._lanes:
            lane.finish()
        for lane in self._lanes:
            lane.join(max(0.0, deadline - time.monotonic()))


class _Lane:
    """One listener's queue and thread. The thread is a daemon: a stuck one cannot keep the
    process alive."""

    def __init__(self, listener: Notifier, queue_max: int) -> None:
        self.dropped = 0
        self.failures = 0
        self._listener = listener
        self._queue_max = queue_max
        self._queue: SimpleQueue[Event | None] = SimpleQueue()  # None: no more will come
        name = f"listener-{type(listener).__name__}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        if self._queue.qsize() >= self._queue_max:
            self.dropped += 1
        else:
            self._queue.put(event)

    def finish(self) -> None:
        self._queue.put(None)

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def _next(self) -> Event | None:
        try:
            return self._queue.get_nowait()
        except Empty:
            event = self._queue.get()
        if event is not None:
            time.sleep(_HEAD_START_S)
        return event

    def _run(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._listener.tell(event)
            except Exception:  # noqa: BLE001  # one listener's fault is not the others'
                self.failures += 1
