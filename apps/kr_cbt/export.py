"""`--mode export`: the virtual account's trades, orders and snapshots as CSV and Parquet."""

from pathlib import Path

import polars as pl
from sqlalchemy import Engine, Table, select

from apps.exit_code import ExitCode
from apps.kr_cbt.account import namespace_of, opened_account
from apps.kr_cbt.settings import CbtSettings
from apps.kr_trade.endings import say_ending
from apps.terminal import say
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.schema import account_snapshots, order_state, trades
from kis_adapters.virtual.account_file import AccountFileDamaged
from kis_core.orders.identity import Namespace
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_TABLES = {
    "trades": (trades, ("at",)),
    "orders": (order_state, ("created_at",)),
    "snapshots": (account_snapshots, ("at",)),
}


def export(settings: Settings, cbt: CbtSettings, *, to: Path | None) -> int:
    """Write each table twice into `to`; an existing file is replaced whole or not at all."""
    folder = to or settings.paths.data_dir / "export"
    try:
        with opened_account(settings, cbt) as file:
            database = open_database(settings.database.url.get_secret_value())
            try:
                initialize_schema(database)
                _write_all(database, namespace_of(file), folder)
            finally:
                database.dispose()
    except AccountFileDamaged as error:
        return say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable, OSError) as error:
        return say_ending(error)
    return ExitCode.OK


def _write_all(database: Engine, namespace: Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (table, order) in _TABLES.items():
        frame = _frame(database, table, namespace, order)
        for ending in ("csv", "parquet"):
            beside = folder / f".{name}.{ending}.part"
            if ending == "csv":
                frame.write_csv(beside)
            else:
                frame.write_parquet(beside)
            beside.replace(folder / f"{name}.{ending}")
        print(f"{folder / name}.csv, .parquet: {frame.height:,}행")


def _frame(
    database: Engine, table: Table, namespace: Namespace, order: tuple[str, ...]
) -> pl.DataFrame:
    """The account's rows, oldest first; instants as ISO text in KST."""
    names = [column.name for column in table.columns if column.name not in ("mode", "account")]
    query = (
        select(*(table.c[name] for name in names))
        .where(table.c.mode == namespace.mode, table.c.account == namespace.account)
        .order_by(*(table.c[name] for name in order))
    )
    with database.connect() as connection:
        rows = connection.execute(query).all()
        connection.rollback()
    columns = {name: [_plain(row[place]) for row in rows] for place, name in enumerate(names)}
    return pl.DataFrame(columns, strict=False)


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value
