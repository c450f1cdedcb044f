"""--mode verify: everything a start needs, one line each, and not an order (M-12, V-02)."""

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from kis_adapters.files.instance_lock import FileInstanceLock
from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer
from tests.telegram_server import BOT_NAME, CHAT, Fault, TelegramServer, serving

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

_NUMBERS = tuple(f"{number})" for number in range(1, 7))
_MORNING = datetime(2026, 11, 24, 8, 40, tzinfo=KST)
_VERIFY = ("--mode", "verify", "--config", "fast.yaml")
_REAL_VERIFY = (*_VERIFY, "--confirm-real-trading")


@pytest.fixture
def real_server() -> Iterator[SandboxServer]:
    """A simulator that plays the broker's real server."""
    with SandboxServer(SandboxConfig(mode=Personality.REAL, start=_MORNING)) as server:
        yield server


def _variables(url: str, personality: Personality) -> dict[str, str]:
    keys = CREDENTIALS[personality]
    prefix = "REAL_" if personality is Personality.REAL else ""
    return {
        "TRADING_MODE": personality.value.upper(),
        "KIS_BASE_URL": url,
        f"{prefix}KIS_APP_KEY": keys.app_key,
        f"{prefix}KIS_APP_SECRET": keys.app_secret,
        f"{prefix}KIS_ACCOUNT_NO": keys.account_no,
    }


def _line(ended: "Ended", what: str) -> str:
    """The first line of one check."""
    return next(line for line in ended.out.splitlines() if f"] {what}:" in line)


@pytest.mark.req("M-12", "K-12", "M-15")
def test_a_new_user_sees_every_check_and_ends_with_0(desk: "Desk") -> None:
    ended = desk.run(*_VERIFY)

    assert (ended.code, ended.err) == (0, "")
    assert "[실패]" not in ended.out
    for what in (
        *(
            "설정",
            "유니버스",
            "유니버스 캐시",
            "호출 계획",
            "로그 경로",
            "데이터 경로",
            "실행 잠금",
        ),
        *(
            "데이터베이스 연결",
            "스키마",
            "격리 수준",
            "데이터베이스 시간대",
            "인증",
            "시계",
            "거래소 일정",
        ),
    ):
        assert _line(ended, what).startswith("[통과]"), what
    assert _line(ended, "텔레그램").startswith("[경고]")
    # 10 shipped candidates and 5 places, one call each at one a second.
    assert "보유 5 + 후보 10종목 = 15건 = 15.0초 / 60초" in ended.out
    assert desk.rows("SELECT * FROM order_events") == []


@pytest.mark.req("M-12", "K-10")
def test_the_settings_are_shown_with_their_origin_and_without_secrets(desk: "Desk") -> None:
    desk.write(".env", "LOG_LEVEL=DEBUG\n")
    url = f"http://127.0.0.1:{_closed_port()}"

    ended = desk.run(*_VERIFY, KIS_BASE_URL=url, KILL_SWITCH="점검", **desk.fake_keys)

    assert "engine.interval_s = 60  ← 기본값" in ended.out
    assert "log.level = DEBUG  ← .env" in ended.out
    assert "risk.kill_switch = 점검  ← 환경변수" in ended.out
    assert "market_data.feed = rest  ← fast.yaml" in ended.out
    for secret in (desk.fake_keys["KIS_APP_KEY"], desk.fake_keys["KIS_APP_SECRET"], "99000001"):
        assert secret not in ended.out + ended.err


def _telegram(server: TelegramServer) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": server.token,
        "TELEGRAM_CHAT_ID": str(CHAT),
        "TELEGRAM_API_URL": server.url,
    }


@pytest.mark.req("M-12")
def test_telegram_is_asked_whether_messages_would_arrive_and_none_is_sent(desk: "Desk") -> None:
    with serving() as telegram:
        ended = desk.run(*_VERIFY, **_telegram(telegram))

        assert ended.code == 0
        assert _line(ended, "텔레그램").startswith(f"[통과] 텔레그램: @{BOT_NAME}")
        assert telegram.sent == []
        off = desk.run(*_VERIFY, **_telegram(telegram), TELEGRAM_ENABLED="false")
        assert _line(off, "텔레그램").startswith("[경고] 텔레그램: 꺼져 있음")


@pytest.mark.req("M-12", "F-094")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TELEGRAM_BOT_TOKEN": "1234567:NOT-A-TOKEN-and-a-wrong-one-of-a-test"}, "토큰"),
        ({"TELEGRAM_CHAT_ID": "990000777"}, "TELEGRAM_CHAT_ID"),
    ],
    ids=["token", "chat"],
)
def test_a_wrong_token_or_chat_of_telegram_is_a_failure_that_shows_neither(
    desk: "Desk", change: dict[str, str], words: str
) -> None:
    with serving() as telegram:
        ended = desk.run(*_VERIFY, **_telegram(telegram) | change)

    assert ended.code == 2
    assert _line(ended, "텔레그램").startswith("[실패]")
    assert words in _line(ended, "텔레그램")
    assert not [secret for secret in change.values() if secret in ended.out + ended.err]


@pytest.mark.req("M-12", "E-07")
def test_telegram_that_is_down_or_heard_by_another_is_a_warning(desk: "Desk") -> None:
    with serving() as telegram:
        telegram.webhook = "https://example.invalid/hook"
        elsewhere = desk.run(*_VERIFY, **_telegram(telegram))
        telegram.fail("*", Fault(status=502, times=9))
        down = desk.run(*_VERIFY, **_telegram(telegram))
    gone = desk.run(*_VERIFY, **_telegram(telegram))

    assert "웹훅" in _line(elsewhere, "텔레그램")
    for ended in (elsewhere, down, gone):
        assert ended.code == 0, ended.out
        assert _line(ended, "텔레그램").startswith("[경고]")
        assert telegram.token not in ended.out + ended.err


@pytest.mark.req("M-12", "F-105")
def test_each_thing_that_is_wrong_is_a_failure_of_its_own_and_the_rest_is_still_looked_at(
    desk: "Desk",
) -> None:
    desk.write("logs", "a file, and no directory")
    url = f"http://127.0.0.1:{_closed_port()}"

    ended = desk.run(*_VERIFY, KIS_BASE_URL=url, **desk.fake_keys)

    assert ended.code == 2
    assert _line(ended, "로그 경로").startswith("[실패]")
    assert _line(ended, "인증").startswith("[실패]")
    assert _line(ended, "데이터 경로").startswith("[통과]")
    assert _line(ended, "스키마").startswith("[통과]")
    assert "Traceback" not in ended.out + ended.err
    assert "실패한 항목이 있습니다" in ended.out.splitlines()[-1]


@pytest.mark.req("M-12")
def test_a_database_that_is_not_there_and_one_that_is_newer_fail(desk: "Desk") -> None:
    away = desk.run(*_VERIFY, DATABASE_URL=f"mysql+pymysql://u:p@127.0.0.1:{_closed_port()}/kis")
    desk.database.parent.mkdir(exist_ok=True)
    desk.database.write_bytes(b"this is no database, it only has the name of one" * 100)
    damaged = desk.run(*_VERIFY)

    assert (away.code, damaged.code) == (2, 2)
    assert _line(away, "데이터베이스").startswith("[실패]")
    assert _line(damaged, "데이터베이스").startswith("[실패]")


@pytest.mark.req("M-12", "D-01")
def test_a_server_is_asked_for_its_isolation_and_its_time_zone(
    desk: "Desk", mariadb_url: str
) -> None:
    ended = desk.run(*_VERIFY, DATABASE_URL=mariadb_url)

    assert _line(ended, "격리 수준") == "[통과] 격리 수준: READ COMMITTED"
    assert _line(ended, "데이터베이스 시간대") == "[통과] 데이터베이스 시간대: +09:00"
    assert ended.code == 0


@pytest.mark.req("M-12", "P-01")
def test_a_running_program_is_a_failure_that_names_it(desk: "Desk") -> None:
    lock = FileInstanceLock(desk.directory / "data" / "instance.lock")
    lock.acquire(now=_MORNING)
    ended = desk.run(*_VERIFY)
    lock.release()

    assert ended.code == 2
    assert "이미 실행 중입니다: pid=" in _line(ended, "실행 잠금")


@pytest.mark.req("M-12")
def test_a_configuration_that_cannot_be_read_is_a_failed_check_each(desk: "Desk") -> None:
    desk.write("mine.yaml", "engine: {intervall_s: 60, near_stop_interval_s: 1}\n")

    ended = desk.run("--mode", "verify", "--config", "mine.yaml")

    assert ended.code == 2
    assert [line[:4] for line in ended.out.splitlines()] == ["[실패]", "[실패]"]
    assert "intervall_s" in ended.out


@pytest.mark.req("K-12", "M-12")
def test_a_plan_that_does_not_fit_fails_with_its_numbers(desk: "Desk") -> None:
    desk.write("u.yaml", "universe: {max_stocks: 60, max_positions: 5}\n")

    ended = desk.run(*_VERIFY, "--universe", "u.yaml")

    assert ended.code == 2
    assert "[실패] 호출 계획: 판단 주기에 들어가지 않습니다: 65건 ÷ 초당 1건 = 65.0초" in ended.out


@pytest.mark.req("V-02", "M-12", "M-09", "M-10")
def test_the_real_checklist_passes_on_a_real_server_and_sends_no_order(
    desk: "Desk", real_server: SandboxServer
) -> None:
    variables = _variables(real_server.base_url, Personality.REAL)

    ended = desk.run(*_REAL_VERIFY, "--checklist", "real", **variables)

    assert ended.code == 0, ended.out
    titles = [line.strip() for line in ended.out.splitlines() if line[1:3] in _NUMBERS]
    assert titles == [
        "1) 환경변수",
        "2) 실행 인자",
        "3) 유니버스",
        "4) 데이터베이스",
        "5) 로그와 알림",
        "6) 첫날 제한",
    ]
    assert "REAL 첫 거래일입니다: 한 종목만, 첫 주문 10%" in ended.out
    assert "[통과] --confirm-real-trading: 있음" in ended.out
    assert (desk.directory / "data" / "broker_holidays.json").exists()
    asked = dict(real_server.sandbox.requests)
    assert [name for name in asked if "order" in name] == []
    assert [count for name, count in asked.items() if "chk-holiday" in name] == [1]


@pytest.mark.req("V-02")
def test_the_real_checklist_fails_in_paper(desk: "Desk") -> None:
    ended = desk.run(*_VERIFY, "--checklist", "real")

    assert ended.code == 2
    assert "[실패] TRADING_MODE: PAPER" in ended.out


@pytest.mark.req("V-02", "M-09", "M-10", "U-10")
def test_the_real_checklist_warns_of_wide_limits(desk: "Desk", real_server: SandboxServer) -> None:
    desk.write("u.yaml", "universe: {selection_method: combined, stocks: [005930]}\n")
    wide = ("--real-first-order-percent", "50", "--no-real-limit-symbols-first-day")

    ended = desk.run(
        *(*_REAL_VERIFY, "--checklist", "real", "--universe", "u.yaml", *wide),
        **_variables(real_server.base_url, Personality.REAL),
    )

    assert ended.code == 0, ended.out
    assert "[경고] --real-first-order-percent: 첫 주문은 계산 수량의 50%" in ended.out
    assert "[경고] --real-limit-symbols-first-day: 꺼짐" in ended.out
    assert "halt_on_fallback_in_real: false" in ended.out
    assert "종목 수 제한 없이, 첫 주문 50%" in ended.out


@pytest.mark.req("M-08", "F-003")
@pytest.mark.parametrize("mode", ["trade", "verify", "universe"])
def test_no_mode_that_talks_to_the_broker_does_so_in_real_without_the_confirmation(
    desk: "Desk", mode: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended = desk.run("--mode", mode, **_variables(url, Personality.REAL))

        with pytest.raises(BlockingIOError):
            listener.accept()

    assert ended.code == 2
    assert "--confirm-real-trading" in ended.err


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
