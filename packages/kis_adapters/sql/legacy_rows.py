"""Rows of the replaced system, read into the words of this one.

Its manual names some columns, and people's databases differ: a column is known by several names.
Money is never guessed. A row whose figures are not all there, or are no whole won, is left out
and said so.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol, parse_symbol

TABLES = (
    "symbol_cache",
    "trades",
    "account_snapshots",
    "daily_summary",
    "positions",
    "order_state",
)
LIVE = frozenset({"PENDING", "SUBMITTED", "PARTIAL"})

_NAMES: Mapping[str, tuple[str, ...]] = {
    "mode": ("mode", "trading_mode"),
    "symbol": ("stock_code", "symbol", "code", "ticker"),
    "name": ("stock_name", "name"),
    "updated_at": ("updated_at", "last_updated", "created_at"),
    "side": ("side", "order_type", "trade_type", "action"),
    "quantity": ("quantity", "qty", "shares"),
    "price": ("price", "exec_price", "fill_price", "executed_price"),
    "amount": ("amount", "total_amount", "executed_amount"),
    "commission": ("commission", "fee", "fees"),
    "tax": ("tax",),
    "pnl": ("pnl", "realized_pnl", "realised_pnl", "profit_loss"),
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
    "entry_price": ("entry_price", "avg_price", "average_price"),
    "atr": ("atr", "atr_at_entry", "entry_atr"),
    "entered_at": ("entered_at", "entry_time", "entry_date", "opened_at"),
    "highest": ("highest_price", "high_price"),
    "status": ("status", "state"),
    "order_no": ("order_no",),
    "closed_at": ("closed_at", "exit_time"),
    "id": ("id",),
}
_KNOWN = frozenset(name for names in _NAMES.values() for name in names)
_SIDES = {"buy": "buy", "매수": "buy", "b": "buy", "sell": "sell", "매도": "sell", "s": "sell"}


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
    warnings: list[str] = field(default_factory=list)

    def skip(self, why: str) -> None:
        """Count a row that is left out."""
        self.skipped[why] = self.skipped.get(why, 0) + 1


class OldRow:
    """One row by what its columns mean. Methods raise NotCertain where it does not say."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = {str(name).lower(): value for name, value in row.items()}

    def get(self, meaning: str) -> Any:
        """The value, or None where no column of that meaning has one."""
        for name in _NAMES[meaning]:
            if self._row.get(name) is not None:
                return self._row[name]
        return None

    def need(self, meaning: str) -> Any:
        """The value."""
        value = self.get(meaning)
        if value is None:
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 없음")
        return value

    def symbol(self) -> Symbol:
        """The stock's code."""
        try:
            return parse_symbol(str(self.need("symbol")).strip(), allow_alphanumeric=True)
        except ValueError:
            raise NotCertain("종목코드가 아님") from None

    def whole(self, meaning: str, default: int | None = None) -> int:
        """A whole number; `default` where the row does not say."""
        value = self.get(meaning)
        if value is None:
            if default is None:
                raise NotCertain(f"{_NAMES[meaning][0]} 값이 없음")
            return default
        number = _decimal(value)
        if number is None or number != number.to_integral_value():
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 정수가 아님")
        return int(number)

    def positive(self, meaning: str) -> Decimal:
        """A number above 0."""
        number = _decimal(self.need(meaning))
        if number is None or number <= 0:
            raise NotCertain(f"{_NAMES[meaning][0]} 값이 양수가 아님")
        return number

    def amount(self) -> int:
        """Quantity × price in won, as the row has it or by its whole factors."""
        if self.get("amount") is not None:
            return self.whole("amount")
        total = self.positive("price") * self.whole("quantity")
        if total != total.to_integral_value():
            raise NotCertain("체결 금액을 원 단위로 알 수 없음")
        return int(total)

    def side(self) -> str:
        """`buy` or `sell`."""
        side = _SIDES.get(str(self.need("side")).strip().lower())
        if side is None:
            raise NotCertain("매수인지 매도인지 알 수 없음")
        return side

    def instant(self, meaning: str) -> datetime:
        """An instant; the old system stored KST wall time."""
        value = self.need(meaning)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise NotCertain("시각을 읽을 수 없음") from None
        if isinstance(value, datetime):
            return value if value.tzinfo is not None else value.replace(tzinfo=KST)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=KST)
        raise NotCertain("시각을 읽을 수 없음")

    def day(self) -> date:
        """A date."""
        value = self.need("day")
        return value if type(value) is date else _as_day(value)

    def key(self) -> str:
        """What tells the row from all others: its own key, or a hash of what it says."""
        own = self.get("key")
        text = str(own) if own else repr(sorted((n, str(v)) for n, v in self._row.items()))
        return hashlib.sha256(f"legacy|{text}".encode()).hexdigest()


def unknown_columns(names: list[str]) -> tuple[str, ...]:
    """The columns that nothing is read from."""
    return tuple(sorted(name for name in names if name.lower() not in _KNOWN))


def _as_day(value: object) -> date:
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise NotCertain("날짜를 읽을 수 없음") from None


def _decimal(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value).replace(",", "").strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
