"""A sign of life for whoever looks from outside: a file touched, a URL called (V-07)."""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog

_log = structlog.stdlib.get_logger("kis.heartbeat")
_EVERY_S = 20.0
_TIMEOUT_S = 10.0


class Heartbeat:
    """Beats when the main loop comes round; what goes wrong is logged once, and trades go on.

    `seconds` is a monotonic clock. The URL is called on a thread of its own, at most every 20 s
    and one call at a time, so that a server that hangs costs the session nothing.
    """

    def __init__(self, *, file: Path | None, url: str | None, seconds: Callable[[], float]) -> None:
        self._file, self._url, self._seconds = file, url, seconds
        self._called_at: float | None = None
        self._in_flight = threading.Lock()
        self._troubles: set[str] = set()

    def beat(self) -> None:
        """The loop came round."""
        if self._file is not None:
            self._note("file", self._touch(self._file))
        now = self._seconds()
        is_due = self._called_at is None or now - self._called_at >= _EVERY_S
        if self._url is not None and is_due and self._in_flight.acquire(blocking=False):
            self._called_at = now
            threading.Thread(
                target=self._call, args=(self._url,), name="heartbeat", daemon=True
            ).start()

    @staticmethod
    def _touch(file: Path) -> str | None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        except OSError as error:
            return str(error)
        return None

    def _call(self, url: str) -> None:
        try:
            answer = httpx.get(url, timeout=_TIMEOUT_S, follow_redirects=False)
            self._note("url", None if answer.is_success else f"HTTP {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._note("url", type(error).__name__)  # its text may quote the URL, a secret
        finally:
            self._in_flight.release()

    def _note(self, what: str, why: str | None) -> None:
        if why is not None and what not in self._troubles:
            self._troubles.add(what)
            _log.warning("heartbeat.failed", what=what, why=why)
        elif why is None and what in self._troubles:
            self._troubles.discard(what)
            _log.info("heartbeat.recovered", what=what)
