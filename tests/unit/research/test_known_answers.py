"""The comparison rules on 50 symbols, whose answers are published with the data."""

import json
import os
from pathlib import Path

import pytest

from kis_core.research.benchmark_case import Case, run_case

_DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "bench-50"
_ANSWERS = {  # trades, hash, final equity: from the rules' own page
    Case.W1: (5_346, "f9a1d42101deec74", None),
    Case.W2: (4_307, "f2d430894ac7c6df", 88_801_585.13),
}


@pytest.fixture
def bench_50() -> Path:
    if not _DATA.is_dir() and "KIS_BENCH_DATA" not in os.environ:
        pytest.skip("the 50 benchmark symbols are not beside this checkout (KIS_BENCH_DATA)")
    return Path(os.environ.get("KIS_BENCH_DATA", _DATA))


@pytest.mark.parametrize("is_scanning", [True, False], ids=["scan", "bar by bar"])
@pytest.mark.parametrize("case", list(Case))
def test_the_trades_are_the_published_ones_by_scan_and_bar_by_bar(
    case: Case, is_scanning: bool, bench_50: Path
) -> None:
    line = run_case(case, bench_50, 1, version="test", import_s=0.0, is_scanning=is_scanning)

    answer = json.loads(line)
    found = (answer["trades"], answer["trades_hash"], answer.get("final_equity"))
    assert found == _ANSWERS[case]
