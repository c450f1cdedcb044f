"""Which symbols may be entered."""

from kis_core.universe.fixed import select_fixed

__all__ = ["select_fixed"]
