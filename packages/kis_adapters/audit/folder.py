"""The trail's files: `audit_YYYYMMDD.json` in one directory, read forwards and from their end."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrailFolder:
    """The files of one chain. `name` keeps the chains of two applications apart."""

    directory: Path
    name: str = "audit"

    def path_of(self, day: date) -> Path:
        """The file of a day."""
        return self.directory / f"{self.name}_{day:%Y%m%d}.json"

    def files(self) -> list[Path]:
        """Those that exist, oldest first. Raises OSError."""
        named = re.compile(rf"{re.escape(self.name)}_\d{{8}}\.json")
        if not self.directory.is_dir():
            return []
        return sorted(path for path in self.directory.iterdir() if named.fullmatch(path.name))

    @property
    def lock_path(self) -> Path:
        """What a writer holds locked."""
        return self.directory / f".{self.name}.lock"


def lines_of(path: Path) -> Iterator[bytes]:
    """A file's lines, each with its end; the last may lack one. Raises OSError."""
    with path.open("rb") as stream:
        yield from stream


def lines_backwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """A file's lines from the last to the first, each with the offset of its first byte. The file
    is that of one day, a few megabytes, and is read at once. Raises OSError."""
    content = path.read_bytes()
    end = len(content)
    while end > 0:
        start = content.rfind(b"\n", 0, end - 1) + 1
        yield start, content[start:end]
        end = start
