"""The risk state of the account: one for all symbols (R-01)."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRecord:
    """The part of the risk state that cannot be computed from trades.

    `start_equity` is the equity at the start of `session_date`; `high_water_mark` the highest
    equity ever seen; `kill_switch` the reason while it is on; `api_error_times` the instants of
    recent API errors, ascending.
    """

    session_date: date
    start_equity: int
    high_water_mark: int
    kill_switch: str | None = None
    kill_switch_at: datetime | None = None
    is_drawdown_warned: bool = False
    api_error_times: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskState:
    """All that the limits look at, for the session `record.session_date`.

    `realised_pnl` is the session's, net of fees and tax, won. `entries` counts the session's
    entry orders that filled or still may. `consecutive_losses` counts the session's closed round
    trips that lost, since the last one that did not. `holdings` counts open positions and live
    entries together, so that orders on their way cannot exceed `max_positions` (F-032).
    `equity` is the account's latest known equity.
    """

    record: RiskRecord
    realised_pnl: int
    entries: int
    consecutive_losses: int
    holdings: int
    equity: int
