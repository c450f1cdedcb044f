"""What the life of an order costs on a server: statements counted by the server itself (F-086)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url, text

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")


@contextmanager
def _heard_by(url: str, connection: int) -> Iterator[list[str]]:
    """What clients send to the server meanwhile, word for word; filled at the end."""
    parsed = make_url(url)
    watcher = pymysql.connect(
        host=parsed.host or "127.0.0.1",
        port=parsed.port or 3306,
        user=parsed.username or "root",
        password=parsed.password or "",
        unix_socket=parsed.query.get("unix_socket"),
        autocommit=True,
    )
    heard: list[str] = []
    with watcher, watcher.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = ON")
        try:
            yield heard
        finally:
            cursor.execute("SET GLOBAL general_log = OFF")
            cursor.execute(
                "SELECT command_type, argument FROM mysql.general_log"
                " WHERE thread_id = %s ORDER BY event_time",
                (connection,),
            )
            for command, argument in cursor.fetchall():
                said = argument.decode() if isinstance(argument, bytes) else argument
                heard.append(said or command)


@pytest.mark.req("F-086")
def test_an_orders_life_takes_few_round_trips_and_asks_nothing_twice(
    mariadb_url: str, maker: Any, facts: Any
) -> None:
    database = open_database(mariadb_url)
    initialize_schema(database)
    store = SqlStore(database, PAPER)
    with database.connect() as opened:  # and given back: the pool has this one
        connection = opened.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent())

    with _heard_by(mariadb_url, connection) as heard:
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
        with store.unit_of_work() as unit:
            unit.order(order.order_id)
            unit.trades_of(order.intent.session_date)

    database.dispose()
    words = [said.upper() for said in heard]
    assert any("ORDER_EVENTS" in said for said in words)
    assert not [said for said in words if said.startswith("SET ") or said == "PING"]
    assert not [said for said in words if "INFORMATION_SCHEMA" in said or "DATE(" in said]
    # Begin, the three events and their projection, commit; then two questions and their end.
    assert len(words) <= 12, heard
