"""L3: what a running kr_trade keeps in memory over a day, the CPU it takes, and what its
imports cost; with Telegram on, and the dashboard beside it.

    python -m benchmarks.bench_memory [--symbols 200] [--imports 7]

The day is a simulated one, in REAL's way of asking (thirty symbols a call), on a simulator in a
process of its own; the memory is kr_trade's alone, read from its `smaps_rollup`: RSS with what
it shares with others, PSS with its part of that. It runs as fast as the simulator answers, which
takes a minute or two.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
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
from tests.telegram_server import CHAT, TOKEN, serving

_BEGINS = "2026-11-24T08:30:00+09:00"
_OPEN, _AFTER_OPEN = TimeOfDay(9), TimeOfDay(9, 10)
_LISTED_MORE = 40  # the simulator's own issues come first
_EVERY_S = 0.25
_PATIENCE_S = 900.0
_MB = 1_024  # KiB
_FEW = 40
_WITHOUT = "import sys"
_WITH = "import apps.kr_trade.__main__"
_USED = "; import resource; r = resource.getrusage(resource.RUSAGE_SELF); "
_USED += "print(r.ru_utime + r.ru_stime)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Memory in MB at the simulator's time `at`."""

    at: datetime
    rss: float
    pss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day's samples, and the CPU seconds (user + system) of the whole process."""

    samples: list[Sample]
    cpu_s: float
    database_mb: float
    log_mb: float
    audit_mb: float


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=len(SYMBOLS))
    parser.add_argument("--imports", type=int, default=7)
    given = parser.parse_args()
    rows: list[Row] = []
    for symbols, feed in ((given.symbols, "rest"), (_FEW, "rest"), (_FEW, "ws")):
        print(f"L3 a simulated day, {symbols} symbols, {feed}, Telegram on ...", flush=True)
        with tempfile.TemporaryDirectory() as directory, simulator(symbols) as info:
            place = a_place(Path(directory), info, symbols)
            with telegram() as variables:
                day = a_day(place, feed, variables)
            if (symbols, feed) != (given.symbols, "rest"):
                rows.append(_few_row(day, symbols, feed))
                continue
            print("L3 the dashboard and the imports ...", flush=True)
            page_mb = _page_mb(place)
            cpu_s = [_cpu_s(place, _WITH) - _cpu_s(place, _WITHOUT) for _ in range(given.imports)]
        rows += [
            _memory_row(day.samples, symbols),
            _page_row(page_mb),
            _imports_row(cpu_s),
            _growth_row(day, symbols),
        ]
    hand_over(rows)


def a_place(directory: Path, info: dict[str, Any], symbols: int) -> Workplace:
    place = Workplace(
        directory=directory,
        base_url=info["base_url"],
        credentials=KisCredentials(
            app_key=info["app_key"],
            app_secret=info["app_secret"],
            account_no=info["account_no"],
            product_code=info["product_code"],
        ),
        symbols=SYMBOLS[:symbols],
    )
    place.furnish()
    # Not its first start either: the tables are there, so nothing is loaded to make them.
    status = [*place.command(), "--mode", "status"]
    subprocess.run(
        status, cwd=directory, env=place.environment(), check=True, stdout=subprocess.DEVNULL
    )
    return place


def _few_row(day: Day, symbols: int, feed: str) -> Row:
    peak = max(sample.rss for sample in day.samples)
    opened = next(sample for sample in day.samples if sample.at.time() >= _AFTER_OPEN)
    growth = day.samples[-1].rss - opened.rss
    return Row(
        name=f"L3 · day of {symbols}, {feed}",
        what=f"RSS and CPU of kr_trade over a day of {symbols} symbols by {feed}, Telegram on",
        anchor="–",
        measured=f"RSS {peak:.1f} MB at its highest, {growth:+.1f} MB after the open, CPU"
        f" {day.cpu_s:.1f} s",
        p50=peak,
        unit="MB",
        aim=(75.0,),
        least=(110.0,),
    )


def _memory_row(samples: list[Sample], symbols: int) -> Row:
    start = max((s for s in samples if s.at.time() < _OPEN), key=lambda sample: sample.at)
    opened = next(sample for sample in samples if sample.at.time() >= _AFTER_OPEN)
    close = samples[-1]
    peak = max(samples, key=lambda sample: sample.rss)
    return Row(
        name="L3 · memory",
        what=f"RSS of running kr_trade, Telegram on, at its highest, {symbols} symbols, a day",
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
def simulator(symbols: int) -> Iterator[dict[str, Any]]:
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


def a_day(place: Workplace, feed: str, variables: dict[str, str]) -> Day:
    """A day from the first call to the end. Raises RuntimeError when it did not end."""
    samples: list[Sample] = []
    deadline = time.monotonic() + _PATIENCE_S
    with (place.directory / "output").open("w+b") as output:
        process = subprocess.Popen(
            place.command("--feed", feed, "--exit-after-close"),
            cwd=place.directory,
            env=place.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        status, usage = 1, None
        with httpx.Client(base_url=place.base_url, trust_env=False, timeout=30) as http:
            while time.monotonic() < deadline:
                pid, status, used = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    usage = used
                    break
                samples += a_sample(process.pid, http)
                time.sleep(_EVERY_S)
        if usage is None:
            process.kill()
            process.wait()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or not samples or usage is None:
            output.seek(0)
            print(output.read().decode()[-2_000:], file=sys.stderr)
            raise RuntimeError(f"the day ended with code {process.returncode}")
    data, logs = place.directory / "data", place.directory / "logs"
    return Day(
        samples=samples,
        cpu_s=usage.ru_utime + usage.ru_stime,
        database_mb=size_mb(data.glob("kis.db*")),
        log_mb=size_mb(logs.glob("*.log*")),
        audit_mb=size_mb((logs / "audit").glob("*.json")),
    )


def size_mb(files: Iterable[Path]) -> float:
    return sum(file.stat().st_size for file in files) / 1_000_000


@contextmanager
def telegram() -> Iterator[dict[str, str]]:
    """A telephone's server on this machine, and the variables that point at it."""
    with serving() as server:
        yield {
            "TELEGRAM_ENABLED": "true",
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_CHAT_ID": str(CHAT),
            "TELEGRAM_API_URL": server.url,
        }


def _page_mb(place: Workplace) -> float:
    """RSS of the dashboard after it was asked a hundred times."""
    files = place.command()[-4:]
    with subprocess.Popen(
        [sys.executable, "-m", "apps.dashboard", "--port", "0", *files],
        cwd=place.directory,
        env=place.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split(" ")[0]
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            for _ in range(100):
                http.get("api/state").raise_for_status()
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        process.terminate()
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return int(sizes["Rss"]) / _MB


def _page_row(rss_mb: float) -> Row:
    return Row(
        name="L3 · dashboard",
        what="RSS of the dashboard beside it, after 100 looks",
        anchor="–",
        measured=f"{rss_mb:.1f} MB",
        p50=rss_mb,
        unit="MB",
        aim=(),
        least=(),
    )


def _growth_row(day: Day, symbols: int) -> Row:
    return Row(
        name="L3 · disk",
        what=f"disk after a simulated day of {symbols} symbols",
        anchor="–",
        measured=f"database {day.database_mb:.1f} MB, log {day.log_mb:.2f} MB,"
        f" audit trail {day.audit_mb:.2f} MB",
        p50=day.database_mb + day.log_mb + day.audit_mb,
        unit="MB",
        aim=(),
        least=(),
    )


def a_sample(pid: int, http: httpx.Client) -> list[Sample]:
    """One sample; none when the process has just ended."""
    now = datetime.fromisoformat(http.get("/sandbox/clock").json()["now"])
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    if "Rss" not in sizes:
        return []
    return [Sample(at=now, rss=int(sizes["Rss"]) / _MB, pss=int(sizes["Pss"]) / _MB)]


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
