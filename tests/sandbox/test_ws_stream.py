"""The simulator's stream, spoken to as the wire reference describes it, by nobody's client."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kis_core.market.session import KST
from kis_sandbox.clock import ClockMode

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

EXAMPLES = Path(__file__).parents[1] / "data" / "kis-wire"
A, B = "005930", "000660"
WITHIN_S = 10.0


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


class Listener:
    """A bare socket and the reference's messages."""

    def __init__(self, client: "WireClient", socket: ClientConnection) -> None:
        self.client = client
        self.socket = socket
        self.approval_key = approval_of(client)

    def ask(
        self, tr_id: str, tr_key: str, *, tr_type: str = "1", approval_key: str | None = None
    ) -> dict[str, Any]:
        asked = example("ws-subscribe-request.json")
        asked["header"] |= {
            "approval_key": self.approval_key if approval_key is None else approval_key,
            "tr_type": tr_type,
        }
        asked["body"]["input"] = {"tr_id": tr_id, "tr_key": tr_key}
        self.socket.send(json.dumps(asked))
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next JSON text that is no PINGPONG."""
        while True:
            text = self.text()
            if text.startswith("{") and "PINGPONG" not in text:
                document: dict[str, Any] = json.loads(text)
                return document

    def text(self, *, within: float = WITHIN_S) -> str:
        text = self.socket.recv(timeout=within)
        assert isinstance(text, str)
        return text

    def data(self, *, count: int = 1) -> list[list[str]]:
        """The next `count` data frames, each as encryption, TR, count, payload."""
        frames: list[list[str]] = []
        while len(frames) < count:
            text = self.text()
            if text[0] in "01":
                frames.append(text.split("|", 3))
        return frames

    def silent(self) -> bool:
        try:
            self.text(within=0.3)
        except TimeoutError:
            return True
        return False


def approval_of(client: "WireClient") -> str:
    answer = client.http.post(
        "/oauth2/Approval",
        json={
            "grant_type": "client_credentials",
            "appkey": client.info["app_key"],
            "secretkey": client.info["app_secret"],
        },
    )
    key: str = answer.json()["approval_key"]
    return key


Listen = Callable[..., Listener]


@pytest.fixture
def listen() -> Iterator[Listen]:
    with ExitStack() as stack:

        def begin(client: "WireClient", *, path: str = "/tryitout") -> Listener:
            url = client.server.base_url.replace("http", "ws") + path
            opened = connect(url, ping_interval=None, compression=None, close_timeout=1)
            return Listener(client, stack.enter_context(opened))

        yield begin


def code(answer: dict[str, Any]) -> str:
    text: str = answer["body"]["msg_cd"]
    return text


@pytest.fixture
def trading(serve: "Serve") -> "WireClient":
    """The paper server at 09:30."""
    client = serve()
    client.advance("2026-11-24T09:30:00")
    return client


@pytest.mark.req("X-01")
@pytest.mark.parametrize("path", ["/", "/tryitout"])
def test_it_subscribes_and_unsubscribes_in_the_references_words(
    trading: "WireClient", listen: Listen, path: str
) -> None:
    listener = listen(trading, path=path)

    taken = listener.ask("H0STCNT0", A)
    again = listener.ask("H0STCNT0", A)
    gone = listener.ask("H0STCNT0", A, tr_type="2")
    nothing = listener.ask("H0STCNT0", A, tr_type="2")

    keys = taken["body"].pop("output")
    assert (len(keys["key"]), len(keys["iv"])) == (32, 16)
    expected = example("ws-subscribe-ack.json")
    expected["body"].pop("output")
    assert taken == expected
    assert again == example("ws-errors.json")["already_subscribed"]
    assert gone["body"].pop("output") == keys
    expected = example("ws-unsubscribe-ack.json")
    expected["body"].pop("output")
    assert gone == expected
    assert nothing == example("ws-errors.json")["unsubscribe_not_found"]


@pytest.mark.req("X-01")
def test_the_notices_answer_says_that_they_are_encrypted(serve: "Serve", listen: Listen) -> None:
    listener = listen(serve(mode="real"))

    taken = listener.ask("H0STCNI0", "sandbox")

    assert taken["header"] == {"tr_id": "H0STCNI0", "tr_key": "sandbox", "encrypt": "Y"}


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("invalid_approval", {"approval_key": "not-a-key"}),
        ("invalid_tr_id", {"tr_id": "H0XXXXX0"}),
        ("invalid_tr_key", {"tr_key": "ABCDEF"}),
        ("invalid_tr_type", {"tr_type": "0"}),
    ],
)
def test_what_is_wrong_is_refused_in_the_references_words(
    trading: "WireClient", listen: Listen, name: str, asked: dict[str, str]
) -> None:
    answer = listen(trading).ask(**({"tr_id": "H0STCNT0", "tr_key": A} | asked))

    assert answer == example("ws-errors.json")[name]


@pytest.mark.req("X-01")
def test_text_that_is_no_message_is_refused(trading: "WireClient", listen: Listen) -> None:
    listener = listen(trading)

    listener.socket.send("{")

    assert listener.answer() == example("ws-errors.json")["invalid_json"]


@pytest.mark.req("X-01")
def test_the_other_modes_notice_is_an_unknown_tr(trading: "WireClient", listen: Listen) -> None:
    assert code(listen(trading).ask("H0STCNI0", "sandbox")) == "OPSP8991"


@pytest.mark.req("X-01")
def test_another_path_is_no_stream(trading: "WireClient", listen: Listen) -> None:
    with pytest.raises(Exception, match="403"):
        listen(trading, path="/elsewhere")


@pytest.mark.req("X-01", "W-07")
def test_the_42nd_registration_is_one_too_many(serve: "Serve", listen: Listen) -> None:
    client = serve(symbols=60)
    listener = listen(client)
    symbols = list(client.server.sandbox.listing.symbols)[:42]

    codes = [code(listener.ask("H0STCNT0", symbol)) for symbol in symbols]

    assert codes == ["OPSP0000"] * 41 + ["OPSP0008"]


@pytest.mark.req("X-01")
def test_one_session_an_app_key(trading: "WireClient", listen: Listen) -> None:
    first, second = listen(trading), listen(trading)
    first.ask("H0STCNT0", A)

    assert second.ask("H0STCNT0", A) == example("ws-errors.json")["already_in_use_appkey"]


@pytest.mark.req("X-01")
def test_the_place_of_a_lost_session_stays_taken_for_half_a_minute(
    trading: "WireClient", listen: Listen
) -> None:
    first = listen(trading)
    first.ask("H0STCNT0", A)
    trading.server.faults.add("ws-frame", "ws_drop", count=1)
    trading.advance("2026-11-24T09:31:00")
    with pytest.raises(ConnectionClosed):
        first.data(count=10)

    soon = code(listen(trading).ask("H0STCNT0", A))
    trading.advance("2026-11-24T09:31:31")
    later = code(listen(trading).ask("H0STCNT0", A))

    assert (soon, later) == ("OPSP8996", "OPSP0000")


@pytest.mark.req("X-01")
def test_a_session_that_said_good_bye_leaves_its_place(
    trading: "WireClient", listen: Listen
) -> None:
    first = listen(trading)
    first.ask("H0STCNT0", A)

    first.socket.close()
    while trading.server.realtime.sessions:
        trading.http.get("/sandbox/info")

    assert code(listen(trading).ask("H0STCNT0", A)) == "OPSP0000"


@pytest.mark.req("X-01", "X-02")
@pytest.mark.parametrize("fields", [46, 47])
def test_prints_are_the_tapes_in_the_order_of_their_volume(
    trading: "WireClient", listen: Listen, fields: int
) -> None:
    trading.server.realtime.options.trade_fields = fields
    listener = listen(trading)
    listener.ask("H0STCNT0", A)
    trading.advance("2026-11-24T09:31:00")

    records: list[list[str]] = []
    last = str(trading.server.exchange.state(A).volume)  # type: ignore[union-attr]  # listed
    while not records or records[-1][13] != last:
        ((encryption, tr_id, count, payload),) = listener.data()
        values = payload.split("^")
        assert (encryption, tr_id, len(count)) == ("0", "H0STCNT0", 3)
        assert len(values) == int(count) * fields
        records += [values[i : i + fields] for i in range(0, len(values), fields)]

    volumes = [int(record[13]) for record in records]
    assert volumes == sorted(volumes)
    quote = trading.quote(A)
    final = records[-1]
    assert (final[0], final[2], final[7], final[8], final[9]) == (
        A,
        quote["stck_prpr"],
        quote["stck_oprc"],
        quote["stck_hgpr"],
        quote["stck_lwpr"],
    )
    assert (final[13], final[14]) == (quote["acml_vol"], quote["acml_tr_pbmn"])
    assert int(final[2]) - int(final[4]) == int(quote["stck_sdpr"])
    assert final[33] == "20261124"
    assert all("093000" <= record[1] <= "093100" for record in records)


@pytest.mark.req("X-01", "F-059")
def test_a_frame_may_hold_several_records(trading: "WireClient", listen: Listen) -> None:
    listener = listen(trading)
    listener.ask("H0STCNT0", A)

    trading.advance("2026-11-24T09:32:00")

    counts = [int(frame[2]) for frame in listener.data(count=4)]
    assert max(counts) > 1


@pytest.mark.req("X-03")
def test_frames_come_as_the_stepped_clock_moves_and_not_otherwise(
    trading: "WireClient", listen: Listen
) -> None:
    listener = listen(trading)
    listener.ask("H0STCNT0", A)

    still = listener.silent()
    trading.advance("2026-11-24T09:31:00")

    assert still
    assert listener.data()


@pytest.mark.req("X-03")
def test_frames_come_by_themselves_on_a_clock_that_runs(serve: "Serve", listen: Listen) -> None:
    client = serve(
        clock=ClockMode.ACCELERATED, speed=60.0, start=datetime(2026, 11, 24, 9, 30, tzinfo=KST)
    )
    listener = listen(client)

    listener.ask("H0STCNT0", A)

    assert len(listener.data(count=5)) == 5


@pytest.mark.req("X-01")
def test_pingpong_comes_every_dozen_seconds_and_either_answer_will_do(
    trading: "WireClient", listen: Listen
) -> None:
    listener = listen(trading)
    listener.ask("H0STCNT0", "990010")  # halted: nothing prints

    texts = []
    for number in range(20):
        now = trading.server.exchange.now + timedelta(seconds=12)
        trading.advance(now.isoformat())
        texts.append(listener.text())
        if number % 2:
            listener.socket.send(texts[-1])
        else:
            listener.socket.pong(texts[-1].encode())

    expected = example("ws-pingpong.json")
    assert all(re.fullmatch(r"\d{14}", json.loads(t)["header"]["datetime"]) for t in texts)
    assert {json.loads(t)["header"]["tr_id"] for t in texts} == {expected["header"]["tr_id"]}


@pytest.mark.req("X-01")
def test_a_client_that_does_not_answer_pingpong_is_closed(
    trading: "WireClient", listen: Listen
) -> None:
    listener = listen(trading)
    listener.ask("H0STCNT0", "990010")

    for _ in range(10):
        now = trading.server.exchange.now + timedelta(seconds=12)
        trading.advance(now.isoformat())

    with pytest.raises(ConnectionClosed) as caught:
        listener.data()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


@pytest.mark.req("X-01")
@pytest.mark.parametrize("fields", [23, 26])
@pytest.mark.parametrize(("mode", "tr_id"), [("paper", "H0STCNI9"), ("real", "H0STCNI0")])
def test_an_orders_notices_read_as_the_reference_says(
    serve: "Serve", listen: Listen, mode: str, tr_id: str, fields: int
) -> None:
    client = serve(mode=mode)
    client.advance("2026-11-24T09:30:00")
    client.server.realtime.options.notice_fields = fields
    listener = listen(client)
    keys = listener.ask(tr_id, "sandbox")["body"]["output"]

    number = client.order("buy", A, 3, 0, kind="01").json()["output"]["ODNO"]
    client.advance("2026-11-24T09:31:00")
    receipt, fill = (decrypted(frame[3], keys) for frame in listener.data(count=2))

    done = client.ledger()["fills"][0]
    account = f"{client.info['account_no']}01"
    assert len(receipt) == len(fill) == fields
    assert receipt[:11] == [
        *("sandbox", account, number, "", "02", "0", "01", "0", A),
        *("0000000003", "000000000"),
    ]
    assert receipt[12:15] == ["0", "1", "1"]
    assert fill[9:11] == ["0000000003", f"{done['price']:09d}"]
    assert fill[12:15] == ["0", "2", "2"]
    assert fill[16] == receipt[16] == "000000003"


@pytest.mark.req("X-01")
def test_a_cancellation_and_a_refusal_have_notices_of_their_own(
    trading: "WireClient", listen: Listen
) -> None:
    listener = listen(trading)
    keys = listener.ask("H0STCNI9", "sandbox")["body"]["output"]
    low = int(trading.quote(A)["stck_llam"])

    number = trading.order("buy", A, 4, low).json()["output"]["ODNO"]
    trading.revise(number, cancels=True)
    trading.server.faults.add("order-cash", "exchange_rejected", count=1)
    trading.order("buy", A, 2, low)
    _, cancel, refused = (decrypted(frame[3], keys) for frame in listener.data(count=3))

    assert (cancel[3], cancel[5], cancel[9], cancel[13:15]) == (
        number,
        "2",
        "0000000004",
        ["1", "2"],
    )
    assert (refused[9], refused[12:15]) == ("0000000002", ["1", "1", "2"])


@pytest.mark.req("X-01")
def test_what_an_immediate_order_left_over_is_told_once(serve: "Serve", listen: Listen) -> None:
    client = serve(mode="real")
    client.advance("2026-11-24T09:30:00")
    listener = listen(client)
    keys = listener.ask("H0STCNI0", "sandbox")["body"]["output"]
    low = int(client.quote(A)["stck_llam"])

    client.order("buy", A, 5, low, kind="11")
    client.advance("2026-11-24T09:32:00")
    client.advance("2026-11-24T09:33:00")
    receipt, rest = (decrypted(frame[3], keys) for frame in listener.data(count=2))

    assert receipt[14] == "1"
    assert (rest[7], rest[9], rest[13:15]) == ("1", "0000000005", ["1", "3"])


def test_notices_of_before_the_registration_are_not_repeated(
    trading: "WireClient", listen: Listen
) -> None:
    trading.order("buy", A, 1, 0, kind="01")
    trading.advance("2026-11-24T09:31:00")
    listener = listen(trading)

    listener.ask("H0STCNI9", "sandbox")

    assert listener.silent()


@pytest.mark.req("X-06")
def test_the_stream_says_that_it_is_the_simulators(trading: "WireClient", listen: Listen) -> None:
    response = listen(trading).socket.response

    assert response is not None
    assert response.headers["X-KIS-Sandbox"] == "1"


def decrypted(payload: str, keys: dict[str, str]) -> list[str]:
    decryptor = Cipher(AES(keys["key"].encode()), CBC(keys["iv"].encode())).decryptor()
    padded = decryptor.update(base64.b64decode(payload)) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return (unpadder.update(padded) + unpadder.finalize()).decode().split("^")


@pytest.mark.req("X-04")
def test_the_same_seed_and_requests_give_the_same_answers(serve: "Serve", listen: Listen) -> None:
    told = []
    for seed in (7, 7, 8):
        client = serve(seed=seed)
        client.advance("2026-11-24T09:30:00")
        listener = listen(client)
        answers = [listener.ask("H0STCNI9", "sandbox"), listener.ask("H0STCNT0", A)]
        client.advance("2026-11-24T09:30:20")
        told.append((answers, listener.data()))

    assert told[0] == told[1]
    assert told[0][0][0]["body"]["output"] != told[2][0][0]["body"]["output"]
