"""What is said to systemd, over a real socket of its kind (V-05, V-07)."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kis_adapters.system.service_manager import ServiceManager


@pytest.fixture
def line(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(5)
        yield made


def _heard(line: socket.socket) -> str:
    return line.recv(1_024).decode()


@pytest.mark.req("V-05", "V-07")
def test_ready_alive_and_stopping_are_said_in_turn(line: socket.socket) -> None:
    manager = ServiceManager(
        {"NOTIFY_SOCKET": str(line.getsockname()), "WATCHDOG_USEC": "600000000"}
    )

    manager.ready()
    manager.alive()
    manager.stopping()

    assert [_heard(line) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]
    assert manager.pulse_s == 300.0


def test_an_abstract_socket_is_spoken_to_as_well() -> None:
    name = f"kis-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{name}")
        line.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert _heard(line) == "READY=1"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "relative/path"},
        {"NOTIFY_SOCKET": "/nobody/listens/here"},
        {"NOTIFY_SOCKET": "/nobody", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/" + "x" * 500, "WATCHDOG_USEC": "0"},
    ],
)
def test_without_a_manager_nothing_is_said_and_nothing_fails(environ: dict[str, str]) -> None:
    manager = ServiceManager(environ)

    manager.ready()
    manager.alive()
    manager.stopping()

    assert manager.pulse_s is None


def test_a_watchdog_of_another_process_is_not_ours(line: socket.socket) -> None:
    environ = {
        "NOTIFY_SOCKET": str(line.getsockname()),
        "WATCHDOG_USEC": "1000000",
        "WATCHDOG_PID": "1",
    }

    assert ServiceManager(environ).pulse_s is None


def test_a_manager_that_reads_nothing_never_holds_the_session_up(line: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": str(line.getsockname()), "WATCHDOG_USEC": "1000000"}
    manager = ServiceManager(environ)

    for _ in range(5_000):  # far beyond what the socket's queue holds
        manager.alive()

    assert _heard(line) == "WATCHDOG=1"
