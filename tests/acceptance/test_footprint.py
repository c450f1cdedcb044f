"""What a day of 200 symbols keeps in memory, read from the process itself (V-04)."""

import tempfile
from datetime import time
from pathlib import Path

import pytest

from benchmarks.bench_memory import a_day, a_place, simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_SYMBOLS = 200
_MOST_MB = 110.0
_GROWTH_MB = 3.0


@pytest.mark.req("V-04")
def test_a_day_of_200_symbols_fits_the_small_machine_and_does_not_grow() -> None:
    with tempfile.TemporaryDirectory() as directory, simulator(_SYMBOLS) as info:
        day = a_day(a_place(Path(directory), info, _SYMBOLS), "rest", {})

    noon = max(s.rss for s in day.samples if time(9, 30) <= s.at.time() < time(12))
    late = max(s.rss for s in day.samples if s.at.time() >= time(14))
    assert day.log_mb > 0.1  # it looked at every symbol, and said so
    assert max(sample.rss for sample in day.samples) <= _MOST_MB
    assert late - noon <= _GROWTH_MB
