"""Which rows of the requirements and of the known failures a test proves.

Reads `docs/requirements.md`, `docs/failures.md` and the source of the tests; imports nothing.
A test names its rows in a marker: `@pytest.mark.req("O-05", "F-011")`.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_REQUIREMENT = re.compile(r"^\| ([A-Z]-\d{2}) \| (\S) \| (.*) \|$", re.MULTILINE)
_FAILURE = re.compile(r"^- (F-\d{3}) \*\*(.+?)\*\*", re.MULTILINE)
_TITLE_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the documents."""

    row_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A test that names a row. `row_id` is None where the name is not a literal."""

    row_id: str | None
    test: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 for unknown rows or for missing ones that must not be, else 0."""
    options = _parser().parse_args(arguments)
    rows = read_rows(options.root / "docs")
    proofs = [proof for path in _test_files(options.root) for proof in _proofs(path, options.root)]
    tests_of: dict[str, list[str]] = {row.row_id: [] for row in rows}
    wrong = [proof for proof in proofs if proof.row_id not in tests_of]
    for proof in proofs:
        if proof.row_id in tests_of:
            tests_of[proof.row_id].append(proof.test)
    for row in rows:
        print(_line(row, tests_of[row.row_id], is_short=options.short))
    missing = [row_id for row_id, tests in tests_of.items() if not tests]
    print(f"\n{len(rows) - len(missing)} of {len(rows)} rows are proved, {len(missing)} MISSING.")
    for proof in wrong:
        print(f"unknown row {proof.row_id or '(not a literal)'} in {proof.test}", file=sys.stderr)
    required = [r for r in missing if r.startswith(tuple(options.fail_missing))]
    if required:
        print(f"must not be missing: {' '.join(required)}", file=sys.stderr)
    return 1 if wrong or required else 0


def read_rows(docs: Path) -> list[Row]:
    """The rows of both documents, in their order. Raises ValueError for an id that is twice."""
    requirements = (docs / "requirements.md").read_text(encoding="utf-8")
    failures = (docs / "failures.md").read_text(encoding="utf-8")
    rows = [Row(row_id=m[1], title=m[3]) for m in _REQUIREMENT.finditer(requirements)]
    rows += [Row(row_id=m[1], title=m[2]) for m in _FAILURE.finditer(failures)]
    ids = [row.row_id for row in rows]
    repeated = sorted({row_id for row_id in ids if ids.count(row_id) > 1})
    if repeated:
        raise ValueError(f"rows that stand twice: {repeated}")
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fail-missing",
        metavar="PREFIXES",
        type=lambda text: [part for part in text.split(",") if part],
        default=[],
        help="fail when a row that starts so has no test, for example O,P-0,F-09",
    )
    parser.add_argument("--short", action="store_true", help="count the tests, do not name them")
    parser.add_argument("--root", type=Path, default=_ROOT, help=argparse.SUPPRESS)
    return parser


def _test_files(root: Path) -> list[Path]:
    return sorted((root / "tests").rglob("*.py"))


def _proofs(path: Path, root: Path) -> Iterator[Proof]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    yield from _proofs_in(tree, name=str(path.relative_to(root)))


def _proofs_in(node: ast.AST, *, name: str) -> Iterator[Proof]:
    """The markers in `node`, each with the test, class or module it belongs to."""
    for child in ast.iter_child_nodes(node):
        inside = name
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = f"{name}::{child.name}"
        if isinstance(child, ast.Call) and _is_marker(child.func):
            yield from (Proof(row_id=_literal(argument), test=name) for argument in child.args)
        yield from _proofs_in(child, name=inside)


def _is_marker(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "req"
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "mark"
    )


def _literal(argument: ast.expr) -> str | None:
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if is_text else None  # type: ignore[attr-defined]  # a Constant here


def _line(row: Row, tests: Sequence[str], *, is_short: bool) -> str:
    unique = list(dict.fromkeys(tests))
    if not unique:
        told = "MISSING"
    elif is_short:
        told = f"{len(unique)} test{'s' if len(unique) > 1 else ''}"
    else:
        told = "\n       ".join(unique)
    title = row.title if len(row.title) <= _TITLE_MAX else f"{row.title[: _TITLE_MAX - 1]}…"
    return f"{row.row_id:<6} {told}" if is_short else f"{row.row_id:<6} {title}\n       {told}"


if __name__ == "__main__":
    sys.exit(main())
