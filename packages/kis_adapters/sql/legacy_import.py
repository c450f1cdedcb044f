"""The six tables of the replaced system, brought over (D-09).

Names, trades, snapshots and daily figures are history and come as they are, up to the day before:
what is dated today or later, or since this system trades the account, would count in its limits
and sums. An open position comes when its symbol, quantity, average price, entry and the ATR of
then are all there, for its levels follow from that ATR as ever; without one it is left to the
first start, which adopts what the broker says is held (P-06), and so is everything once this
system trades the account. The broker has the last word on those that came, too.

Orders do not come: their history here is that of their events, which the old system did not keep.
One that may be open belongs to a person, who is told of it. Rows that name another mode or
account stay; those that name none are taken for the current one's, and that is said. Running it
twice brings nothing twice.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    column,
    func,
    insert,
    inspect,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.failures import failure_before_commit
from kis_adapters.sql.legacy_databases import open_source, reading_of, writing_to
from kis_adapters.sql.legacy_rows import (
    ENDED,
    EXECUTED,
    GONE,
    HELD,
    LIVE,
    TABLES,
    NotCertain,
    OldRow,
    TableReport,
    has_column,
    shown,
    unknown_columns,
)
from kis_core.orders.identity import Namespace
from kis_core.ports.store import DuplicateOrder, StoreMisfit
from kis_core.positions.position import Levels, PositionSource

LevelsOf = Callable[[int, int, float], Levels]  # cost, quantity, ATR

_LATER = "첫 시작 때 증권사 잔고에서 이어받음"
_TOO_LATE = "오늘 또는 이 시스템이 거래한 날의 기록: 위험 한도와 집계에 섞지 않음"
_ACCOUNT_DIGITS = 8  # before the product code
_ROWS_AT_A_TIME = 1_000
_YES = (1, True, "1", "true", "True", "Y", b"\x01")


def import_legacy(
    source: str,
    target: Engine,
    namespace: Namespace,
    *,
    levels_of: LevelsOf,
    now: datetime,
    is_rehearsal: bool = False,
) -> list[TableReport]:
    """Bring the rows of `source` (a SQLAlchemy URL, only read) into `target`, in one transaction.

    A rehearsal reports the same and changes nothing. Raises StoreMisfit for a source that cannot
    be used, StoreUnavailable. Neither shows a password.
    """
    old = open_source(source)
    try:
        with (
            reading_of(old) as reading,
            writing_to(target, is_rehearsal=is_rehearsal) as writing,
        ):
            importing = _Import(reading, writing, namespace, levels_of, now)
            return [importing.table(name) for name in TABLES]
    except (SQLAlchemyError, sqlite3.Error) as error:
        failure = failure_before_commit(error)
        if isinstance(failure, DuplicateOrder):
            raise StoreMisfit(
                "옛 기록이 지금의 기록과 겹쳐 아무것도 가져오지 않았습니다"
            ) from error
        raise failure from error
    finally:
        old.dispose()


class _Import:
    def __init__(
        self,
        reading: Connection,
        writing: Connection,
        namespace: Namespace,
        levels_of: LevelsOf,
        now: datetime,
    ) -> None:
        self._reading, self._writing = reading, writing
        self._own = {"mode": namespace.mode.value, "account": namespace.account}
        self._levels_of, self._now = levels_of, now
        self._there = {name.lower(): name for name in inspect(reading).get_table_names()}
        self._first_session = self._first_session_here()
        self._held: Mapping[str, int] = {}
        self._takers: Mapping[str, Callable[[OldRow, TableReport], bool]] = {
            "symbol_cache": self._symbol_cache,
            "trades": self._trades,
            "account_snapshots": self._account_snapshots,
            "daily_summary": self._daily_summary,
            "positions": self._positions,
            "order_state": self._order_state,
        }

    def table(self, name: str) -> TableReport:
        """Bring one table over."""
        report = TableReport(name)
        if name not in self._there:
            report.is_there = False
            return report
        there = self._there[name]
        columns = [each["name"] for each in inspect(self._reading).get_columns(there)]
        report.unknown_columns = unknown_columns(name, columns)
        if name == "positions":
            self._held = self._count_held(there, columns)
        take = self._takers[name]
        for row in self._rows(there, columns):
            report.read += 1
            try:
                self._check_owner(row)
                is_news = take(row, report)
            except NotCertain as error:
                report.skip(str(error))
                continue
            if is_news:
                report.take(row)
            else:
                report.known_already += 1
        self._say_what_was_assumed(report, columns)
        return report

    def _rows(self, there: str, columns: list[str]) -> Iterator[OldRow]:
        """Values as they are stored: a type's own reading of them may fail on a single row."""
        wanted = table(there, *(column(name) for name in columns))
        with self._reading.execute(select(wanted)) as rows:
            for some in rows.partitions(_ROWS_AT_A_TIME):
                yield from (OldRow(dict(zip(columns, row, strict=True))) for row in some)

    def _first_session_here(self) -> date | None:
        owner = schema.risk_state.c
        first = select(func.min(owner.session_date)).where(
            owner.mode == self._own["mode"], owner.account == self._own["account"]
        )
        found: date | None = self._writing.execute(first).scalar()
        return found

    def _check_owner(self, row: OldRow) -> None:
        mode, account = row.get("mode"), row.get("account")
        if mode is not None and str(mode).strip().upper() != self._own["mode"]:
            raise NotCertain(f"다른 모드의 기록({shown(mode)})")
        ours = _digits(self._own["account"])
        if account is not None and _digits(account) not in (ours, ours[:_ACCOUNT_DIGITS]):
            raise NotCertain("다른 계좌의 기록")

    def _say_what_was_assumed(self, report: TableReport, columns: list[str]) -> None:
        for name, rows in sorted(report.assumed.items()):
            report.warnings.append(f"{name} 값이 없는 {rows:,}행은 0으로 적었습니다")
        if report.taken and report.name != "symbol_cache":
            nameless = {"mode": "모드", "account": "계좌"}
            lacking = [word for each, word in nameless.items() if not has_column(each, columns)]
            if lacking:
                report.warnings.append(
                    f"{'와 '.join(lacking)} 열이 없어 지금의 {self._own['mode']} 계좌의 기록으로"
                    " 보았습니다"
                )

    def _check_day(self, day: date) -> None:
        today = self._now.date()
        if day >= min(today, self._first_session or today):
            raise NotCertain(_TOO_LATE)

    def _symbol_cache(self, row: OldRow, _: TableReport) -> bool:
        cache, symbol = schema.symbol_cache, row.symbol()
        updated_at = row.instant("updated_at")
        values = {"stock_name": row.name(), "updated_at": updated_at}
        if updated_at > self._now:
            raise NotCertain("앞날의 시각")  # it would keep the name from being renewed
        present = self._writing.execute(
            select(cache.c.updated_at).where(cache.c.stock_code == symbol)
        ).scalar()
        if present is None:
            self._writing.execute(insert(cache).values(stock_code=symbol, **values))
            return True
        if present >= updated_at:
            return False
        self._writing.execute(update(cache).where(cache.c.stock_code == symbol).values(**values))
        return True

    def _trades(self, row: OldRow, _: TableReport) -> bool:
        status = row.word("status")
        if status and status not in EXECUTED:
            raise NotCertain(f"체결된 거래인지 알 수 없음(상태 {status})")
        side, key, at = row.side(), row.key(), row.instant("at")
        self._check_day(at.date())
        quantity = row.count(row.first_of("filled_quantity", "quantity"))
        values = {
            "order_id": f"legacy-{key[:16]}",
            "idempotency_key": key,
            "session_date": at.date(),
            "at": at,
            "stock_code": row.symbol(),
            "side": side,
            "reason": shown(row.get("reason") or "legacy"),
            "quantity": quantity,
            "amount": row.amount(quantity),
            "commission": row.whole_or_0("commission"),
            "tax": row.whole_or_0("tax"),
            # A sale whose result the old system did not write down cannot be made up.
            "realised_pnl": row.whole("pnl") if side == "sell" else 0,
        }
        return self._add(schema.trades, values, same=("idempotency_key",))

    def _account_snapshots(self, row: OldRow, _: TableReport) -> bool:
        at = row.instant("at")
        self._check_day(at.date())
        values = {
            "session_date": at.date(),
            "at": at,
            "cash": row.whole("cash"),
            "equity": row.whole("equity"),
            "evaluation_pnl": row.whole_or_0("evaluation_pnl"),
            "realised_pnl": row.whole_or_0("realised"),
            "positions": row.whole_or_0("positions"),
        }
        return self._add(schema.account_snapshots, values, same=("at",))

    def _daily_summary(self, row: OldRow, _: TableReport) -> bool:
        day = row.day()
        self._check_day(day)
        values = {
            "session_date": day,
            "realised_pnl": row.whole("realised"),
            "trades": row.whole("trades"),
            "wins": row.whole("wins"),
            "losses": row.whole("losses"),
            "equity": row.whole("equity"),
            "positions": row.whole_or_0("positions"),
            "errors": 0,
        }
        return self._add(schema.daily_summary, values, same=("session_date",))

    def _positions(self, row: OldRow, _: TableReport) -> bool:
        _check_held(row)
        quantity, symbol = row.count("quantity"), row.symbol()
        price = row.positive(row.first_of("average_price", "entry_price"))
        if self._held[symbol] > 1:
            raise NotCertain(f"같은 종목의 열린 포지션이 여럿: {_LATER}")
        if row.get("atr") is None:
            raise NotCertain(f"진입 때의 ATR이 없음: {_LATER}")
        entered = row.instant("entered_at")
        if entered > self._now:
            raise NotCertain(f"앞날의 시각: {_LATER}")
        if self._has_position(symbol, entered):
            return False
        if self._first_session is not None:
            raise NotCertain("이 계좌는 이미 이 시스템이 거래함: 보유는 증권사 잔고에 맞춰져 있음")
        # An average of two decimals gives the cost to the won but for a rounding; the broker's
        # own figure corrects it at the start.
        cost = int((price * quantity).to_integral_value())
        levels = self._levels_of(cost, quantity, float(row.positive("atr")))
        highest = int(row.positive("highest")) if row.get("highest") is not None else 0
        values = {
            "stock_code": symbol,
            "open_symbol": symbol,
            "quantity": quantity,
            "cost": cost,
            "atr": levels.atr,
            "stop_price": levels.stop,
            "take_price": levels.take,
            "highest_price": max(highest, cost // quantity),
            "is_trailing": False,
            "entry_session": entered.date(),
            "entered_at": entered,
            "source": PositionSource.ADOPTED.value,
            "entry_fees": 0,
            "realised_pnl": 0,
        }
        self._writing.execute(insert(schema.positions).values(**self._own, **values))
        return True

    def _count_held(self, there: str, columns: list[str]) -> Mapping[str, int]:
        """How many open rows the old system has of each symbol that is ours."""
        held: Counter[str] = Counter()
        for row in self._rows(there, columns):
            try:
                self._check_owner(row)
                _check_held(row)
                held[row.symbol()] += 1
            except NotCertain:
                continue
        return held

    def _has_position(self, symbol: str, entered: datetime) -> bool:
        """Whether it is held here, or was brought over and has been closed since."""
        own = schema.positions.c
        same = select(own.id).where(
            own.mode == self._own["mode"],
            own.account == self._own["account"],
            own.stock_code == symbol,
            or_(own.open_symbol == symbol, own.entered_at == entered),
        )
        return self._writing.execute(same).first() is not None

    def _order_state(self, row: OldRow, report: TableReport) -> bool:
        status = row.word("status")
        if status in ENDED:
            raise NotCertain("끝난 주문(체결은 trades에 있음)")
        number, symbol = row.get("order_no") or "번호 없음", row.get("symbol") or "종목 모름"
        report.warnings.append(
            f"옛 시스템의 미결 주문 {status or '상태 모름'}: {shown(symbol)} 주문번호"
            f" {shown(number)}. 증권사에서 확인하고 필요하면 취소하십시오."
        )
        if status in LIVE:
            raise NotCertain("미결 주문: 사람이 증권사에서 확인할 것")
        raise NotCertain(f"상태를 알 수 없는 주문({status or '없음'}): 증권사에서 확인할 것")

    def _add(self, into: Table, values: dict[str, Any], *, same: tuple[str, ...]) -> bool:
        """Insert, unless this account has such a row; whether it is new."""
        owned = {**self._own, **values}
        where = [into.c[name] == owned[name] for name in ("mode", "account", *same)]
        if self._writing.execute(select(into.c.mode).where(*where)).first() is not None:
            return False
        self._writing.execute(insert(into).values(**owned))
        return True


def _check_held(row: OldRow) -> None:
    status, is_open = row.word("status"), row.get("is_open")
    is_closed = is_open is not None and is_open not in _YES
    if row.get("closed_at") is not None or status in GONE or is_closed:
        raise NotCertain("이미 끝난 포지션(거래는 trades에 있음)")
    if status and status not in HELD:
        raise NotCertain(f"열린 포지션인지 알 수 없음(상태 {status}): {_LATER}")


def _digits(account: object) -> str:
    return re.sub(r"[^0-9*xX]", "", str(account))
