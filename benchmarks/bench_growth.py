"""G1: one kr_trade process over ten trading days, in memory and on disk.

    python -m benchmarks.bench_growth [--symbols 40] [--days 10]

The days are simulated and follow each other without a restart, nights and weekends included; RSS
is read at each close, and the size of database, log and audit trail at the end. Telegram is on.
"""

import argparse
import subprocess
import tempfile
import time
from datetime import date
from datetime import time as TimeOfDay
from pathlib import Path

import httpx

from benchmarks.bench_memory import (
    Sample,
    a_place,
    a_sample,
    simulator,
    size_mb,
    telegram,
)
from benchmarks.row import Row, hand_over
from benchmarks.workplace import Workplace

_CLOSE = TimeOfDay(15, 0)
_EVERY_S = 0.2
_PATIENCE_S = 1_800.0


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=40)
    parser.add_argument("--days", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, simulator(given.symbols) as info:
        place = a_place(Path(directory), info, given.symbols)
        with telegram() as variables:
            closes = _closes(place, given.days, variables)
        rows = _rows(place, closes, given.symbols)
    hand_over(rows)


def _closes(place: Workplace, days: int, variables: dict[str, str]) -> list[Sample]:
    """The last sample before each of `days` closes."""
    last: dict[date, Sample] = {}
    deadline = time.monotonic() + _PATIENCE_S
    with (place.directory / "output").open("w+b") as output:
        process = subprocess.Popen(
            place.command("--feed", "rest"),
            cwd=place.directory,
            env=place.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        with httpx.Client(base_url=place.base_url, trust_env=False, timeout=30) as http:
            while process.poll() is None and time.monotonic() < deadline and len(last) <= days:
                for sample in a_sample(process.pid, http):
                    if sample.at.time() >= _CLOSE:
                        if sample.at.date() not in last:
                            print(f"{sample.at.date()}: {sample.rss:.1f} MB", flush=True)
                        last[sample.at.date()] = sample
                time.sleep(_EVERY_S)
        process.kill()
        process.wait()
    traded = [sample for sample in last.values() if sample.at.weekday() < 5][:days]
    if len(traded) < days:
        raise RuntimeError(f"only {len(traded)} of {days} days went by")
    return traded


def _rows(place: Workplace, closes: list[Sample], symbols: int) -> list[Row]:
    data, logs, days = place.directory / "data", place.directory / "logs", len(closes)
    growth = closes[-1].rss - closes[0].rss
    disk = {
        "database": size_mb(data.glob("kis.db*")) / days,
        "log": size_mb(logs.glob("*.log*")) / days,
        "audit trail": size_mb((logs / "audit").glob("*.json")) / days,
        "recordings": size_mb((data / "recordings").glob("*")) / days,
    }
    return [
        Row(
            name=f"G1 · {days} days, memory",
            what=f"RSS of one process at the close, {symbols} symbols, Telegram on",
            anchor="–",
            measured=f"{closes[0].rss:.1f} MB on the first day, {closes[-1].rss:.1f} MB on the"
            f" last: {growth:+.1f} MB",
            p50=growth,
            unit="MB",
            aim=(),
            least=(),
        ),
        Row(
            name=f"G1 · {days} days, disk",
            what=f"MB a day, {symbols} symbols",
            anchor="–",
            measured=", ".join(f"{name} {size:.2f}" for name, size in disk.items()),
            p50=sum(disk.values()),
            unit="MB",
            aim=(),
            least=(),
        ),
    ]


if __name__ == "__main__":
    main()
