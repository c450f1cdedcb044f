"""A trading day of the exchange and its phases.

Regular hours 09:00-15:30 with call auctions 08:30-09:00 and 15:20-15:30; on the first trading day
of the year the open is an hour later, on the college entrance exam day the whole day is. The
KRX after-market runs 16:00-20:00 since 2026-09-14. Source: kis-wire section 7.3.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum, unique

KST = timezone(timedelta(hours=9), "KST")

_OPENING_AUCTION = timedelta(minutes=30)  # order entry from 08:30 for a 09:00 open
_CLOSING_AUCTION = timedelta(minutes=10)  # 15:20 for a 15:30 close


@unique
class Phase(StrEnum):
    """Where in the trading day an instant lies."""

    BEFORE = "before"
    OPENING_AUCTION = "opening_auction"
    CONTINUOUS = "continuous"
    CLOSING_AUCTION = "closing_auction"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One day on which the exchange trades. Both instants are aware, KST."""

    session_date: date
    opens_at: datetime
    closes_at: datetime

    @property
    def opening_auction_at(self) -> datetime:
        """When orders for the opening auction are taken."""
        return self.opens_at - _OPENING_AUCTION

    @property
    def closing_auction_at(self) -> datetime:
        """When continuous trading ends and the closing auction starts."""
        return self.closes_at - _CLOSING_AUCTION

    def phase_at(self, instant: datetime) -> Phase:
        """The phase at `instant`; each phase includes its start and excludes its end."""
        if instant < self.opening_auction_at:
            return Phase.BEFORE
        if instant < self.opens_at:
            return Phase.OPENING_AUCTION
        if instant < self.closing_auction_at:
            return Phase.CONTINUOUS
        if instant < self.closes_at:
            return Phase.CLOSING_AUCTION
        return Phase.AFTER


def regular_session(
    session_date: date, *, opens: time = time(9), closes: time = time(15, 30)
) -> Session:
    """The session of `session_date` at the given hours (KST wall time)."""
    return Session(
        session_date=session_date,
        opens_at=datetime.combine(session_date, opens, KST),
        closes_at=datetime.combine(session_date, closes, KST),
    )
