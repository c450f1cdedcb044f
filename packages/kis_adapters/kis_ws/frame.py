"""Data frames of the stream, read: `<enc>|<TR>|<count>|<payload>`.

The payload's fields are joined by `^` and its records follow each other without a separator, so
a record's width is total / count: 46 fields until 2026-09-13, 47 since; more are let pass. This
runs for every trade of every registered symbol: no pattern, no model, one object per record.
Source: kis-wire section 6.4.
"""

from dataclasses import dataclass
from typing import Any

from kis_core.market.trade_print import Print

TRADE = "H0STCNT0"
NOTICES = ("H0STCNI0", "H0STCNI9")  # real, paper

_ONE_TRADE = f"0|{TRADE}|001|"
_ONE_TRADE_LENGTH = len(_ONE_TRADE)
_WIDTH_MIN = 46
_DATE, _FIELDS_BETWEEN = 33, 17  # index of the date, and how many lie between turnover and it
_SYMBOL_LENGTH = 6
_FALLING = "45"  # PRDY_VRSS_SIGN: 4 lower limit, 5 down
_HMS_END = 240_000


class Garbage(Exception):
    """A frame that is not what it should be; `why` is a word for the count."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A notice as it came: `payload` is still encrypted."""

    tr_id: str
    payload: str


def read_frame(text: str) -> list[Print] | Encrypted:
    """What a data frame holds; one record that makes no sense leaves its whole frame unread.

    Raises Garbage for anything else than trades or an encrypted notice, wholly well-formed.
    """
    if text.startswith(_ONE_TRADE):  # nearly every frame
        return [_print(text, _ONE_TRADE_LENGTH)]
    head = text.split("|", 3)
    if len(head) != 4:
        raise Garbage("outer")
    encryption, tr_id, count, payload = head
    if tr_id == TRADE and encryption == "0":
        return _prints(count, payload)
    if tr_id in NOTICES and encryption == "1":
        return Encrypted(tr_id, payload)
    raise Garbage("unknown_tr")


def _prints(count_text: str, payload: str) -> list[Print]:
    fields = payload.split("^")
    count = int(count_text) if count_text.isdecimal() else 0
    if count < 1 or len(fields) % count:
        raise Garbage("width")
    width = len(fields) // count
    starts = range(0, len(fields), width)
    return [_print("^".join(fields[start : start + width])) for start in starts]


def _print(text: str, starts_at: int = 0) -> Print:
    """One record, at `starts_at` of `text`; only the fields that are used are cut out of it.

    Indices: kis-wire 6.4.
    """
    fields: list[Any] = text.split("^", 15)  # Any: `Symbol(...)` would cost a call a record
    if len(fields) < 16:
        raise Garbage("width")
    symbol, hms, price, sign, change, _, _, first, high, low, _, _, size, volume, won, rest = fields
    behind_date = rest.count("^") - _FIELDS_BETWEEN
    if behind_date < _WIDTH_MIN - _DATE:
        raise Garbage("width")
    tail = rest.rsplit("^", behind_date)  # the fields between, then date, phase, halt
    try:
        hms, price, change = int(hms), int(price), int(change)
        if len(symbol) != _SYMBOL_LENGTH + starts_at or price <= 0:
            raise Garbage("value")
        if hms % 100 >= 60 or hms % 10_000 >= 6_000 or not 0 <= hms < _HMS_END:
            raise Garbage("time")
        if change > 0 and sign in _FALLING:
            change = -change  # some senders leave the sign to the field before
        return Print(
            symbol[starts_at:],
            int(tail[1]),
            hms,
            price,
            change,
            int(first),
            int(high),
            int(low),
            int(size),
            int(volume),
            int(won),
            tail[3] == "Y",
        )
    except ValueError as error:
        raise Garbage("field") from error
