"""Both layouts of the execution notice, encrypted here with the reference's own key."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from kis_adapters.kis_ws.frame import Garbage
from kis_adapters.kis_ws.notice import NoticeKey, read_notice

EXAMPLES = Path(__file__).parents[2] / "data" / "kis-wire"
FRAMES = json.loads((EXAMPLES / "ws-frames.json").read_text(encoding="utf-8"))
TEXTS: dict[str, str] = FRAMES["H0STCNI0_plaintext"]
KEY = NoticeKey(FRAMES["H0STCNI0_key"], FRAMES["H0STCNI0_iv"])


def encrypted(text: str) -> str:
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES(KEY.key.encode()), CBC(KEY.iv.encode())).encryptor()
    padded = padder.update(text.encode()) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def old_layout(text: str) -> str:
    """Index 18-20 and 23 are not there, and the name comes twice (kis-wire 6.4)."""
    fields = text.split("^")
    return "^".join([*fields[:18], fields[24], fields[22], "", fields[24], fields[25]])


def test_our_encryption_is_the_references() -> None:
    frame = FRAMES["H0STCNI0_encrypted_fill_partial"]

    assert encrypted(TEXTS["fill_partial"]) == frame.rsplit("|", 1)[1]


@pytest.mark.req("W-04")
@pytest.mark.parametrize(
    ("name", "order_no", "original_no"),
    [
        ("accepted", "117057", ""),
        ("fill_partial", "117057", ""),
        ("fill_rest", "117057", ""),
        ("amend_confirmed", "117101", "117057"),
        ("cancel_confirmed", "117110", "117090"),
        ("rejected", "117057", ""),
        ("ioc_remainder_cancelled", "117057", ""),
    ],
)
def test_notices_of_both_layouts_name_their_orders(
    name: str, order_no: str, original_no: str
) -> None:
    new, old = TEXTS[name], old_layout(TEXTS[name])
    assert (len(new.split("^")), len(old.split("^"))) == (26, 23)

    for text in (new, old):
        notice = read_notice(encrypted(text), KEY)

        assert (notice.order_no, notice.original_no) == (order_no, original_no)
        assert (notice.account, notice.symbol) == ("5000000101", "005930")


@pytest.mark.req("W-08")
@pytest.mark.parametrize("text", ["", "a^b^c", "^".join(["x"] * 22)])
def test_a_notice_too_short_is_garbage(text: str) -> None:
    with pytest.raises(Garbage):
        read_notice(encrypted(text), KEY)


@pytest.mark.req("O-08")
def test_a_notice_carries_no_quantity_and_no_price() -> None:
    notice = read_notice(encrypted(TEXTS["fill_rest"]), KEY)

    told = {getattr(notice, name) for name in notice.__slots__}
    assert told == {"5000000101", "117057", "", "005930"}
