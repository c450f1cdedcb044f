"""The sign of life, against a real server on this machine (V-07)."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kis_adapters.system.heartbeat import Heartbeat


@dataclass(slots=True)
class Watcher:
    url: str = ""
    status: int = 200
    calls: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    seen = Watcher()
    seen.release.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.calls.append(self.path)
            seen.release.wait(30)
            self.send_response(seen.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}/ping/NOT-A-TOKEN"
    yield seen
    seen.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def _has_calls(watcher: Watcher, count: int) -> bool:
    return len(watcher.calls) == count


@pytest.mark.req("V-07")
def test_a_beat_touches_the_file_and_calls_the_url(watcher: Watcher, tmp_path: Path) -> None:
    file = tmp_path / "run" / "heartbeat"
    seconds = [0.0]
    heart = Heartbeat(file=file, url=watcher.url, seconds=lambda: seconds[0])

    heart.beat()
    heart.beat()  # at once: the file again, the URL not yet
    _until(lambda: len(watcher.calls) == 1)
    _until(lambda: "heartbeat" not in {thread.name for thread in threading.enumerate()})
    seconds[0] = 21.0
    heart.beat()

    _until(lambda: len(watcher.calls) == 2)
    assert file.exists()


@pytest.mark.req("V-07")
def test_a_server_that_hangs_holds_up_nothing_and_is_not_called_again(watcher: Watcher) -> None:
    watcher.release.clear()
    seconds = [0.0]
    heart = Heartbeat(file=None, url=watcher.url, seconds=lambda: seconds[0])

    for _ in range(5):
        heart.beat()
        seconds[0] += 100.0
    _until(lambda: watcher.calls)

    assert len(watcher.calls) == 1


def test_a_failure_is_logged_once_without_the_url(watcher: Watcher, tmp_path: Path) -> None:
    watcher.status = 500
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    seconds = [0.0]
    heart = Heartbeat(
        file=tmp_path / "file" / "heartbeat", url=watcher.url, seconds=lambda: seconds[0]
    )

    with capture_logs() as told:
        for count in range(1, 4):
            heart.beat()
            _until(partial(_has_calls, watcher, count))
            _until(lambda: "heartbeat" not in {thread.name for thread in threading.enumerate()})
            seconds[0] += 100.0

    assert sorted(entry["what"] for entry in told) == ["file", "url"]
    assert "NOT-A-TOKEN" not in str(told)
