"""How far the account has fallen from the most it ever was (R-05)."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum, unique

from kis_core.market.percent import PPM, ppm
from kis_core.risk.limits import RiskLimits
from kis_core.risk.state import RiskRecord


@unique
class DrawdownSignal(StrEnum):
    """What a fall has just reached."""

    WARN = "warn"
    STOP = "stop"


def after_equity(
    record: RiskRecord, *, equity: int, limits: RiskLimits, at: datetime | None = None
) -> tuple[RiskRecord, DrawdownSignal | None]:
    """The record after the account was worth `equity`, and what that has newly reached.

    At the warning level it signals once, until there is a new high; at the stop level it engages
    the kill switch, dated `at`, and signals when it was not on already.
    """
    if equity > record.high_water_mark:
        return replace(record, high_water_mark=equity, is_drawdown_warned=False), None
    if is_stopped(record, equity=equity, limits=limits):
        if record.kill_switch is not None:
            return record, None
        reason = (
            f"누적 낙폭 {drawdown_pct(record, equity=equity):.2f}%"
            f" (한도 {limits.drawdown_stop_pct:g}%)"
        )
        stopped = replace(record, kill_switch=reason, kill_switch_at=at, is_drawdown_warned=True)
        return stopped, DrawdownSignal.STOP
    if record.is_drawdown_warned or not _has_fallen(record, equity, limits.drawdown_warn_pct):
        return record, None
    return replace(record, is_drawdown_warned=True), DrawdownSignal.WARN


def drawdown_pct(record: RiskRecord, *, equity: int) -> float:
    """The fall from the high-water mark, in percent of it; 0 at or above it. For showing."""
    if record.high_water_mark <= 0:
        return 0.0
    return max(0.0, (record.high_water_mark - equity) / record.high_water_mark * 100)


def is_stopped(record: RiskRecord, *, equity: int, limits: RiskLimits) -> bool:
    """Whether `equity` is at or below the stop level of the drawdown."""
    return _has_fallen(record, equity, limits.drawdown_stop_pct)


def _has_fallen(record: RiskRecord, equity: int, percent: float) -> bool:
    mark = record.high_water_mark
    return mark > 0 and (mark - equity) * PPM >= ppm(percent) * mark
