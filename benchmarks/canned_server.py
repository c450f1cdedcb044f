"""A loopback HTTP server that gives canned answers after a fixed delay: a broker that is far away
and costs nothing.

    python -m benchmarks.canned_server --delay-ms 60 --held 800010 [--clock 2026-11-24T10:00+09:00]

Runs as a process of its own, so that its work does not share the client's interpreter. Prints its
ports, HTTP and WebSocket, and ends when its standard input closes. `/canned/calls` gives the
(path, monotonic second) of all calls since it was last asked; `/canned/tick` streams one trade,
once nothing was asked for a while, and tells the same second of its leaving; `/canned/stream`
streams so many trades a second of every registered symbol from then on, and `/canned/state` tells
how many that were. With `--clock` its time begins then, and it plays a simulator's running clock,
`--speed` times as fast as ours, so that a session is open at whatever hour the benchmark runs;
with `--real` too it does not, and is no simulator.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks import canned_bodies

_STREAM_STEP_S = 0.01
_QUIET_S = 0.15  # a tick is not to meet a call that the client makes for another reason


class CannedServer:
    """A running server, seen from the benchmark."""

    def __init__(self, http_port: int, ws_port: int) -> None:
        self.base_url = f"http://127.0.0.1:{http_port}"
        self.ws_url = f"ws://127.0.0.1:{ws_port}"
        self._http = httpx.Client(base_url=self.base_url, trust_env=False, timeout=30.0)

    def tick(self, symbol: str, last: int) -> float:
        """Stream one trade of `symbol`; time.monotonic of its leaving. Raises LookupError while
        nobody is registered for it."""
        answer = self._http.get("/canned/tick", params={"symbol": symbol, "last": last})
        if answer.status_code != 200:
            raise LookupError(f"nobody listens to {symbol}")
        return float(answer.json())

    def stream(self, per_s: float, *, a_frame: int = 1) -> None:
        """Stream so many trades of each registered symbol a second, until the server ends;
        `a_frame` of them come in one frame, as the broker does when it is busy."""
        self._http.get("/canned/stream", params={"per_s": per_s, "a_frame": a_frame})

    def sent(self) -> int:
        """How many trades were streamed."""
        return int(self._http.get("/canned/state").json()["sent"])

    def registered(self) -> int:
        """How many symbols a stream is registered for."""
        return int(self._http.get("/canned/state").json()["registered"])

    def now(self) -> str:
        """The server's time."""
        return str(self._http.get("/canned/state").json()["now"])

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
    *,
    delay_ms: int,
    held: Sequence[str],
    clock: datetime | None = None,
    is_simulator: bool = True,
    speed: float = 1.0,
) -> Iterator[CannedServer]:
    """Serve in another process while the block runs."""
    command = [sys.executable, "-m", "benchmarks.canned_server", "--delay-ms", str(delay_ms)]
    command += [argument for symbol in held for argument in ("--held", symbol)]
    if clock is not None:
        command += ["--clock", clock.isoformat(), "--speed", str(speed)]
    command += [] if is_simulator else ["--real"]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        http_port, ws_port = process.stdout.readline().split()
        yield CannedServer(int(http_port), int(ws_port))
        process.stdin.close()


class _Broker:
    """What is answered to which path, and what was asked."""

    def __init__(
        self,
        *,
        delay_s: float,
        held: Sequence[str],
        clock: datetime | None,
        is_simulator: bool,
        speed: float,
    ) -> None:
        self._delay_s = delay_s
        self._is_simulator = is_simulator and clock is not None
        self._calls: list[tuple[str, float]] = []
        self._asked_at = 0.0
        self._clock = clock
        self._speed = speed
        self._started = time.monotonic()
        self._sent = 0
        self._streaming: asyncio.Task[None] | None = None
        self._held = list(held)
        self._orders: list[canned_bodies.Order] = []
        self._listeners: dict[str, ServerConnection] = {}
        self._volume = 10_012_345
        self._bodies = {
            "inquire-balance": canned_bodies.balance(held),
            "tokenP": canned_bodies.token(),
            "Approval": canned_bodies.approval(),
        }

    async def answer(self, target: str, content: bytes) -> tuple[int, bytes]:
        """The status and the body, when it is time for them."""
        arrived_at = time.monotonic()
        url = urlsplit(target)
        name = url.path.rsplit("/", 1)[-1]
        asked = dict(parse_qsl(url.query))
        if url.path == "/canned/tick":
            return await self._tick(asked["symbol"], int(asked["last"]))
        if url.path == "/canned/stream":
            stream = self._stream(float(asked["per_s"]), int(asked["a_frame"]))
            self._streaming = asyncio.create_task(stream)
            return 200, b"{}"
        if url.path == "/canned/state":
            state = {"sent": self._sent, "registered": len(self._listeners)}
            return 200, json.dumps({**state, "now": self._now().isoformat()}).encode()
        if url.path == "/canned/calls":
            calls, self._calls = self._calls, []
            return 200, json.dumps(calls).encode()
        if url.path.startswith("/sandbox/"):
            return self._time()
        if url.path != "/canned/ping":
            self._calls.append((name, arrived_at))
            self._asked_at = arrived_at
        status, body = self._said(name, asked, content)
        await asyncio.sleep(self._delay_s)
        return status, body

    async def listen(self, connection: ServerConnection) -> None:
        """Confirm every registration of a stream, until it is closed."""
        with suppress(ConnectionClosed):  # a client that is ended says no good-bye
            async for message in connection:
                request = json.loads(message)["body"]["input"]
                self._listeners[request["tr_key"]] = connection
                header = {"tr_id": request["tr_id"], "tr_key": request["tr_key"], "encrypt": "N"}
                body = {"rt_cd": "0", "msg_cd": "OPSP0000", "msg1": "SUBSCRIBE SUCCESS"}
                await connection.send(json.dumps({"header": header, "body": body}))

    async def _tick(self, symbol: str, last: int) -> tuple[int, bytes]:
        while (quiet_s := time.monotonic() - self._asked_at) < _QUIET_S:
            await asyncio.sleep(_QUIET_S - quiet_s)
        connection = self._listeners.get(symbol)
        if connection is None:
            return 404, b"{}"
        self._volume += 1
        frame = canned_bodies.trade_frame(symbol, at=self._now(), last=last, volume=self._volume)
        left_at = time.monotonic()
        await connection.send(frame)
        return 200, json.dumps(left_at).encode()

    async def _stream(self, per_s: float, a_frame: int) -> None:
        symbols = list(self._listeners.items())
        started, frames = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - started) * per_s * len(symbols) / a_frame)
            now = self._now()
            for number in range(frames, due):
                symbol, connection = symbols[number % len(symbols)]
                self._volume += a_frame
                last = canned_bodies.PRICE + 100 * (number // len(symbols) % 5)
                frame = canned_bodies.trade_frame(
                    symbol, at=now, last=last, volume=self._volume, count=a_frame
                )
                with suppress(ConnectionClosed):
                    await connection.send(frame)
            frames, self._sent = due, due * a_frame
            await asyncio.sleep(_STREAM_STEP_S)

    def _said(self, name: str, asked: Mapping[str, str], content: bytes) -> tuple[int, bytes]:
        if name == "ping":
            return 200, b"{}"
        if name == "intstock-multprice":
            symbols = [v for k, v in asked.items() if k.startswith("FID_INPUT_ISCD")]
            return 200, canned_bodies.multi_price(symbols)
        if name == "inquire-price":
            return 200, canned_bodies.price(asked["FID_INPUT_ISCD"])
        if name == "chk-holiday":
            first = datetime.strptime(asked["BASS_DT"], "%Y%m%d").date()  # noqa: DTZ007
            return 200, canned_bodies.holidays(first)
        if name == "inquire-daily-ccld":
            return 200, canned_bodies.orders(self._orders)
        if name == "order-cash":
            return 200, canned_bodies.accepted_order(self._filled(json.loads(content)))
        body = self._bodies.get(name)
        return (404, b"{}") if body is None else (200, body)

    def _filled(self, request: Mapping[str, str]) -> canned_bodies.Order:
        """The order, filled; what is sold so is sold altogether."""
        symbol = request["PDNO"]
        is_sale = symbol in self._held
        order = canned_bodies.Order(
            number=len(self._orders) + 1,
            at=self._now(),
            side="01" if is_sale else "02",
            symbol=symbol,
            quantity=int(request["ORD_QTY"]),
        )
        self._orders.append(order)
        if is_sale:
            self._held.remove(symbol)
            self._bodies["inquire-balance"] = canned_bodies.balance(self._held)
        return order

    def headers(self) -> bytes:
        """The headers that every answer has."""
        mark = b"X-KIS-Sandbox: 1\r\n" if self._is_simulator else b""
        return mark + b"Date: " + format_datetime(self._now()).encode() + b"\r\n"

    def _time(self) -> tuple[int, bytes]:
        if not self._is_simulator:
            return 404, b"{}"
        document = {"mode": "real", "now": self._now().isoformat(), "speed": self._speed}
        return 200, json.dumps(document).encode()

    def _now(self) -> datetime:
        if self._clock is None:
            return datetime.now(UTC)
        return self._clock + timedelta(seconds=(time.monotonic() - self._started) * self._speed)


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
        self._answering = asyncio.get_running_loop().create_task(self._answer(target, rest))

    async def _answer(self, target: str, content: bytes) -> None:
        status, body = await self._broker.answer(target, content)
        answer = (
            b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            % (status, len(body))
            + self._broker.headers()
            + b"\r\n"
            + body
        )
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
    async with serve(broker.listen, "127.0.0.1", 0) as stream:
        ports = [next(iter(each.sockets)).getsockname()[1] for each in (server, stream)]
        print(*ports, flush=True)
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
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--speed", type=float, default=1.0)
    given = parser.parse_args()
    broker = _Broker(
        delay_s=given.delay_ms / 1_000,
        held=given.held,
        clock=given.clock,
        is_simulator=not given.real,
        speed=given.speed,
    )
    asyncio.run(_serve(broker))


if __name__ == "__main__":
    main()
