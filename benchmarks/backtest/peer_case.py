"""What every peer of the comparison shares: the folder, the clock, the hash, the JSON line.

Peers run in an environment of their own, without the product; nothing of it is imported here.
"""

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Rows = NDArray[np.int64]  # symbol index, entry bar, exit bar, entry price, exit price

_WARM_SYMBOLS, _WARM_DAYS = 25, 200
_KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The arrays of a folder, `[symbol, day]`."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints

    def corner(self) -> "Market":
        """A small part, enough to compile on."""
        cut = [
            np.ascontiguousarray(matrix[:_WARM_SYMBOLS, :_WARM_DAYS])
            for matrix in (self.open, self.high, self.low, self.close)
        ]
        return Market(open=cut[0], high=cut[1], low=cut[2], close=cut[3])


Answer = tuple[Rows, float | None]  # trades, and the final equity of one account
Case = Callable[[Market], Answer]


def main(peer: str, version: str, cases: Mapping[str, Case], *, import_s: float) -> int:
    """`FOLDER CASE REPEAT`: run the case that often, after one small run that compiles."""
    parser = argparse.ArgumentParser(description=peer)
    parser.add_argument("folder", type=Path)
    parser.add_argument("case", choices=sorted(cases))
    parser.add_argument("repeat", type=int)
    given = parser.parse_args()
    started = time.perf_counter()
    market = Market(
        **{name: np.load(given.folder / f"{name}.npy") for name in ("open", "high", "low", "close")}
    )
    run = cases[given.case]
    run(market.corner())
    prepare_s = time.perf_counter() - started
    times = []
    for _ in range(given.repeat):
        started = time.perf_counter()
        rows, equity = run(market)
        times.append(round(time.perf_counter() - started, 6))
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    told: dict[str, object] = {
        "peer": peer,
        "version": version,
        "case": given.case,
        "symbols": market.close.shape[0],
        "days": market.close.shape[1],
        "run_s": times,
        "import_s": round(import_s, 6),
        "prepare_s": round(prepare_s, 6),
        "rss_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB, 1),
        "trades": len(rows),
        "trades_hash": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()[:16],
    }
    if equity is not None:
        told["final_equity"] = round(equity, 2)
    print(json.dumps(told))
    sys.stdout.flush()
    return 0
