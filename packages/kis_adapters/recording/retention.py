"""Keeping the records of past sessions within bounds."""

from pathlib import Path


def drop_oldest(directory: Path, *, app: str, most_bytes: int) -> list[Path]:
    """Delete the records of `app` in `directory`, the oldest first, until those left take at most
    `most_bytes`. Returns what was deleted. Raises OSError.

    Old is what was written to longest ago: the names carry the session's time, which a simulator
    repeats.
    """
    found = [(path.stat(), path) for path in directory.glob(f"{app}_*.jsonl.gz")]
    found.sort(key=lambda each: (each[0].st_mtime_ns, each[1]), reverse=True)
    kept, dropped = 0, []
    for status, path in found:
        kept += status.st_size
        if kept > most_bytes:
            path.unlink()
            dropped.append(path)
    return dropped
