"""The end of the newest log file, however long the file is."""

import json
from pathlib import Path

_BYTES_MAX = 64_000


def log_tail(directory: Path, name: str, lines: int) -> list[dict[str, object]]:
    """The last `lines` entries of the newest file of `name`, oldest first; what is no entry of
    ours is left out. Raises OSError."""
    files = sorted(directory.glob(f"{name}_*.log"), key=lambda path: path.stat().st_mtime)
    if not files:
        return []
    with files[-1].open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _BYTES_MAX))
        content = stream.read()
    entries = []
    for raw in content.splitlines():
        try:
            entry = json.loads(raw)
        except ValueError:
            continue  # cut off at the beginning, or being written
        if isinstance(entry, dict):
            entries.append(entry)
    return entries[-lines:]
