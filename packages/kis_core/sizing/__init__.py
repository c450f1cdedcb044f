"""How many shares an entry buys."""

from kis_core.sizing.policy import (
    AtrRisk,
    CashFraction,
    Fixed,
    SizingPolicy,
    affordable,
    quantity_for,
)

__all__ = ["AtrRisk", "CashFraction", "Fixed", "SizingPolicy", "affordable", "quantity_for"]
