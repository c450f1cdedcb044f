"""Which session the engine is in, or waits for."""

from datetime import datetime, timedelta

from kis_core.market.session import Session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed

_NEXT_DAYS = 30


def session_at(
    calendar: Calendar, now: datetime, *, close_after: timedelta
) -> Session | Unconfirmed:
    """The session of today, or the next one if today has none or it was over `close_after` ago.

    Raises ValueError when the calendar has none within a month: no market closes for so long.
    """
    for offset in range(_NEXT_DAYS):
        answer = calendar.session_of(now.date() + timedelta(days=offset))
        if isinstance(answer, Closed):
            continue
        session = answer.session if isinstance(answer, Unconfirmed) else answer
        if now < session.closes_at + close_after:
            return answer
    raise ValueError(f"no session within {_NEXT_DAYS} days of {now.date()}")
