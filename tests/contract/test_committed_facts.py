"""The CommittedFacts port: what a copy kept elsewhere is told, on SQLite and on MariaDB."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

from kis_adapters.sql.committed import CommittedRows
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.committed import Marks
from kis_core.ports.store import StoreUnavailable

if TYPE_CHECKING:
    from tests.conftest import MariaDbServer

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
REAL = Namespace(mode=TradingMode.REAL, account="50000000-01")


@pytest.fixture
def database(store_url: str) -> Iterator[Engine]:
    engine = open_database(store_url)
    initialize_schema(engine)
    yield engine
    engine.dispose()


def write(database: Engine, method: str, *arguments: Any, namespace: Namespace = PAPER) -> None:
    with SqlStore(database, namespace).unit_of_work() as unit:
        getattr(unit, method)(*arguments)


def test_an_empty_database_has_committed_nothing(database: Engine) -> None:
    found = CommittedRows(database, PAPER).since(Marks())

    assert (found.events, found.decisions, found.trades, found.positions) == ((), (), (), ())
    assert found.risk is None
    assert found.marks == Marks()


def test_everything_is_told_once_and_only_what_is_behind_the_marks(
    database: Engine, maker: Any, facts: Any
) -> None:
    committed = CommittedRows(database, PAPER)
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent())
    write(database, "append_order_events", order, events)
    write(database, "put_position", facts.position)

    first = committed.since(Marks())
    second = committed.since(first.marks)
    later, more = maker.order(Kind.SENDING, intent=maker.intent("000660"))
    write(database, "append_order_events", later, more)
    third = committed.since(first.marks)

    assert first.events == tuple(events)
    assert first.positions == (facts.position,)
    assert second.events == ()
    assert second.marks == first.marks
    assert second.last_before == events[-1]  # the event at the mark: it is the same database
    assert third.events == tuple(more)


def test_another_namespace_is_not_told(database: Engine, maker: Any) -> None:
    order, events = maker.order(Kind.SENDING, intent=maker.intent())
    write(database, "append_order_events", order, events, namespace=REAL)

    found = CommittedRows(database, PAPER).since(Marks())

    assert found.events == ()
    assert found.marks == Marks()


def test_a_server_that_is_gone_is_an_error_and_never_an_empty_answer(
    mariadb_server: "MariaDbServer", mariadb_url: str
) -> None:
    engine = open_database(mariadb_url)
    initialize_schema(engine)
    committed = CommittedRows(engine, PAPER)
    mariadb_server.kill()

    with pytest.raises(StoreUnavailable):
        committed.since(Marks())

    engine.dispose()
