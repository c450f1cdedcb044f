"""A server that speaks as much of the Bot API over HTTP as a bot of ours needs, with its faults.

Method names, fields, error texts and the long poll's rules are those of core.telegram.org/bots/api
(read 2026-11). It is strict where the real one is: a text with broken markup, one that is too
long, and a wrong token are refused, and a chat's texts are what a reader would see.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "1234567:NOT-A-TOKEN-but-visibly-a-fake-of-a-test"
CHAT = 990_000_001
STRANGER = 990_000_666
BOT_NAME = "not_a_real_test_bot"
_METHODS = (
    *("getMe", "sendMessage", "getUpdates", "answerCallbackQuery", "editMessageText"),
    *("sendChatAction", "getWebhookInfo"),
)
_TEXT_MAX = 4_096
_PATIENCE_S = 60.0
_TAG = re.compile(r"<(/?)(\w+)>")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message of the bot, as its reader sees it. `buttons`: label to callback data."""

    message_id: int
    text: str
    is_silent: bool
    buttons: dict[str, str]


@dataclass(slots=True)
class Fault:
    """What the next `times` calls of a method get. `status` 0: no answer until `release`, or the
    server ends; -1: the connection is closed."""

    status: int
    times: int = 1
    description: str = "a fault of the test"
    retry_after: int | None = None


class Refused(Exception):
    """A status with the API's description."""

    def __init__(self, status: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after


@dataclass(slots=True)
class TelegramServer:
    """One bot with one chat. `url` is what TELEGRAM_API_URL is set to."""

    token: str = TOKEN
    sent: list[Sent] = field(default_factory=list)
    calls: list[tuple[str, float]] = field(default_factory=list)  # method, monotonic time
    offsets: list[int] = field(default_factory=list)
    commands: list[dict[str, str]] = field(default_factory=list)
    _edited: dict[int, str] = field(default_factory=dict)
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _faults: dict[str, list[Fault]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ending: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)
    _next_update: int = 700
    _next_message: int = 1
    url: str = ""
    webhook: str = ""

    # --- what a person does -------------------------------------------------------------------

    def say(self, text: str | None, *, chat: int = CHAT, age_s: float = 0.0) -> int:
        """Somebody types `text` (None: sends a picture); the update's id."""
        message: dict[str, Any] = {
            "message_id": self._number(),
            "date": int(time.time() - age_s),
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "Test"},
        }
        if text is not None:
            message["text"] = text
        return self._queue({"message": message})

    def press(self, sent: Sent, label: str, *, chat: int = CHAT) -> int:
        """Somebody presses a button under a message."""
        return self._queue(
            {
                "callback_query": {
                    "id": str(self._number()),
                    "from": {"id": chat, "is_bot": False, "first_name": "Test"},
                    "chat_instance": "1",
                    "data": sent.buttons[label],
                    "message": {
                        "message_id": sent.message_id,
                        "date": int(time.time()),
                        "chat": {"id": chat, "type": "private"},
                        "text": sent.text,
                    },
                }
            }
        )

    def queue_raw(self, update: dict[str, Any]) -> int:
        """An update of any other form."""
        return self._queue(update)

    # --- what goes wrong ----------------------------------------------------------------------

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` go wrong; "*" is any."""
        with self._changed:
            self._faults.setdefault(method, []).extend(faults)

    def mend(self) -> None:
        """Nothing goes wrong any more; who hangs is let go."""
        with self._changed:
            self._faults.clear()
            self._changed.notify_all()
        self._released.set()

    # --- what a test looks at -----------------------------------------------------------------

    @property
    def transcript(self) -> str:
        """All that was sent, in order, as the reader sees it, an edited text in its last form."""
        return "\n\n".join(self._edited.get(m.message_id, m.text) for m in list(self.sent))

    def called(self, method: str) -> int:
        """How often `method` was called."""
        return len([name for name, _ in list(self.calls) if name == method])

    def wait_for(self, what: Callable[[], object], *, within_s: float = _PATIENCE_S) -> None:
        """Return when `what` holds; it is looked at after every call. Fails after `within_s`."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while not what():
                left = deadline - time.monotonic()
                assert left > 0, f"did not happen within {within_s} s; sent:\n{self.transcript}"
                self._changed.wait(min(left, 0.1))  # what is awaited may not be a call of ours

    def wait_for_text(self, text: str) -> Sent:
        """The first message with `text` in it, when it has come."""
        self.wait_for(lambda: any(text in m.text for m in self.sent))
        return next(message for message in self.sent if text in message.text)

    def edited(self, sent: Sent) -> str:
        """What a message says now."""
        return self._edited.get(sent.message_id, sent.text)

    # --- the API ------------------------------------------------------------------------------

    def answer(self, token: str, method: str, given: dict[str, str]) -> object:
        """The result of one call; names are without case. Raises Refused."""
        method = next((m for m in _METHODS if m.casefold() == method.casefold()), method)
        with self._changed:
            self.calls.append((method, time.monotonic()))
            self._changed.notify_all()
            fault = self._fault(method)
        if fault is not None:
            self._go_wrong(fault)
        if token != self.token:
            raise Refused(401, "Unauthorized")
        methods: dict[str, Callable[[dict[str, str]], object]] = {
            "getMe": self._get_me,
            "sendMessage": self._send_message,
            "getUpdates": self._get_updates,
            "answerCallbackQuery": lambda _: True,
            "editMessageText": self._edit,
            "setMyCommands": self._set_commands,
            "sendChatAction": self._act,
            "getWebhookInfo": self._get_webhook,
        }
        if method not in methods:
            raise Refused(404, "Not Found: method not found")
        result = methods[method](given)
        with self._changed:
            self._changed.notify_all()
        return result

    def end(self) -> None:
        """Let every waiting call go."""
        self._ending.set()
        self._released.set()
        with self._changed:
            self._changed.notify_all()

    def _go_wrong(self, fault: Fault) -> None:
        if fault.status == 0:
            self._released.wait(_PATIENCE_S)
            raise ConnectionAbortedError
        if fault.status == -1:
            raise ConnectionAbortedError
        raise Refused(fault.status, fault.description, fault.retry_after)

    def _fault(self, method: str) -> Fault | None:
        for name in (method, "*"):
            faults = self._faults.get(name)
            if faults:
                faults[0].times -= 1
                fault = faults[0]
                if fault.times <= 0:
                    faults.pop(0)
                return fault
        return None

    def _get_me(self, _given: dict[str, str]) -> object:
        return {"id": 1_234_567, "is_bot": True, "first_name": "Test", "username": BOT_NAME}

    def _act(self, given: dict[str, str]) -> object:
        if int(given["chat_id"]) != CHAT:
            raise Refused(400, "Bad Request: chat not found")
        assert given["action"] == "typing"
        return True

    def _get_webhook(self, _given: dict[str, str]) -> object:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": 0}

    def _send_message(self, given: dict[str, str]) -> object:
        if int(given["chat_id"]) != CHAT:
            raise Refused(400, "Bad Request: chat not found")
        text = _read(given)
        keyboard = json.loads(given.get("reply_markup", "{}")).get("inline_keyboard", [])
        buttons = {b["text"]: b["callback_data"] for row in keyboard for b in row}
        assert all(len(data.encode()) <= 64 for data in buttons.values())
        with self._changed:
            sent = Sent(
                message_id=self._number(),
                text=text,
                is_silent=given.get("disable_notification") == "true",
                buttons=buttons,
            )
            self.sent.append(sent)
        return _message(sent.message_id, text)

    def _edit(self, given: dict[str, str]) -> object:
        number = int(given["message_id"])
        if all(message.message_id != number for message in self.sent):
            raise Refused(400, "Bad Request: message to edit not found")
        self._edited[number] = _read(given)
        return _message(number, self._edited[number])

    def _set_commands(self, given: dict[str, str]) -> object:
        self.commands = json.loads(given["commands"])
        for command in self.commands:
            assert re.fullmatch(r"[a-z0-9_]{1,32}", command["command"])
            assert 1 <= len(command["description"]) <= 256
        return True

    def _get_updates(self, given: dict[str, str]) -> object:
        offset, wait_s = int(given.get("offset", 0)), float(given.get("timeout", 0))
        deadline = time.monotonic() + wait_s
        with self._changed:
            self.offsets.append(offset)
            self._updates = [u for u in self._updates if u["update_id"] >= offset]
            while not self._updates and not self._ending.is_set() and not self._faults:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return list(self._updates)

    def _queue(self, update: dict[str, Any]) -> int:
        with self._changed:
            self._next_update += 1
            self._updates.append({"update_id": self._next_update, **update})
            self._changed.notify_all()
            return self._next_update

    def _number(self) -> int:
        self._next_message += 1
        return self._next_message


def _message(number: int, text: str) -> dict[str, Any]:
    return {
        "message_id": number,
        "date": int(time.time()),
        "chat": {"id": CHAT, "type": "private"},
        "text": text,
    }


def _read(given: dict[str, str]) -> str:
    """The text as it is shown. Raises Refused for what the real server refuses."""
    text = given["text"]
    if given.get("parse_mode") == "HTML":
        text = _shown(text)
    if not text.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if len(text) > _TEXT_MAX:
        raise Refused(400, "Bad Request: message is too long")
    return text


def _shown(marked: str) -> str:
    open_tags: list[str] = []
    for closing, name in _TAG.findall(marked):
        if name not in ("b", "code"):
            raise Refused(400, f'Bad Request: can\'t parse entities: unsupported tag "{name}"')
        if not closing:
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            raise Refused(400, "Bad Request: can't parse entities: unmatched end tag")
    bare = _TAG.sub("", marked)
    if open_tags or "<" in bare or "&" in _ENTITY.sub("", bare):
        raise Refused(400, "Bad Request: can't parse entities: unexpected character")
    return unescape(bare)


@contextmanager
def serving() -> Iterator[TelegramServer]:
    """A server on a free loopback port."""
    telegram = TelegramServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(telegram))
    server.daemon_threads = True
    telegram.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield telegram
    finally:
        telegram.end()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(telegram: TelegramServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            _, bot, method = urlsplit(self.path).path.split("/", 2)
            try:
                result = telegram.answer(bot.removeprefix("bot"), method, given)
            except Refused as refused:
                self._write(refused.status, _refusal(refused))
            except ConnectionAbortedError:
                self.close_connection = True
                self.connection.close()
            else:
                self._write(200, {"ok": True, "result": result})

        def _write(self, status: int, document: object) -> None:
            content = json.dumps(document).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # who asked has gone
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
            """Nothing: the test looks at `calls`."""

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

    return Handler


def _refusal(refused: Refused) -> dict[str, Any]:
    document: dict[str, Any] = {
        "ok": False,
        "error_code": refused.status,
        "description": refused.description,
    }
    if refused.retry_after is not None:
        document["parameters"] = {"retry_after": refused.retry_after}
    return document
