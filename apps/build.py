"""Which code is running, for the start log (M-14)."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DISTRIBUTION = "kis-trend-atr"
_TIMEOUT_S = 5.0


def product_version() -> str:
    """The installed version, or "unknown" from a bare source tree."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def commit_hash() -> str:
    """The git commit of the code that runs, "+" behind it where files differ from it; "unknown"
    where there is no git or no repository."""
    here = Path(__file__).resolve().parent
    commit = _git(here, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return "unknown"
    changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+" if changed else commit


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
