"""Where a session's record is written: one gzipped file of JSON lines, by a thread of its own.

The trading thread hands over finished lines and never waits (E-07); the writer lets some gather
before it looks, so that it takes no time from an order that is on its way. A disk that fails, or a
record that reaches its limit, ends the record, not the session. What was written survives the
death of the process: the stream is flushed as soon as nothing more comes for a moment, and every
second. A file without its last line is a record that was cut short.

Each line carries a checksum over itself and the line before it, so a line that was changed
afterwards shows.
"""

import errno
import gzip
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from zlib import crc32

import structlog

from kis_adapters.recording.plain import text_of

FORMAT = 2
_MOST_WAITING = 200_000  # lines; a writer that far behind is dead
_FLUSH_S = 1.0
_LULL_S = 0.05
_GATHER_S = 0.02
_LEVEL = 6
_MOST_BYTES = 250_000_000

_log = structlog.get_logger(__name__)


class Tape:
    """A record being written to `path`, which must not exist. Raises OSError when it cannot be.

    `header` says what was run with what; it holds nothing secret. `most_bytes` bounds the file.
    """

    def __init__(
        self, path: Path, header: Mapping[str, object], *, most_bytes: int = _MOST_BYTES
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive, and for the owner alone: it tells what an account holds.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.path = path
        self._raw = os.fdopen(handle, "wb")
        self._file = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=_LEVEL, mtime=0)
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._failure: str | None = None
        self._chain = 0
        self._most_bytes = most_bytes
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
        _log.info("recording.began", path=str(self.path))

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
        try:
            self._write_until_closed()
            self._file.close()
        except OSError as error:
            self._fail(str(error))
        finally:
            for file in (self._file, self._raw):
                with suppress(OSError):  # told already
                    file.close()

    def _write_until_closed(self) -> None:
        flushed_at, is_flushed = monotonic(), True
        while True:
            lines = self._gathered(None if is_flushed else _LULL_S)
            for line in lines:
                if line is None:
                    return
                self._write(line)
            if not lines or monotonic() - flushed_at >= _FLUSH_S:
                self._flush()
                flushed_at, is_flushed = monotonic(), True
            else:
                is_flushed = False

    def _gathered(self, within_s: float | None) -> list[bytes | None]:
        """What waits a moment after the next line came; nothing when none came in time."""
        try:
            lines = [self._lines.get(timeout=within_s)]
        except Empty:
            return []
        sleep(_GATHER_S)
        with suppress(Empty):
            while True:
                lines.append(self._lines.get_nowait())
        return lines

    def _flush(self) -> None:
        self._file.flush()
        self._raw.flush()
        if self._raw.tell() > self._most_bytes:
            raise OSError(errno.EFBIG, "the record has reached its limit")

    def _write(self, body: bytes) -> None:
        self._chain = crc32(body, self._chain)
        self._file.write(b'{"chain":"%08x",%s\n' % (self._chain, body[1:]))

    def _fail(self, why: str) -> None:
        self._failure = why
        _log.error("recording.failed", path=str(self.path), why=why)
