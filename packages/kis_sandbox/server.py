"""Serving a sandbox over HTTP: in a thread (`SandboxServer`) or in the foreground."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import uvicorn

from kis_sandbox.clock import VirtualClock
from kis_sandbox.config import SandboxConfig
from kis_sandbox.exchange import Exchange
from kis_sandbox.faults import Faults
from kis_sandbox.realtime import Realtime
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import admin
from kis_sandbox.wire.app import SandboxApp

_START_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 5.0
_IDLE_SECONDS = 120  # clients keep their connections; closing them early would be a fault


class _Server(uvicorn.Server):
    """A server that says when it serves, and leaves signals to its caller."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class SandboxServer:
    """A simulator in a thread of this process, on a free port of the loopback.

    Use it as a context manager. `exchange`, `clock` and `faults` may be used directly; hold
    `sandbox.lock` for more than one step, and let the exchange follow the clock by
    `sandbox.catch_up()` or `sandbox.advance(to)`.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.sandbox = Sandbox(config)
        self._socket = _bound(config)
        self._app = SandboxApp(self.sandbox)
        self._app.base_url = self.base_url
        self._started = threading.Event()
        self._server = _server(self._app, self._started.set)
        self._thread = threading.Thread(target=self._run, name="kis-sandbox", daemon=True)

    @property
    def base_url(self) -> str:
        """Where it serves, without a trailing slash."""
        return _url(self._socket)

    @property
    def info(self) -> dict[str, object]:
        """The /sandbox/info document."""
        return admin.info(self.sandbox, self.base_url)

    @property
    def exchange(self) -> Exchange:
        """The simulated exchange."""
        return self.sandbox.exchange

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock."""
        return self.sandbox.clock

    @property
    def faults(self) -> Faults:
        """The faults on demand."""
        return self.sandbox.faults

    @property
    def realtime(self) -> Realtime:
        """The realtime sessions; its `options` may be changed."""
        return self._app.streams.realtime

    def ledger(self) -> dict[str, object]:
        """The /sandbox/ledger document."""
        with self.sandbox.lock:
            self.sandbox.catch_up()
            return admin.ledger(self.sandbox)

    def __enter__(self) -> "SandboxServer":
        self._thread.start()
        if not self._started.wait(_START_SECONDS_MAX):
            raise RuntimeError("the simulator did not start in time")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS_MAX)
        self._socket.close()
        self.sandbox.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


class ForegroundServer:
    """A simulator in this thread: `serve` returns after `stop`, SIGINT or SIGTERM."""

    def __init__(
        self, config: SandboxConfig, *, on_started: Callable[[dict[str, object]], None]
    ) -> None:
        self._sandbox = Sandbox(config)
        self._socket = _bound(config)
        app = SandboxApp(self._sandbox)
        app.base_url = _url(self._socket)
        self._server = _server(app, lambda: on_started(admin.info(self._sandbox, app.base_url)))

    def serve(self) -> None:
        """Serve until stopped, then release everything."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop())
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        finally:
            self._socket.close()
            self._sandbox.close()

    def stop(self) -> None:
        """Ask it to end; from any thread, and even before it serves."""
        self._server.should_exit = True


def _server(app: SandboxApp, on_started: Callable[[], None]) -> _Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        date_header=False,  # the wire's own answers carry the virtual time
        lifespan="off",
        ws="websockets-sansio",
        ws_ping_interval=None,  # the broker asks by PINGPONG, a text of its own
        ws_per_message_deflate=False,
        http="h11",
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, on_started)


def _bound(config: SandboxConfig) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # The protocol is named, or asyncio would leave Nagle on: 40 ms an answer.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((config.host, config.port))
    bound.listen(128)
    return bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://{host}:{port}"
