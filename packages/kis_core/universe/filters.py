"""The filters of the selection: each says why a candidate leaves, with the number compared."""

from kis_core.market.percent import PPM
from kis_core.universe.candidate import AtrReading, Snapshot, Stage, Status, Unread, Verdict, Why
from kis_core.universe.policy import UniversePolicy

MOVE_MAX_PCT = 28  # beyond it against the open an issue is near its 30 % limit (U-03)
BARS_MIN = 20  # U-05

_WHOLE_PCT = 100


def judge_traded_value(snapshot: Snapshot | Unread, *, policy: UniversePolicy) -> Verdict:
    """Price, move against the open, and traded value of one candidate."""
    code, stage = snapshot.symbol, Stage.TRADED_VALUE
    if isinstance(snapshot, Unread):
        return Verdict(code=code, stage=stage, why=Why.NO_ANSWER)
    if snapshot.last <= 0:
        return Verdict(code=code, stage=stage, why=Why.PRICE_ZERO, value=snapshot.last, limit=0)
    if snapshot.open > 0:
        moved = abs(snapshot.last - snapshot.open)
        if moved * _WHOLE_PCT >= MOVE_MAX_PCT * snapshot.open:
            value = _WHOLE_PCT * (snapshot.last - snapshot.open) / snapshot.open
            return Verdict(
                code=code, stage=stage, why=Why.MOVED_TOO_FAR, value=value, limit=MOVE_MAX_PCT
            )
    is_enough = snapshot.traded_value >= policy.min_traded_value
    return Verdict(
        code=code,
        stage=stage,
        why=Why.PASSED if is_enough else Why.BELOW_MIN_VOLUME,
        value=snapshot.traded_value,
        limit=policy.min_traded_value,
    )


def judge_status(status: Status | Unread, *, policy: UniversePolicy) -> Verdict:
    """Whether the issue trades, is managed, and is large enough (where its size is known).

    A source that does not tell whether an issue is halted has not said that it trades.
    """
    code, stage = status.symbol, Stage.STATUS
    if isinstance(status, Unread):
        return Verdict(code=code, stage=stage, why=Why.NO_ANSWER)
    why = _standing(status, policy)
    if why is not Why.PASSED:
        return Verdict(code=code, stage=stage, why=why)
    cap, least = status.market_cap_eok, policy.min_market_cap_eok
    is_small = cap is not None and cap < least
    why = Why.BELOW_MARKET_CAP if is_small else Why.PASSED
    return Verdict(code=code, stage=stage, why=why, value=cap, limit=least)


def judge_atr(reading: AtrReading | Unread, *, policy: UniversePolicy) -> Verdict:
    """ATR in percent of the close within the bounds, both included."""
    code, stage = reading.symbol, Stage.ATR
    if isinstance(reading, Unread):
        return Verdict(code=code, stage=stage, why=Why.NO_ANSWER)
    bars_needed = max(BARS_MIN, policy.atr_period)
    if reading.bar_count < bars_needed:
        return Verdict(
            code=code,
            stage=stage,
            why=Why.TOO_FEW_BARS,
            value=reading.bar_count,
            limit=bars_needed,
        )
    if reading.close <= 0:
        return Verdict(code=code, stage=stage, why=Why.CLOSE_ZERO, value=reading.close, limit=0)
    # Products, not quotients: a range of exactly the bound is inside.
    ranges, whole = reading.range_sum * PPM, reading.period * reading.close
    why, limit = Why.PASSED, policy.max_atr_pct
    if ranges < policy.min_atr_ppm * whole:
        why, limit = Why.BELOW_MIN_ATR, policy.min_atr_pct
    elif ranges > policy.max_atr_ppm * whole:
        why = Why.ABOVE_MAX_ATR
    return Verdict(code=code, stage=stage, why=why, value=reading.pct, limit=limit)


def _standing(status: Status, policy: UniversePolicy) -> Why:
    if status.last <= 0:
        return Why.PRICE_ZERO
    if status.is_halted is None or (policy.exclude_managed and status.is_managed is None):
        return Why.STATE_UNKNOWN
    if status.is_halted:
        return Why.HALTED
    return Why.MANAGED if policy.exclude_managed and status.is_managed else Why.PASSED
