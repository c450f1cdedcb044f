"""The single-instance lock: `flock` on `data/instance.lock`.

The kernel holds the lock for the open file and drops it with the process, `kill -9` included. So
nothing here judges whether a lock is stale, and nothing is ever deleted: deleting is how a second
holder comes to be. The text is for people. It is overwritten only by whoever holds the lock.
"""

import errno
import fcntl
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from kis_core.ports.instance_lock import InstanceHeld, InstanceLock, InstanceLockLost

_UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_STALE_AFTER = timedelta(seconds=3_600)  # P-01, only for file systems without locks
_TEXT_MAX = 1_024


class FileInstanceLock(InstanceLock):
    """`path`'s directory is made when it is absent. Raises OSError where it cannot be used.

    On a file system without locks (some network shares) the text decides instead: a holder whose
    heartbeat is younger than an hour is believed. That is a courtesy, not a guarantee.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._started: datetime | None = None

    def acquire(self, *, now: datetime) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(file, now=now)
        except BaseException:
            os.close(file)
            raise
        self._file, self._started = file, now
        self._write(now)

    def heartbeat(self, *, now: datetime) -> None:
        if self._file is None or not self._is_still_there(self._file):
            raise InstanceLockLost(str(self._path))
        self._write(now)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int, *, now: datetime) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise InstanceHeld(_text_of(file)) from error
            if error.errno not in _UNSUPPORTED:
                raise
            if _is_alive(_text_of(file), now=now):
                raise InstanceHeld(_text_of(file)) from error
        if not self._is_still_there(file):
            # Removed between opening and locking: what we hold guards nothing.
            raise InstanceHeld(f"{self._path} 파일이 시작하는 동안 바뀌었습니다. 다시 시작하세요.")

    def _is_still_there(self, file: int) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        ours = os.fstat(file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _write(self, now: datetime) -> None:
        assert self._file is not None
        started = self._started or now
        text = (
            f"pid={os.getpid()}\nhost={socket.gethostname()}\n"
            f"started={started.isoformat(timespec='seconds')}\n"
            f"heartbeat={now.isoformat(timespec='seconds')}\n"
        )
        # Never empty in between: a reader sees the old text or the new one.
        length = os.pwrite(self._file, text.encode(), 0)
        os.ftruncate(self._file, length)


def _text_of(file: int) -> str:
    return os.pread(file, _TEXT_MAX, 0).decode(errors="replace").strip()


def _is_alive(text: str, *, now: datetime) -> bool:
    """Whether a holder's text shows a heartbeat of the last hour; unreadable text does not."""
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    try:
        heartbeat = datetime.fromisoformat(lines.get("heartbeat", ""))
        return now - heartbeat < _STALE_AFTER
    except (ValueError, TypeError):
        return False
