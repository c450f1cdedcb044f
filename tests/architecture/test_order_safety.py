"""What the document on order safety claims, somebody can look up; and its defects still apply."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENT = _ROOT / "docs" / "order-safety.md"
_NAMED = re.compile(r"`((?:[\w./]+/)?test_\w+\.py)::(\w+)`")
_ENOUGH = 40


def _named_tests() -> list[tuple[str, str]]:
    return sorted(set(_NAMED.findall(_DOCUMENT.read_text(encoding="utf-8"))))


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _mutants() -> ModuleType:
    path = _ROOT / "scripts" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("file", "test"), _named_tests(), ids=lambda part: part)
def test_a_test_that_the_document_names_exists(file: str, test: str) -> None:
    places = list((_ROOT / "tests").rglob(file))

    assert len(places) == 1
    assert test in _tests_in(places[0])


def test_the_document_names_tests_and_nothing_that_only_looks_like_one() -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")

    assert len(_named_tests()) >= _ENOUGH
    assert len(_NAMED.findall(text)) == text.count("::test_")


@pytest.mark.parametrize("section", ["simulation", "matrix"])
def test_each_table_that_is_rewritten_has_its_place(section: str) -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")

    assert text.count(f"<!-- {section}: begin -->") == text.count(f"<!-- {section}: end -->") == 1


@pytest.mark.parametrize("defect", _mutants().defects(), ids=lambda defect: str(defect.name))
def test_each_defect_of_the_mutation_check_still_applies(defect: object) -> None:
    assert defect.times_in(_ROOT) == 1  # type: ignore[attr-defined]  # loaded by its path


def test_there_are_defects_enough_in_every_part_of_the_order_path() -> None:
    files = {defect.file for defect in _mutants().defects()}

    parts = ("desk", "ledger", "lost", "custody", "guard", "approvals", "journal")
    assert {f"session/{part}.py" for part in parts} <= files
    assert {file.partition("/")[0] for file in files} >= {"orders", "risk"}
    assert len(_mutants().defects()) >= _ENOUGH
