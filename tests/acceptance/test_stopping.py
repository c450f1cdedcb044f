"""Asking a running kr_trade to stop, and what is left when it has."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_WITHIN_S = 5.0  # M-17


@pytest.mark.req("M-17", "M-16", "F-092")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_session_leaves_within_5_s_and_the_next_start_goes_on(
    desk: "Desk", number: signal.Signals
) -> None:
    process = desk.start_trading()
    _wait_for(process, "포지션 진입")
    asked_at = time.monotonic()
    process.send_signal(number)
    ended = desk.end_of(process)
    took_s = time.monotonic() - asked_at
    held = desk.rows("SELECT stock_code, atr, stop_price FROM positions WHERE closed_at IS NULL")
    again = desk.trade("--max-runs", "1", "--stock", "068270", "--stock", "005490")
    kept = desk.rows("SELECT stock_code, atr, stop_price FROM positions WHERE closed_at IS NULL")

    assert ended.code == 130
    assert took_s < _WITHIN_S
    assert "종료" in ended.out.splitlines()[-1]
    assert desk.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert [tuple(row) for row in held] != []
    assert set(map(tuple, held)) <= set(map(tuple, kept))
    assert again.code == 0
    assert f"복구 완료: 보유 종목 {len(held)}건" in again.out


@pytest.mark.req("M-17")
def test_a_second_signal_changes_nothing(desk: "Desk") -> None:
    process = desk.start_trading()

    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    ended = desk.end_of(process)

    assert ended.code == 130
    assert "Traceback" not in ended.err


@pytest.mark.req("M-17", "E-07")
def test_a_broker_that_never_answers_does_not_hold_up_the_stop(desk: "Desk") -> None:
    with _server_that_never_answers() as (url, asked):
        process = desk.start(
            *("--mode", "trade", "--config", "fast.yaml"), KIS_BASE_URL=url, **desk.fake_keys
        )
        assert asked.wait(20)
        asked_at = time.monotonic()
        process.terminate()
        ended = desk.end_of(process)
        took_s = time.monotonic() - asked_at

    assert ended.code == 130
    assert took_s < _WITHIN_S
    assert "Traceback" not in ended.err


@pytest.mark.req("M-08")
def test_ctrl_c_during_the_countdown_of_real_leaves_with_nothing_sent(desk: "Desk") -> None:
    real = {f"REAL_{name}": value for name, value in desk.fake_keys.items()}
    with _server_that_never_answers() as (url, asked):
        process = desk.start(
            *("--mode", "trade", "--config", "fast.yaml", "--confirm-real-trading"),
            TRADING_MODE="REAL",
            KIS_BASE_URL=url,
            **real,
        )
        _wait_for(process, "9초 뒤에 시작합니다")
        process.send_signal(signal.SIGINT)
        ended = desk.end_of(process)

    assert ended.code == 130
    assert not asked.is_set()
    assert len(ended.err.splitlines()) == 1
    assert "중단했습니다" in ended.err
    assert not desk.database.exists()


def _wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), f"never said {words}"


@contextmanager
def _server_that_never_answers() -> Iterator[tuple[str, threading.Event]]:
    """Its URL, and an event that is set once somebody connected who does not only look whether a
    simulator serves there."""
    asked = threading.Event()
    with ExitStack() as connections:
        listener = connections.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=_listen, args=(listener, asked, connections))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _listen(listener: socket.socket, asked: threading.Event, connections: ExitStack) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connections.enter_context(connection)
        if connection.recv(4_096).startswith(b"GET /sandbox/"):
            connection.sendall(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            connection.shutdown(socket.SHUT_RDWR)
        else:
            asked.set()
