"""Data frames of the stream, read: `<enc>|<TR>|<count>|<payload>`.

The payload's fields are joined by `^` and its records follow each other without a separator, so
a record's width is total / count: 46 fields until 2026-09-13, 47 since; more are let pass. This
runs for every trade of every registered symbol: no pattern, no model, one object per record.
Source: kis-wire section 6.4.
"""

from dataclasses import dataclass

from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print

TRADE = "H0STCNT0"
NOTICES = ("H0STCNI0", "H0STCNI9")  # real, paper

_WIDTH_MIN = 46
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
    """What a data frame holds; records that make no sense leave the frame unread.

    Raises Garbage for anything else than trades or an encrypted notice, wholly well-formed.
    """
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
    try:
        if count_text == "001":
            return [_print(payload.split("^"))]
        return _several(count_text, payload)
    except ValueError as error:
        raise Garbage("field") from error


def _several(count_text: str, payload: str) -> list[Print]:
    count, fields = int(count_text), payload.split("^")
    if count < 1 or len(fields) % count:
        raise Garbage("width")
    width = len(fields) // count
    return [_print(fields[start : start + width]) for start in range(0, len(fields), width)]


def _print(fields: list[str]) -> Print:
    """One record. Indices: kis-wire 6.4. Raises ValueError for a field that is no number."""
    if len(fields) < _WIDTH_MIN:
        raise Garbage("width")
    symbol = fields[0]
    price = int(fields[2])
    change = int(fields[4])
    hms = int(fields[1])
    if len(symbol) != _SYMBOL_LENGTH or price <= 0:
        raise Garbage("value")
    if not 0 <= hms < _HMS_END or hms % 100 >= 60 or hms % 10_000 >= 6_000:
        raise Garbage("time")
    if change > 0 and fields[3] in _FALLING:
        change = -change  # some senders leave the sign to the field before
    return Print(
        Symbol(symbol),
        int(fields[33]),
        hms,
        price,
        change,
        int(fields[7]),
        int(fields[8]),
        int(fields[9]),
        int(fields[10]),
        int(fields[11]),
        int(fields[12]),
        int(fields[13]),
        int(fields[14]),
        fields[35] == "Y",
    )
