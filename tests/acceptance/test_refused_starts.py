"""Starts that a guard or a wrong configuration refuses: one look at stderr says why."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended


def _is_refused(ended: "Ended", *words: str) -> None:
    """Exit 2, everything on stderr, in Korean, with these words, and nothing of Python."""
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert any("가" <= letter <= "힣" for letter in ended.err)
    for word in words:
        assert word in ended.err


def _has_written_nothing(desk: "Desk") -> bool:
    return sorted(p.name for p in desk.directory.iterdir() if p.suffix != ".yaml") in (
        [],
        [".env"],
    )


@pytest.mark.req("M-04", "F-001", "F-009")
@pytest.mark.parametrize("value", ["LIVE", "real", "CBT", "PAPER,REAL"])
def test_an_unknown_trading_mode_is_refused_with_the_allowed_values(
    desk: "Desk", value: str
) -> None:
    ended = desk.trade(TRADING_MODE=value)

    _is_refused(ended, "TRADING_MODE", "PAPER", "REAL", value)
    assert _has_written_nothing(desk)


@pytest.mark.req("M-05", "F-002", "F-004")
def test_two_different_modes_in_dotenv_and_environment_are_refused_naming_both(
    desk: "Desk",
) -> None:
    desk.write(".env", "TRADING_MODE=REAL\n")

    ended = desk.trade(TRADING_MODE="PAPER")

    _is_refused(ended, "TRADING_MODE", ".env", "PAPER", "REAL")
    assert _has_written_nothing(desk)


@pytest.mark.req("M-06", "F-007")
@pytest.mark.parametrize("where", ["environment", "dotenv"])
def test_a_real_key_in_paper_is_refused_by_name_and_never_shown(desk: "Desk", where: str) -> None:
    value = "FAKE-REAL-KEY-OF-A-TEST"
    if where == "dotenv":
        desk.write(".env", f"REAL_KIS_APP_KEY={value}\n")
        ended = desk.trade()
    else:
        ended = desk.trade(REAL_KIS_APP_KEY=value)

    _is_refused(ended, "REAL_KIS_APP_KEY")
    assert value not in ended.err
    assert _has_written_nothing(desk)


@pytest.mark.req("M-06")
def test_a_paper_key_in_real_is_refused_by_name(desk: "Desk") -> None:
    real = {f"REAL_{name}": value for name, value in desk.fake_keys.items()}

    ended = desk.trade(TRADING_MODE="REAL", KIS_APP_KEY="FAKE-PAPER-KEY", **real)

    _is_refused(ended, "KIS_APP_KEY")
    assert "FAKE-PAPER-KEY" not in ended.err


@pytest.mark.req("M-08", "F-002", "F-003", "F-009")
def test_real_without_the_confirmation_is_refused_before_any_connection(desk: "Desk") -> None:
    real = {f"REAL_{name}": value for name, value in desk.fake_keys.items()}
    with _a_listener() as (url, listener):
        ended = desk.trade(TRADING_MODE="REAL", KIS_BASE_URL=url, **real)

        assert not _was_connected(listener)

    _is_refused(ended, "--confirm-real-trading")
    assert _has_written_nothing(desk)


@pytest.mark.req("M-15")
def test_real_without_credentials_is_an_error_and_no_simulator(desk: "Desk") -> None:
    ended = desk.trade("--confirm-real-trading", TRADING_MODE="REAL")

    _is_refused(ended, "REAL_KIS_APP_KEY", "REAL_KIS_APP_SECRET", "REAL_KIS_ACCOUNT_NO")
    assert _has_written_nothing(desk)


@pytest.mark.req("M-15")
def test_half_of_the_credentials_is_an_error_that_names_the_rest(desk: "Desk") -> None:
    ended = desk.trade(KIS_APP_KEY="FAKE-APP-KEY-OF-A-TEST")

    _is_refused(ended, "KIS_APP_SECRET", "KIS_ACCOUNT_NO")
    assert "FAKE-APP-KEY" not in ended.err
    assert _has_written_nothing(desk)


@pytest.mark.req("F-001", "F-002")
@pytest.mark.parametrize("name", ["EXECUTION_MODE", "ENABLE_REAL_TRADING"])
def test_a_second_mode_variable_of_the_replaced_system_is_refused(desk: "Desk", name: str) -> None:
    ended = desk.trade(**{name: "true"})

    _is_refused(ended, name, "TRADING_MODE")


@pytest.mark.req("M-11")
@pytest.mark.parametrize("seconds", ["59", "0", "-60", "빨리"])
def test_an_interval_below_60_s_is_refused(desk: "Desk", seconds: str) -> None:
    ended = desk.trade(f"--interval={seconds}")

    _is_refused(ended, "interval")
    assert _has_written_nothing(desk)


@pytest.mark.req("M-11")
@pytest.mark.parametrize("runs", ["0", "-1", "1.5", "모두"])
def test_a_number_of_runs_that_is_none_is_refused(desk: "Desk", runs: str) -> None:
    _is_refused(desk.trade(f"--max-runs={runs}"), "max_runs")


@pytest.mark.req("K-11", "F-065")
@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("ws://ops.koreainvestment.com:21000", "PAPER"),  # the real accounts' port
        ("ws://stream.example.com/tryitout", "ws"),  # not encrypted, and not this machine
        ("http://127.0.0.1:1", "ws://"),
    ],
)
def test_a_stream_that_this_mode_may_not_talk_to_is_refused(
    desk: "Desk", url: str, named: str
) -> None:
    ended = desk.trade("--feed", "ws", KIS_WS_URL=url)

    _is_refused(ended, "KIS_WS_URL", named)
    assert _has_written_nothing(desk)


@pytest.mark.req("M-11", "U-12")
@pytest.mark.parametrize("code", ["5930", "00593O", "0126Z0", "삼성전자", "005930 "])
def test_a_stock_code_that_is_none_is_refused(desk: "Desk", code: str) -> None:
    ended = desk.trade("--stock", code, "--max-runs", "1")

    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert code.strip() in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--mode"),
        (("--mode", "tarde"), "trade"),
        (("--mode", "trade", "--feed", "rset"), "rest"),
        (("--mode", "trade", "--stock"), "--stock"),
        (("--mode", "trade", "--confirm"), "--confirm"),
    ],
)
def test_a_slip_on_the_command_line_is_explained_in_one_korean_line(
    desk: "Desk", arguments: tuple[str, ...], words: str
) -> None:
    ended = desk.run(*arguments)

    _is_refused(ended, words, "--help")
    assert len(ended.err.splitlines()) == 1
    assert "argument" not in ended.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("engine: {interval_s: 60\n", "YAML"),
        ("engine:\n  intervall_s: 60\n", "interval_s"),
        ("risk: {daily_max_trades: 많이}\n", "daily_max_trades"),
        ("- a list\n", "최상위"),
        ("", "비어"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused_with_its_file(
    desk: "Desk", content: str, words: str
) -> None:
    desk.write("mine.yaml", content)

    ended = desk.run("--mode", "trade", "--config", "mine.yaml")

    _is_refused(ended, "mine.yaml", words)
    assert _has_written_nothing(desk)


def test_a_configuration_that_is_not_there_is_refused_with_its_name(desk: "Desk") -> None:
    _is_refused(desk.run("--mode", "trade", "--config", "nowhere.yaml"), "nowhere.yaml")


@pytest.mark.req("U-01", "F-080")
def test_an_unknown_key_of_the_universe_names_its_line_and_the_nearest_key(desk: "Desk") -> None:
    desk.write("mine.yaml", "universe:\n  stocks: [005930]\n  max_stock: 3\n")

    ended = desk.trade("--universe", "mine.yaml")

    _is_refused(ended, "mine.yaml:3", "max_stock", "max_stocks")


@pytest.mark.req("F-009", "U-11")
def test_a_universe_without_a_symbol_is_refused(desk: "Desk") -> None:
    desk.write("none.yaml", "universe: {selection_method: fixed, stocks: []}\n")

    _is_refused(desk.trade("--universe", "none.yaml"), "stocks", "하나도 없습니다")


def test_help_is_in_korean_and_ends_with_0(desk: "Desk") -> None:
    ended = desk.run("--help")

    assert (ended.code, ended.err) == (0, "")
    assert "--confirm-real-trading" in ended.out
    assert "도움말" in ended.out


@pytest.mark.req("F-008")
def test_importing_the_app_reads_and_prints_nothing(desk: "Desk") -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import apps.kr_trade.__main__"],
        cwd=desk.directory,
        env=desk.environment({"TRADING_MODE": "nonsense"}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _has_written_nothing(desk)


@contextmanager
def _a_listener() -> Iterator[tuple[str, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def _was_connected(listener: socket.socket) -> bool:
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True
