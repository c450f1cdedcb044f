"""What can go wrong on the simulator's stream, on demand (X-05)."""

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kis_sandbox.order import OrderType, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.conftest import Serve, WireClient

A = "005930"


class Stream:
    def __init__(self, client: "WireClient", socket: ClientConnection) -> None:
        self.client = client
        self.socket = socket
        key = client.http.post(
            "/oauth2/Approval",
            json={
                "grant_type": "client_credentials",
                "appkey": client.info["app_key"],
                "secretkey": client.info["app_secret"],
            },
        ).json()["approval_key"]
        self.header = {"approval_key": key, "custtype": "P", "tr_type": "1"}

    def subscribe(self, tr_id: str, tr_key: str) -> dict[str, Any]:
        asked = {"input": {"tr_id": tr_id, "tr_key": tr_key}}
        self.socket.send(json.dumps({"header": self.header, "body": asked}))
        answer: dict[str, Any] = json.loads(self.socket.recv(timeout=10))
        return answer

    def fault(self, kind: str, *, route: str = "ws-frame", **params: Any) -> None:
        asked = {"route": route, "kind": kind, "count": 1, "params": params}
        self.client.http.post("/sandbox/faults", json=asked).raise_for_status()

    def texts(self, within: float = 0.5) -> list[str]:
        found = []
        while True:
            try:
                found.append(str(self.socket.recv(timeout=within)))
            except TimeoutError:
                return found


@pytest.fixture
def stream(serve: "Serve") -> "Iterator[Stream]":
    client = serve()
    client.advance("2026-11-24T09:30:00")
    url = client.server.base_url.replace("http", "ws") + "/tryitout"
    with connect(url, ping_interval=None, compression=None, close_timeout=1) as socket:
        yield Stream(client, socket)


@pytest.mark.req("X-05")
@pytest.mark.parametrize(("kind", "close_code"), [("ws_close", 1001), ("ws_drop", None)])
def test_the_connection_is_closed_or_dropped_without_a_word(
    stream: Stream, kind: str, close_code: int | None
) -> None:
    stream.subscribe("H0STCNT0", A)
    stream.fault(kind)

    stream.client.advance("2026-11-24T09:31:00")

    with pytest.raises(ConnectionClosed) as caught:
        stream.texts()
    received = caught.value.rcvd
    assert (received.code if received is not None else None) == close_code


@pytest.mark.req("X-05")
def test_silence_keeps_the_socket_open_and_says_nothing(stream: Stream) -> None:
    stream.subscribe("H0STCNT0", A)
    stream.fault("ws_silence", seconds=120)

    stream.client.advance("2026-11-24T09:31:00")
    silent = stream.texts()
    stream.client.advance("2026-11-24T09:33:01")
    stream.client.advance("2026-11-24T09:33:30")

    assert silent == []
    assert any(text.startswith("0|") for text in stream.texts())


@pytest.mark.req("X-05")
def test_garbage_comes_between_the_frames(stream: Stream) -> None:
    stream.subscribe("H0STCNT0", A)
    stream.fault("ws_garbage", frames=7)

    stream.client.advance("2026-11-24T09:30:20")
    texts = stream.texts()

    assert len(texts) > 7
    assert texts[-1].startswith(("0|H0STCNT0|", '{"header":{"tr_id":"PINGPONG"'))


@pytest.mark.req("X-05")
@pytest.mark.parametrize("code", ["OPSP0008", "OPSP8996", "OPSP0011", "OPSP0007"])
def test_a_subscription_is_refused_with_the_code_asked_for(stream: Stream, code: str) -> None:
    stream.fault("ws_refuse", route="ws-subscribe", code=code)

    refused, taken = stream.subscribe("H0STCNT0", A), stream.subscribe("H0STCNT0", A)

    assert (refused["body"]["msg_cd"], taken["body"]["msg_cd"]) == (code, "OPSP0000")


@pytest.mark.req("X-05")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("notice_duplicate", ["1", "1", "2", "2"]), ("notice_reorder", ["2", "1"])],
)
def test_notices_are_repeated_or_come_the_other_way_round(
    stream: Stream, kind: str, expected: list[str]
) -> None:
    keys = stream.subscribe("H0STCNI9", "sandbox")["body"]["output"]
    stream.fault(kind, route="ws-notice")
    sandbox = stream.client.server.sandbox
    with sandbox.lock:  # receipt and fill fall due at once
        order = sandbox.place(
            symbol=A, side=Side.BUY, order_type=OrderType.MARKET, quantity=1, price=0
        )
        sandbox.fill_at_once(order.number)

    texts = [text for text in stream.texts() if text.startswith("1|")]
    assert [kind_of(text.split("|", 3)[3], keys) for text in texts] == expected


def kind_of(payload: str, keys: dict[str, str]) -> str:
    """CNTG_YN: 1 a receipt, 2 a fill."""
    decryptor = Cipher(AES(keys["key"].encode()), CBC(keys["iv"].encode())).decryptor()
    text = (decryptor.update(base64.b64decode(payload)) + decryptor.finalize()).decode()
    return text.split("^")[13]


@pytest.mark.req("X-05")
def test_a_wrong_hts_id_costs_the_connection_without_a_word(stream: Stream) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        stream.subscribe("H0STCNI9", "somebody")

    assert caught.value.rcvd is None
