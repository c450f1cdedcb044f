"""The gateway's limit on calls a second: a sliding second of virtual time per app key.

The real window is not documented; a sliding one is the strictest (kis-wire section 8, no. 3).
"""

from collections import deque
from datetime import datetime, timedelta

_WINDOW = timedelta(seconds=1)


class RateLimiter:
    """Lets `limit` calls pass in any second. A refused call does not count."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"초당 호출 한도는 1 이상이어야 합니다: {limit}")
        self._limit = limit
        self._passed: dict[str, deque[datetime]] = {}

    def admits(self, app_key: str, now: datetime) -> bool:
        """Whether a call at `now` is within the limit; if so it is counted."""
        passed = self._passed.setdefault(app_key, deque())
        while passed and now - passed[0] >= _WINDOW:
            passed.popleft()
        if len(passed) >= self._limit:
            return False
        passed.append(now)
        return True
