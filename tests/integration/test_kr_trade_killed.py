"""kill -9 of kr_trade, of its database and of the broker's side, during simulated days.

Afterwards the database is compared with the simulator's own ledger: every order once, every fill,
fee and tax to the won, holdings and cash. `python -m scripts.chaos --kills 100` does the same for
longer.
"""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.chaos import chaos
from scripts.ledger_comparison import differences
from scripts.market_stage import BUSY_CONFIG, App, busy_app, default_database, market_in

if TYPE_CHECKING:
    from tests.conftest import MariaDbServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# At this pace a second without the database is about twenty minutes of the session.
_PACED = "simulator: {day_seconds: 0}", "simulator: {day_seconds: 20}"


@pytest.fixture
def seed() -> int:
    """A new one each time, printed with a failure; KIS_TEST_SEED repeats one."""
    given = os.environ.get("KIS_TEST_SEED")
    drawn = int(given) if given else random.SystemRandom().randrange(10**6)
    print(f"KIS_TEST_SEED={drawn}")
    return drawn


@pytest.mark.req("O-01", "O-03", "O-05", "O-08", "O-09", "P-03", "F-013", "F-015", "F-016")
def test_kills_at_random_moments_leave_no_order_twice_and_no_won_missing_sqlite(
    tmp_path: Path, seed: int
) -> None:
    outcome = chaos(tmp_path, kills=6, seed=seed)

    assert outcome.differences == [], str(outcome)
    assert outcome.kills == 6
    assert outcome.settled["adopted"] > 0  # the first kill is between an order and its answer


@pytest.mark.req("D-01", "D-03", "O-05", "O-09", "P-02")
def test_kills_at_random_moments_leave_no_order_twice_and_no_won_missing_mariadb(
    tmp_path: Path, mariadb_url: str, seed: int
) -> None:
    outcome = chaos(tmp_path, kills=3, seed=seed, database_url=mariadb_url)

    assert outcome.differences == [], str(outcome)
    assert outcome.kills == 3
    assert outcome.settled["adopted"] > 0


@pytest.mark.req("D-06", "F-013", "O-01")
def test_a_database_killed_in_mid_session_comes_back_and_nothing_is_missing(
    tmp_path: Path, mariadb_server: "MariaDbServer", mariadb_url: str
) -> None:
    if os.environ.get("KIS_TEST_MYSQL_URL"):
        pytest.skip("the server of KIS_TEST_MYSQL_URL is not ours to kill")
    with market_in(tmp_path, seed=8) as market:
        paced(tmp_path)
        variables = {**market.variables(), "DATABASE_URL": mariadb_url}
        app = busy_app(tmp_path, variables, config="paced.yaml")
        assert app.wait_for("주문 기록", within_s=60)
        mariadb_server.kill()
        sent_before = orders_at(market)
        assert app.wait_for("데이터베이스 응답 없음", within_s=30)
        time.sleep(1.0)
        sent_without = orders_at(market) - sent_before
        mariadb_server.restart()
        code = app.wait(within_s=240)
        ledger = market.ledger()
    found = differences(ledger, mariadb_url)

    # At most the one order whose journal row was committed when the server died.
    assert sent_without <= 1
    assert code == 0, app.output
    assert found == []
    assert "Traceback" not in app.output


@pytest.mark.req("E-03", "O-05")
def test_a_broker_that_dies_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    with market_in(tmp_path, seed=8) as market:
        app = busy_app(tmp_path, market.variables())
        assert app.wait_for("주문 접수", within_s=60)
        market.kill()
        time.sleep(1.0)
        is_alive = app.process.poll() is None
        market.start()
        code = app.wait(within_s=240)
        ledger = market.ledger()
    found = differences(ledger, default_database(tmp_path))

    assert is_alive
    assert code == 0, app.output
    assert found == []
    assert "Traceback" not in app.output


@pytest.mark.req("M-17")
def test_a_stop_while_the_broker_is_gone_leaves_within_5_s(tmp_path: Path) -> None:
    with market_in(tmp_path, seed=8) as market:
        app = busy_app(tmp_path, market.variables())
        assert app.wait_for("거래일 시작", within_s=60)
        market.kill()
        time.sleep(0.5)
        asked_at = time.monotonic()
        app.process.terminate()
        code = app.wait(within_s=20)
        took_s = time.monotonic() - asked_at

    assert code == 130, app.output
    assert took_s < 5.0
    assert "Traceback" not in app.output


@pytest.mark.req("M-17")
def test_a_stop_while_the_broker_hangs_leaves_within_5_s_and_says_so_in_the_log(
    tmp_path: Path,
) -> None:
    with market_in(tmp_path, seed=8) as market:
        app = busy_app(tmp_path, market.variables())
        assert app.wait_for("거래일 시작", within_s=60)
        market.freeze()
        time.sleep(0.5)  # until it waits for an answer that does not come
        asked_at = time.monotonic()
        app.process.terminate()
        code = app.wait(within_s=60)
        took_s = time.monotonic() - asked_at
    log = "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "logs").glob("*.log"))

    assert code == 130, app.output
    assert took_s < 5.0
    assert '"event": "app.step_left_behind"' in log


@pytest.mark.req("P-02", "F-093", "M-16")
def test_a_second_directory_cannot_trade_the_same_account_on_one_server(
    tmp_path: Path, mariadb_url: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with market_in(tmp_path, seed=8) as market:
        for name in ("busy.yaml", "universe.yaml"):
            (elsewhere / name).write_bytes((tmp_path / name).read_bytes())
        variables = {**market.variables(), "DATABASE_URL": mariadb_url}
        first = busy_app(tmp_path, variables)
        assert first.wait_for("거래일 시작", within_s=60)
        second = busy_app(elsewhere, variables)
        code = second.wait(within_s=60)
        is_first_alive = first.process.poll() is None
        first.kill()

    assert code == 3, second.output
    assert is_first_alive
    assert "계좌" in second.lines[-1]


def test_the_comparison_itself_sees_what_is_missing(
    tampered: Callable[[str], list[str]],
) -> None:
    assert tampered("SELECT 1") == []
    for statement, found in (
        ("UPDATE order_state SET order_no = '99' WHERE order_no IS NOT NULL", "not at the broker"),
        ("UPDATE fills SET amount = amount + 1", "fills of"),
        ("UPDATE trades SET tax = tax + 1", "taxes_total"),
        ("UPDATE positions SET cost = cost + 1", "in the database"),
        ("DELETE FROM order_state", "not in the database"),
    ):
        assert any(found in difference for difference in tampered(statement)), statement


@pytest.fixture
def tampered(tmp_path: Path) -> Callable[[str], list[str]]:
    """Changes a copy of the database of a day's first minutes, and compares it."""
    with market_in(tmp_path, seed=8) as market:
        app = busy_app(tmp_path, market.variables())
        assert app.wait_for("포지션 진입", within_s=60)
        app.process.terminate()
        app.wait(within_s=20)
        files = ("--config", "busy.yaml", "--universe", "universe.yaml")
        follow = App(
            tmp_path,
            ["--mode", "trade", *files, "--max-runs", "1"],
            {**market.variables(), "KILL_SWITCH": "no more entries"},
        )
        assert follow.wait(within_s=60) == 0, follow.output
        ledger = market.ledger()

    def compare(statement: str) -> list[str]:
        copy = tmp_path / "tampered.db"
        shutil.copyfile(tmp_path / "data" / "kis.db", copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute(statement)
            connection.commit()
        return differences(ledger, f"sqlite:///{copy}")

    return compare


def paced(directory: Path) -> None:
    """The busy configuration at a pace that an outage of a second does not outrun."""
    text = BUSY_CONFIG.replace(*_PACED)
    (directory / "paced.yaml").write_text(text, encoding="utf-8")


def orders_at(market: Any) -> int:
    """How many orders the broker has taken; `market` is the script's."""
    ledger = market.ledger()
    return len([order for order in ledger["orders"] if order["kind"] == "new"])
