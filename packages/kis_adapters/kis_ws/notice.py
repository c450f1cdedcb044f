"""Execution notices: decrypted, and read for nothing but which order to look at.

The payload is Base64 of AES-256-CBC with PKCS#7 padding; key and iv are the characters that came
with the notice registration's own answer, valid for that connection. Two layouts exist, of 23 and
26 fields, alike up to index 16; only those are read. Source: kis-wire section 6.4.
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from kis_adapters.kis_ws.frame import Garbage

_KEY_BYTES, _IV_BYTES = 32, 16
_FIELDS_MIN = 23
_ACCOUNT, _ORDER, _ORIGINAL, _SYMBOL = 1, 2, 3, 8


@dataclass(frozen=True, slots=True, repr=False)
class NoticeKey:
    """What the notices of one connection are encrypted with."""

    key: str
    iv: str

    def __repr__(self) -> str:
        return "NoticeKey(******)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something happened to an order. Numbers are without leading zeros; `original_no` is blank
    but for an amendment's or a cancellation's. Quantities are deliberately not here (O-08)."""

    account: str
    order_no: str
    original_no: str
    symbol: str


def read_notice(payload: str, key: NoticeKey) -> Notice:
    """Decrypt and read. Raises Garbage for what does not decrypt to a notice; never tells why
    in words that hold any of it."""
    fields = _decrypted(payload, key).split("^")
    if len(fields) < _FIELDS_MIN:
        raise Garbage("notice_width")
    order_no = fields[_ORDER].lstrip("0")
    if not order_no:
        raise Garbage("notice_order")
    return Notice(
        account=fields[_ACCOUNT],
        order_no=order_no,
        original_no=fields[_ORIGINAL].lstrip("0"),
        symbol=fields[_SYMBOL][-6:],
    )


def _decrypted(payload: str, key: NoticeKey) -> str:
    secret, iv = key.key.encode(), key.iv.encode()
    if len(secret) != _KEY_BYTES or len(iv) != _IV_BYTES:
        raise Garbage("notice_key")
    try:
        decryptor = Cipher(AES(secret), CBC(iv)).decryptor()
        padded = decryptor.update(b64decode(payload, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(AES.block_size).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError) as error:
        raise Garbage("notice_cipher") from error
