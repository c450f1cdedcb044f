"""The README's ten minutes of research, as they stand there, on fewer days."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_ROOT = Path(__file__).parents[2]
_PROGRAM = ".venv/bin/python"


def commands(readme: str, heading: str) -> list[list[str]]:
    """The commands of the first block of shell below `heading`."""
    text = (_ROOT / readme).read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1]
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return [shlex.split(line) for line in block[1].splitlines()]


def test_both_languages_give_the_same_commands() -> None:
    english = commands("README.md", "Ten minutes of research")

    assert commands("README.ko.md", "10분 만에 연구해 보기") == english


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.req("C-07", "C-09", "M-13")
def test_the_path_leads_from_nothing_to_a_report_and_a_hundred_parameter_sets(
    desk: "Desk",
) -> None:
    setup, *rest = commands("README.md", "Ten minutes of research")
    assert setup == ["sh", "setup.sh", "--dev"]  # done before these tests could run

    for program, *arguments in rest:
        assert program == _PROGRAM
        shorter = ["150" if each == "500" else each for each in arguments]
        ended = desk.python(*shorter)
        assert ended.code == 0, (arguments, ended.err)

    data = desk.directory / "data"
    assert (data / "run" / "report.html").exists()
    assert (data / "sweep" / "sweep.html").exists()
    results = (data / "sweep" / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(results) == 1 + 100
