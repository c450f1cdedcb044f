"""Broker, database and disk out of reach: one Korean sentence, a documented code, and the
traceback in the log only."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended


def _fails(ended: "Ended", *words: str) -> None:
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.out + ended.err
    assert any("가" <= letter <= "힣" for letter in ended.err)
    for word in words:
        assert word in ended.err


@pytest.mark.req("M-16", "F-009")
def test_a_broker_that_cannot_be_reached_at_the_start_ends_with_1(desk: "Desk") -> None:
    ended = desk.trade(KIS_BASE_URL=f"http://127.0.0.1:{_closed_port()}", **desk.fake_keys)

    _fails(ended, "KIS_BASE_URL")
    assert desk.rows("SELECT * FROM order_events") == []
    assert '"event": "app.failed"' in desk.log
    assert "Traceback" in desk.log
    for secret in (desk.fake_keys["KIS_APP_KEY"], desk.fake_keys["KIS_APP_SECRET"]):
        assert secret not in desk.log + ended.out + ended.err


@pytest.mark.req("M-16", "F-006", "F-009", "F-087")
def test_a_database_that_cannot_be_reached_ends_with_1_and_without_an_order(desk: "Desk") -> None:
    url = f"mysql+pymysql://someone:not-a-secret@127.0.0.1:{_closed_port()}/kis"

    ended = desk.trade(DATABASE_URL=url)

    _fails(ended, "데이터베이스")
    assert "not-a-secret" not in ended.out + ended.err + desk.log
    assert _orders_at_the_simulator(desk) == 0


@pytest.mark.req("M-16", "F-009")
@pytest.mark.parametrize("mode", ["status", "clear-kill-switch"])
def test_the_offline_modes_say_the_same_of_an_unreachable_database(desk: "Desk", mode: str) -> None:
    url = f"mysql+pymysql://someone:not-a-secret@127.0.0.1:{_closed_port()}/kis"

    ended = desk.run("--mode", mode, DATABASE_URL=url)

    _fails(ended, "데이터베이스")
    assert "not-a-secret" not in ended.err


def test_a_database_file_that_is_none_is_refused_with_2(desk: "Desk") -> None:
    (desk.directory / "data").mkdir()
    desk.database.write_bytes(b"this is no database, it only has the name of one" * 100)

    ended = desk.trade()

    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert "SQLite" in ended.err
    assert desk.database.read_bytes().startswith(b"this is no database")


@pytest.mark.req("M-16", "F-009")
@pytest.mark.parametrize("mode", ["trade", "status"])
def test_a_data_directory_that_is_a_file_ends_with_1(desk: "Desk", mode: str) -> None:
    (desk.directory / "data").write_text("in the way", encoding="utf-8")

    ended = desk.run("--mode", mode, "--config", "fast.yaml")

    _fails(ended, "data")
    assert (desk.directory / "data").read_text(encoding="utf-8") == "in the way"


def test_a_log_directory_that_is_a_file_ends_with_1(desk: "Desk") -> None:
    in_the_way = desk.write("logs", "in the way")

    ended = desk.trade()

    _fails(ended, in_the_way)
    assert not desk.database.exists()


@pytest.fixture
def small_disk(desk: "Desk") -> Iterator[Path]:
    """`data` on a file system of its own with 600 kB; only root can make one."""
    mounted = desk.directory / "data"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(mounted)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


def test_a_full_disk_is_told_and_leaves_no_half_written_file(
    desk: "Desk", small_disk: Path
) -> None:
    (small_disk / "filler").write_bytes(bytes(_free(small_disk)))

    ended = desk.trade()

    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.out + ended.err
    assert not (small_disk / "positions.json").exists()
    assert [p for p in small_disk.rglob("*") if p.name.endswith(".tmp")] == []


def test_a_read_only_disk_is_told(desk: "Desk", small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    ended = desk.trade()

    _fails(ended, "instance.lock")


def _orders_at_the_simulator(desk: "Desk") -> int:
    """Orders the simulator took: none when it was ended before it wrote its first line."""
    journal = desk.directory / "data" / "simulator" / "journal.jsonl"
    if not journal.exists():
        return 0
    return journal.read_text(encoding="utf-8").count('"what": "place"')


def _free(where: Path) -> int:
    state = os.statvfs(where)
    return state.f_bavail * state.f_frsize


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
