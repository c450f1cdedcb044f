"""Which symbols a session may enter."""

from abc import abstractmethod
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Symbol


class CandidatesUnavailable(Exception):
    """There are no candidates for the session: nothing may be entered, held positions are still
    guarded. `is_final` where policy says so (exit 4), else it may be asked again."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        super().__init__(why)
        self.is_final = is_final


@runtime_checkable
class CandidateSource(Protocol):
    """The universe, as the engine sees it."""

    @abstractmethod
    def for_session(self, session_date: date, at: datetime) -> tuple[Symbol, ...] | None:
        """The entry candidates of `session_date` in order of preference, at least one; None
        while they are being chosen: each call does one portion of the work, ask again at once.

        Cheap when they were chosen already. Raises CandidatesUnavailable.
        """

    @abstractmethod
    def next_refresh(self, session_date: date) -> datetime | None:
        """When in the session to ask again; None for not before the next session."""
