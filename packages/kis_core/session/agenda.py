"""What the engine does when: a handful of items, each due at most once at a time."""

from datetime import datetime
from enum import IntEnum, unique


@unique
class Item(IntEnum):
    """What can be due. Where several are, the lower number runs first: the broker's word on
    orders that are live comes before new decisions."""

    OBEY = 0  # what the operator asked for, before anything else is decided
    RECOVER = 1
    START_DAY = 2
    TRACK_ORDERS = 3
    CYCLE = 4
    GLANCE = 5  # at what is held and has just printed on the stream, if no cycle has just looked
    SELECT = 6  # the day's candidates, a portion at a time, so that a stop never waits for all
    SCAN = 7  # the candidates' quotes, likewise
    PREPARE = 8  # the candidates' bars, likewise
    SNAPSHOT = 9
    CLOSE_DAY = 10


class Agenda:
    """Items and when they are due. Setting an item again moves it."""

    def __init__(self) -> None:
        self._due: dict[Item, datetime] = {}

    def set(self, item: Item, at: datetime) -> None:
        """Make `item` due at `at`, instead of whenever it was due before."""
        self._due[item] = at

    def bring_forward(self, item: Item, at: datetime) -> None:
        """Make `item` due at `at` unless it is due earlier."""
        due = self._due.get(item)
        if due is None or at < due:
            self._due[item] = at

    def drop(self, item: Item) -> None:
        """Forget `item`."""
        self._due.pop(item, None)

    def clear(self) -> None:
        """Forget everything."""
        self._due.clear()

    def due_at(self, item: Item) -> datetime | None:
        """When `item` is due, or None."""
        return self._due.get(item)

    def pop_due(self, now: datetime) -> tuple[Item, datetime] | None:
        """Take the first item that is due by `now`, with the instant it was due at."""
        due = [item for item, at in self._due.items() if at <= now]
        if not due:
            return None
        first = min(due)
        return first, self._due.pop(first)

    def next_at(self) -> datetime | None:
        """When the earliest item is due, or None when there is none."""
        return min(self._due.values(), default=None)
