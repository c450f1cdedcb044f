"""The universe of the day, kept so that a restart in session trades the same symbols."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from kis_core.universe.reuse import CachedUniverse, Stored


class CacheNotWritten(Exception):
    """The universe could not be stored; what was stored before is unchanged."""


@runtime_checkable
class UniverseCache(Protocol):
    """`data/universe_cache.json`."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is kept, for the log and the operator."""

    @abstractmethod
    def load(self) -> Stored:
        """What was stored last. Never raises: whatever cannot be believed is CacheDamaged."""

    @abstractmethod
    def save(self, universe: CachedUniverse) -> None:
        """Replace it, durable on return. Raises CacheNotWritten."""
