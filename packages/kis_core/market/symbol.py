"""What can be traded: the exchange's short code and what it stands for.

Listed issues have a six-character short code of [0-9A-Z]; newer ones carry a letter
(`0126Z0` is a KOSPI200 member), so a symbol is text and never a number.
Source: kis-wire section 7.7.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import NewType

Symbol = NewType("Symbol", str)

_DIGITS = re.compile(r"[0-9]{6}")
_ALPHANUMERIC = re.compile(r"[0-9A-Z]{6}")


@unique
class Market(StrEnum):
    """The board an issue is listed on."""

    KOSPI = "kospi"
    KOSDAQ = "kosdaq"
    KONEX = "konex"


@unique
class Product(StrEnum):
    """What kind of issue it is; ticks, limits and tax differ by it."""

    STOCK = "stock"
    ETF = "etf"
    ETN = "etn"
    ELW = "elw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One listed issue. `leverage` is an ETF's or ETN's multiple (1 for everything else)."""

    symbol: Symbol
    name: str
    market: Market
    product: Product = Product.STOCK
    leverage: int = 1


def parse_symbol(text: object, *, allow_alphanumeric: bool) -> Symbol:
    """Read a short code.

    Raises ValueError, with a Korean sentence for the operator, for anything but six digits, or
    six of [0-9A-Z] where `allow_alphanumeric` is set.
    """
    if not isinstance(text, str):
        raise ValueError(f"종목코드는 문자열이어야 합니다: {text!r} (따옴표로 감싸 주세요)")
    if _DIGITS.fullmatch(text):
        return Symbol(text)
    if not _ALPHANUMERIC.fullmatch(text):
        raise ValueError(f"종목코드는 6자리 숫자여야 합니다: {text!r}")
    if not allow_alphanumeric:
        raise ValueError(
            f"문자가 든 종목코드입니다: {text!r} (쓰려면 allow_alphanumeric_codes: true)"
        )
    return Symbol(text)
