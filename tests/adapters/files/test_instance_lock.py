"""The single-instance lock, with real processes."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kis_adapters.files.instance_lock import FileInstanceLock
from kis_core.market.session import KST
from kis_core.ports.instance_lock import InstanceHeld, InstanceLock, InstanceLockLost

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=KST)
ROOT = Path(__file__).parents[3]

_HOLDER = """
import sys
from datetime import datetime
from pathlib import Path
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_core.market.session import KST
from kis_core.ports.instance_lock import InstanceHeld
lock = FileInstanceLock(Path(sys.argv[1]))
try:
    lock.acquire(now=datetime(2026, 11, 24, 8, 0, tzinfo=KST))
except InstanceHeld as held:
    print("refused", held.holder.splitlines()[0], flush=True)
    sys.exit(3)
print("holding", flush=True)
sys.stdin.read()
"""

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "instance.lock"


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start processes that take the lock and hold it until they are killed."""
    started: list[subprocess.Popen[str]] = []

    def _start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(path)],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.req("P-01", "F-090")
def test_a_second_and_a_third_start_are_refused_and_the_holders_text_stays(
    path: Path, start: Start
) -> None:
    holder = start()
    assert first_line(holder) == "holding"
    text = path.read_text()

    refused = [start() for _ in range(3)]
    answers = [first_line(process) for process in refused]

    assert answers == [f"refused pid={holder.pid}"] * 3
    assert [process.wait() for process in refused] == [3, 3, 3]
    assert path.read_text() == text
    assert f"pid={holder.pid}\n" in text


@pytest.mark.req("P-01", "F-091")
def test_the_kernel_releases_the_lock_of_a_killed_process(path: Path, start: Start) -> None:
    holder = start()
    assert first_line(holder) == "holding"

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lock = FileInstanceLock(path)
    lock.acquire(now=NOW)

    assert f"pid={os.getpid()}\n" in path.read_text()
    lock.release()


@pytest.mark.req("P-01", "F-091")
@pytest.mark.parametrize("text", ["", "pid=1\nheartbeat=2026-11-24T09:00:00+09:00\n", "\0\xff"])
def test_a_file_left_behind_is_no_lock_whatever_it_says(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    lock = FileInstanceLock(path)

    lock.acquire(now=NOW)

    assert isinstance(lock, InstanceLock)
    lock.release()


@pytest.mark.req("P-01", "F-091")
def test_a_lock_with_an_old_heartbeat_is_still_held(path: Path, start: Start) -> None:
    assert first_line(start()) == "holding"

    with pytest.raises(InstanceHeld):
        FileInstanceLock(path).acquire(now=NOW + timedelta(days=400))


@pytest.mark.req("P-01")
def test_the_text_is_for_people(path: Path) -> None:
    lock = FileInstanceLock(path)

    lock.acquire(now=NOW)
    lock.heartbeat(now=NOW + timedelta(minutes=5))
    text = path.read_text()
    lock.release()

    lines = dict(line.split("=") for line in text.splitlines())
    assert list(lines) == ["pid", "host", "started", "heartbeat"]
    assert lines["pid"] == str(os.getpid())
    assert lines["started"] == "2026-11-24T09:00:00+09:00"
    assert lines["heartbeat"] == "2026-11-24T09:05:00+09:00"
    assert path.read_text() == text


@pytest.mark.req("P-01")
def test_a_longer_text_of_an_earlier_holder_leaves_no_rest(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("x" * 500)
    lock = FileInstanceLock(path)

    lock.acquire(now=NOW)

    assert "x" * 20 not in path.read_text()
    lock.release()


def test_a_released_lock_can_be_taken_again_and_release_twice_is_harmless(path: Path) -> None:
    first, second = FileInstanceLock(path), FileInstanceLock(path)
    first.acquire(now=NOW)
    with pytest.raises(InstanceHeld):
        second.acquire(now=NOW)

    first.release()
    first.release()
    second.acquire(now=NOW)

    second.release()


@pytest.mark.req("F-090")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_holder_whose_file_was_removed_notices(path: Path, replaced: bool) -> None:
    lock = FileInstanceLock(path)
    lock.acquire(now=NOW)

    path.unlink()
    if replaced:
        path.touch()

    with pytest.raises(InstanceLockLost):
        lock.heartbeat(now=NOW)
    lock.release()


def test_a_heartbeat_without_the_lock_is_an_error(path: Path) -> None:
    with pytest.raises(InstanceLockLost):
        FileInstanceLock(path).heartbeat(now=NOW)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks."""

    def flock(_file: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.req("P-01")
@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(("age_s", "held"), [(3_599, True), (3_600, False)])
def test_without_file_locks_the_heartbeat_decides(path: Path, age_s: int, held: bool) -> None:
    first = FileInstanceLock(path)
    first.acquire(now=NOW)
    second = FileInstanceLock(path)

    if held:
        with pytest.raises(InstanceHeld):
            second.acquire(now=NOW + timedelta(seconds=age_s))
    else:
        second.acquire(now=NOW + timedelta(seconds=age_s))

    first.release()
    second.release()


@pytest.mark.usefixtures("no_locks")
def test_without_file_locks_an_unreadable_text_holds_nothing(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("heartbeat=yesterday\n")
    lock = FileInstanceLock(path)

    lock.acquire(now=NOW)

    lock.release()


def test_a_lock_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a directory should be")

    with pytest.raises(OSError, match="data"):
        FileInstanceLock(tmp_path / "data" / "instance.lock").acquire(now=NOW)
