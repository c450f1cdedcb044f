"""Replacing a file so that every reader, and every crash, finds the old or the new one whole."""

import os
import shutil
import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes, *, keep_previous: bool = False) -> None:
    """Write `content` to `path` durably: file and directory are on the disk on return.

    `keep_previous` leaves the version before as `<name>.bak`. Raises OSError, and then `path` is
    what it was and no temporary file remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if keep_previous and path.exists():
            _keep(path)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def set_aside(path: Path, *, suffix: str) -> Path:
    """Move a damaged file out of the way, keeping it as evidence. Raises OSError."""
    aside = path.with_name(f"{path.name}.{suffix}")
    path.replace(aside)
    _sync_directory(path.parent)
    return aside


def _keep(path: Path) -> None:
    """Give the current version a second name, so that `path` is never absent."""
    second = path.with_name(f".{path.name}.bak.tmp")
    second.unlink(missing_ok=True)
    try:
        try:
            second.hardlink_to(path)
        except OSError:  # a file system without links
            shutil.copyfile(path, second)
        second.replace(path.with_name(f"{path.name}.bak"))
    finally:
        second.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
