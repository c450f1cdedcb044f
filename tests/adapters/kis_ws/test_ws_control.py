"""Messages, answers and codes are those of the wire reference."""

import json
import re
from pathlib import Path

import pytest

from kis_adapters.kis_ws.code import KNOWN_CODES, Remedy, remedy_for
from kis_adapters.kis_ws.control import Answer, PingPong, Registration, message, read_control
from kis_adapters.kis_ws.endpoint import checked_ws_url, default_ws_url, notice_tr_id
from kis_adapters.kis_ws.frame import Garbage
from kis_core.orders.identity import TradingMode

EXAMPLES = Path(__file__).parents[2] / "data" / "kis-wire"
TRADE = Registration("H0STCNT0", "005930")


def example(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


@pytest.mark.req("W-01")
@pytest.mark.parametrize(
    ("name", "subscribes"),
    [("ws-subscribe-request.json", True), ("ws-unsubscribe-request.json", False)],
)
def test_a_message_is_the_references(name: str, subscribes: bool) -> None:
    text = message(
        TRADE, approval_key="00000000-1111-2222-3333-444444444444", subscribes=subscribes
    )

    assert json.loads(text) == json.loads(example(name))


@pytest.mark.req("W-01")
def test_pingpong_is_recognised() -> None:
    assert read_control(example("ws-pingpong.json")) == PingPong()


@pytest.mark.req("W-01", "W-04")
def test_an_answer_brings_code_registration_and_keys() -> None:
    answer = read_control(example("ws-subscribe-ack-notice.json"))

    assert answer == Answer(
        registration=Registration("H0STCNI0", "myhtsid"),
        code="OPSP0000",
        text="SUBSCRIBE SUCCESS",
        key="abcdefghijklmnopqrstuvwxyz012345",
        iv="0123456789abcdef",
    )
    assert "abcdef" not in repr(answer)


@pytest.mark.req("F-062")
def test_an_answer_about_the_session_names_no_registration() -> None:
    errors = json.loads(example("ws-errors.json"))

    named = {}
    for text in errors.values():
        answer = read_control(json.dumps(text))
        assert isinstance(answer, Answer)
        named[answer.code] = answer.registration

    assert named["OPSP0008"] == Registration("H0STCNT0", "000660")
    assert named["OPSP8996"] is named["OPSP0011"] is None


@pytest.mark.req("W-08")
@pytest.mark.parametrize(
    "text", ["{", "{}", '{"header":1}', '{"header":{},"body":[]}', '{"body":{"msg_cd":5}}', "[1]"]
)
def test_json_that_says_nothing_is_garbage(text: str) -> None:
    with pytest.raises(Garbage):
        read_control(text)


@pytest.mark.req("F-062")
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("OPSP0000", Remedy.ACTIVE),
        ("OPSP0001", Remedy.INACTIVE),
        ("OPSP0002", Remedy.ACTIVE),
        ("OPSP0003", Remedy.INACTIVE),
        ("OPSP0007", Remedy.AGAIN),
        ("OPSP0008", Remedy.FEWER),
        ("OPSP0009", Remedy.AGAIN),
        ("OPSP0010", Remedy.STOP),
        ("OPSP0011", Remedy.NEW_KEY),
        ("OPSP8991", Remedy.GIVE_UP_ONE),
        ("OPSP8996", Remedy.BUSY),
        ("OPSP8999", Remedy.AGAIN),
        ("OPSP9994", Remedy.STOP),
        ("OPSP9999", Remedy.STOP),
        ("OPSP5555", Remedy.AGAIN),
    ],
)
def test_each_code_has_its_remedy(code: str, remedy: Remedy) -> None:
    assert remedy_for(code) is remedy


@pytest.mark.req("F-062")
def test_every_code_of_the_reference_is_in_the_table() -> None:
    codes = "0000 0001 0002 0003 0007 0008 0009 0010 0011 8991 8992 8993 8994 8995 8996 8997 8998"
    codes += " 8999 9990 9991 9992 9993 9994 9995 9996 9997 9998 9999"

    assert {f"OPSP{code}" for code in codes.split()} == KNOWN_CODES


@pytest.mark.req("F-065", "M-07")
def test_each_mode_has_its_own_server_and_notice() -> None:
    assert default_ws_url(TradingMode.REAL) == "ws://ops.koreainvestment.com:21000/tryitout"
    assert default_ws_url(TradingMode.PAPER) == "ws://ops.koreainvestment.com:31000/tryitout"
    assert notice_tr_id(TradingMode.REAL) == "H0STCNI0"
    assert notice_tr_id(TradingMode.PAPER) == "H0STCNI9"
    for refuse in (default_ws_url, notice_tr_id):
        with pytest.raises(ValueError):
            refuse(TradingMode.VIRTUAL)


@pytest.mark.req("F-065", "K-11", "M-07")
@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("ws://ops.koreainvestment.com:21000", TradingMode.PAPER),
        ("ws://ops.koreainvestment.com:31000", TradingMode.REAL),
        ("wss://ops.koreainvestment.com:21000", TradingMode.PAPER),
        ("ws://other.koreainvestment.com:31000", TradingMode.PAPER),
        ("ws://example.com:31000", TradingMode.PAPER),
        ("http://127.0.0.1:1", TradingMode.PAPER),
        ("ws://user:word@127.0.0.1:1", TradingMode.PAPER),
        ("ws://127.0.0.1:1/?x=1", TradingMode.PAPER),
    ],
)
def test_a_server_that_the_mode_must_not_use_is_refused_in_korean(
    url: str, mode: TradingMode
) -> None:
    with pytest.raises(ValueError) as caught:
        checked_ws_url(url, mode)

    assert re.search("[가-힣]", str(caught.value))


@pytest.mark.req("K-11")
@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("ws://ops.koreainvestment.com:31000", "ws://ops.koreainvestment.com:31000/tryitout"),
        ("ws://127.0.0.1:9/", "ws://127.0.0.1:9/tryitout"),
        ("ws://localhost:9/tryitout", "ws://localhost:9/tryitout"),
        ("wss://stream.example.com/x", "wss://stream.example.com/x"),
    ],
)
def test_a_server_that_the_mode_may_use_gets_a_path(url: str, checked: str) -> None:
    assert checked_ws_url(url, TradingMode.PAPER) == checked
