"""The database dies: what was committed stays, what is unknown is said to be unknown."""

import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url

from kis_adapters.memory.store import MemoryStore
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.ports.store import CommitOutcomeUnknown, Store, StoreMisfit, StoreUnavailable


@pytest.fixture
def engine(mariadb_server: Any, mariadb_url: str) -> Iterator[Engine]:
    if make_url(mariadb_url).port != mariadb_server.port:
        pytest.skip("KIS_TEST_MYSQL_URL is set: only a private server may be killed")
    engine = open_database(mariadb_url)
    initialize_schema(engine)
    yield engine
    engine.dispose()


def append(store: Store, maker: Any, symbol: str) -> None:
    order, events = maker.order(intent=maker.intent(symbol))
    with store.unit_of_work() as unit:
        unit.append_order_events(order, events)


def symbols(store: Store) -> list[str]:
    with store.unit_of_work() as unit:
        return sorted(order.intent.symbol for order in unit.live_orders())


def answered(question: Callable[[], Any]) -> Any:
    """The first answer after StoreUnavailable; the store pauses between its attempts."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return question()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# -- a server that is killed


@pytest.mark.req("D-06", "F-013", "F-087")
def test_a_server_killed_between_two_statements_leaves_nothing_and_the_store_recovers(
    engine: Engine, mariadb_server: Any, maker: Any
) -> None:
    store = SqlStore(engine, maker.namespace)
    append(store, maker, "000001")

    def die_half_way() -> None:
        order, events = maker.order(intent=maker.intent("000002"))
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
            mariadb_server.kill()
            unit.live_orders()

    with pytest.raises(StoreUnavailable):
        die_half_way()
    with pytest.raises(StoreUnavailable):
        symbols(store)  # a dead database is not an empty one
    with pytest.raises(StoreUnavailable):
        append(store, maker, "000003")

    mariadb_server.restart()
    assert answered(lambda: symbols(store)) == ["000001"]
    append(store, maker, "000004")
    assert symbols(store) == ["000001", "000004"]


@pytest.mark.req("D-06")
def test_a_server_killed_at_commit_makes_the_outcome_unknown(
    engine: Engine, mariadb_server: Any, maker: Any
) -> None:
    store = SqlStore(engine, maker.namespace)
    order, events = maker.order(intent=maker.intent("000001"))

    def commit_to_the_dead() -> None:
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
            mariadb_server.kill()

    with pytest.raises(CommitOutcomeUnknown):
        commit_to_the_dead()

    mariadb_server.restart()
    assert answered(lambda: symbols(store)) == []


@pytest.mark.req("D-06")
def test_nothing_that_was_said_to_be_committed_is_lost_with_the_server(
    engine: Engine, mariadb_server: Any, maker: Any
) -> None:
    store = SqlStore(engine, maker.namespace)
    said: dict[str, list[str]] = {"committed": [], "not": [], "unknown": []}
    killer = threading.Timer(0.3, mariadb_server.kill)
    killer.start()

    for number in range(100_000):
        symbol = f"{number:06d}"
        try:
            append(store, maker, symbol)
        except CommitOutcomeUnknown:
            said["unknown"].append(symbol)
            break
        except StoreUnavailable:
            said["not"].append(symbol)
            break
        said["committed"].append(symbol)
    killer.join()

    mariadb_server.restart()
    found = set(answered(lambda: symbols(store)))
    assert said["committed"]
    assert len(said["not"]) + len(said["unknown"]) == 1
    assert found - set(said["unknown"]) == set(said["committed"])


def test_connections_that_died_in_the_pool_are_not_noticed(
    engine: Engine, mariadb_server: Any, maker: Any
) -> None:
    store = SqlStore(engine, maker.namespace)
    with store.unit_of_work() as one, store.unit_of_work() as two, store.unit_of_work() as three:
        for unit in (one, two, three):
            unit.live_orders()  # three connections at once: all of the pool

    mariadb_server.restart()

    append(store, maker, "000001")
    assert symbols(store) == ["000001"]


def test_a_connection_lost_after_the_first_statement_is_not_repaired(
    engine: Engine, maker: Any
) -> None:
    store = SqlStore(engine, maker.namespace)
    order, events = maker.order(Kind.SENDING, intent=maker.intent("000001"))

    def lose_the_connection() -> None:
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
            with engine.connect() as other:
                mine = other.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
                for row in other.exec_driver_sql("SHOW PROCESSLIST").all():
                    if row.User == "kis_test" and row.Id != mine:
                        other.exec_driver_sql(f"KILL {row.Id}")
            unit.live_orders()

    with pytest.raises(StoreUnavailable):
        lose_the_connection()

    assert symbols(store) == []


# -- an answer that is lost


class CuttingProxy:
    """Passes bytes on until a COMMIT was answered; the answer and both connections are dropped."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._server_port = port
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self.is_cutting = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                    self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([client, server], [], [], 10)
            for source in readable:
                data = source.recv(65_536)
                if not data:
                    return
                if source is server:
                    client.sendall(data)
                    continue
                server.sendall(data)
                if self.is_cutting and b"\x03COMMIT" in data:
                    server.recv(65_536)  # the server has committed, and nobody will hear of it
                    self.is_cutting = False
                    return


@pytest.mark.req("D-06")
def test_a_commit_whose_answer_was_lost_is_unknown_and_may_be_there(
    mariadb_url: str, maker: Any, request: pytest.FixtureRequest
) -> None:
    port = make_url(mariadb_url).port
    assert port is not None
    proxy = CuttingProxy(port)
    request.addfinalizer(proxy.stop)
    engine = open_database(mariadb_url.replace(f":{port}/", f":{proxy.port}/"))
    initialize_schema(engine)
    store = SqlStore(engine, maker.namespace)
    assert symbols(store) == []  # connected: what follows is the unit's own COMMIT
    proxy.is_cutting = True

    with pytest.raises(CommitOutcomeUnknown):
        append(store, maker, "000001")

    assert symbols(store) == ["000001"]
    engine.dispose()


# -- reaching a server that is away


def test_an_unreachable_server_is_asked_again_only_after_a_pause(
    maker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database("mysql+pymysql://kis:not-a-secret@127.0.0.1:1/kis")
    attempts: list[object] = []
    event.listen(engine, "do_connect", lambda *arguments: attempts.append(arguments))
    now = [100.0]
    monkeypatch.setattr("kis_adapters.sql.transaction.monotonic", lambda: now[0])
    store = SqlStore(engine, maker.namespace)
    counts = []

    for at in (100.0, 100.09, 100.11, 100.29, 100.32, 200.0):
        now[0] = at
        with pytest.raises(StoreUnavailable):
            symbols(store)
        counts.append(len(attempts))

    assert counts == [1, 1, 2, 2, 3, 4]  # pauses of 0.1, 0.2 and 0.4 s


# -- SQLite


_COMMITTER = textwrap.dedent("""
    import importlib.util, sys
    from kis_adapters.sql.database import open_database
    from kis_adapters.sql.store import SqlStore

    specification = importlib.util.spec_from_file_location("facts", sys.argv[1])
    facts = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(facts)
    maker = facts.OrderMaker()
    store = SqlStore(open_database(sys.argv[2]), maker.namespace)
    for number in range(100_000):
        symbol = f"{number:06d}"
        order, events = maker.order(intent=maker.intent(symbol))
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
        print(symbol, flush=True)
""")


def test_a_process_killed_after_its_commits_loses_none_of_them(tmp_path: Path, maker: Any) -> None:
    url = f"sqlite:///{tmp_path / 'kis.db'}"
    engine = open_database(url)
    initialize_schema(engine)
    program = subprocess.Popen(
        [sys.executable, "-c", _COMMITTER, str(Path(__file__).parent / "conftest.py"), url],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    told = [program.stdout.readline().strip() for _ in range(50)]

    program.send_signal(signal.SIGKILL)
    told += re.findall(r"\d{6}", program.communicate(timeout=20)[0])

    found = symbols(SqlStore(engine, maker.namespace))
    engine.dispose()
    assert set(told) <= set(found)
    assert len(found) - len(told) in {0, 1}  # it may have died between commit and print


def test_a_database_file_that_another_program_locks_is_unavailable(
    tmp_path: Path, maker: Any
) -> None:
    url = f"sqlite:///{tmp_path / 'kis.db'}?timeout=0.1"
    engine, other = open_database(url), open_database(url)
    initialize_schema(engine)
    store = SqlStore(engine, maker.namespace)

    with other.begin(), pytest.raises(StoreUnavailable):
        append(store, maker, "000001")

    append(store, maker, "000002")
    assert symbols(store) == ["000002"]
    engine.dispose()
    other.dispose()


def test_a_full_disk_is_unavailable_and_nothing_is_kept(tmp_path: Path, maker: Any) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kis.db'}")
    initialize_schema(engine)
    store = SqlStore(engine, maker.namespace)

    def limit(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # what is there, and no page more

    event.listen(engine, "checkout", limit)
    kept: list[str] = []

    def fill_the_disk() -> None:
        for number in range(2_000):
            append(store, maker, f"{number:06d}")
            kept.append(f"{number:06d}")

    with pytest.raises(StoreUnavailable):
        fill_the_disk()

    assert symbols(store) == kept
    engine.dispose()


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path, maker: Any) -> None:
    path = tmp_path / "kis.db"
    path.write_bytes(b"not a database at all" * 100)

    with pytest.raises(StoreMisfit, match="SQLite"):
        initialize_schema(open_database(f"sqlite:///{path}"))


# -- the store of simulations


def test_the_memory_store_fails_a_commit_as_it_is_told(maker: Any) -> None:
    store = MemoryStore(maker.namespace)

    store.fail_next_commit("not_committed")
    symbols(store)  # reading commits nothing
    with pytest.raises(StoreUnavailable):
        append(store, maker, "000001")
    store.fail_next_commit("committed_but_unknown")
    with pytest.raises(CommitOutcomeUnknown):
        append(store, maker, "000002")
    store.fail_next_commit("not_committed_but_unknown")
    with pytest.raises(CommitOutcomeUnknown):
        append(store, maker, "000003")
    append(store, maker, "000004")

    assert symbols(store) == ["000002", "000004"]


def test_what_the_memory_store_committed_outlives_it(maker: Any) -> None:
    store = MemoryStore(maker.namespace)
    append(store, maker, "000001")

    restarted = MemoryStore(maker.namespace, store.database)

    assert symbols(restarted) == ["000001"]


def test_a_unit_inside_a_unit_of_one_thread_is_refused_in_memory(maker: Any) -> None:
    store = MemoryStore(maker.namespace)

    with store.unit_of_work(), pytest.raises(StoreUnavailable), store.unit_of_work():
        pass
