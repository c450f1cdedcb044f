"""The risk state of the account: one for all symbols (R-01), rebuilt from what is stored (R-07)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from kis_core.orders.booking import Trade
from kis_core.orders.identity import Side
from kis_core.orders.order import Order


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


def roll_session(record: RiskRecord | None, *, session_date: date, equity: int) -> RiskRecord:
    """The record of the session `session_date`, which starts, or goes on, with `equity` won.

    Within a session nothing changes: a restart resets no limit (F-053). A new session starts
    from `equity`; the high-water mark only grows, and the kill switch stays as it was.
    """
    if record is None:
        return RiskRecord(session_date=session_date, start_equity=equity, high_water_mark=equity)
    if record.session_date == session_date:
        return record
    mark = max(record.high_water_mark, equity)
    return replace(record, session_date=session_date, start_equity=equity, high_water_mark=mark)


def risk_state(
    record: RiskRecord,
    *,
    trades: Sequence[Trade],
    orders: Sequence[Order],
    open_positions: int,
    equity: int,
) -> RiskState:
    """The state of the session `record.session_date`.

    `trades` and `orders` are all that is stored of the session, in any order; `orders` may also
    hold live ones of earlier sessions. Other sessions' trades do not count. Partial sales count
    in the realised result, and only sales that closed a position in the run of losses (F-054).
    """
    of_session = [trade for trade in trades if trade.session_date == record.session_date]
    entries = [order for order in orders if order.intent.side is Side.BUY]
    return RiskState(
        record=record,
        realised_pnl=sum(trade.realised_pnl for trade in of_session),
        entries=sum(_counts(order, record) for order in entries),
        consecutive_losses=_run_of_losses(sorted(of_session, key=lambda trade: trade.at)),
        # An entry that has begun to fill is an open position already.
        holdings=open_positions + sum(o.is_live and not o.filled_quantity for o in entries),
        equity=equity,
    )


def _counts(order: Order, record: RiskRecord) -> bool:
    """Whether an entry used up one of the day's trades: it filled, or still may."""
    of_session = order.intent.session_date == record.session_date
    return of_session and (order.is_live or order.filled_quantity > 0)


def _run_of_losses(trades: Iterable[Trade]) -> int:
    run = 0
    for trade in trades:
        if trade.round_trip_pnl is not None:
            run = run + 1 if trade.round_trip_pnl < 0 else 0
    return run
