"""L5: from a trade on the socket to the order request at the server, the intent committed first.

    python -m benchmarks.bench_tick [--runs 5]

What is measured is `kr_trade` itself, in REAL on the WebSocket feed, holding 40 symbols. The
server streams a price near a symbol's stop, and, when nothing has been asked for a while, one
below it: the sample is the time from just before that frame leaves to the arrival of the whole
order request, both by the server's own clock. The anchor is another process that does the least
of the same (`tick_anchor`). Both take turns, a run each, against servers of their own.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.bench_cycle import CREDENTIALS, SYMBOLS
from benchmarks.canned_bodies import PRICE
from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.morning import AT, leave_behind
from benchmarks.process import running
from benchmarks.row import Row, hand_over
from benchmarks.workplace import Workplace
from kis_core.market.session import KST

_HELD = SYMBOLS[:40]
_STOP, _NEAR, _BELOW = 68_000, 68_300, 67_900
_ORDER = "order-cash"
_START_S = 60.0
_SETTLED_S = 4.0  # after the first print: the first cycle, the snapshot and the like are over
_PAUSE_S = 0.12  # for the order to arrive, before anybody asks whether it has


def main() -> None:
    """Measure and hand the row over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help=f"of {len(_HELD)} orders each")
    given = parser.parse_args()
    ours_s: list[float] = []
    least_s: list[float] = []
    for number in range(given.runs):
        print(f"L5 run {number + 1} of {given.runs} ...", flush=True)
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as directory:
            ours_s += _ours(Path(directory))
            least_s += _least(Path(directory))
    hand_over([_row(ours_s, least_s)])


def _row(ours_s: Sequence[float], least_s: Sequence[float]) -> Row:
    ours, least = (statistics.quantiles(taken, n=100) for taken in (ours_s, least_s))
    return Row(
        name="L5",
        what=f"a trade on the socket to the order request, {len(ours_s)} stops of kr_trade",
        anchor=f"aiohttp + sqlite3 {least[49] * 1_000:.2f} / {least[98] * 1_000:.2f} ms",
        measured=f"{ours[49] * 1_000:.2f} / {ours[98] * 1_000:.2f} ms",
        p50=ours[49] / least[49],
        p99=ours[98] / least[98],
        aim=(1.2, 1.5),
        least=(2.0, 3.0),
    )


def _ours(directory: Path) -> list[float]:
    with canned_server(delay_ms=0, held=_HELD, clock=AT, is_simulator=False) as server:
        place = Workplace(
            directory=directory / "place",
            base_url=server.base_url,
            ws_url=server.ws_url,
            credentials=CREDENTIALS,
            symbols=_HELD,
            shift_s=(AT - datetime.now(KST)).total_seconds(),
        )
        leave_behind(place, held=_HELD, stop=_STOP)
        command = place.command("--feed", "ws")
        return _samples(server, command, place.directory, place.environment())


def _least(directory: Path) -> list[float]:
    with canned_server(delay_ms=0, held=_HELD) as server:
        command = [sys.executable, "-m", "benchmarks.tick_anchor", "--stop", str(_STOP)]
        command += ["--base-url", server.base_url, "--ws-url", server.ws_url]
        command += ["--database", str(directory / "anchor.db")]
        command += [argument for symbol in _HELD for argument in ("--symbol", symbol)]
        return _samples(server, command, Path(__file__).resolve().parents[1], None)


def _samples(
    server: CannedServer, command: list[str], where: Path, environment: dict[str, str] | None
) -> list[float]:
    """Seconds from tick to order, one of each held symbol. Raises TimeoutError when the program
    does not get there."""
    with running(command, where=where, environment=environment):
        _await_listener(server)
        return [_sample(server, symbol) for symbol in _HELD]


def _await_listener(server: CannedServer) -> None:
    deadline = time.monotonic() + _START_S
    waiting = list(_HELD)
    while waiting:
        try:
            server.tick(waiting[0], PRICE)
            waiting.pop(0)
        except LookupError:
            if time.monotonic() > deadline:
                raise TimeoutError("nobody registered for what is held") from None
            time.sleep(0.1)
    time.sleep(_SETTLED_S)


def _sample(server: CannedServer, symbol: str) -> float:
    server.tick(symbol, _NEAR)
    time.sleep(_PAUSE_S)
    server.take_calls()
    left_at = server.tick(symbol, _BELOW)
    time.sleep(_PAUSE_S)
    arrived = [at for name, at in server.take_calls() if name == _ORDER]
    if len(arrived) != 1:
        raise TimeoutError(f"{len(arrived)} orders followed the stop of {symbol}")
    return arrived[0] - left_at


if __name__ == "__main__":
    main()
