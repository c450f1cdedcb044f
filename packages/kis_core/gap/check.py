"""How far a session opened below a reference, and whether that alone calls for an exit.

A stop protects only against prices that trade. When a session opens beyond it, the loss is the
gap; so once a session, on the official open, the opening price is judged by itself. Only an
adverse gap can trigger: the sign is never dropped (G-01, G-02).
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from kis_core.market.percent import PPM, ppm
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import Evidence


@unique
class GapReference(StrEnum):
    """What the open is compared with."""

    ENTRY = "entry"  # the position's average price
    STOP = "stop"  # its frozen stop
    PREV_CLOSE = "prev_close"  # the exchange's base price, which already reflects splits


@unique
class GapReason(StrEnum):
    """Why a check came out as it did."""

    ADVERSE_GAP = "adverse_gap"
    WITHIN_THRESHOLD = "within_threshold"
    NO_LOSS = "no_loss"  # opened at or above the reference
    DISABLED = "disabled"  # no threshold, or one that is not positive
    INVALID_PRICE = "invalid_price"  # nothing to compare; later rules still guard


@dataclass(frozen=True, slots=True, kw_only=True)
class GapCheck:
    """One opening gap, judged. `raw_gap_pct` is signed percent of `reference`;
    `display_gap_pct` is the same with two decimals, for people. `reference` is won per share,
    fractional where it is an average."""

    triggered: bool
    raw_gap_pct: float
    display_gap_pct: float
    open: Won
    reference: float
    base_label: str
    threshold_pct: float | None
    reason: GapReason

    def evidence(self, symbol: Symbol) -> Evidence:
        """The fields of the log event that precedes a gap exit (G-04, G-05)."""
        return {
            "symbol": symbol,
            "open": self.open,
            "base_label": self.base_label,
            "base_price": self.reference,
            "gap_pct": self.raw_gap_pct,
            "gap_display_pct": self.display_gap_pct,
            "threshold": self.threshold_pct,
            "triggered": self.triggered,
            "reason": str(self.reason),
        }


def check_gap(
    *,
    open_price: Won,
    reference_price: float,
    base_label: str,
    threshold_pct: float | None,
    epsilon_pct: float,
) -> GapCheck:
    """Judge an open against a reference, both won per share on one adjustment basis.

    It triggers when the signed gap is at or below −(`threshold_pct` + `epsilon_pct`). A threshold
    that is None or not positive never triggers, nor does a price that is not positive.
    """
    reason = _reason(open_price, reference_price, threshold_pct, epsilon_pct)
    raw = 0.0
    if reason is not GapReason.INVALID_PRICE:
        raw = (open_price - reference_price) / reference_price * 100
    return GapCheck(
        triggered=reason is GapReason.ADVERSE_GAP,
        raw_gap_pct=raw,
        display_gap_pct=round(raw, 2) + 0.0,  # never "-0.0"
        open=open_price,
        reference=reference_price,
        base_label=base_label,
        threshold_pct=threshold_pct,
        reason=reason,
    )


def _reason(
    open_price: Won, reference: float, threshold_pct: float | None, epsilon_pct: float
) -> GapReason:
    if open_price <= 0 or not reference > 0:
        return GapReason.INVALID_PRICE
    if threshold_pct is None or not threshold_pct > 0:
        return GapReason.DISABLED
    if open_price >= reference:
        return GapReason.NO_LOSS
    # Products, not quotients: with whole-won references the boundary itself is exact.
    if (open_price - reference) * PPM <= -(ppm(threshold_pct) + ppm(epsilon_pct)) * reference:
        return GapReason.ADVERSE_GAP
    return GapReason.WITHIN_THRESHOLD
