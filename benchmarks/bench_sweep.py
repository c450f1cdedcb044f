"""A sweep of 100 sets of parameters: on one process, on two, and on a Dask cluster of two.

    python -m benchmarks.bench_sweep [--symbols 50] [--sets 100]

The command that a user types, start of the workers included; the tables that the three write must
be equal to the last byte. There is no budget: the row says what the second process brings.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.backtest.peers import DAYS, ROOT, store
from benchmarks.row import Row, hand_over

_WAYS = {
    "one process": ("--workers", "1"),
    "two processes": ("--workers", "2"),
    "Dask, two processes": ("--workers", "2", "--dask", "local"),
}


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--sets", type=int, default=100)
    given = parser.parse_args()
    path = store(given.symbols)
    times, tables = {}, set()
    for name, options in _WAYS.items():
        print(f"{given.sets} sets, {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            times[name] = _timed(path, given.sets, Path(folder), options)
            table = (Path(folder) / "out" / "results.csv").read_bytes()
            tables.add(hashlib.sha256(table).hexdigest())
    if len(tables) != 1:
        raise ValueError("the tables differ")
    alone = times["one process"]
    what = f"sweep of {given.sets} sets, {given.symbols:,} symbols × {DAYS:,} days, equal tables"
    hand_over(
        [
            Row(
                name=f"S1 · {name}",
                what=what,
                anchor=f"one process {alone:.1f} s",
                measured=f"{took:.1f} s, {took / given.sets * 1_000:.0f} ms a set",
                p50=took / alone,
                aim=(),
                least=(),
            )
            for name, took in times.items()
        ]
    )


def _timed(path: Path, sets: int, folder: Path, options: tuple[str, ...]) -> float:
    rows = max(1, sets // 10)
    command = [sys.executable, "-m", "apps.kr_cbt", "--mode", "sweep", "--data", str(path)]
    command += ["--whole-market", "--to", str(folder / "out"), *options]
    command += ["--grid", f"ma_period=20:{20 + 5 * (rows - 1)}:5", "--grid"]
    command += ["trailing_stop_atr_multiplier=1:5.5:0.5"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "packages")])
    started = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
