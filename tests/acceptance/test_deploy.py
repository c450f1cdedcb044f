"""The units as systemd reads them, and the process as it behaves under them."""

import configparser
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apps.exit_code import ExitCode
from tests.acceptance.conftest import TWO_SYMBOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_DEPLOY = Path(__file__).parents[2] / "deploy"
_UNITS = sorted([*_DEPLOY.glob("*.service"), *_DEPLOY.glob("*.timer")])
_PYTHON = "/opt/kis-trend-atr/.venv/bin/python"


def _unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(_DEPLOY / name, encoding="utf-8")
    return read


@pytest.mark.req("V-05")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine; the unit's lines are checked below")
    for unit in _UNITS:
        text = unit.read_text(encoding="utf-8").replace(_PYTHON, "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in _UNITS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "kr-" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.req("V-05", "V-07", "M-16")
def test_the_unit_watches_restarts_and_knows_when_not_to() -> None:
    service = _unit("kr-trade.service")["Service"]

    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 0
    assert service["Restart"] == "on-failure"
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert never == {
        ExitCode.REFUSED,
        ExitCode.ALREADY_RUNNING,
        ExitCode.HALTED,
        ExitCode.INTERRUPTED,
    }
    # Neither an outage of some minutes nor what only the look beforehand minds keeps it down.
    assert _unit("kr-trade.service")["Unit"]["StartLimitIntervalSec"] == "0"
    assert service["ExecStartPre"].startswith("-")
    assert "--mode verify" in service["ExecStartPre"]
    assert service["User"] != "root"
    assert service["MemoryMax"].removesuffix("M").isdecimal()
    assert "--confirm-real-trading" not in service["ExecStart"]


@pytest.mark.req("V-05", "D-08")
def test_old_backups_go_and_nothing_else(tmp_path: Path) -> None:
    text = (_DEPLOY / "kr-trade-daily.service").read_text(encoding="utf-8")
    executed = [line.partition("=")[2] for line in text.splitlines() if line.startswith("Exec")]
    pruning = next(line for line in executed if "/find " in line)
    assert "--mode backup" in executed[executed.index(pruning) - 1]  # and stops if that failed
    command = shlex.split(pruning)
    days = {"kis-20261001.backup": 40, "kis-20261127.backup": 2, "before-update.backup": 400}
    for name, age in days.items():
        (tmp_path / name).write_text("x", encoding="utf-8")
        then = time.time() - age * 86_400
        os.utime(tmp_path / name, (then, then))

    place = command.index("/var/lib/kis-trend-atr/backup")
    subprocess.run([*command[:place], str(tmp_path), *command[place + 1 :]], check=True, timeout=60)

    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["before-update.backup", "kis-20261127.backup"]


@pytest.mark.req("F-010", "V-05")
def test_nothing_updates_the_running_program_by_itself() -> None:
    executed = [
        line
        for unit in _UNITS
        for line in unit.read_text(encoding="utf-8").splitlines()
        if line.startswith(("Exec", "OnCalendar"))
    ]
    assert executed
    for word in ("git", "pip", "setup.sh", "restart"):
        assert not [line for line in executed if word in line]
    guide = (_DEPLOY / "README.ko.md").read_text(encoding="utf-8")
    assert "자동으로 갱신하지 않습니다" in guide
    assert guide.index("--mode status") < guide.index("systemctl stop kr-trade")


def test_the_container_is_made_of_what_there_is_and_runs_as_nobody_special() -> None:
    lines = (_DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--" not in line]
    root = _DEPLOY.parent

    assert copied
    assert all((root / name).exists() for names in copied for name in names)
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert "USER kis" in lines


@pytest.mark.req("V-07", "V-05")
def test_the_process_tells_its_manager_that_it_is_ready_alive_and_about_to_end(
    desk: "Desk", tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(60)
        process = desk.start(
            *("--mode", "trade", "--config", "fast.yaml", *TWO_SYMBOLS),
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="20000000",
            HEARTBEAT_FILE=str(tmp_path / "heartbeat"),
        )
        heard = [line.recv(1_024).decode() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        while heard[-1] != "STOPPING=1":
            heard.append(line.recv(1_024).decode())
        ended = desk.end_of(process)

    assert heard[0] == "READY=1"
    assert set(heard[1:-1]) == {"WATCHDOG=1"}
    assert ended.code == ExitCode.INTERRUPTED
    assert (tmp_path / "heartbeat").exists()


@pytest.mark.req("V-07")
def test_a_process_that_stands_still_is_silent(desk: "Desk", tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(60)
        process = desk.start(
            *("--mode", "trade", *TWO_SYMBOLS),
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="1000000",
        )
        for _ in range(3):
            line.recv(1_024)
        os.kill(process.pid, signal.SIGSTOP)
        _drain(line)
        line.settimeout(2)  # twice what the manager would wait
        with pytest.raises(TimeoutError):
            line.recv(1_024)
        process.kill()
        desk.end_of(process)


def _drain(line: socket.socket) -> None:
    line.settimeout(0.2)
    try:
        while True:
            line.recv(1_024)
    except TimeoutError:
        return
