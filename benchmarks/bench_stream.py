"""What the realtime stream costs kr_trade: CPU (L7), and memory over a day of it.

    python -m benchmarks.bench_stream [--seconds 60] [--speed 30]

L7 is 200 symbols swept every 5 s beside 41 streams with 200 records a second in all, on the clock
on the wall: a shorter interval than a session's settings allow, patched in. The memory is that of
a session from 10:00 to the close with 41 registrations of 20 trades a second each, four in a frame,
on a clock `--speed` times as fast. Telegram is on in both.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as TimeOfDay
from pathlib import Path

import psutil

from benchmarks.bench_cycle import CREDENTIALS, SYMBOLS
from benchmarks.bench_memory import telegram
from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.morning import AT, leave_behind
from benchmarks.process import running
from benchmarks.row import Row, hand_over
from benchmarks.workplace import Workplace
from kis_core.market.session import KST

_SWEEP_S = 5.0
_RECORDS_PER_S = 200.0
_BUSY, _BUSY_PER_S, _A_FRAME = 41, 20.0, 4
_HELD = SYMBOLS[:5]
_CLOSE = TimeOfDay(15, 20)
_QUOTES = "intstock-multprice"
_SETTLED_S = 15.0
_START_S = 60.0
_MB = 1024**2


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of CPU; 0: none")
    parser.add_argument("--speed", type=float, default=30.0, help="of the day in memory; 0: none")
    given = parser.parse_args()
    rows = _cpu_rows(given.seconds) if given.seconds else []
    if given.speed:
        rows.append(_memory_row(given.speed))
    hand_over(rows)


def _cpu_rows(seconds: float) -> list[Row]:
    print(f"L7 {len(SYMBOLS)} symbols and {_BUSY} streams, twice {seconds:.0f} s ...", flush=True)
    with _session(symbols=len(SYMBOLS), sweep_s=_SWEEP_S) as (server, process):
        time.sleep(_SETTLED_S)
        rows = [_cpu_row("sweeps", server, process, seconds)]
        server.stream(_RECORDS_PER_S / _BUSY)
        time.sleep(_SETTLED_S)
        return [*rows, _cpu_row("sweeps and streams", server, process, seconds)]


def _cpu_row(name: str, server: CannedServer, process: psutil.Process, seconds: float) -> Row:
    server.take_calls()
    sent, used_s, began = server.sent(), _cpu_s(process), time.monotonic()
    time.sleep(seconds)
    used_s = _cpu_s(process) - used_s
    took_s, sent = time.monotonic() - began, server.sent() - sent
    calls = [name for name, _ in server.take_calls()]
    percent = used_s / took_s * 100
    return Row(
        name=f"L7 · {name}",
        what=f"CPU of kr_trade, {len(SYMBOLS)} symbols swept every {_SWEEP_S:.0f} s"
        f" ({calls.count(_QUOTES)} calls for quotes) and {sent / took_s:.0f} records a second,"
        " Telegram on",
        anchor="–",
        measured=f"{used_s:.2f} s in {took_s:.0f} s: {percent:.2f} % of a core",
        p50=percent,
        unit="%",
        aim=(1.0,),
        least=(2.0,),
    )


def _memory_row(speed: float) -> Row:
    print(f"L7 {_BUSY} streams of {_BUSY_PER_S:.0f} trades/s to the close ...", flush=True)
    with _session(symbols=_BUSY, speed=speed) as (server, process):
        server.stream(_BUSY_PER_S * speed, a_frame=_A_FRAME)
        began, hourly, hour = time.monotonic(), [_rss_mb(process)], AT.hour
        now = AT
        while now.time() < _CLOSE:
            time.sleep(2.0)
            now = datetime.fromisoformat(server.now())
            if now.hour != hour:
                hour = now.hour
                hourly.append(_rss_mb(process))
                print(f"   {now:%H:%M} {hourly[-1]:.1f} MB, {server.sent():,} trades", flush=True)
        took_s, sent, cpu_s = time.monotonic() - began, server.sent(), _cpu_s(process)
        hourly.append(_rss_mb(process))
    per_s = sent / took_s / speed
    return Row(
        name="L7 · memory",
        what=f"RSS of kr_trade from 10:00 to {_CLOSE:%H:%M}, {_BUSY} registrations,"
        f" {sent:,} trades ({per_s:.0f} a second of the session, {_A_FRAME} a frame), Telegram on",
        anchor="–",
        measured=f"hourly {', '.join(f'{mb:.1f}' for mb in hourly)} MB; CPU {cpu_s:.0f} s,"
        f" {cpu_s / sent * 1e6:.0f} µs a trade",
        p50=max(hourly),
        unit="MB",
        aim=(75.0,),
        least=(110.0,),
    )


@contextmanager
def _session(
    *, symbols: int, speed: float = 1.0, sweep_s: float | None = None
) -> Iterator[tuple[CannedServer, psutil.Process]]:
    """A session that has begun, with everything registered that there is a place for; by the
    clock on the wall where it is swept in a shorter interval, else by the server's."""
    is_real = sweep_s is not None
    with (
        tempfile.TemporaryDirectory() as directory,
        canned_server(
            delay_ms=0, held=_HELD, clock=AT, is_simulator=not is_real, speed=speed
        ) as server,
        telegram() as variables,
    ):
        place = Workplace(
            directory=Path(directory),
            base_url=server.base_url,
            ws_url=server.ws_url,
            credentials=CREDENTIALS,
            symbols=SYMBOLS[:symbols],
            shift_s=(AT - datetime.now(KST)).total_seconds() if is_real else None,
            sweep_s=sweep_s,
        )
        leave_behind(place, held=_HELD)
        command, environment = place.command("--feed", "ws"), place.environment() | variables
        with running(command, where=place.directory, environment=environment) as process:
            _await_registrations(server)
            yield server, psutil.Process(process.pid)
            if process.poll() is not None:
                raise RuntimeError(f"the session ended with code {process.returncode}")


def _await_registrations(server: CannedServer) -> None:
    deadline = time.monotonic() + _START_S
    while server.registered() < _BUSY:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {server.registered()} symbols were registered")
        time.sleep(0.2)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / _MB


if __name__ == "__main__":
    main()
