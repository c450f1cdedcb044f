"""The realtime stream over WebSocket: one connection's conversation, and all of them together.

Mounted at / and /tryitout of the same port as REST. Frames leave as the market goes on, whether
its clock runs by itself or is advanced by a call: that call is answered after they have left.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from starlette.types import Receive, Scope, Send

from kis_sandbox.faults import Fault, FaultKind
from kis_sandbox.realtime import BOOK, TRADE, Realtime, RealtimeSession
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire.ws_answer import (
    SUBSCRIBE,
    UNSUBSCRIBE,
    Asked,
    Unreadable,
    failure,
    is_pingpong,
    pingpong,
    read_asked,
    success,
)

PATHS = ("/", "/tryitout")
FRAME_ROUTE, SUBSCRIBE_ROUTE, NOTICE_ROUTE = "ws-frame", "ws-subscribe", "ws-notice"

_LOOK_EVERY_S = 0.02
_FLUSH_WITHIN_S = 0.5
_UNANSWERED_MAX = timedelta(seconds=100)
_REAL_GRACE_S = 1.0
_MARK = (b"x-kis-sandbox", b"1")
_GARBAGE = (
    "",
    "|",
    "0|H0STCNT0|001|",
    "0|H0STCNT0|001|005930^101530^705",
    "0|H0STCNT0|002|005930^101530^70500",
    "0|H0STCNT0|abc|^^^^",
    "0|H0ZZZZZ0|001|1^2^3",
    "1|H0STCNI0|001|bm90IGVuY3J5cHRlZA==",
    "{",
    '{"header":1}',
    "\ufffd\u0000\ufffd",
)


class Streams:
    """Every realtime connection of one simulator."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.realtime = Realtime(sandbox)
        self._sandbox = sandbox
        self._approved: dict[str, str] = {}
        self._connections: set[_Connection] = set()

    def approve(self, approval_key: str, app_key: str) -> None:
        """`approval_key` was issued to `app_key`."""
        self._approved[approval_key] = app_key

    def owner_of(self, approval_key: str) -> str | None:
        """The app key that `approval_key` was issued to."""
        return self._approved.get(approval_key)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Talk with one client until it or we hang up."""
        await receive()  # websocket.connect
        if scope["path"] not in PATHS:
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept", "headers": [_MARK]})
        connection = _Connection(self, self._sandbox, receive, send)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    async def flush(self) -> None:
        """Let every connection send what is due; a client that does not read is not waited for."""
        if not self._connections:
            return
        sending = [asyncio.ensure_future(c.push()) for c in self._connections]
        await asyncio.wait(sending, timeout=_FLUSH_WITHIN_S)


class _Connection:
    """One client. Its session begins with its first valid subscription."""

    def __init__(self, streams: Streams, sandbox: Sandbox, receive: Receive, send: Send) -> None:
        self._streams = streams
        self._sandbox = sandbox
        self._receive = receive
        self._send = send
        self._session: RealtimeSession | None = None
        self._pushing = asyncio.Lock()
        self._is_open = True
        self._is_clean = False
        self._unanswered: tuple[datetime, float] | None = None
        _on_pong(receive, self._answered)

    async def run(self) -> None:
        """Listen and push side by side until the connection is over."""
        listening = asyncio.ensure_future(self._listen())
        pushing = asyncio.ensure_future(self._keep_pushing())
        try:
            await asyncio.wait((listening, pushing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._is_open = False
            with self._sandbox.lock:
                if self._session is not None:
                    self._streams.realtime.close(self._session, is_clean=self._is_clean)
            listening.cancel()
            pushing.cancel()
            await _ended(listening, pushing)

    async def push(self) -> None:
        """Send what is due now."""
        async with self._pushing:
            if not self._is_open or self._session is None:
                return
            with self._sandbox.lock:
                frames = self._due(self._session)
                faults = self._strikes(self._session) if frames else {}
            if FaultKind.WS_DROP in faults:
                self._hang_up()
                return
            if FaultKind.WS_CLOSE in faults:
                await self._say_good_bye()
                return
            if FaultKind.WS_SILENCE in faults:
                return
            garbage = faults.get(FaultKind.WS_GARBAGE)
            for text in [*(_garbage(garbage) if garbage is not None else ()), *frames]:
                await self._send_text(text)
            if self._unanswered is None and is_pingpong(frames[-1] if frames else ""):
                self._unanswered = (self._sandbox.exchange.now, time.monotonic())

    async def _keep_pushing(self) -> None:
        while self._is_open:
            with self._sandbox.lock:
                now = self._sandbox.catch_up()
            if self._is_ignored(now):
                await self._say_good_bye()
                return
            await self.push()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _listen(self) -> None:
        while self._is_open:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._is_clean = event.get("code") == 1000
                return
            await self._take(event.get("text") or "")

    async def _take(self, text: str) -> None:
        if is_pingpong(text):
            self._answered()
            return
        try:
            asked = read_asked(text)
        except Unreadable as error:
            await self._send_text(failure(error.code))
            return
        with self._sandbox.lock:
            answer = self._answer(asked)
        if answer is None:
            self._hang_up()
            return
        await self._send_text(answer)

    def _answered(self) -> None:
        """The client answered PINGPONG, one way or the other."""
        self._unanswered = None

    def _is_ignored(self, now: datetime) -> bool:
        """Whether PINGPONG has gone unanswered for too long; on a clock that jumps or races, a
        moment of real time has to have passed as well."""
        if self._unanswered is None:
            return False
        asked_at, real = self._unanswered
        return now - asked_at > _UNANSWERED_MAX and time.monotonic() - real > _REAL_GRACE_S

    def _answer(self, asked: Asked) -> str | None:
        """The answer's text; None for what the server drops the connection for."""
        self._sandbox.catch_up()
        fault = self._sandbox.faults.striking(SUBSCRIBE_ROUTE).get(FaultKind.WS_REFUSE)
        if fault is not None:
            code = fault.text_param("code", "OPSP0007")
            return failure(code, tr_id=asked.tr_id, tr_key=asked.tr_key)
        app_key = self._streams.owner_of(asked.approval_key)
        if app_key is None:
            return failure("OPSP0011")
        if app_key != self._sandbox.credentials.app_key:
            return failure("OPSP9994")
        if self._session is None:
            self._session = self._streams.realtime.open(app_key)
        if self._session is None:
            return failure("OPSP8996")
        return self._registered(self._session, asked)

    def _registered(self, session: RealtimeSession, asked: Asked) -> str | None:
        realtime, place = self._streams.realtime, (asked.tr_id, asked.tr_key)
        if asked.tr_type == UNSUBSCRIBE:
            if place not in session.places:
                return failure("OPSP0003", tr_id=asked.tr_id, tr_key=asked.tr_key)
            realtime.unsubscribe(session, place)
            return self._success("OPSP0001", session, asked)
        if asked.tr_type != SUBSCRIBE:
            return failure("OPSP8997")
        notice = "H0STCNI9" if self._sandbox.is_paper else "H0STCNI0"
        if asked.tr_id == notice and asked.tr_key != self._sandbox.credentials.hts_id:
            return None  # measured: a wrong HTS id costs the connection, without a word
        code = self._problem(session, asked, notice)
        if code is not None:
            return failure(code, tr_id=asked.tr_id, tr_key=asked.tr_key)
        realtime.subscribe(session, place)
        return self._success("OPSP0000", session, asked)

    def _problem(self, session: RealtimeSession, asked: Asked, notice: str) -> str | None:
        if asked.tr_id not in (TRADE, BOOK, notice):
            return "OPSP8991"
        if asked.tr_id != notice and self._sandbox.listing.find(asked.tr_key) is None:
            return "OPSP8992"
        if (asked.tr_id, asked.tr_key) in session.places:
            return "OPSP0002"
        is_full = len(session.places) >= self._streams.realtime.options.places
        return "OPSP0008" if is_full else None

    def _success(self, code: str, session: RealtimeSession, asked: Asked) -> str:
        return success(code, tr_id=asked.tr_id, tr_key=asked.tr_key, key=session.key, iv=session.iv)

    def _due(self, session: RealtimeSession) -> list[str]:
        realtime, now = self._streams.realtime, self._sandbox.exchange.now
        frames = realtime.due(session)
        notices = realtime.due_notices(session)
        if notices:
            faults = self._sandbox.faults.striking(NOTICE_ROUTE)
            if FaultKind.NOTICE_DUPLICATE in faults:
                notices = [text for text in notices for _ in range(2)]
            if FaultKind.NOTICE_REORDER in faults:
                notices.reverse()
        frames += notices
        if realtime.is_ping_due(session):
            frames.append(pingpong(now))
        if session.silent_until is not None and now < session.silent_until:
            return []
        return frames

    def _strikes(self, session: RealtimeSession) -> dict[FaultKind, Fault]:
        faults = self._sandbox.faults.striking(FRAME_ROUTE)
        silence = faults.get(FaultKind.WS_SILENCE)
        if silence is not None:
            seconds = silence.number_param("seconds", 3_600)
            session.silent_until = self._sandbox.exchange.now + timedelta(seconds=seconds)
        return faults

    async def _send_text(self, text: str) -> None:
        if self._is_open:
            await self._send({"type": "websocket.send", "text": text})

    async def _say_good_bye(self) -> None:
        """Close as a server does that restarts."""
        self._is_open, self._is_clean = False, True
        await self._send({"type": "websocket.close", "code": 1001})

    def _hang_up(self) -> None:
        """Drop the connection without a close frame; ASGI has no word for it."""
        self._is_open = False
        transport = getattr(getattr(self._receive, "__self__", None), "transport", None)
        if not isinstance(transport, asyncio.Transport):
            raise RuntimeError("the server's transport is out of reach")
        transport.abort()


async def _ended(*tasks: "asyncio.Future[None]") -> None:
    """Wait for cancelled tasks; a client that left meanwhile is no error, everything else is."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        is_expected = isinstance(outcome, asyncio.CancelledError | OSError)
        if isinstance(outcome, BaseException) and not is_expected:
            raise outcome


def _garbage(fault: Fault) -> list[str]:
    """Frames that make no sense, `frames` of them, the same ones for the same fault."""
    draw = Random(fault.number)
    return [draw.choice(_GARBAGE) for _ in range(fault.number_param("frames", 20))]


def _on_pong(receive: Receive, call: Callable[[], None]) -> None:
    """Hear of pong frames too: some clients answer PINGPONG with one, and ASGI keeps them."""
    protocol = getattr(receive, "__self__", None)
    handle = getattr(protocol, "handle_pong", None)
    if protocol is None or handle is None:
        raise RuntimeError("the server's protocol is out of reach")

    def heard(*arguments: object) -> None:
        call()
        handle(*arguments)

    protocol.handle_pong = heard
