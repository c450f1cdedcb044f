"""The figures by which a backtest, a test account or a live account is judged.

Returns are simple (not logarithmic) and of one session. A year is 252 sessions. Every function
says its formula and unit; where a figure cannot be computed (no losses, no variation, too short)
it is None, never 0 or infinity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

SESSIONS_A_YEAR = 252

_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """What metrics need of a round trip: its result after costs (won), what was paid for the
    shares (won), and why it ended."""

    pnl: int
    cost: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall: `pct` of the peak (0 or more), and the longest time below a peak, in
    sessions. `peak` and `trough` are the places of the deepest one in the curve."""

    pct: float
    sessions: int
    peak: int
    trough: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonTotal:
    """Trades that ended for one reason."""

    reason: str
    trades: int
    wins: int
    pnl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All figures of one run. `_pct` is percent; wins, losses and expectancy are won a trade;
    ratios have no unit. None: cannot be said of so little."""

    total_return_pct: float
    annual_return_pct: float | None
    drawdown: Drawdown
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    exposure_pct: float
    turnover: float | None
    trades: int
    win_rate_pct: float | None
    profit_factor: float | None
    expectancy: float | None
    average_win: float | None
    average_loss: float | None
    by_reason: tuple[ReasonTotal, ...]
    monthly: tuple[tuple[str, float], ...]


def measure(
    *,
    dates: Sequence[date],
    equity: Sequence[float],
    invested: Sequence[float],
    start: float,
    trades: Sequence[ClosedTrade],
    traded_value: int,
) -> Metrics:
    """All figures. `equity` and `invested` are at the close of each of `dates`, `start` is the
    equity before the first of them; `traded_value` is the won of all purchases and sales."""
    if not len(dates) == len(equity) == len(invested) > 0:
        raise ValueError("dates, equity and invested must be equally long and not empty")
    curve = [start, *equity]
    returns = session_returns(curve)
    annual, fall = annual_return_pct(curve), deepest_drawdown(curve)
    return Metrics(
        total_return_pct=total_return_pct(curve),
        annual_return_pct=annual,
        drawdown=fall,
        sharpe=sharpe(returns),
        sortino=sortino(returns),
        calmar=calmar(annual, fall),
        exposure_pct=exposure_pct(equity, invested),
        turnover=turnover(traded_value, equity),
        trades=len(trades),
        win_rate_pct=win_rate_pct(trades),
        profit_factor=profit_factor(trades),
        expectancy=expectancy(trades),
        average_win=_mean([trade.pnl for trade in trades if trade.pnl > 0]),
        average_loss=_mean([trade.pnl for trade in trades if trade.pnl < 0]),
        by_reason=by_reason(trades),
        monthly=monthly_returns_pct(dates, equity, start=start),
    )


def session_returns(curve: Sequence[float]) -> list[float]:
    """r[t] = equity[t] / equity[t−1] − 1. Raises ValueError where equity is not positive."""
    if any(value <= 0 for value in curve):
        raise ValueError("equity must be positive")
    return [now / before - 1 for before, now in pairwise(curve)]


def total_return_pct(curve: Sequence[float]) -> float:
    """100 × (last / first − 1)."""
    return _PERCENT * (curve[-1] / curve[0] - 1)


def annual_return_pct(curve: Sequence[float]) -> float | None:
    """Compound annual growth: 100 × ((last / first)^(252 / sessions) − 1).

    None below 20 sessions: a month's luck to the twelfth power says nothing. As
    empyrical.annual_return.
    """
    sessions = len(curve) - 1
    if sessions < 20:
        return None
    growth: float = (curve[-1] / curve[0]) ** (SESSIONS_A_YEAR / sessions)
    return _PERCENT * (growth - 1)


def deepest_drawdown(curve: Sequence[float]) -> Drawdown:
    """max over t of 100 × (1 − equity[t] / highest equity up to t), and the longest run of
    sessions below an earlier peak, whether or not it was the deepest or is over."""
    peak = deepest_peak = trough = 0
    longest, worst = 0, 0.0
    for place, value in enumerate(curve):
        if value >= curve[peak]:
            peak = place
            continue
        longest = max(longest, place - peak)
        fall = 1 - value / curve[peak]
        if fall > worst:
            worst, deepest_peak, trough = fall, peak, place
    return Drawdown(pct=_PERCENT * worst, sessions=longest, peak=deepest_peak, trough=trough)


def sharpe(returns: Sequence[float], *, risk_free: float = 0.0) -> float | None:
    """√252 × mean(r − f) / s(r), s the sample deviation (n − 1). W. F. Sharpe, The Sharpe Ratio,
    Journal of Portfolio Management 21 (1994). `risk_free` is f, per session."""
    if len(returns) < 2:
        return None
    excess = [each - risk_free for each in returns]
    mean = sum(excess) / len(excess)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in excess) / (len(excess) - 1))
    # Equal returns leave the rounding of their mean behind, which is not a deviation.
    if deviation <= 1e-12 * abs(mean) or deviation == 0:
        return None
    return math.sqrt(SESSIONS_A_YEAR) * mean / deviation


def sortino(returns: Sequence[float], *, required: float = 0.0) -> float | None:
    """√252 × mean(r − q) / √(mean of min(r − q, 0)²), over all sessions, not the losing ones
    alone. F. A. Sortino and R. van der Meer, Downside Risk, JPM 17 (1991). `required` is q, per
    session."""
    if len(returns) < 2:
        return None
    excess = [each - required for each in returns]
    downside = math.sqrt(sum(min(each, 0.0) ** 2 for each in excess) / len(excess))
    if downside == 0:
        return None
    return math.sqrt(SESSIONS_A_YEAR) * (sum(excess) / len(excess)) / downside


def calmar(annual: float | None, fall: Drawdown) -> float | None:
    """Annual return / deepest drawdown, both in percent. T. W. Young, Calmar Ratio, Futures
    (1991), over the whole run instead of three years."""
    if annual is None or fall.pct == 0:
        return None
    return annual / fall.pct


def exposure_pct(equity: Sequence[float], invested: Sequence[float]) -> float:
    """100 × mean over sessions of invested / equity, at the closes."""
    shares = [part / whole for part, whole in zip(invested, equity, strict=True)]
    return _PERCENT * sum(shares) / len(shares)


def turnover(traded_value: int, equity: Sequence[float]) -> float | None:
    """Times a year that the account is turned over: the mean of purchases and sales (half of
    what was traded) / mean equity × 252 / sessions. None below 20 sessions."""
    if len(equity) < 20:
        return None
    mean = sum(equity) / len(equity)
    return traded_value / 2 / mean * SESSIONS_A_YEAR / len(equity)


def win_rate_pct(trades: Sequence[ClosedTrade]) -> float | None:
    """100 × trades with pnl > 0 / all trades, after costs; one that came out at 0 is no win."""
    if not trades:
        return None
    return _PERCENT * sum(trade.pnl > 0 for trade in trades) / len(trades)


def profit_factor(trades: Sequence[ClosedTrade]) -> float | None:
    """Sum of wins / sum of losses, both after costs, as positive numbers. None without losses."""
    won = sum(trade.pnl for trade in trades if trade.pnl > 0)
    lost = -sum(trade.pnl for trade in trades if trade.pnl < 0)
    return won / lost if lost else None


def expectancy(trades: Sequence[ClosedTrade]) -> float | None:
    """Mean pnl of a trade, in won, after costs."""
    return _mean([trade.pnl for trade in trades])


def by_reason(trades: Sequence[ClosedTrade]) -> tuple[ReasonTotal, ...]:
    """Trades, wins and pnl by exit reason, in order of the reason's name."""
    found = []
    for reason in sorted({trade.reason for trade in trades}):
        of_reason = [trade for trade in trades if trade.reason == reason]
        wins, pnl = sum(t.pnl > 0 for t in of_reason), sum(t.pnl for t in of_reason)
        found.append(ReasonTotal(reason=reason, trades=len(of_reason), wins=wins, pnl=pnl))
    return tuple(found)


def monthly_returns_pct(
    dates: Sequence[date], equity: Sequence[float], *, start: float
) -> tuple[tuple[str, float], ...]:
    """`(YYYY-MM, percent)`: 100 × (equity at the month's last session / that of the month before
    − 1); the first month is measured from `start`."""
    ends: dict[str, float] = {}
    for on, value in zip(dates, equity, strict=True):
        ends[f"{on:%Y-%m}"] = value
    before, months = start, []
    for month, value in ends.items():
        months.append((month, _PERCENT * (value / before - 1)))
        before = value
    return tuple(months)


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
