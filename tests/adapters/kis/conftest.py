"""A small scripted KIS on the loopback: it answers what it is told, and counts."""

import copy
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.memory.clock import ManualClock
from kis_core.market.session import KST
from kis_core.orders.identity import TradingMode

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=KST)
SAMPLES = Path(__file__).parents[2] / "data" / "kis-wire"
APP_KEY = "FAKE-APPKEY-FOR-TESTS"
APP_SECRET = "FAKE-APPSECRET-FOR-TESTS"
ACCOUNT_NO = "99000017"
TOKEN_PATH = "/oauth2/tokenP"


@dataclass(kw_only=True)
class Reply:
    """One scripted answer. `body` may be an object, text or bytes."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    closes: str = ""  # "read": reset once the request is read; "half": in mid-answer
    delay_s: float = 0.0

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(kw_only=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]


Answer = Reply | Callable[[Request], Reply]


class ScriptedKis(ThreadingHTTPServer):
    """Answers each path with its script; the last answer of a script is repeated."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.date: datetime | None = None
        self._scripts: dict[str, deque[Answer]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.script(TOKEN_PATH, token_reply())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def script(self, path: str, *answers: Answer) -> None:
        """What `path` (its ending is enough) answers from now on."""
        with self._lock:
            self._scripts[path] = deque(answers)

    def count(self, path: str) -> int:
        return len(self.asked(path))

    def asked(self, path: str) -> list[Request]:
        with self._lock:
            return [request for request in self.requests if request.path.endswith(path)]

    def reply_to(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            for path, script in self._scripts.items():
                if request.path.endswith(path):
                    answer = script.popleft() if len(script) > 1 else script[0]
                    break
            else:
                return Reply(status=404, body="unscripted")
        return answer if isinstance(answer, Reply) else answer(request)

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedKis
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms an answer otherwise

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        content = self.rfile.read(length)
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=json.loads(content) if content else {},
        )
        reply = self.server.reply_to(request)
        time.sleep(reply.delay_s)
        if reply.closes == "read":
            self._reset()
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        content = reply.content()
        self.send_response_only(reply.status)
        at = self.server.date
        if at is not None:
            self.send_header("Date", format_datetime(at.astimezone(UTC), usegmt=True))
        self.send_header("Content-Length", str(len(content)))
        for name, value in {"tr_cont": "", **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.closes == "half":
            self.wfile.write(content[: len(content) // 2])
            self._reset()
            return
        self.wfile.write(content)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Quiet."""


def token_reply(token: str = "fake-token-1", *, expires: str = "2026-11-21 08:00:00") -> Reply:
    return Reply(
        body={
            "access_token": token,
            "access_token_token_expired": expires,
            "token_type": "Bearer",
            "expires_in": 86400,
        }
    )


_Reply = Reply


class Wire:
    """What tests need of the wire: samples, replies, and the refusals by their names."""

    NOW = NOW
    APP_KEY = APP_KEY
    APP_SECRET = APP_SECRET
    ACCOUNT_NO = ACCOUNT_NO
    token_reply = staticmethod(token_reply)
    Reply = staticmethod(_Reply)

    @staticmethod
    def sample(name: str) -> dict[str, Any]:
        """A body of `tests/data/kis-wire`, without its notes."""
        body = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
        return {key: copy.deepcopy(value) for key, value in body.items() if key[0] != "_"}

    @classmethod
    def ok(cls, name: str, *, tr_cont: str = "") -> _Reply:
        return _Reply(body=cls.sample(name), headers={"tr_cont": tr_cont})

    @classmethod
    def gateway(cls, name: str) -> _Reply:
        told = cls.sample("errors-gateway")[name]
        return _Reply(status=told["http_status"], body=told["body"])

    @classmethod
    def business(cls, name: str) -> _Reply:
        told = cls.sample("errors-business")[name]
        return _Reply(status=told["http_status"], body=told["body"])

    @staticmethod
    def refusal(code: str, text: str, *, status: int = 200) -> _Reply:
        return _Reply(status=status, body={"rt_cd": "1", "msg_cd": code, "msg1": text})


@pytest.fixture
def wire() -> type[Wire]:
    return Wire


@pytest.fixture
def kis() -> Iterator[ScriptedKis]:
    server = ScriptedKis()
    yield server
    server.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def api_errors() -> list[tuple[datetime, str]]:
    return []


@pytest.fixture
def make_client(
    kis: ScriptedKis,
    clock: ManualClock,
    tmp_path: Path,
    api_errors: list[tuple[datetime, str]],
) -> Iterator[Callable[..., KisClient]]:
    made: list[KisClient] = []

    def make(mode: TradingMode = TradingMode.PAPER, **changes: Any) -> KisClient:
        settings: dict[str, Any] = {
            "credentials": KisCredentials(
                app_key=APP_KEY, app_secret=APP_SECRET, account_no=ACCOUNT_NO
            ),
            "mode": mode,
            "base_url": kis.url,
            "clock": clock,
            "token_dir": tmp_path / "tokens",
            "budget": RateBudget(18, clock),
            "timeout_s": 5.0,
            "on_api_error": lambda at, what: api_errors.append((at, what)),
        }
        client = KisClient(**{**settings, **changes})
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., KisClient]) -> KisClient:
    return make_client()
