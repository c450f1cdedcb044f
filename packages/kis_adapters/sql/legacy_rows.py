"""Rows of the replaced system, read into the words of this one.

Its manual names some columns, and people's databases differ: a column is known by several names.
Money is never guessed. A row whose figures are not all there, are no whole won, contradict each
other or belong to somebody else is left out and said so.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol, parse_symbol

LIVE = frozenset({"PENDING", "SUBMITTED", "PARTIAL"})
ENDED = frozenset({"FILLED", "CANCELLED", "CANCELED", "REJECTED", "FAILED", "EXPIRED"})
EXECUTED = frozenset({"FILLED", "EXECUTED", "COMPLETED", "COMPLETE", "DONE", "CLOSED", "체결"})
HELD = frozenset({"OPEN", "HOLDING", "HELD", "ENTERED", "ACTIVE", "보유"})
GONE = frozenset({"CLOSED", "EXITED", "SOLD", "청산"})

_NAMES: Mapping[str, tuple[str, ...]] = {
    "mode": ("mode", "trading_mode"),
    "account": ("account", "account_no", "account_number", "cano"),
    "symbol": ("stock_code", "symbol", "code", "ticker"),
    "name": ("stock_name", "name"),
    "updated_at": ("updated_at", "last_updated", "created_at"),
    "side": ("side", "order_type", "trade_type", "action"),
    "quantity": ("quantity", "qty", "shares"),
    # What was filled says more than what was ordered, and is asked first.
    "filled_quantity": ("filled_quantity", "filled_qty", "executed_quantity", "executed_qty"),
    "price": ("price",),
    "filled_price": ("exec_price", "executed_price", "fill_price", "filled_price"),
    "amount": ("amount", "total_amount", "executed_amount"),
    "commission": ("commission", "fee", "fees"),
    "tax": ("tax",),
    "pnl": ("pnl", "realized_pnl", "realised_pnl", "profit_loss"),
    # Of a day or an account, `pnl` alone may be the evaluation.
    "realised": ("realized_pnl", "realised_pnl"),
    "reason": ("reason", "exit_reason", "trade_reason"),
    "at": ("executed_at", "traded_at", "trade_time", "at", "snapshot_time", "created_at"),
    "key": ("idempotency_key",),
    "cash": ("cash", "cash_balance"),
    "equity": ("equity", "total_equity", "total_assets"),
    "evaluation_pnl": ("evaluation_pnl", "unrealized_pnl", "unrealised_pnl"),
    "positions": ("positions", "position_count", "open_positions"),
    "day": ("session_date", "trade_date", "summary_date", "date"),
    "trades": ("trades", "total_trades", "trade_count"),
    "wins": ("wins", "win_count"),
    "losses": ("losses", "loss_count"),
    "average_price": ("avg_price", "average_price", "avg_buy_price"),
    "entry_price": ("entry_price",),
    "atr": ("atr", "atr_at_entry", "entry_atr"),
    "entered_at": ("entered_at", "entry_time", "entry_date", "opened_at"),
    "highest": ("highest_price", "high_price"),
    "status": ("status", "state"),
    "is_open": ("is_open", "is_active"),
    "order_no": ("order_no",),
    "closed_at": ("closed_at", "exit_time"),
    "id": ("id",),
}
_OWNER = ("mode", "account")
# The tables, in the order in which they are brought over, and what is read from each.
TABLES: Mapping[str, tuple[str, ...]] = {
    "symbol_cache": ("symbol", "name", "updated_at"),
    "trades": (
        *_OWNER,
        *("id", "key", "status", "side", "at", "symbol", "reason", "quantity", "filled_quantity"),
        *("price", "filled_price", "amount", "commission", "tax", "pnl"),
    ),
    "account_snapshots": (
        *_OWNER,
        *("id", "at", "cash", "equity", "evaluation_pnl", "realised", "positions"),
    ),
    "daily_summary": (
        *_OWNER,
        *("id", "day", "realised", "trades", "wins", "losses", "equity", "positions"),
    ),
    "positions": (
        *_OWNER,
        *("id", "symbol", "status", "is_open", "closed_at", "quantity", "average_price"),
        *("entry_price", "atr", "entered_at", "highest"),
    ),
    "order_state": (*_OWNER, "id", "status", "symbol", "order_no"),
}
# Columns of these that disagree in one row leave open which is meant.
_MUST_AGREE = frozenset(
    {"mode", "account", "symbol", "quantity", "filled_quantity", "filled_price", "amount"}
    | {"commission", "tax", "pnl", "realised", "cash", "equity", "evaluation_pnl"}
    | {"average_price", "atr", "day", "trades", "wins", "losses", "positions", "status"}
)
_SIDES = {"buy": "buy", "매수": "buy", "b": "buy", "sell": "sell", "매도": "sell", "s": "sell"}
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")  # 1,5 is no 15
_MOST = 10**15  # won or shares; beyond it is no figure of an account
_ROUNDING = Decimal("0.01")  # won a share, of an average with two decimals
_LONGEST_NAME = 200  # as in `schema.symbol_cache`
_SHOWN = 24


class NotCertain(Exception):
    """A row that is left out; `str` says why, in Korean."""


@dataclass(slots=True)
class TableReport:
    """What became of one table's rows. `skipped` counts them by reason, Korean."""

    name: str
    is_there: bool = True
    read: int = 0
    taken: int = 0
    known_already: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    unknown_columns: tuple[str, ...] = ()
    assumed: dict[str, int] = field(default_factory=dict)  # rows without this column's value: 0
    warnings: list[str] = field(default_factory=list)

    def skip(self, why: str) -> None:
        """Count a row that is left out."""
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def take(self, row: "OldRow") -> None:
        """Count a row that came over."""
        self.taken += 1
        for name in row.assumed:
            self.assumed[name] = self.assumed.get(name, 0) + 1


class OldRow:
    """One row by what its columns mean. Methods raise NotCertain where it does not say.

    `assumed` names the columns whose missing value was read as 0.
    """

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = {str(name).lower(): value for name, value in row.items()}
        self.assumed: list[str] = []

    def get(self, meaning: str) -> Any:
        """The value, or None where no column of that meaning has one."""
        there = [name for name in _NAMES[meaning] if self._row.get(name) is not None]
        if not there:
            return None
        if meaning in _MUST_AGREE and len({_comparable(self._row[name]) for name in there}) > 1:
            raise NotCertain(f"{', '.join(there)} 값이 서로 다름")
        return self._row[there[0]]

    def need(self, meaning: str) -> Any:
        """The value."""
        value = self.get(meaning)
        if value is None:
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 없음")
        return value

    def first_of(self, *meanings: str) -> str:
        """The first of `meanings` that the row has a value for, else the last."""
        return next((each for each in meanings if self.get(each) is not None), meanings[-1])

    def word(self, meaning: str) -> str:
        """A status in capitals, fit to be shown; empty where the row has none."""
        return shown(self.get(meaning) or "").strip().upper()

    def symbol(self) -> Symbol:
        """The stock's code."""
        try:
            return parse_symbol(str(self.need("symbol")).strip(), allow_alphanumeric=True)
        except ValueError:
            raise NotCertain("종목코드가 아님") from None

    def name(self) -> str:
        """The stock's name."""
        name = str(self.need("name")).strip()
        if not 0 < len(name) <= _LONGEST_NAME:
            raise NotCertain("종목명이 비었거나 너무 김")
        return name

    def whole(self, meaning: str) -> int:
        """A whole number."""
        number = self._number(meaning)
        if number != number.to_integral_value():
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 정수가 아님")
        return int(number)

    def whole_or_0(self, meaning: str) -> int:
        """A whole number; 0 where the row does not say, which is noted in `assumed`."""
        if self.get(meaning) is None:
            self.assumed.append(_NAMES[meaning][0])
            return 0
        return self.whole(meaning)

    def count(self, meaning: str) -> int:
        """A whole number above 0."""
        number = self.whole(meaning)
        if number <= 0:
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 양수가 아님")
        return number

    def positive(self, meaning: str) -> Decimal:
        """A number above 0."""
        number = self._number(meaning)
        if number <= 0:
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 양수가 아님")
        return number

    def amount(self, quantity: int) -> int:
        """What `quantity` shares were traded for, in won.

        The row's own figure, or its price times the quantity; where it has both they must agree
        but for the rounding of an average, or one of them means something else (a fee within,
        the order's price).
        """
        meaning = self.first_of("filled_price", "price")
        has_amount, has_price = (self.get(each) is not None for each in ("amount", meaning))
        if has_amount and not has_price:
            return self.count("amount")
        total = self.positive(meaning) * quantity
        if has_amount:
            amount = self.count("amount")
            if abs(total - amount) > _ROUNDING * quantity:
                raise NotCertain("체결 금액이 가격 × 수량과 다름")
            return amount
        if total != total.to_integral_value() or total > _MOST:
            raise NotCertain("체결 금액을 원 단위로 알 수 없음")
        return int(total)

    def side(self) -> str:
        """`buy` or `sell`."""
        side = _SIDES.get(str(self.need("side")).strip().lower())
        if side is None:
            raise NotCertain("매수인지 매도인지 알 수 없음")
        return side

    def instant(self, meaning: str) -> datetime:
        """An instant in KST; the old system stored KST wall time."""
        value = self.need(meaning)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise NotCertain("시각을 읽을 수 없음") from None
        if isinstance(value, datetime):
            return value.replace(tzinfo=KST) if value.tzinfo is None else value.astimezone(KST)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=KST)
        raise NotCertain("시각을 읽을 수 없음")

    def day(self) -> date:
        """A date."""
        return self.instant("day").date()

    def key(self) -> str:
        """What tells the row from all others: its own key, or a hash of what it says."""
        own = self.get("key")
        text = str(own) if own else repr(sorted((n, str(v)) for n, v in self._row.items()))
        return hashlib.sha256(f"legacy|{text}".encode()).hexdigest()

    def _number(self, meaning: str) -> Decimal:
        number = _decimal(self.need(meaning))
        if number is None or abs(number) > _MOST:
            raise NotCertain(f"{_NAMES[meaning][0]} 값을 숫자로 읽을 수 없음")
        return number


def unknown_columns(table: str, names: list[str]) -> tuple[str, ...]:
    """The columns of `table` that nothing is read from."""
    known = {name for meaning in TABLES[table] for name in _NAMES[meaning]}
    return tuple(sorted(shown(name) for name in names if name.lower() not in known))


def has_column(meaning: str, names: list[str]) -> bool:
    """Whether one of the columns has that meaning."""
    return not {name.lower() for name in names}.isdisjoint(_NAMES[meaning])


def shown(value: object) -> str:
    """Text of a database that is not ours, short and without what could steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in str(value))[:_SHOWN]


def _comparable(value: object) -> object:
    number = _decimal(value)
    return str(value).strip().casefold() if number is None else number


def _decimal(value: object) -> Decimal | None:
    text = str(value).strip()
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(text)):
        return None
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
