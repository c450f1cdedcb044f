"""The operator's page in a browser: at the open, in a drawdown, after a crash, without a database.

KIS_TEST_SCREENSHOTS names a folder that the pictures are put into, for a person to look at.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.conftest import TWO_SYMBOLS, Desk, new_desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.req("V-06")

_PHONE = {"width": 390, "height": 844}
_DESKTOP = {"width": 1_100, "height": 900}


@contextmanager
def _served(desk: Desk) -> Iterator[str]:
    """The page's address while it is served."""
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.dashboard", "--port", "0", "--config", "fast.yaml"],
        cwd=desk.directory,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:"), process.stderr.read() if process.stderr else ""
    try:
        yield line.split(" ")[0].rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@contextmanager
def _seen(browser: "Browser", url: str, size: dict[str, int], name: str) -> "Iterator[Page]":
    with browser.new_context(viewport=size) as context:  # type: ignore[arg-type]
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#link.now")
        yield page
        pictures = os.environ.get("KIS_TEST_SCREENSHOTS")
        if pictures:
            page.screenshot(path=Path(pictures) / f"{name}.png", full_page=True)
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A day that was killed while something was held."""
    desk = new_desk(tmp_path_factory.mktemp("dashboard"))
    process = desk.start_trading()
    assert process.stdout is not None
    for line in process.stdout:
        if "트레일링 시작" in line:
            break
    process.kill()
    desk.end_of(process)
    return desk


def _copy(desk: Desk, directory: Path) -> Desk:
    """The same database for a test that changes it."""
    other = new_desk(directory)
    other.database.parent.mkdir(exist_ok=True)
    with (
        closing(sqlite3.connect(desk.database)) as there,
        closing(sqlite3.connect(other.database)) as here,
    ):
        there.backup(here)
    return other


@pytest.mark.parametrize("size", [_PHONE, _DESKTOP], ids=["phone", "desktop"])
def test_after_a_crash_it_shows_what_is_held_and_what_was_done(
    size: dict[str, int], crashed: Desk, chromium: "Browser"
) -> None:
    with (
        _served(crashed) as url,
        _seen(chromium, url, size, f"after-a-crash-{size['width']}") as page,
    ):
        page.wait_for_selector(".card")
        text = page.inner_text("body")

    assert "POSCO홀딩스(005490)" in text
    for said in ("손절까지", "익절가", "당일 실현 손익", "계좌 평가손익", "킬 스위치", "돌파 진입"):
        assert said in text
    assert "내장 시뮬레이터" in text
    assert "매매 프로그램" in text
    row = crashed.rows("SELECT stop_price FROM positions WHERE open_symbol = '005490'")[0]
    assert f"{row['stop_price']:,}원" in text
    account = crashed.rows("SELECT DISTINCT account FROM positions")[0]["account"]
    assert account not in text


def test_it_follows_a_running_session_without_being_reloaded(
    tmp_path: Path, chromium: "Browser"
) -> None:
    desk = new_desk(tmp_path)
    desk.write("fast.yaml", "market_data: {feed: rest}\nsimulator: {day_seconds: 60}\n")
    with _served(desk) as url, _seen(chromium, url, _PHONE, "at-the-open") as page:
        assert "아직" in page.inner_text("#trouble")
        process = desk.start("--mode", "trade", "--config", "fast.yaml", *TWO_SYMBOLS)
        page.wait_for_selector(".card", timeout=120_000)
        assert page.is_hidden("#trouble")
        assert "살아 있음" in page.inner_text("#health")
        process.send_signal(signal.SIGTERM)
        desk.end_of(process)


def test_a_drawdown_and_a_kill_switch_stand_out(
    crashed: Desk, tmp_path: Path, chromium: "Browser"
) -> None:
    desk = _copy(crashed, tmp_path)
    with closing(sqlite3.connect(desk.database)) as connection:
        connection.execute("UPDATE risk_state SET kill_switch = '누적 낙폭 한도'")
        connection.execute("UPDATE account_snapshots SET equity = equity * 85 / 100")
        connection.commit()

    with _served(desk) as url, _seen(chromium, url, _DESKTOP, "in-a-drawdown") as page:
        page.wait_for_selector(".card")
        worst = page.locator("dd.error").all_inner_texts()

    assert "누적 낙폭 한도" in worst
    # By hand: the last snapshot is 85 % of about 10,000,000, the highest equity 10,000,000.
    assert [text for text in worst if text.endswith("%") and 14 < float(text[:-1]) < 16]


def test_names_from_elsewhere_are_text_and_nothing_else(
    crashed: Desk, tmp_path: Path, chromium: "Browser"
) -> None:
    desk = _copy(crashed, tmp_path)
    hostile = (
        "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    )
    with closing(sqlite3.connect(desk.database)) as connection:
        connection.execute("UPDATE symbol_cache SET stock_name = ?", (hostile,))
        connection.commit()

    with _served(desk) as url, _seen(chromium, url, _PHONE, "hostile-names") as page:
        page.wait_for_selector(".card")
        assert "<img src=x" in page.inner_text("#positions")
        assert "taken" not in page.title()


def test_a_locked_database_is_said_and_the_last_content_stays(
    crashed: Desk, tmp_path: Path, chromium: "Browser"
) -> None:
    desk = _copy(crashed, tmp_path)
    with closing(sqlite3.connect(desk.database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # where readers do wait for a writer

    with _served(desk) as url, _seen(chromium, url, _PHONE, "locked") as page:
        page.wait_for_selector(".card")
        with closing(sqlite3.connect(desk.database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            page.wait_for_selector("#trouble:not([hidden])")
            assert "에 읽은 내용입니다" in page.inner_text("#trouble")
            assert page.locator(".card").count() == 1
            other.rollback()
        page.wait_for_selector("#trouble", state="hidden")


def test_an_empty_database_is_no_error(tmp_path: Path, chromium: "Browser") -> None:
    desk = new_desk(tmp_path)
    desk.database.parent.mkdir()
    desk.database.touch()

    with _served(desk) as url, _seen(chromium, url, _DESKTOP, "empty") as page:
        assert "아직 거래한 적이 없는" in page.inner_text("#trouble")


def test_years_of_rows_are_sent_in_bounded_parts(crashed: Desk, tmp_path: Path) -> None:
    desk = _copy(crashed, tmp_path)
    with closing(sqlite3.connect(desk.database)) as connection:
        for table in ("decisions", "account_snapshots"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(name for name in names if name != "id")
            while connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] < 100_000:
                connection.execute(f"INSERT INTO {table} ({kept}) SELECT {kept} FROM {table}")
        connection.commit()

    with _served(desk) as url:
        answer = httpx.get(f"{url}/api/state", timeout=60)

    state = answer.json()
    assert state["trouble"] is None
    assert len(state["decisions"]) == 30
    assert 100 < len(state["equity"]) <= 800
    assert len(answer.content) < 100_000


def test_it_says_when_the_server_is_gone(crashed: Desk, chromium: "Browser") -> None:
    with chromium.new_context(viewport=_PHONE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        with _served(crashed) as url:
            page.goto(url)
            page.wait_for_selector(".card")
        page.wait_for_selector("#link.lost")
        assert page.locator(".card").count() == 1


def test_it_reads_and_nothing_else(crashed: Desk, tmp_path: Path) -> None:
    desk = _copy(crashed, tmp_path)
    before = desk.database.read_bytes()

    with _served(desk) as url:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/", "/api/state"):
                assert httpx.request(method, url + path).status_code == 405
        assert httpx.get(f"{url}/api/state").status_code == 200
        assert httpx.get(f"{url}/api/state", headers={"Host": "evil.example"}).status_code == 400
        assert httpx.get(f"{url}/../data/kis.db").status_code == 404
        policy = httpx.get(url).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert desk.database.read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [(("--port", "70000"), "port"), (("--config", "none.yaml"), "none.yaml")],
)
def test_a_wrong_command_is_refused(desk: Desk, typed: tuple[str, str], said: str) -> None:
    ended = desk.python("-m", "apps.dashboard", *typed)

    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
