"""A database that died while its connections lay in the pool: unavailable, and nothing worse."""

import os
from typing import TYPE_CHECKING

import pytest

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import StoreUnavailable

if TYPE_CHECKING:
    from tests.conftest import MariaDbServer

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("KIS_TEST_MYSQL_URL")),
    reason="the server of KIS_TEST_MYSQL_URL is not ours to kill",
)


@pytest.mark.req("D-06")
def test_a_connection_that_died_in_the_pool_and_no_server_to_replace_it_is_unavailability(
    mariadb_server: "MariaDbServer", mariadb_url: str
) -> None:
    database = open_database(mariadb_url)
    initialize_schema(database)
    store = SqlStore(database, Namespace(mode=TradingMode.PAPER, account="9900000101"))
    with store.unit_of_work() as uow:
        assert uow.positions() == ()
    mariadb_server.kill()

    with pytest.raises(StoreUnavailable), store.unit_of_work() as uow:
        uow.positions()

    mariadb_server.restart()
    database.dispose()
