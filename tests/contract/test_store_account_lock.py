"""The AccountLock port: one program in the world trades the account."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from kis_adapters.sql.account_lock import account_lock
from kis_adapters.sql.database import open_database
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.account_lock import AccountLock
from kis_core.ports.store import StoreUnavailable

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")


@pytest.fixture
def engine(mariadb_url: str) -> Iterator[Engine]:
    engine = open_database(mariadb_url)
    yield engine
    engine.dispose()


@pytest.fixture
def other_machine(mariadb_url: str) -> Iterator[Engine]:
    engine = open_database(mariadb_url)
    yield engine
    engine.dispose()


def test_a_lock_is_held_from_acquire_to_release(store_url: str) -> None:
    engine = open_database(store_url)
    lock = account_lock(engine, PAPER)
    assert isinstance(lock, AccountLock)

    held = [lock.is_held(), lock.acquire(), lock.is_held(), lock.acquire(), lock.is_held()]
    lock.release()
    lock.release()

    assert held == [False, True, True, True, True]
    assert lock.is_held() is False
    assert lock.acquire() is True
    lock.release()
    engine.dispose()


@pytest.mark.req("P-02")
def test_two_machines_cannot_hold_one_account(engine: Engine, other_machine: Engine) -> None:
    first, second = account_lock(engine, PAPER), account_lock(other_machine, PAPER)

    assert first.acquire() is True
    assert second.acquire() is False
    assert (first.is_held(), second.is_held()) == (True, False)

    first.release()
    assert second.acquire() is True
    second.release()


@pytest.mark.req("P-10")
@pytest.mark.parametrize(
    "other",
    [
        Namespace(mode=TradingMode.REAL, account="50000000-01"),
        Namespace(mode=TradingMode.PAPER, account="50000000-02"),
    ],
)
def test_another_account_or_mode_has_its_own_lock(engine: Engine, other: Namespace) -> None:
    first, second = account_lock(engine, PAPER), account_lock(engine, other)

    assert first.acquire() is True
    assert second.acquire() is True

    first.release()
    second.release()


@pytest.mark.req("P-02")
def test_a_lock_lost_with_its_connection_is_not_held_and_can_be_taken_by_another(
    engine: Engine, other_machine: Engine
) -> None:
    lock, rival = account_lock(engine, PAPER), account_lock(other_machine, PAPER)
    lock.acquire()
    with other_machine.connect() as connection:
        holder = connection.execute(text("SELECT IS_USED_LOCK('kis:PAPER:50000000-01')")).scalar()
        connection.execute(text(f"KILL {holder}"))
        # The killed connection ends when the server comes to it: wait there until it has.
        waited = text("SELECT GET_LOCK('kis:PAPER:50000000-01', 30)")
        assert connection.execute(waited).scalar() == 1
        connection.execute(text("SELECT RELEASE_LOCK('kis:PAPER:50000000-01')"))

    assert lock.is_held() is False
    assert rival.acquire() is True
    assert lock.acquire() is False
    rival.release()


@pytest.mark.req("P-02")
def test_a_dead_server_confirms_no_lock(
    engine: Engine, mariadb_server: Any, mariadb_url: str
) -> None:
    if make_url(mariadb_url).port != mariadb_server.port:
        pytest.skip("KIS_TEST_MYSQL_URL is set: only a private server may be killed")
    lock = account_lock(engine, PAPER)
    lock.acquire()

    mariadb_server.kill()

    assert lock.is_held() is False
    with pytest.raises(StoreUnavailable):
        lock.acquire()
    lock.release()
    mariadb_server.restart()
    assert lock.acquire() is True
    lock.release()


def test_an_account_with_a_long_name_can_be_locked(engine: Engine, other_machine: Engine) -> None:
    long = Namespace(mode=TradingMode.VIRTUAL, account="가상 계좌 " * 20)
    first, second = account_lock(engine, long), account_lock(other_machine, long)

    assert (first.acquire(), second.acquire()) == (True, False)
    first.release()
