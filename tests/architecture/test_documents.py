"""What code and documents point at exists."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_READ = ("packages", "apps", "scripts", "benchmarks", "tests", "docs", "deploy")
_ENDINGS = {".py", ".md", ".ipynb", ".yaml", ".service", ".timer", ".toml"}
_NAMED = re.compile(
    r"\b((?:docs|tests|scripts|benchmarks|deploy)/[A-Za-z0-9_./-]*\.(?:md|py|ipynb|ya?ml|svg))\b"
)
_LINKED = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")

_WITH_MADE_UP_NAMES = {"test_requirements_table.py"}


def _texts() -> list[Path]:
    found = [path for folder in _READ for path in (_ROOT / folder).rglob("*")]
    found += [_ROOT / name for name in ("README.md", "README.ko.md", "noxfile.py")]
    kept = [path for path in found if path.suffix in _ENDINGS and path.is_file()]
    return [path for path in kept if path.name not in _WITH_MADE_UP_NAMES]


def _missing(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    named = [name for name in _NAMED.findall(text) if not (_ROOT / name).exists()]
    linked = _LINKED.findall(text) if path.suffix == ".md" else []
    return named + [link for link in linked if not (path.parent / link).exists()]


@pytest.mark.req("C-10")
def test_every_document_that_is_pointed_at_exists() -> None:
    missing = {path.relative_to(_ROOT).as_posix(): _missing(path) for path in _texts()}

    assert {path: names for path, names in missing.items() if names} == {}


def test_the_table_of_dirt_has_every_kind() -> None:
    from kis_core.research.report import Fault

    rows = (_ROOT / "docs" / "backtest.md").read_text(encoding="utf-8").splitlines()
    named = [row.split("|")[1].strip(" `") for row in rows if row.startswith("| `")]

    assert named == [fault.value for fault in Fault]
