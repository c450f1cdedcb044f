"""docs/research.ipynb runs as it stands, in a kernel of its own, and gives what it shows."""

# nbformat has no types of its own.
# mypy: disable-error-code="no-untyped-call"
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

_ROOT = Path(__file__).resolve().parents[2]
_NOTEBOOK = _ROOT / "docs" / "research.ipynb"
_LARGEST_KB = 300
_INHERITED = ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV")


def _checked(notebook: Path, home: Path) -> subprocess.CompletedProcess[str]:
    home.mkdir()
    return subprocess.run(
        [sys.executable, str(_ROOT / "scripts" / "notebook.py"), "--check", str(notebook)],
        env={
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "HOME": str(home),  # where the kernel keeps its files
            "IPYTHONDIR": str(home / "ipython"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.req("C-08", "C-07")
def test_the_notebook_runs_and_gives_what_it_shows(tmp_path: Path) -> None:
    ended = _checked(_NOTEBOOK, tmp_path / "home")

    assert (ended.returncode, ended.stdout) == (0, "the notebook gives what it shows\n")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_notebook_that_shows_something_else_or_fails_is_told(tmp_path: Path) -> None:
    document = nbformat.v4.new_notebook()
    said = nbformat.v4.new_output("stream", name="stdout", text="3\n")
    document.cells.append(nbformat.v4.new_code_cell("print(1 + 1)", outputs=[said]))
    stale = tmp_path / "stale.ipynb"
    nbformat.write(document, stale)
    broken = tmp_path / "broken.ipynb"
    document.cells[0].source = "1 / 0"
    nbformat.write(document, broken)

    told = _checked(stale, tmp_path / "home-1")
    failed = _checked(broken, tmp_path / "home-2")

    assert told.returncode == failed.returncode == 1
    assert "stdout: 3" in told.stdout
    assert "stdout: 2" in told.stdout
    assert "ZeroDivisionError" in failed.stderr


def test_the_notebook_is_small_and_says_nothing_of_the_machine_it_ran_on() -> None:
    text = _NOTEBOOK.read_text(encoding="utf-8")
    document = nbformat.read(_NOTEBOOK, as_version=4)
    code = [cell for cell in document.cells if cell.cell_type == "code"]

    assert _NOTEBOOK.stat().st_size < _LARGEST_KB * 1024
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
    assert all(cell.execution_count for cell in code)
    assert "error" not in {output.output_type for cell in code for output in cell.outputs}
