"""L6: from exec to the first look at the market, in REAL, with a day that is already under way.

    python -m benchmarks.bench_restart [--runs 7] [--delay-ms 60]

What a restart in mid-session finds: a token, the day's contexts of 200 symbols, a database with
five positions, a broker that holds the same. Ready is when the first quote of the first cycle
arrives at the server; everything of the recovery lies before it. The anchor is a process that
only imports kr_trade, plus ten calls at the rate bound: 9/18 s and one round trip. Both alternate.

The last run goes on for two of the engine's own cycles (L4): how many calls one makes over all
symbols, and how long they take. The first cycle after a restart is none of them: it guards what is
held, while the candidates are still being chosen.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_cycle import CREDENTIALS, RATE_PER_S, SYMBOLS
from benchmarks.bench_memory import telegram
from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.morning import AT, leave_behind
from benchmarks.process import running
from benchmarks.row import Row, hand_over
from benchmarks.workplace import Workplace

_HELD = SYMBOLS[:5]
_CALLS = 10
_QUOTES = "intstock-multprice"
_PATIENCE_S = 90.0
_CYCLES = 2
_CYCLE_CALLS = 8  # five held symbols in one call, the other 195 in seven


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--delay-ms", type=int, default=60)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        canned_server(delay_ms=given.delay_ms, held=_HELD, clock=AT) as server,
        telegram() as variables,
    ):
        place = Workplace(
            directory=Path(directory),
            base_url=server.base_url,
            credentials=CREDENTIALS,
            symbols=SYMBOLS,
        )
        leave_behind(place, held=_HELD)
        _restart(place, server, variables)  # the first run writes what later ones find
        imports_s, ready_s = [], []
        for number in range(given.runs):
            print(f"L6 run {number + 1} of {given.runs} ...", flush=True)
            imports_s.append(_seconds_to_import(place))
            ready_s.append(_restart(place, server, variables).ready_s)
        print(f"L4 {_CYCLES} of the engine's cycles, a minute each ...", flush=True)
        run = _restart(place, server, variables, cycles=_CYCLES)
        round_trip_s = server.round_trip_s()
    rows = [_restart_row(ready_s, imports_s, round_trip_s)]
    rows += [_cycle_row(run, delay_ms=given.delay_ms, round_trip_s=round_trip_s)]
    hand_over(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """`ready_s` from exec to the first quote asked; `cycles_s` from each cycle's first quote asked
    to its last answer, `calls` how many requests of any kind fell into each."""

    ready_s: float
    cycles_s: list[float]
    calls: list[int]


def _restart_row(ready_s: list[float], imports_s: list[float], round_trip_s: float) -> Row:
    import_s = statistics.median(imports_s)
    anchor_s = import_s + (_CALLS - 1) / RATE_PER_S + round_trip_s
    median = statistics.median(ready_s)
    return Row(
        name="L6",
        what=f"restart to ready, {len(SYMBOLS)} symbols, {len(_HELD)} positions, Telegram on",
        anchor=f"imports {import_s:.2f} s + {_CALLS} calls = {anchor_s:.2f} s",
        measured=f"{median:.2f} s (slowest of {len(ready_s)}: {max(ready_s):.2f} s)",
        p50=median / anchor_s,
        p99=max(ready_s) / anchor_s,
        aim=(1.2,),
        least=(1.5,),
    )


def _cycle_row(run: _Run, *, delay_ms: int, round_trip_s: float) -> Row:
    """Without an order list and an account: the engine asks for neither in each cycle."""
    calls, median = max(run.calls), statistics.median(run.cycles_s)
    anchor_s = (calls - 1) / RATE_PER_S + round_trip_s
    return Row(
        name=f"L4 · {delay_ms} ms, the engine's cycle",
        what=f"quotes of {len(SYMBOLS)} symbols in kr_trade: {calls} calls",
        anchor=f"({calls} − 1)/{RATE_PER_S:.0f} s + round trip = {anchor_s * 1_000:.0f} ms",
        measured=f"{median * 1_000:.0f} ms"
        f" (slowest of {len(run.cycles_s)}: {max(run.cycles_s):.3f} s)",
        p50=median / anchor_s,
        p99=max(run.cycles_s) / anchor_s,
        aim=(1.02,),
        least=(1.05,),
    )


def _restart(
    place: Workplace, server: CannedServer, variables: dict[str, str], *, cycles: int = 0
) -> _Run:
    """Raises TimeoutError when the program does not get there."""
    server.take_calls()
    started = time.monotonic()
    environment = place.environment() | variables
    with running(place.command(), where=place.directory, environment=environment) as process:
        calls = _calls_of(server, cycles, is_alive=lambda: process.poll() is None)
    round_trip_s = server.round_trip_s(samples=3)
    asked = [at for name, at in calls if name == _QUOTES]
    starts = range(1, 1 + cycles * _CYCLE_CALLS, _CYCLE_CALLS)  # after what is held
    spans = [(asked[i], asked[i + _CYCLE_CALLS - 1]) for i in starts]
    return _Run(
        ready_s=asked[0] - started,
        cycles_s=[end - begin + round_trip_s for begin, end in spans],
        calls=[sum(begin <= at <= end for _, at in calls) for begin, end in spans],
    )


def _calls_of(
    server: CannedServer, cycles: int, *, is_alive: Callable[[], bool]
) -> list[tuple[str, float]]:
    """All calls up to the last quotes of so many cycles after the first."""
    calls: list[tuple[str, float]] = []
    wanted = 1 + cycles * _CYCLE_CALLS
    deadline = time.monotonic() + _PATIENCE_S * (1 + cycles)
    while (quotes := sum(name == _QUOTES for name, _ in calls)) < wanted:
        if time.monotonic() > deadline or not is_alive():
            raise TimeoutError(f"kr_trade made {quotes} calls for quotes and no more")
        time.sleep(0.5)
        calls += server.take_calls()
    return calls


def _seconds_to_import(place: Workplace) -> float:
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import apps.kr_trade.__main__"],
        cwd=place.directory,
        env=place.environment(),
        check=True,
    )
    return time.monotonic() - started


if __name__ == "__main__":
    main()
