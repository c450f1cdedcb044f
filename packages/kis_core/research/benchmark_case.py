"""One case of the comparison, timed: the JSON line that every peer prints."""

import hashlib
import json
import resource
import time  # noqa: TID251  # this module measures; nothing is decided by it
from collections.abc import Callable
from enum import StrEnum, unique
from pathlib import Path

import numpy as np

from kis_core.research.bars import BarMatrix, Int64s
from kis_core.research.benchmark_bar_by_bar import independent_bar_by_bar, one_account_bar_by_bar
from kis_core.research.benchmark_rules import CaseResult, independent, one_account
from kis_core.research.store import read_folder, read_prices

_HASH_DIGITS = 16
_KB = 1024


@unique
class Case(StrEnum):
    """W1: every symbol for itself; W2: one account."""

    W1 = "w1"
    W2 = "w2"


_FAST: dict[Case, Callable[[BarMatrix], CaseResult]] = {Case.W1: independent, Case.W2: one_account}
_SLOW: dict[Case, Callable[[BarMatrix], CaseResult]] = {
    Case.W1: independent_bar_by_bar,
    Case.W2: one_account_bar_by_bar,
}


def run_case(
    case: Case,
    data: Path,
    repeat: int,
    *,
    version: str,
    import_s: float,
    is_scanning: bool = True,
) -> str:
    """Run one case `repeat` times on a folder of arrays or a store; the JSON line.

    `import_s` is what loading the program took, as only its start can know. Raises BadBarFile,
    and ValueError for `repeat` below 1.
    """
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, was {repeat}")
    started = time.perf_counter()
    bars = read_folder(data) if data.is_dir() else _prices_of(data)
    prepare_s = time.perf_counter() - started
    runs: list[float] = []
    for _ in range(repeat):
        started = time.perf_counter()
        result = (_FAST if is_scanning else _SLOW)[case](bars)
        runs.append(round(time.perf_counter() - started, 6))
    answer: dict[str, object] = {
        "peer": "ours",
        "version": version,
        "case": case.value,
        "symbols": len(bars.symbols),
        "days": bars.days,
        "run_s": runs,
        "import_s": round(import_s, 6),
        "prepare_s": round(prepare_s, 6),
        "rss_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB, 1),
        "trades": len(result.trades),
        "trades_hash": trades_hash(result.trades),
    }
    if result.final_equity is not None:
        answer["final_equity"] = round(result.final_equity, 2)
    return json.dumps(answer)


def _prices_of(path: Path) -> BarMatrix:
    """A store without its volumes, in which these rules have no say: a fifth of the memory."""
    symbols, dates, (opens, highs, lows, closes) = read_prices(path)
    volume = np.broadcast_to(np.int32(1), opens.shape)
    return BarMatrix(
        symbols=symbols,
        dates=dates,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volume,
    )


def trades_hash(trades: Int64s) -> str:
    """The first 16 hex digits of SHA-256 over the rows as little-endian int64."""
    rows = np.ascontiguousarray(trades, dtype="<i8")
    return hashlib.sha256(rows.tobytes()).hexdigest()[:_HASH_DIGITS]
