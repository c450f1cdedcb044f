"""The numbers of the trend + ATR strategy (T-02)."""

import hashlib
import math
from dataclasses import dataclass, fields

from kis_core.gap import GapReference

_FINGERPRINT_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyParameters:
    """Periods are completed bars, multipliers are of ATR, `_pct` is percent (2.0 is 2 %).

    `adx_window`: the completed bars over which Wilder's ADX is restarted; its smoothing never
    forgets, so without a fixed start the length of the history would change decisions.
    `atr_average_period`: how many ATR values, the present one included, are its recent average.
    `gap_threshold_pct`: None or not positive switches gap protection off.
    `near_stop_pct`: share of the way from entry to stop at which the loop shortens; `alert_pct`:
    share of the way to stop or target at which the operator is told.
    `quote_max_age_s`: a quote further than this from the present is not traded on.
    Raises ValueError for a value that no strategy can mean.
    """

    atr_period: int = 14
    ma_period: int = 50
    adx_period: int = 14
    adx_threshold: float = 25.0
    adx_exit_threshold: float = 20.0
    adx_window: int = 84
    atr_spike_threshold: float = 2.5
    atr_average_period: int = 20
    atr_multiplier_sl: float = 2.0
    atr_multiplier_tp: float = 3.0
    max_loss_pct: float = 5.0
    trailing_enabled: bool = True
    trailing_stop_atr_multiplier: float = 2.0
    trailing_activation_pct: float = 1.0
    trend_exit_enabled: bool = True
    gap_threshold_pct: float | None = 2.0
    gap_epsilon_pct: float = 0.001
    gap_reference: GapReference = GapReference.ENTRY
    near_stop_pct: float = 70.0
    alert_pct: float = 80.0
    quote_max_age_s: float = 30.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{each.name} must be finite, was {value}")
        for name in ("atr_period", "ma_period", "adx_period", "atr_average_period"):
            _require_within(name, getattr(self, name), 1, 1_000)
        for name in _MULTIPLIERS:
            _require_positive(name, getattr(self, name))
        _require_within("adx_window", self.adx_window, 2 * self.adx_period, 1_000)
        _require_within("adx_threshold", self.adx_threshold, 0, 100)
        _require_within("adx_exit_threshold", self.adx_exit_threshold, 0, self.adx_threshold)
        _require_within("max_loss_pct", self.max_loss_pct, 0, 100)
        _require_positive("max_loss_pct", self.max_loss_pct)
        _require_within("trailing_activation_pct", self.trailing_activation_pct, 0, 1_000)
        _require_within("gap_epsilon_pct", self.gap_epsilon_pct, 0, 1)
        for name in ("near_stop_pct", "alert_pct"):
            _require_positive(name, getattr(self, name))
            _require_within(name, getattr(self, name), 0, 100)

    @property
    def bars_needed(self) -> int:
        """How many completed bars a context is computed from, no more and no fewer.

        One bar more than the averages span: a crossing of the SMA has a bar before it, and the
        oldest true range that counts has a close before it.
        """
        return max(self.ma_period + 1, self.atr_period + self.atr_average_period, self.adx_window)

    def fingerprint(self) -> str:
        """A short hash of all values, the same in every process; equal numbers hash equally."""
        text = "|".join(f"{f.name}={_canonical(getattr(self, f.name))}" for f in fields(self))
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


_MULTIPLIERS = (
    "atr_spike_threshold",
    "atr_multiplier_sl",
    "atr_multiplier_tp",
    "trailing_stop_atr_multiplier",
    "quote_max_age_s",
)


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, was {value}")


def _require_within(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be within {lowest}..{highest}, was {value}")


def _canonical(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return str(value)
