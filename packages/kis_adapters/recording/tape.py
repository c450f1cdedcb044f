"""Where a session's record is written: one gzipped file of JSON lines, by a thread of its own.

The trading thread hands over finished lines and never waits (E-07). A disk that fails ends the
record, not the session. What was written survives the death of the process: the stream is
flushed every second, and a file without its last line is a record that was cut short.

Each line carries a checksum over itself and the line before it, so a line that was changed
afterwards shows.
"""

import gzip
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from zlib import crc32

import structlog

from kis_adapters.recording.plain import text_of

FORMAT = 1
_MOST_WAITING = 200_000  # lines; a writer that far behind is dead
_FLUSH_S = 1.0
_LEVEL = 6

_log = structlog.get_logger(__name__)


class Tape:
    """A record being written to `path`, which must not exist. Raises OSError when it cannot be.

    `header` says what was run with what; it holds nothing secret.
    """

    def __init__(self, path: Path, header: Mapping[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive, and for the owner alone: it tells what an account holds.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.path = path
        self._raw = os.fdopen(handle, "wb")
        self._file = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=_LEVEL, mtime=0)
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._failure: str | None = None
        self._chain = 0
        self.calls = 0
        self._header = dict(header)
        self._writer = threading.Thread(target=self._write_all, name="tape", daemon=True)
        self._writer.start()

    @property
    def failure(self) -> str | None:
        """Why nothing is recorded any more; None while everything is."""
        return self._failure

    def begin(self, facts: Mapping[str, object]) -> None:
        """Write the header, with `facts` about what is recorded; once, before anything else."""
        self._lines.put(text_of({"format": FORMAT, **self._header, **facts}))

    def add(self, line: Mapping[str, object]) -> None:
        """Put one call on record; returns at once."""
        if self._failure is not None:
            return
        if self._lines.qsize() > _MOST_WAITING:
            self._fail("the writer does not keep up")
            return
        self.calls += 1
        self._lines.put(text_of(line))

    def close(self, *, within_s: float = 5.0) -> None:
        """Write what is waiting and the last line, and close the file."""
        self._lines.put(text_of({"ended": True, "calls": self.calls}))
        self._lines.put(None)
        self._writer.join(within_s)

    def _write_all(self) -> None:
        flushed_at = monotonic()
        try:
            while True:
                try:
                    line = self._lines.get(timeout=_FLUSH_S)
                except Empty:
                    line = b""
                if line is None:
                    break
                if line:
                    self._write(line)
                if not line or monotonic() - flushed_at >= _FLUSH_S:
                    self._file.flush()
                    self._raw.flush()
                    flushed_at = monotonic()
            self._file.close()
        except OSError as error:
            self._fail(str(error))
        finally:
            with suppress(OSError):  # told already
                self._raw.close()

    def _write(self, body: bytes) -> None:
        self._chain = crc32(body, self._chain)
        self._file.write(b'{"chain":"%08x",%s\n' % (self._chain, body[1:]))

    def _fail(self, why: str) -> None:
        self._failure = why
        _log.error("recording.failed", path=str(self.path), why=why)
