"""The page over HTTP: four addresses, reading only, for this machine only."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HEADERS = {
    # Nothing from elsewhere, nothing inline: a name or an error text can never become code.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller: an end that was asked for is no failure."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def application(document: Callable[[], dict[str, Any]]) -> Starlette:
    """The page whose content `document` gives, in a thread of its own while others wait."""
    one_at_a_time = asyncio.Lock()  # several open pages cost the database one reading at a time

    async def state(request: Request) -> Response:
        if not _is_ours(request):
            return _elsewhere()
        async with one_at_a_time:
            content = await run_in_threadpool(document)
        return JSONResponse(content, headers=_HEADERS)

    async def file(request: Request) -> Response:
        if not _is_ours(request):
            return _elsewhere()
        name, kind = _FILES[request.url.path]
        content = files("apps.dashboard").joinpath(name).read_bytes()
        return Response(content, media_type=kind, headers=_HEADERS)

    routes = [Route(path, file, methods=["GET"]) for path in _FILES]
    return Starlette(routes=[*routes, Route("/api/state", state, methods=["GET"])])


def serve(app: Starlette, bound: socket.socket, *, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called when both are listened to."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", http="h11", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    announce()
    asyncio.run(server.serve(sockets=[bound]))


def _is_ours(request: Request) -> bool:
    """Whether it was asked by a name of this machine: a page elsewhere whose name was pointed
    here (DNS rebinding) asks by its own."""
    host = request.headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in _LOOPBACK


def _elsewhere() -> Response:
    return PlainTextResponse("이 컴퓨터에서만 볼 수 있습니다", status_code=400)
