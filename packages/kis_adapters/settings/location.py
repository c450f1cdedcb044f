"""Where the shipped configuration lies: in a checkout, or inside the installed package."""

from pathlib import Path

_MARK = "kr_trade.yaml"
_PACKAGES = Path(__file__).resolve().parents[2]


def config_directory(working_directory: Path) -> Path:
    """`./config` when the working directory has one, else the one that came with the code.

    Raises FileNotFoundError when neither is there: a broken installation.
    """
    candidates = (
        working_directory / "config",
        _PACKAGES.parent / "config",  # an editable installation
        _PACKAGES / "apps" / "_config",  # a wheel
    )
    for candidate in candidates:
        if (candidate / _MARK).is_file():
            return candidate
    raise FileNotFoundError(f"no {_MARK} in any of {[str(c) for c in candidates]}")
