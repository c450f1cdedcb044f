"""Percent as people write it (2.0 is 2 %), and the whole number that decisions compare."""

from functools import lru_cache

PPM = 1_000_000  # one whole, in parts per million

_PPM_PER_PERCENT = 10_000


@lru_cache(maxsize=256)  # settings, asked for at every bar
def ppm(percent: float) -> int:
    """`percent` in parts per million, so that thresholds are compared by exact products."""
    return round(percent * _PPM_PER_PERCENT)
