"""What the strategy can say."""

from dataclasses import dataclass, field
from enum import StrEnum, unique

from kis_core.orders.event import Evidence


@unique
class Action(StrEnum):
    """Long only: BUY opens, SELL closes everything, HOLD does nothing."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


@unique
class Reason(StrEnum):
    """Why. The first block are entries and exits, the second are the reasons to hold. No strategy
    says BY_OPERATOR: it is a person's word, carried out as any other exit."""

    BREAKOUT = "breakout"
    GAP_PROTECTION = "gap_protection"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TREND_BROKEN = "trend_broken"
    BY_OPERATOR = "by_operator"

    WITHIN_LEVELS = "within_levels"
    NO_UPTREND = "no_uptrend"
    WEAK_TREND = "weak_trend"
    NO_BREAKOUT = "no_breakout"
    ATR_SPIKE = "atr_spike"
    ATR_INVALID = "atr_invalid"
    TOO_FEW_BARS = "too_few_bars"
    BARS_UNAVAILABLE = "bars_unavailable"
    STALE_BARS = "stale_bars"
    INVALID_PRICE = "invalid_price"
    STALE_QUOTE = "stale_quote"
    NOT_TRADABLE = "not_tradable"
    EVENT_DAY = "event_day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action with its reason and every number that was compared for it."""

    action: Action
    reason: Reason
    evidence: Evidence = field(default_factory=dict)
