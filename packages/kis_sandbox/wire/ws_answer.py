"""Texts of the stream that are no data: what a client asks, and what it is answered.

Codes and shapes: kis-wire sections 6.2 and 6.3.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from kis_core.market.session import KST

SUBSCRIBE, UNSUBSCRIBE = "1", "2"
_NULL = "(null)"
_SUCCESSES = {"OPSP0000": "SUBSCRIBE SUCCESS", "OPSP0001": "UNSUBSCRIBE SUCCESS"}
# rt_cd 1 is about one registration, 9 about the session.
_FAILURES = {
    "OPSP0002": ("1", "ALREADY IN SUBSCRIBE"),
    "OPSP0003": ("1", "UNSUBSCRIBE ERROR(not found!)"),
    "OPSP0007": ("1", "SUBSCRIBE INTERNAL ERROR"),
    "OPSP0008": ("1", "MAX SUBSCRIBE OVER"),
    "OPSP0009": ("1", "SUBSCRIBE ERROR : mci send failed"),
    "OPSP0010": ("9", "invalid appkey"),
    "OPSP0011": ("9", "invalid approval : NOT FOUND"),
    "OPSP8991": ("1", "SUBSCRIBE ERROR : invalid tr_id"),
    "OPSP8992": ("1", "SUBSCRIBE ERROR : invalid tr_key"),
    "OPSP8996": ("9", "ALREADY IN USE appkey"),
    "OPSP8997": ("1", "JSON PARSING ERROR : invalid tr_type"),
    "OPSP9991": ("9", "JSON PARSING ERROR : input not found"),
    "OPSP9994": ("9", "INVALID appkey"),
    "OPSP9999": ("9", "JSON PARSING ERROR : invalid json format"),
}
_OF_THE_SESSION = frozenset(
    code for code, (rt_cd, _) in _FAILURES.items() if rt_cd == "9" or code == "OPSP8997"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A client's message."""

    approval_key: str
    tr_type: str
    tr_id: str
    tr_key: str


class Unreadable(Exception):
    """The client's text is no message; `code` is the answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_asked(text: str) -> Asked:
    """Read a client's message. Raises Unreadable."""
    try:
        document = json.loads(text)
        header, asked = document["header"], document["body"]["input"]
        return Asked(
            approval_key=str(header["approval_key"]),
            tr_type=str(header["tr_type"]),
            tr_id=str(asked["tr_id"]),
            tr_key=str(asked["tr_key"]),
        )
    except ValueError as error:
        raise Unreadable("OPSP9999") from error
    except (LookupError, TypeError) as error:
        raise Unreadable("OPSP9991") from error


def is_pingpong(text: str) -> bool:
    """Whether `text` is our own PINGPONG, sent back."""
    return '"PINGPONG"' in text


def success(code: str, *, tr_id: str, tr_key: str, key: str, iv: str) -> str:
    """A positive answer; key and iv come with all of them, whether they mean anything or not."""
    return json.dumps(
        {
            "header": {
                "tr_id": tr_id,
                "tr_key": tr_key,
                "encrypt": "Y" if tr_id.startswith("H0STCNI") else "N",
            },
            "body": {
                "rt_cd": "0",
                "msg_cd": code,
                "msg1": _SUCCESSES[code],
                "output": {"iv": iv, "key": key},
            },
        }
    )


def failure(code: str, *, tr_id: str = _NULL, tr_key: str = _NULL) -> str:
    """A negative answer. Where it is about the session, it names no registration."""
    rt_cd, text = _FAILURES[code]
    if code in _OF_THE_SESSION:
        tr_id = tr_key = _NULL
    return json.dumps(
        {
            "header": {"tr_id": tr_id, "tr_key": tr_key, "encrypt": "N"},
            "body": {"rt_cd": rt_cd, "msg_cd": code, "msg1": text},
        }
    )


def pingpong(now: datetime) -> str:
    """The server's question whether the client is there."""
    at = f"{now.astimezone(KST):%Y%m%d%H%M%S}"
    return json.dumps({"header": {"tr_id": "PINGPONG", "datetime": at}}, separators=(",", ":"))
