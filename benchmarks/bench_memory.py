"""L3: what a running kr_trade keeps in memory over a day, and what its imports cost.

    python -m benchmarks.bench_memory [--symbols 200] [--imports 7]

The day is a simulated one, in REAL's way of asking (thirty symbols a call), on a simulator in a
process of its own; the memory is kr_trade's alone, read from its `smaps_rollup`: RSS with what
it shares with others, PSS with its part of that. It runs as fast as the simulator answers, which
takes a minute or two.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from datetime import time as TimeOfDay
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench_cycle import SYMBOLS
from benchmarks.row import Row, hand_over
from benchmarks.workplace import Workplace
from kis_adapters.kis.credentials import KisCredentials

_BEGINS = "2026-11-24T08:30:00+09:00"
_OPEN, _AFTER_OPEN = TimeOfDay(9), TimeOfDay(9, 10)
_LISTED_MORE = 40  # the simulator's own issues come first
_EVERY_S = 0.25
_PATIENCE_S = 900.0
_MB = 1_024  # KiB
_WITHOUT = "import sys"
_WITH = "import apps.kr_trade.__main__"
_USED = "; import resource; r = resource.getrusage(resource.RUSAGE_SELF); "
_USED += "print(r.ru_utime + r.ru_stime)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Memory in MB at the simulator's time `at`."""

    at: datetime
    rss: float
    pss: float


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=len(SYMBOLS))
    parser.add_argument("--imports", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, _simulator(given.symbols) as info:
        place = Workplace(
            directory=Path(directory),
            base_url=info["base_url"],
            credentials=KisCredentials(
                app_key=info["app_key"],
                app_secret=info["app_secret"],
                account_no=info["account_no"],
                product_code=info["product_code"],
            ),
            symbols=SYMBOLS[: given.symbols],
        )
        place.furnish()
        print("L3 a simulated day ...", flush=True)
        samples = _day(place)
        print("L3 imports ...", flush=True)
        cpu_s = [_cpu_s(place, _WITH) - _cpu_s(place, _WITHOUT) for _ in range(given.imports)]
    hand_over([_memory_row(samples, given.symbols), _imports_row(cpu_s)])


def _memory_row(samples: list[_Sample], symbols: int) -> Row:
    start = max((s for s in samples if s.at.time() < _OPEN), key=lambda sample: sample.at)
    opened = next(sample for sample in samples if sample.at.time() >= _AFTER_OPEN)
    close = samples[-1]
    peak = max(samples, key=lambda sample: sample.rss)
    return Row(
        name="L3 · memory",
        what=f"RSS of running kr_trade at its highest, {symbols} symbols, a simulated day",
        anchor="–",
        measured=(
            f"RSS {start.rss:.1f} MB before the open, {opened.rss:.1f} after, {close.rss:.1f} at "
            f"the close (PSS {start.pss:.1f}, {opened.pss:.1f}, {close.pss:.1f}); "
            f"growth after the open {close.rss - opened.rss:+.1f} MB; peak {peak.rss:.1f}"
        ),
        p50=peak.rss,
        unit="MB",
        aim=(75.0,),
        least=(110.0,),
    )


def _imports_row(cpu_s: list[float]) -> Row:
    median = statistics.median(cpu_s)
    return Row(
        name="L3 · imports",
        what="CPU (user + system) of importing kr_trade, beyond the interpreter's own",
        anchor="–",
        measured=f"{median:.2f} s (slowest of {len(cpu_s)}: {max(cpu_s):.2f} s)",
        p50=median,
        unit="s",
        aim=(0.45,),
        least=(0.7,),
    )


@contextmanager
def _simulator(symbols: int) -> Iterator[dict[str, Any]]:
    """A REAL simulator with a stepped clock; its /sandbox/info document."""
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "apps.kis_sandbox", "--mode", "real", "--clock", "stepped"]
    command += ["--port", "0", "--parent-pipe", "--start", _BEGINS]
    command += ["--symbols", str(symbols + _LISTED_MORE)]
    with subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def _day(place: Workplace) -> list[_Sample]:
    """Samples from the first call to the end. Raises RuntimeError when the day did not end."""
    samples: list[_Sample] = []
    deadline = time.monotonic() + _PATIENCE_S
    with (place.directory / "output").open("w+b") as output:
        process = subprocess.Popen(
            place.command("--exit-after-close"),
            cwd=place.directory,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            with httpx.Client(base_url=place.base_url, trust_env=False, timeout=30) as http:
                while process.poll() is None and time.monotonic() < deadline:
                    samples += _sample(process.pid, http)
                    time.sleep(_EVERY_S)
        finally:
            process.kill()
        if process.wait() != 0 or not samples:
            output.seek(0)
            print(output.read().decode()[-2_000:], file=sys.stderr)
            raise RuntimeError(f"the day ended with code {process.returncode}")
    return samples


def _sample(pid: int, http: httpx.Client) -> list[_Sample]:
    """One sample; none when the process has just ended."""
    now = datetime.fromisoformat(http.get("/sandbox/clock").json()["now"])
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    if "Rss" not in sizes:
        return []
    return [_Sample(at=now, rss=int(sizes["Rss"]) / _MB, pss=int(sizes["Pss"]) / _MB)]


def _cpu_s(place: Workplace, code: str) -> float:
    run = subprocess.run(
        [sys.executable, "-c", code + _USED],
        cwd=place.directory,
        env=place.environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(run.stdout)


if __name__ == "__main__":
    main()
