"""The six tables of the replaced system, brought over (D-09).

Names, trades, snapshots and daily figures are history and come as they are. An open position
comes with the ATR it was entered on, from which its levels follow as ever; without one it is left
to the first start, which adopts what the broker says is held. Orders do not come: their history
here is that of their events, which the old system did not keep, and an open one belongs to a
person, who is told of it. Running it twice brings nothing twice.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.database import is_server, open_database
from kis_adapters.sql.failures import failure_before_commit
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.legacy_rows import (
    LIVE,
    TABLES,
    NotCertain,
    OldRow,
    TableReport,
    unknown_columns,
)
from kis_core.orders.identity import Namespace
from kis_core.ports.store import StoreMisfit
from kis_core.positions.position import Levels, PositionSource

LevelsOf = Callable[[int, int, float], Levels]  # cost, quantity, ATR
_LATER = "첫 시작 때 증권사 잔고에서 이어받음"


def import_legacy(
    source: str, target: Engine, namespace: Namespace, *, levels_of: LevelsOf
) -> list[TableReport]:
    """Bring the rows of `source` (a SQLAlchemy URL, only read) into `target`, in one transaction.

    Raises StoreMisfit for a source that cannot be used, StoreUnavailable. Neither shows a
    password.
    """
    if make_url_safely(source) == str(target.url.render_as_string(hide_password=False)):
        raise StoreMisfit("옛 데이터베이스와 지금의 DATABASE_URL이 같습니다")
    initialize_schema(target)
    old = _open_source(source)
    try:
        with _reading(old) as reading, target.begin() as writing:
            importing = _Import(reading, writing, namespace, levels_of)
            return [importing.table(name) for name in TABLES]
    except SQLAlchemyError as error:
        raise failure_before_commit(error) from error
    finally:
        old.dispose()


def make_url_safely(text: str) -> str:
    """The URL as SQLAlchemy writes it. Raises StoreMisfit without quoting it."""
    try:
        return make_url(text).render_as_string(hide_password=False)
    except (SQLAlchemyError, ValueError):
        raise StoreMisfit("--from 의 주소를 읽을 수 없습니다 (예: mysql+pymysql://...)") from None


def _open_source(source: str) -> Engine:
    url = make_url(source)
    if not url.drivername.startswith("sqlite"):
        return open_database(source)
    file = Path(url.database or "")
    if not file.is_file():
        raise StoreMisfit(f"옛 데이터베이스 파일이 없습니다: {file}")
    return create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"file:{file}?mode=ro", uri=True),
        hide_parameters=True,
    )


@contextmanager
def _reading(old: Engine) -> Iterator[Connection]:
    with old.connect() as connection:
        if is_server(old):
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.rollback()
        yield connection
        connection.rollback()
        if is_server(old):
            connection.invalidate()


class _Import:
    def __init__(
        self, reading: Connection, writing: Connection, namespace: Namespace, levels_of: LevelsOf
    ) -> None:
        self._reading, self._writing = reading, writing
        self._own = {"mode": namespace.mode.value, "account": namespace.account}
        self._levels_of = levels_of
        self._there = {name.lower(): name for name in inspect(reading).get_table_names()}

    def table(self, name: str) -> TableReport:
        """Bring one table over."""
        report = TableReport(name)
        if name not in self._there:
            report.is_there = False
            return report
        old = Table(self._there[name], MetaData(), autoload_with=self._reading)
        report.unknown_columns = unknown_columns([column.name for column in old.columns])
        take = getattr(self, f"_{name}")
        for row in self._reading.execute(select(old)).mappings():
            report.read += 1
            try:
                old_row = OldRow(dict(row))
                self._check_mode(old_row)
                is_news = take(old_row, report)
            except NotCertain as error:
                report.skip(str(error))
            else:
                report.taken += is_news
                report.known_already += not is_news
        return report

    def _check_mode(self, row: OldRow) -> None:
        mode = row.get("mode")
        if mode is not None and str(mode).upper() != self._own["mode"]:
            raise NotCertain(f"다른 모드의 기록({mode})")

    def _symbol_cache(self, row: OldRow, _: TableReport) -> bool:
        table, symbol = schema.symbol_cache, row.symbol()
        values = {"stock_name": str(row.need("name")), "updated_at": row.instant("updated_at")}
        present = self._writing.execute(
            select(table.c.updated_at).where(table.c.stock_code == symbol)
        ).scalar()
        if present is None:
            self._writing.execute(insert(table).values(stock_code=symbol, **values))
            return True
        if present >= values["updated_at"]:
            return False
        self._writing.execute(update(table).where(table.c.stock_code == symbol).values(**values))
        return True

    def _trades(self, row: OldRow, _: TableReport) -> bool:
        side, key, at = row.side(), row.key(), row.instant("at")
        values = {
            "order_id": f"legacy-{key[:16]}",
            "idempotency_key": key,
            "session_date": at.date(),
            "at": at,
            "stock_code": row.symbol(),
            "side": side,
            "reason": str(row.get("reason") or "legacy")[:64],
            "quantity": int(row.positive("quantity")),
            "amount": row.amount(),
            "commission": row.whole("commission", 0),
            "tax": row.whole("tax", 0),
            # A sale whose result the old system did not write down cannot be made up.
            "realised_pnl": row.whole("pnl") if side == "sell" else 0,
        }
        return self._add(schema.trades, values, same=("idempotency_key",))

    def _account_snapshots(self, row: OldRow, _: TableReport) -> bool:
        at = row.instant("at")
        values = {
            "session_date": at.date(),
            "at": at,
            "cash": row.whole("cash"),
            "equity": row.whole("equity"),
            "evaluation_pnl": row.whole("evaluation_pnl", 0),
            "realised_pnl": row.whole("pnl", 0),
            "positions": row.whole("positions", 0),
        }
        return self._add(schema.account_snapshots, values, same=("at",))

    def _daily_summary(self, row: OldRow, _: TableReport) -> bool:
        values = {
            "session_date": row.day(),
            "realised_pnl": row.whole("pnl"),
            "trades": row.whole("trades"),
            "wins": row.whole("wins"),
            "losses": row.whole("losses"),
            "equity": row.whole("equity"),
            "positions": row.whole("positions", 0),
            "errors": 0,
        }
        return self._add(schema.daily_summary, values, same=("session_date",))

    def _positions(self, row: OldRow, _: TableReport) -> bool:
        status = str(row.get("status") or "").upper()
        if row.get("closed_at") is not None or status in ("CLOSED", "EXITED"):
            raise NotCertain("이미 끝난 포지션(거래는 trades에 있음)")
        quantity, price = int(row.positive("quantity")), row.positive("entry_price")
        if row.get("atr") is None:
            raise NotCertain(f"진입 때의 ATR이 없음: {_LATER}")
        cost = int((price * quantity).to_integral_value())
        levels = self._levels_of(cost, quantity, float(row.positive("atr")))
        entered = row.instant("entered_at")
        highest = int(row.positive("highest")) if row.get("highest") is not None else 0
        values = {
            "stock_code": row.symbol(),
            "open_symbol": row.symbol(),
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
        return self._add(schema.positions, values, same=("open_symbol",))

    def _order_state(self, row: OldRow, report: TableReport) -> bool:
        status = str(row.get("status") or "").upper()
        if status in LIVE:
            number, symbol = row.get("order_no") or "번호 없음", row.get("symbol") or "종목 모름"
            report.warnings.append(
                f"옛 시스템의 미결 주문 {status}: {symbol} 주문번호 {number}."
                " 증권사에서 확인하고 필요하면 취소하십시오."
            )
            raise NotCertain("미결 주문: 사람이 증권사에서 확인할 것")
        raise NotCertain("끝난 주문(체결은 trades에 있음)")

    def _add(self, table: Table, values: dict[str, Any], *, same: tuple[str, ...]) -> bool:
        """Insert, unless this account has such a row; whether it is new."""
        owned = {**self._own, **values}
        where = [table.c[name] == owned[name] for name in ("mode", "account", *same)]
        if self._writing.execute(select(table.c.mode).where(*where)).first() is not None:
            return False
        self._writing.execute(insert(table).values(**owned))
        return True
