"""The limits of the account, as an operator sets them."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """`_pct` is percent, `_value` won, `_s` seconds; counts are whole numbers of at least 1.

    `daily_max_loss_pct` is of the day's start equity, the drawdowns of the equity high-water
    mark. `price_collar_pct`: how far a limit purchase may stand from the last price, either way.
    `max_order_value`, `max_order_quantity`, `max_orders_per_minute` bound what a bug could send.
    `api_error_limit` errors within `api_error_window_s` switch entries off.
    Raises ValueError for a limit that does not limit.
    """

    daily_max_loss_pct: float = 2.0
    daily_max_trades: int = 3
    max_consecutive_losses: int = 2
    max_positions: int = 5
    drawdown_warn_pct: float = 10.0
    drawdown_stop_pct: float = 15.0
    price_collar_pct: float = 5.0
    max_order_value: int = 50_000_000
    max_order_quantity: int = 10_000
    max_orders_per_minute: int = 20
    api_error_limit: int = 5
    api_error_window_s: float = 600.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith("_pct") and not 0 < value <= 100:
                raise ValueError(f"{each.name} must be above 0 and at most 100, was {value}")
            if not value > 0:
                raise ValueError(f"{each.name} must be positive, was {value}")
        if self.drawdown_warn_pct > self.drawdown_stop_pct:
            raise ValueError(
                f"drawdown_warn_pct {self.drawdown_warn_pct} is above"
                f" drawdown_stop_pct {self.drawdown_stop_pct}"
            )
