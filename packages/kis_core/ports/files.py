"""Small durable files beside the database."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Instrument, Symbol
from kis_core.positions.position import Position
from kis_core.strategy.context import DayContext


@runtime_checkable
class PositionsMirror(Protocol):
    """`data/positions.json`: what the database says, for people and for other tools."""

    @abstractmethod
    def write(self, positions: Sequence[Position], *, at: datetime) -> None:
        """Replace the file atomically; the previous version is kept. Never raises: a failure is
        reported through the log and counted, for the database is the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDay:
    """What a session needs of each symbol and fetches once: its context, and what it is."""

    contexts: Mapping[Symbol, DayContext]
    instruments: Mapping[Symbol, Instrument]


@runtime_checkable
class ContextCache(Protocol):
    """The day's contexts, so that a restart does not fetch the bars again."""

    @abstractmethod
    def load(self, session_date: date, *, fingerprint: str) -> PreparedDay:
        """What was saved for this session with these parameters; empty mappings when nothing
        usable is there (absent, another day, other parameters, damaged)."""

    @abstractmethod
    def save(self, day: PreparedDay, *, session_date: date, fingerprint: str) -> None:
        """Replace the file atomically. Never raises."""


@runtime_checkable
class KillSwitchFile(Protocol):
    """`data/KILL_SWITCH`: present means no new entries; its text is the reason."""

    @abstractmethod
    def reason(self) -> str | None:
        """The reason while the file exists (a default text for an empty file), else None."""
