"""`nox -s requirements`: rows against the tests that name them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "requirements.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of four rows, of which A-01 and F-001 are proved, one of them twice."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "requirements.md").write_text(
        "| id | | behaviour |\n|---|---|---|\n"
        "| A-01 | S | key is `a|b`. |\n| A-02 | + | second. |\n| B-01 | S | third. |\n"
    )
    (tmp_path / "docs" / "failures.md").write_text("### A\n- F-001 **It broke**. Often.\n")
    (tmp_path / "tests" / "test_one.py").write_text(
        "import pytest\n"
        "import does_not_exist\n"
        '@pytest.mark.req("A-01", "F-001")\ndef test_first(): ...\n'
        '@pytest.mark.req("A-01")\nclass TestSecond:\n    def test_it(self): ...\n'
    )
    return tmp_path


def ask(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--root", str(project), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_rows_are_listed_with_their_tests_and_the_rest_is_missing(project: Path) -> None:
    done = ask(project)

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "A-01   key is `a|b`.",
        "       tests/test_one.py::test_first",
        "       tests/test_one.py::TestSecond",
    ]
    assert lines[4] == "       MISSING"
    assert lines[-1] == "2 of 4 rows are proved, 2 MISSING."


def test_the_short_form_counts(project: Path) -> None:
    done = ask(project, "--short")

    assert done.stdout.splitlines()[:4] == [
        "A-01   2 tests",
        "A-02   MISSING",
        "B-01   MISSING",
        "F-001  1 test",
    ]


@pytest.mark.parametrize(
    ("prefixes", "status"), [("A-01,F", 0), ("A", 1), ("B,Z", 1), ("", 0), ("F-001", 0)]
)
def test_missing_rows_fail_where_they_must_not_be(
    project: Path, prefixes: str, status: int
) -> None:
    assert ask(project, "--fail-missing", prefixes).returncode == status


@pytest.mark.parametrize("marker", ['"A-99"', "ROWS", '"A-01 "', "1"])
def test_an_unknown_row_is_an_error(project: Path, marker: str) -> None:
    (project / "tests" / "test_two.py").write_text(
        f"import pytest\n@pytest.mark.req({marker})\ndef test_it(): ...\n"
    )

    done = ask(project)

    assert done.returncode == 1
    assert "tests/test_two.py::test_it" in done.stderr


def test_a_row_that_stands_twice_is_an_error(project: Path) -> None:
    with (project / "docs" / "requirements.md").open("a") as file:
        file.write("| A-01 | S | again. |\n")

    assert ask(project).returncode == 1


def test_the_projects_own_tests_name_no_unknown_row() -> None:
    done = ask(ROOT, "--short")

    assert done.stderr == ""
    assert done.returncode == 0
    assert "rows are proved" in done.stdout
