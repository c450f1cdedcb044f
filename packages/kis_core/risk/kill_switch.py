"""The kill switch: no new entries, exits still allowed, until a person clears it (R-02).

Configuration and the file switch entries off for as long as they say so; everything else (a
message, errors, drawdown) is written to the record and survives a restart. A pause is the
lightest of them: the operator's own, lifted without being asked twice, and it hides nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from kis_core.risk.drawdown import is_stopped
from kis_core.risk.limits import RiskLimits
from kis_core.risk.state import RiskRecord

PAUSED = "일시 중지(사람의 지시)"  # stands where a kill switch's reason stands


def engage(record: RiskRecord, *, reason: str, at: datetime | None) -> RiskRecord:
    """Switch on. One that is on already keeps its first reason and time, unless it is a pause:
    a real reason takes its place, or lifting the pause would lift that too."""
    if not reason:
        raise ValueError("a kill switch needs a reason")
    if record.kill_switch is not None and not is_paused(record):
        return record
    return replace(record, kill_switch=reason, kill_switch_at=at)


def is_paused(record: RiskRecord) -> bool:
    """Whether the operator's pause, and nothing else on record, stops entries."""
    return record.kill_switch == PAUSED


def lift_pause(record: RiskRecord) -> RiskRecord:
    """The record without its pause; nothing is forgiven, and another reason stays."""
    if not is_paused(record):
        return record
    return replace(record, kill_switch=None, kill_switch_at=None)


def clear(record: RiskRecord, *, equity: int, limits: RiskLimits) -> RiskRecord:
    """Switch off, on purpose.

    What engaged it is forgiven, or the next look would engage it again: past errors are dropped,
    and a drawdown at its stop is measured anew from `equity`.
    """
    mark = equity if is_stopped(record, equity=equity, limits=limits) else record.high_water_mark
    return replace(
        record,
        kill_switch=None,
        kill_switch_at=None,
        api_error_times=(),
        high_water_mark=mark,
        is_drawdown_warned=record.is_drawdown_warned and mark == record.high_water_mark,
    )


def with_outside_switch(record: RiskRecord, *, reason: str | None) -> RiskRecord:
    """The record as approval must see it while configuration or the file says `reason`.

    Not to be stored: when the outside switch is gone, so is its effect (F-048).
    """
    if reason is None or record.kill_switch is not None:
        return record
    return replace(record, kill_switch=reason)


def after_api_error(record: RiskRecord, *, at: datetime, limits: RiskLimits) -> RiskRecord:
    """The record after one more API error.

    Errors older than the window drop out; a success in between forgives nothing. With
    `api_error_limit` errors inside the window, its edge included, the switch engages.
    """
    oldest = at - timedelta(seconds=limits.api_error_window_s)
    recent = sorted(each for each in (*record.api_error_times, at) if each >= oldest)
    kept = tuple(recent[-limits.api_error_limit :])
    record = replace(record, api_error_times=kept)
    if len(kept) < limits.api_error_limit:
        return record
    minutes = limits.api_error_window_s / 60
    return engage(record, reason=f"API 오류 {len(kept)}회 ({minutes:g}분 이내)", at=at)
