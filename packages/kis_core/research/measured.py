"""The metrics of a backtest's result."""

from kis_core.research.metrics import ClosedTrade, Metrics, measure
from kis_core.research.setting import BacktestResult


def metrics_of(result: BacktestResult) -> Metrics:
    """All figures of `result`, after all costs."""
    return measure(
        dates=result.dates,
        equity=result.equity,
        invested=result.invested,
        start=result.start_cash,
        trades=[
            ClosedTrade(pnl=trade.pnl, cost=trade.entry_price * trade.quantity, reason=trade.reason)
            for trade in result.trades
        ],
        traded_value=sum(fill.price * fill.quantity for fill in result.fills),
    )
