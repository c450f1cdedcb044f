"""Listeners and files that only remember, for tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from kis_core.ports.files import ContextCache, KillSwitchFile, PositionsMirror, PreparedDay
from kis_core.ports.notifier import Event, EventKind, Notifier
from kis_core.positions.position import Position


@dataclass(slots=True)
class MemoryNotifier(Notifier):
    """Keeps every event."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: EventKind) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if event.kind is kind]


@dataclass(slots=True)
class MemoryMirror(PositionsMirror):
    """Keeps what was written last."""

    positions: tuple[Position, ...] = ()
    writes: int = 0

    def write(self, positions: Sequence[Position], *, at: datetime) -> None:
        self.positions, self.writes = tuple(positions), self.writes + 1


@dataclass(slots=True)
class MemoryContextCache(ContextCache):
    """Keeps one prepared day."""

    saved: tuple[date, str, PreparedDay] | None = None

    def load(self, session_date: date, *, fingerprint: str) -> PreparedDay:
        if self.saved is not None and self.saved[:2] == (session_date, fingerprint):
            return self.saved[2]
        return PreparedDay(contexts={}, instruments={})

    def save(self, day: PreparedDay, *, session_date: date, fingerprint: str) -> None:
        self.saved = (session_date, fingerprint, day)


@dataclass(slots=True)
class MemoryKillSwitchFile(KillSwitchFile):
    """A kill switch file that a test writes by assignment."""

    text: str | None = None

    def reason(self) -> str | None:
        return self.text
