"""Execute docs/research.ipynb: in place, or `--check` that it still gives what it shows.

    python scripts/notebook.py            # run it and keep the new outputs
    python scripts/notebook.py --check    # run a copy; 1 when a text output differs

Outputs are texts and small pictures; tables stay as text, and nothing says when or where it ran.
Pictures are not compared: they depend on the drawing library's version.
"""

# nbformat has no types of its own.
# mypy: disable-error-code="no-untyped-call"
import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "research.ipynb"
_TIMEOUT_S = 300
_KEPT = ("text/plain", "image/png")


def main() -> int:
    """Run; 1 when a cell fails or shows another text than the document does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("notebook", type=Path, nargs="?", default=NOTEBOOK)
    given = parser.parse_args()
    document = nbformat.read(given.notebook, as_version=4)
    shown = texts(document)
    try:
        executed(document)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    if not given.check:
        nbformat.write(document, given.notebook)
        return 0
    differences = [
        f"cell {number}:\n--- shown\n{before}\n--- now\n{now}"
        for number, (before, now) in enumerate(zip(shown, texts(document), strict=True))
        if before != now
    ]
    print("\n".join(differences) or "the notebook gives what it shows")
    return 1 if differences else 0


def executed(document: Any) -> None:
    """Run all cells in a directory of their own; outputs are those of this run. Raises
    CellExecutionError."""
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            document, timeout=_TIMEOUT_S, resources=resources, record_timing=False
        ).execute()
    for cell in document.cells:
        for output in cell.get("outputs", ()):
            if "data" in output:
                output["data"] = {k: v for k, v in output["data"].items() if k in _KEPT}


def texts(document: Any) -> list[str]:
    """What each cell shows as text."""
    return ["".join(_text(each) for each in cell.get("outputs", ())) for cell in document.cells]


def _text(output: Any) -> str:
    if output["output_type"] == "stream":
        return f"{output['name']}: {output['text']}"
    if "image/png" in output.get("data", {}):
        return "(picture)"  # beside it stands the size of the figure, in pixels of this version
    return str(output.get("data", {}).get("text/plain", ""))


if __name__ == "__main__":
    sys.exit(main())
