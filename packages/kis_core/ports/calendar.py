"""Which days the exchange trades, and when."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

from kis_core.market.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The exchange does not trade on `session_date`; `reason` is Korean, for the operator."""

    session_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """Beyond the calendar's confirmed coverage: no new entries (fail closed). `session` is the
    best guess, so that held positions can still be guarded."""

    session: Session
    reason: str


@runtime_checkable
class Calendar(Protocol):
    """The trading days of KRX."""

    @abstractmethod
    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        """The session of a date, or why there is none."""

    @abstractmethod
    def sessions_after(self, session_date: date, count: int) -> tuple[date, ...]:
        """The next `count` trading dates after `session_date`, ascending (T+2 is the second)."""

    @abstractmethod
    def session_before(self, session_date: date) -> date:
        """The last trading date before `session_date`."""

    @property
    @abstractmethod
    def version(self) -> str:
        """What the answers rest on: package and overlay versions, for the start log."""
