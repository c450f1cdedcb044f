"""An exit that the market refused for now, parked so that it is not fired every cycle (O-10)."""

from dataclasses import dataclass
from datetime import datetime

from kis_core.market.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingExit:
    """One symbol's exit, not to be tried again before `retry_at` for the same `reason`.

    `code` is the broker's, `attempts` counts the refusals.
    """

    symbol: Symbol
    reason: str
    code: str
    since: datetime
    retry_at: datetime
    attempts: int
