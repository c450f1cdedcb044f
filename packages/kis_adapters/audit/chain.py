"""The chain on disk: finding its end, mending it, and appending to it.

A crash can leave the last line half written. What lies behind the last whole line is then moved
to a file of its own, as evidence, and the chain goes on from that line; nothing before it is ever
touched. A line never goes into a file older than the newest, so a clock that steps back does not
turn the order of the lines around.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kis_adapters.audit.folder import TrailFolder, lines_backwards
from kis_adapters.audit.line import ORIGIN, BrokenLine, Line, Link, opened, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A damaged end: what was wrong with it, how long it was, and where it lies now."""

    path: Path
    size: int
    why: str


class TrailInUse(OSError):
    """Another process writes this trail; Korean text."""


class Chain:
    """The open end of a trail. Methods raise OSError; what a failed `append` had written of its
    lines is taken back, or found and set aside by the next Chain."""

    def __init__(self, folder: TrailFolder) -> None:
        folder.directory.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file: int | None = None
        self._path: Path | None = None
        self._lock: int | None = _locked(folder.lock_path)
        self.set_aside: list[SetAside] = []
        try:
            self.link = self._find_end()
        except BaseException:
            self.close()
            raise

    def lines_backwards(self) -> Iterator[Line]:
        """The whole lines from the end on. Ends at the first damaged one."""
        for path in reversed(self._folder.files()):
            for _, raw in lines_backwards(path):
                try:
                    yield opened(raw)
                except BrokenLine:
                    return

    def append(self, records: Sequence[dict[str, object]], *, day: date, is_durable: bool) -> None:
        """Write `records` at the end; on the disk on return if `is_durable`."""
        file = self._file_for(day)
        content, link = bytearray(), self.link
        for record in records:
            line, link = sealed(record, after=link)
            content += line
        size = os.fstat(file).st_size
        try:
            _write_all(file, content)
            if is_durable:
                os.fsync(file)
        except OSError:
            with suppress(OSError):  # then the next Chain sets the rest aside
                os.ftruncate(file, size)
            raise
        self.link = link

    def close(self) -> None:
        """Let go of file and lock."""
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        self._file = self._lock = None

    def _find_end(self) -> Link:
        for path in reversed(self._folder.files()):
            size, why = path.stat().st_size, ""
            for offset, raw in lines_backwards(path):
                try:
                    line = opened(raw)
                except BrokenLine as error:
                    why = why or str(error)
                    continue
                self._cut(path, offset + len(raw), size, why)
                return line.link
            self._cut(path, 0, size, why)
        return ORIGIN

    def _cut(self, path: Path, end: int, size: int, why: str) -> None:
        """Move what lies behind `end` to a file of its own."""
        if end == size:
            return
        with path.open("r+b") as stream:
            stream.seek(end)
            rest = stream.read()
            aside = _write_aside(path, rest)
            stream.truncate(end)
            os.fsync(stream.fileno())
        self.set_aside.append(SetAside(path=aside, size=len(rest), why=why))

    def _file_for(self, day: date) -> int:
        newest = self._folder.files()[-1:] if self._file is None else []
        wanted = max([self._folder.path_of(day), *newest, *([self._path] if self._path else [])])
        if self._file is None or wanted != self._path:
            file = os.open(wanted, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if self._file is not None:
                os.close(self._file)
            self._file, self._path = file, wanted
            _sync_directory(self._folder.directory)
        return self._file


def _locked(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(lock)
            raise TrailInUse("다른 프로그램이 같은 감사 기록을 쓰고 있습니다") from error
        # A file system without locks: the instance lock already admits one program.
    return lock


def _write_aside(path: Path, content: bytes) -> Path:
    for number in range(1, 1_000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        try:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        try:
            _write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        return aside
    raise OSError(errno.EEXIST, "too many damaged ends", str(path))


def _write_all(file: int, content: bytes | bytearray) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
