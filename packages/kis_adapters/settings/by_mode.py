"""What PAPER and REAL do differently before anyone configured anything, and the bounds that
configuration cannot move in REAL (design, section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from kis_core.orders.identity import TradingMode

PAPER_REST = "https://openapivts.koreainvestment.com:29443"
REAL_REST = "https://openapi.koreainvestment.com:9443"
PAPER_WS = "ws://ops.koreainvestment.com:31000"
REAL_WS = "ws://ops.koreainvestment.com:21000"

DEFAULTS: Mapping[TradingMode, Mapping[str, str]] = {
    TradingMode.PAPER: {
        "engine.on_unexplained_difference": "exits_only",
        "risk.daily_max_loss_pct": "5.0",
        "risk.daily_max_trades": "20",
        "risk.max_consecutive_losses": "3",
        "risk.drawdown_warn_pct": "10",
        "risk.drawdown_stop_pct": "20",
        "strategy.max_loss_pct": "5.0",
        "strategy.gap_threshold_pct": "2.0",
        "api.rate_per_s": "1",
        "api.base_url": PAPER_REST,
        "api.ws_url": PAPER_WS,
    },
    TradingMode.REAL: {
        "engine.on_unexplained_difference": "stop",
        "risk.daily_max_loss_pct": "2.0",
        "risk.daily_max_trades": "3",
        "risk.max_consecutive_losses": "2",
        "risk.drawdown_warn_pct": "7",
        "risk.drawdown_stop_pct": "10",
        "strategy.max_loss_pct": "3.0",
        "strategy.gap_threshold_pct": "1.5",
        "api.rate_per_s": "18",
        "api.base_url": REAL_REST,
        "api.ws_url": REAL_WS,
    },
}


@unique
class Side(StrEnum):
    """Which way from the bound is dangerous."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """REAL may tighten `name` as it likes and loosen it up to `limit`, the limit included."""

    name: str
    side: Side
    limit: float

    def problem(self, value: float | None) -> str | None:
        """A Korean sentence when `value` lies beyond the bound. None or 0 switches the
        protection off, which no bound allows."""
        if not value:
            return f"REAL에서는 {self.name}을(를) 끌 수 없습니다."
        if self.side is Side.AT_MOST and value > self.limit:
            return f"REAL에서 {self.name}은(는) {self.limit:g} 이하여야 합니다 (설정값 {value:g})."
        if self.side is Side.AT_LEAST and value < self.limit:
            return (
                f"REAL에서 {self.name}은(는) {self.limit:g} 이상이어야 합니다 (설정값 {value:g})."
            )
        return None


REAL_BOUNDS = (
    Bound(name="risk.daily_max_loss_pct", side=Side.AT_MOST, limit=3.0),
    Bound(name="risk.drawdown_warn_pct", side=Side.AT_MOST, limit=15.0),
    Bound(name="risk.drawdown_stop_pct", side=Side.AT_MOST, limit=15.0),
    Bound(name="risk.daily_max_trades", side=Side.AT_MOST, limit=5),
    Bound(name="strategy.gap_threshold_pct", side=Side.AT_MOST, limit=3.0),
    Bound(name="strategy.max_loss_pct", side=Side.AT_MOST, limit=5.0),
    Bound(name="strategy.atr_multiplier_sl", side=Side.AT_LEAST, limit=1.5),
)
