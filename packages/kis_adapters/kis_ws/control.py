"""What is not data: subscribe messages, their answers, and PINGPONG. Source: kis-wire 6.2, 6.3."""

import json
from dataclasses import dataclass

from kis_adapters.kis_ws.frame import Garbage

_SUBSCRIBE, _UNSUBSCRIBE = "1", "2"
_PINGPONG = "PINGPONG"


@dataclass(frozen=True, slots=True)
class Registration:
    """One place of the 41: a TR and what it is about (a symbol; the HTS id for notices)."""

    tr_id: str
    tr_key: str


@dataclass(frozen=True, slots=True)
class PingPong:
    """The server asks whether we are there; its own text is the answer."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer:
    """What the server says to a message of ours. `registration` is None where it does not say
    which one it means. `key` and `iv` come with every success, and mean something only with the
    notices'."""

    registration: Registration | None
    code: str
    text: str
    key: str = ""
    iv: str = ""

    def __repr__(self) -> str:
        return f"Answer({self.code}, {self.text!r})"


def message(registration: Registration, *, approval_key: str, subscribes: bool) -> str:
    """The text that registers, or takes back, exactly one registration. Never to be shown."""
    return json.dumps(
        {
            "header": {
                "approval_key": approval_key,
                "custtype": "P",
                "tr_type": _SUBSCRIBE if subscribes else _UNSUBSCRIBE,
                "content-type": "utf-8",
            },
            "body": {"input": {"tr_id": registration.tr_id, "tr_key": registration.tr_key}},
        }
    )


def read_control(text: str) -> PingPong | Answer:
    """Read a JSON frame. Raises Garbage."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Garbage("json") from error
    header, body = _part(document, "header"), _part(document, "body")
    tr_id = _text(header, "tr_id")
    if tr_id == _PINGPONG:
        return PingPong()
    code = _text(body, "msg_cd")
    if not code:
        raise Garbage("json")
    output = _part(body, "output")
    tr_key = _text(header, "tr_key")
    is_named = tr_id not in ("", "(null)") and tr_key not in ("", "(null)")
    return Answer(
        registration=Registration(tr_id, tr_key) if is_named else None,
        code=code,
        text=_text(body, "msg1"),
        key=_text(output, "key"),
        iv=_text(output, "iv"),
    )


def _part(document: object, name: str) -> dict[str, object]:
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}


def _text(part: dict[str, object], name: str) -> str:
    value = part.get(name)
    return value.strip() if isinstance(value, str) else ""
