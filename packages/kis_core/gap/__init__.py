"""Opening-gap protection for positions held overnight."""

from kis_core.gap.check import GapCheck, GapReason, GapReference, check_gap

__all__ = ["GapCheck", "GapReason", "GapReference", "check_gap"]
