"""B3 and B6: from exec to the printed result of B1, and the store on disk to matrices.

    python -m benchmarks.bench_from_exec [--runs 3]

B3 is the command that a user types: `kr_cbt --mode bench --case w2` on a Parquet store of 2,600
symbols × 2,520 days, its whole process, wall clock and peak memory as the system counts them. B6
reads the four price fields of the same store in a fresh process, when the system has the file in
memory; its first reading is not measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.backtest.peers import DAYS, FULL, ROOT, compare, store
from benchmarks.row import Row, hand_over
from kis_core.research.store import read_store, write_store

_KB, _MB = 1024, 1_000_000
_READ = """
import sys, time
from pathlib import Path
from kis_core.research.store import read_prices
path = Path(sys.argv[1])
read_prices(path)
times = []
for _ in range(5):
    started = time.perf_counter()
    read_prices(path)
    times.append(time.perf_counter() - started)
print(sorted(times)[2])
"""

_BETWEEN = """
import os, sys
child = os.posix_spawn(sys.executable, sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    path = store(FULL)
    hand_over([*_from_exec(path, given.runs), *_from_disk(path, given.runs)])


def _from_exec(path: Path, runs: int) -> list[Row]:
    command = [sys.executable, "-m", "apps.kr_cbt", "--mode", "bench", "--case", "w2"]
    command += ["--data", str(path), "--repeat", "1"]
    times, peaks, trades = [], [], set()
    for run in range(runs):
        print(f"from exec to result, {run + 1} of {runs}", flush=True)
        took, peak, line = _timed(command)
        times.append(took)
        peaks.append(peak)
        trades.add(json.loads(line)["trades_hash"])
    expected = compare("w2", FULL, repeat=1, rounds=1)["pass"].trades_hash
    if trades != {expected}:
        raise ValueError(f"the store's trades are {trades}, the pass's {expected}")
    what = f"from exec to the printed result of B1, Parquet store, {FULL:,} × {DAYS:,}"
    return [
        Row(
            name="B3 · time",
            what=what,
            anchor="–",
            measured=f"{statistics.median(times):.2f} s (slowest of {runs}: {max(times):.2f} s)",
            p50=statistics.median(times),
            unit="s",
            aim=(1.2,),
            least=(2.0,),
        ),
        Row(
            name="B3 · memory",
            what=what,
            anchor="–",
            measured=f"peak {max(peaks):.0f} MB",
            p50=max(peaks),
            unit="MB",
            aim=(200.0,),
            least=(250.0,),
        ),
    ]


def _timed(command: list[str]) -> tuple[float, float, str]:
    """Wall seconds, peak MB, and the last line of a process.

    The system counts into a process's peak what its parent held when it was started, and this one
    may have made a market: a small process of its own stands between them.
    """
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'packages'}"}
    started = time.perf_counter()
    between = subprocess.run(
        [sys.executable, "-S", "-c", _BETWEEN, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    if between.returncode != 0:
        raise ValueError(f"{' '.join(command)} ended with {between.returncode}")
    *_, line, peak_kb = between.stdout.splitlines()
    return took, int(peak_kb) / _KB, line


def _from_disk(path: Path, runs: int) -> list[Row]:
    times = []
    for run in range(runs):
        print(f"store to matrices, {run + 1} of {runs}", flush=True)
        times.append(float(_timed([sys.executable, "-c", _READ, str(path)])[2]))
    size = _size_of_prices(path) / _MB
    what = f"Parquet store to matrices, {FULL:,} × {DAYS:,} × 4 fields"
    return [
        Row(
            name="B6 · time",
            what=what,
            anchor="–",
            measured=f"{statistics.median(times) * 1_000:.0f} ms (slowest of {runs} processes:"
            f" {max(times) * 1_000:.0f} ms)",
            p50=statistics.median(times),
            unit="s",
            aim=(0.09,),
            least=(0.15,),
        ),
        Row(
            name="B6 · size",
            what="the store on disk, four fields",
            anchor="–",
            measured=f"{size:.1f} MB ({path.stat().st_size / _MB:.1f} MB with the volume)",
            p50=size,
            unit="MB",
            aim=(66.0,),
            least=(70.0,),
        ),
    ]


def _size_of_prices(path: Path) -> int:
    """Bytes of the same store when every volume is 0, which takes next to nothing."""
    beside = path.with_name("prices-only.parquet")
    bars = read_store(path)
    write_store(replace(bars, volume=np.zeros_like(bars.volume)), beside)
    size = beside.stat().st_size
    beside.unlink()
    return size


if __name__ == "__main__":
    main()
