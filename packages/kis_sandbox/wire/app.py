"""The ASGI application: HTTP in, answers and faults out.

One request is worked on at a time, under the sandbox's lock; only delays are waited for outside
it. Every answer says that it is the simulator's (X-06).
"""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kis_sandbox.faults import Fault, FaultKind
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import admin, gateway, oauth
from kis_sandbox.wire.answer import Answer, gateway_error
from kis_sandbox.wire.damage import damaged, garbled, is_processed
from kis_sandbox.wire.endpoint import BY_PATH, Endpoint
from kis_sandbox.wire.ws import Streams

MARK = ("X-KIS-Sandbox", "1")
TIME = "X-KIS-Sandbox-Time"  # the virtual time, so that a client that follows it need not ask

_SLASHES = re.compile("/{2,}")
_ADMIN = "/sandbox/"
_TOKEN, _REVOKE, _APPROVAL = "/oauth2/tokenP", "/oauth2/revokeP", "/oauth2/Approval"
_HASHKEY = "/uapi/hashkey"
_BAD_JSON = ("OPSQ9995", "JSON PARSING ERROR")
_ANSWERS_KEPT = 1_000  # for stale answers
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time: close sends RST

Faulted = Mapping[FaultKind, Fault]


class SandboxApp:
    """Serves one sandbox. `base_url` is set by the server once it knows its port."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.streams = Streams(sandbox)
        self.base_url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.streams.serve(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        # Some clients join a host that ends with a slash and a path that begins with one.
        path = _SLASHES.sub("/", scope["path"])
        if path.startswith(_ADMIN):
            response = await self._administered(request, path.removeprefix(_ADMIN))
            await self.streams.flush()
            await response(scope, receive, send)
            return
        route = path.rsplit("/", 1)[1]
        faults = self._sandbox.faults.striking(route)
        if FaultKind.REFUSE in faults or FaultKind.DROP_BEFORE in faults:
            await _hang_up(receive, resets=FaultKind.REFUSE in faults)
            return
        content = await request.body()
        await self._delay(faults)  # after the body: who hangs up now has sent it all the same
        response = self._answered(request, path, content, faults)
        await self.streams.flush()
        self._date(response)
        if FaultKind.DROP_AFTER in faults:
            await _hang_up(receive, resets=False)
            return
        await response(scope, receive, send)

    def _date(self, response: Response) -> None:
        """Say the virtual time: a client's clock that follows it is not wrong by days."""
        now = self._sandbox.clock.now()
        response.headers["Date"] = format_datetime(now.astimezone(UTC), usegmt=True)
        response.headers[TIME] = now.isoformat()

    async def _administered(self, request: Request, path: str) -> Response:
        content = await request.body()
        with self._sandbox.lock:
            if (request.method, path) == ("GET", "info"):
                body: dict[str, object] = admin.info(self._sandbox, self.base_url)
                return _response(Answer(body=body))
            try:
                asked = json.loads(content) if content else {}
            except ValueError:
                return _response(Answer(body={"error": "not JSON"}, status=400))
            return _response(admin.answer(self._sandbox, request.method, path, asked))

    async def _delay(self, faults: Faulted) -> None:
        fault = faults.get(FaultKind.DELAY)
        if fault is None:
            return
        delay_ms = fault.number_param("ms", 1_000)
        if fault.text_param("clock", "real") == "real":
            await asyncio.sleep(delay_ms / 1_000)
            return
        with self._sandbox.lock:
            now = self._sandbox.catch_up()
            self._sandbox.advance(now + timedelta(milliseconds=delay_ms))

    def _answered(self, request: Request, path: str, content: bytes, faults: Faulted) -> Response:
        sandbox = self._sandbox
        with sandbox.lock:
            sandbox.requests[path.rsplit("/", 1)[1]] += 1
            endpoint = BY_PATH.get(path)
            answer = Answer(body={})
            if endpoint is None:
                sandbox.catch_up()
                if is_processed(faults):
                    answer = self._opened(path, content, faults)
            else:
                sandbox.spend_latency()
                if is_processed(faults):
                    answer = self._business(request, endpoint, content, faults)
            return self._remembered(request, damaged(answer, faults), faults)

    def _opened(self, path: str, content: bytes, faults: Faulted) -> Answer:
        """What needs no token."""
        try:
            body = json.loads(content) if content else {}
        except ValueError:
            return gateway_error(*_BAD_JSON)
        if not isinstance(body, dict):
            return gateway_error(*_BAD_JSON)
        if FaultKind.RATE_LIMIT in faults:
            return oauth.too_soon() if path == _TOKEN else gateway.too_fast()
        if path == _TOKEN:
            return oauth.issue_token(self._sandbox, body)
        if path == _REVOKE:
            return oauth.revoke_token(self._sandbox, body)
        if path == _APPROVAL:
            return self._approved(body)
        if path == _HASHKEY:
            return oauth.hashkey(body)
        return Answer(
            body={"rt_cd": "1", "msg_cd": "OPSQ0002", "msg1": "없는 서비스 코드 입니다."},
            status=404,
        )

    def _approved(self, body: Mapping[str, object]) -> Answer:
        answer = oauth.approve(self._sandbox, body)
        if "approval_key" in answer.body:
            self.streams.approve(str(answer.body["approval_key"]), str(body["appkey"]))
        return answer

    def _business(
        self, request: Request, endpoint: Endpoint, content: bytes, faults: Faulted
    ) -> Answer:
        if request.method != endpoint.method:
            return gateway_error("OPSQ0002", "없는 서비스 코드 입니다.")
        try:
            fields = _fields(request, content)
        except ValueError:
            return gateway_error(*_BAD_JSON)
        headers = dict(request.headers)
        answer = gateway.answer(
            self._sandbox, endpoint, headers=headers, fields=fields, faults=faults
        )
        answer.headers = {"tr_id": headers.get("tr_id", ""), "gt_uid": ""}
        return answer

    def _remembered(self, request: Request, answer: Answer, faults: Faulted) -> Response:
        """The response; a stale one repeats what the same question was answered before."""
        if request.method != "GET" or answer.status != 200:
            return _response(answer, faults)
        question = f"{request.url.path}?{request.url.query}"
        before = self._sandbox.answers.get(question)
        if FaultKind.STALE in faults and before is not None:
            return _response(answer, faults, content=before)
        content = _encoded(answer)
        self._remember(question, content)
        return _response(answer, faults, content=content)

    def _remember(self, question: str, content: bytes) -> None:
        answers = self._sandbox.answers
        answers.pop(question, None)
        answers[question] = content
        if len(answers) > _ANSWERS_KEPT:
            del answers[next(iter(answers))]  # the oldest


def _fields(request: Request, content: bytes) -> dict[str, str]:
    """Query names in any case; body names as they came. Only text counts as a field.

    Raises ValueError for a body that is not a JSON object.
    """
    if request.method == "GET":
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        return {name.upper(): value for name, value in pairs}
    body = json.loads(content)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return {name: value for name, value in body.items() if isinstance(value, str)}


def _encoded(answer: Answer) -> bytes:
    return json.dumps(answer.body, ensure_ascii=False).encode()


def _response(
    answer: Answer, faults: Faulted | None = None, *, content: bytes | None = None
) -> Response:
    sent = _encoded(answer) if content is None else content
    sent, media_type = garbled(sent, faults or {})
    headers = {"content-type": media_type, MARK[0]: MARK[1], **answer.headers}
    if answer.headers:
        headers["tr_cont"] = answer.tr_cont
    return Response(sent, status_code=answer.status, headers=headers)


async def _hang_up(receive: Receive, *, resets: bool) -> None:
    """Close the connection without an answer; with a reset, if asked.

    ASGI has no word for it, so the server's own transport is taken from behind `receive`.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise RuntimeError("the server's transport is out of reach")
    if resets:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    # The server notices the lost connection in the next turn of the loop, and then expects
    # no response any more.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
