"""Who an order is: derived from the decision, so the same decision made twice is the same order."""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol

_ORDER_ID_LENGTH = 16


@unique
class Side(StrEnum):
    """Long only: a buy opens, a sell closes."""

    BUY = "buy"
    SELL = "sell"


@unique
class TradingMode(StrEnum):
    """Whose money. VIRTUAL is the account of the closed beta test and of the backtest."""

    PAPER = "PAPER"
    REAL = "REAL"
    VIRTUAL = "VIRTUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """What separates one account's state from every other's; part of every key in storage."""

    mode: TradingMode
    account: str

    def __repr__(self) -> str:
        return f"Namespace({self.mode}, {masked_account(self.account)})"


def masked_account(account: str) -> str:
    """The account number as it may be shown: its last two characters."""
    return "*" * max(0, len(account) - 2) + account[-2:]


def signal_id(
    *, session_date: date, strategy: str, symbol: Symbol, side: Side, reason: str, leg: int
) -> str:
    """`{session_date}:{strategy}:{symbol}:{side}:{reason}:{leg}`.

    It depends on the decision alone, never on the time of day, the price or the quantity. `leg`
    counts the orders that the same decision needed before this one.
    """
    if leg < 0:
        raise ValueError(f"leg must not be negative, was {leg}")
    return f"{session_date.isoformat()}:{strategy}:{symbol}:{side}:{reason}:{leg}"


def idempotency_key(
    *, mode: TradingMode, side: Side, symbol: Symbol, quantity: int, signal: str
) -> str:
    """SHA-256 (hex) of `mode|side|stock_code|quantity|signal_id` (O-02)."""
    text = f"{mode}|{side}|{symbol}|{quantity}|{signal}"
    return hashlib.sha256(text.encode()).hexdigest()


def order_id_of(key: str) -> str:
    """The first 16 hex digits of an idempotency key: short enough to type on a phone."""
    return key[:_ORDER_ID_LENGTH]
