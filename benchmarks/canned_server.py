"""A loopback HTTP server that gives canned answers after a fixed delay: a broker that is far away
and costs nothing.

    python -m benchmarks.canned_server --delay-ms 60 --held 800010 [--clock 2026-11-24T10:00+09:00]

Runs as a process of its own, so that its work does not share the client's interpreter. Prints its
port, and ends when its standard input closes. `/canned/calls` gives the (path, monotonic second)
of all calls since it was last asked. With `--clock` it plays a simulator's running clock, so that
a session is open at whatever hour the benchmark runs; without it nobody is told the time.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from benchmarks import canned_bodies


class CannedServer:
    """A running server, seen from the benchmark."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.base_url, trust_env=False)

    def take_calls(self) -> list[tuple[str, float]]:
        """(last part of the path, time.monotonic of its arrival) of the calls since last asked."""
        return [(name, at) for name, at in self._http.get("/canned/calls").json()]

    def round_trip_s(self, samples: int = 20) -> float:
        """The median time of one answer, as an established connection sees it."""
        taken = []
        for _ in range(samples):
            started = time.perf_counter()
            self._http.get("/canned/ping")
            taken.append(time.perf_counter() - started)
        return sorted(taken)[samples // 2]


@contextmanager
def canned_server(
    *, delay_ms: int, held: Sequence[str], clock: datetime | None = None
) -> Iterator[CannedServer]:
    """Serve in another process while the block runs."""
    command = [sys.executable, "-m", "benchmarks.canned_server", "--delay-ms", str(delay_ms)]
    command += [argument for symbol in held for argument in ("--held", symbol)]
    if clock is not None:
        command += ["--clock", clock.isoformat()]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield CannedServer(int(process.stdout.readline()))
        process.stdin.close()


class _Broker:
    """What is answered to which path, and what was asked."""

    def __init__(self, *, delay_s: float, held: Sequence[str], clock: datetime | None) -> None:
        self._delay_s = delay_s
        self._calls: list[tuple[str, float]] = []
        self._clock = clock
        self._started = time.monotonic()
        self._bodies = {
            "inquire-balance": canned_bodies.balance(held),
            "inquire-daily-ccld": canned_bodies.no_orders(),
            "order-cash": canned_bodies.accepted_order(),
            "tokenP": canned_bodies.token(),
        }

    def answer(self, target: str) -> tuple[float, int, bytes]:
        """Seconds to wait, the status, and the body."""
        url = urlsplit(target)
        name = url.path.rsplit("/", 1)[-1]
        if url.path == "/canned/ping":
            return self._delay_s, 200, b"{}"
        if url.path == "/canned/calls":
            calls, self._calls = self._calls, []
            return 0.0, 200, json.dumps(calls).encode()
        if url.path.startswith("/sandbox/"):
            return self._time()
        self._calls.append((name, time.monotonic()))
        if name == "intstock-multprice":
            asked = [v for k, v in parse_qsl(url.query) if k.startswith("FID_INPUT_ISCD")]
            return self._delay_s, 200, canned_bodies.multi_price(asked)
        body = self._bodies.get(name)
        return self._delay_s, (404 if body is None else 200), body or b"{}"

    def headers(self) -> bytes:
        """The headers that every answer has."""
        mark = b"X-KIS-Sandbox: 1\r\n" if self._clock is not None else b""
        return mark + b"Date: " + format_datetime(self._now()).encode() + b"\r\n"

    def _time(self) -> tuple[float, int, bytes]:
        if self._clock is None:
            return 0.0, 404, b"{}"
        document = {"mode": "real", "now": self._now().isoformat(), "speed": 1.0}
        return 0.0, 200, json.dumps(document).encode()

    def _now(self) -> datetime:
        if self._clock is None:
            return datetime.now(UTC)
        return self._clock + timedelta(seconds=time.monotonic() - self._started)


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as one client needs it: no pipelining, no chunks."""

    def __init__(self, broker: _Broker) -> None:
        self._broker = broker
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or len(rest) < _content_length(head):
            return
        self._buffer = b""
        target = head.split(b" ", 2)[1].decode()
        delay_s, status, body = self._broker.answer(target)
        answer = (
            b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            % (status, len(body))
            + self._broker.headers()
            + b"\r\n"
            + body
        )
        asyncio.get_running_loop().call_later(delay_s, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(broker: _Broker) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(broker), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, _wait_for_end_of_input)
    server.close()


def _wait_for_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 4_096):
        pass


def main() -> None:
    """Serve until the standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=int, required=True)
    parser.add_argument("--held", action="append", default=[])
    parser.add_argument("--clock", type=datetime.fromisoformat)
    given = parser.parse_args()
    broker = _Broker(delay_s=given.delay_ms / 1_000, held=given.held, clock=given.clock)
    asyncio.run(_serve(broker))


if __name__ == "__main__":
    main()
