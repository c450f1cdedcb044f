"""Durability: what was asked of the simulator, in order, and what time it was.

Fills, cash and prices follow from the seed and from what was asked, so only that is kept: one
JSON line per order, cancel, switch and token, on disk before its answer leaves. A line that was
cut by a crash was never answered and is dropped. The clock is a small file of its own, rewritten
in place with each call.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

_JOURNAL = "journal.jsonl"
_CLOCK = "clock.txt"
_INSTANT_LENGTH = 40

Entry = dict[str, object]


class StateRefused(Exception):
    """The state directory belongs to another simulation; the message is for the operator."""


class Journal:
    """The journal of one state directory, locked while it is open.

    `header` says which simulation it is; an existing journal with another one is refused.
    """

    def __init__(self, directory: Path, header: Mapping[str, object]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / _JOURNAL).open("a+b")
        self._clock = os.open(directory / _CLOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(directory)
            self.header, self.entries = self._read(header, directory)
        except StateRefused:
            self.close()
            raise

    def append(self, entry: Mapping[str, object]) -> None:
        """Make `entry` durable before returning."""
        line = json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def note_time(self, now: datetime) -> None:
        """Remember `now`: a later run starts no earlier. Survives this process, not the machine."""
        text = now.isoformat(timespec="microseconds").ljust(_INSTANT_LENGTH)
        os.pwrite(self._clock, text.encode(), 0)

    @property
    def last_time(self) -> datetime | None:
        """The last noted instant, or None in a new journal."""
        text = os.pread(self._clock, _INSTANT_LENGTH, 0).decode().strip()
        return datetime.fromisoformat(text) if text else None

    def close(self) -> None:
        """Release the files and the lock."""
        self._file.close()
        os.close(self._clock)

    def _lock(self, directory: Path) -> None:
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateRefused(f"다른 모의서버가 이 상태를 쓰고 있습니다: {directory}") from error

    def _read(self, header: Mapping[str, object], directory: Path) -> tuple[Entry, list[Entry]]:
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        lines: list[Entry] = [json.loads(line) for line in whole.splitlines()]
        if not lines:
            self.append(header)
            return dict(header), []
        _check(lines[0], header, directory)
        return lines[0], lines[1:]


def _check(stored: Entry, wanted: Mapping[str, object], directory: Path) -> None:
    different = [k for k in wanted if k != "start" and stored.get(k) != wanted[k]]
    if different:
        names = ", ".join(f"{k}: {stored.get(k)} → {wanted[k]}" for k in different)
        raise StateRefused(f"다른 설정으로 만든 상태입니다 ({names}): {directory}")
