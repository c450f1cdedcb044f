"""What waits to be sent: bounded, filled from any thread, emptied by the one that sends."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kis_adapters.telegram.markup import TEXT_MAX
from kis_adapters.telegram.message import Message

_MOST = 200  # an hour's outage of a busy day; its log has everything


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that go out as one text, and how many had to be dropped before them."""

    messages: tuple[Message, ...]
    dropped: int


class Outbox:
    """Messages in the order they were put. When it is full the oldest silent one goes, or else
    the oldest; how many went is told with what comes next."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._dropped = 0
        self._on_news: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._waiting)

    def on_news(self, call: Callable[[], None]) -> None:
        """`call` is called after each `put`, in the thread of whoever put."""
        self._on_news = call

    def put(self, message: Message) -> None:
        """Add a message; returns at once."""
        with self._lock:
            if len(self._waiting) >= self._most:
                self._drop_one()
            self._waiting.append(message)
            on_news = self._on_news
        on_news()

    def take(self) -> Batch | None:
        """The oldest messages that fit one text, removed; a question is always alone."""
        with self._lock:
            taken = list[Message]()
            size = 0
            while self._waiting:
                message = self._waiting[0]
                size += len(message.text) + 2
                alone = bool(message.buttons)
                if taken and (alone or size > TEXT_MAX):
                    break
                taken.append(self._waiting.popleft())
                if alone:
                    break
            if not taken:
                return None
            batch = Batch(tuple(taken), self._dropped)
            self._dropped = 0
            return batch

    def give_back(self, batch: Batch) -> None:
        """What could not be sent goes back to the front, as far as there is room."""
        with self._lock:
            room = max(0, self._most - len(self._waiting))
            kept = batch.messages[-room:] if room else ()
            self._dropped += batch.dropped + len(batch.messages) - len(kept)
            self._waiting.extendleft(reversed(kept))

    def _drop_one(self) -> None:
        silent = next((m for m in self._waiting if m.is_silent), None)
        if silent is not None:
            self._waiting.remove(silent)
        else:
            self._waiting.popleft()
        self._dropped += 1
