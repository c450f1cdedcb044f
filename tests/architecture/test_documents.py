"""What code and documents point at exists."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_READ = ("packages", "apps", "scripts", "benchmarks", "tests", "docs", "deploy")
_ENDINGS = {".py", ".md", ".ipynb", ".yaml", ".service", ".timer", ".toml"}
_NAMED = re.compile(
    r"\b((?:docs|tests|scripts|benchmarks|deploy|apps|kis_core|kis_adapters|kis_sandbox)"
    r"/[A-Za-z0-9_./-]*\.(?:md|py|ipynb|ya?ml|svg))\b"
)
_LINKED = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
_WITH_MADE_UP_NAMES = {"test_requirements_table.py"}


def _texts() -> list[Path]:
    found = [path for folder in _READ for path in (_ROOT / folder).rglob("*")]
    found += [_ROOT / name for name in ("README.md", "README.ko.md", "noxfile.py")]
    kept = [path for path in found if path.suffix in _ENDINGS and path.is_file()]
    return [path for path in kept if path.name not in _WITH_MADE_UP_NAMES]


def _pointers(path: Path) -> dict[str, bool]:
    """What the file points at, and whether it is there; code is named from its package on."""
    text = path.read_text(encoding="utf-8")
    linked = _LINKED.findall(text) if path.suffix == ".md" else []
    return {link: (path.parent / link).exists() for link in linked} | {
        name: (_ROOT / name).exists() or (_ROOT / "packages" / name).exists()
        for name in _NAMED.findall(text)
    }


@pytest.mark.req("C-10")
def test_every_document_that_is_pointed_at_exists() -> None:
    pointers = {path.relative_to(_ROOT).as_posix(): _pointers(path) for path in _texts()}

    assert pointers["README.md"]["docs/backtest.md"]
    missing = [
        (path, name)
        for path, found in pointers.items()
        for name, is_there in found.items()
        if not is_there
    ]
    assert missing == []


def test_the_table_of_dirt_has_every_kind() -> None:
    from kis_core.research.report import Fault

    rows = (_ROOT / "docs" / "backtest.md").read_text(encoding="utf-8").splitlines()
    named = [row.split("|")[1].strip(" `") for row in rows if row.startswith("| `")]

    assert named == [fault.value for fault in Fault]
