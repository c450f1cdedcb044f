"""Terminals that cannot show everything, and machines that are set to other parts of the world."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import FAST, TWO_SYMBOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_WITHIN_S = 240.0
_APPS = ("kr_trade", "kr_cbt", "kis_sandbox", "dashboard", "legacy")


@pytest.mark.req("M-14")
@pytest.mark.parametrize("app", _APPS)
def test_help_is_given_on_a_terminal_without_korean(desk: "Desk", app: str) -> None:
    ended = _run(desk, f"apps.{app}", "--help", PYTHONIOENCODING="ascii")

    assert b"UnicodeEncodeError" not in ended.stderr
    assert ended.returncode in (0, 2)  # the old names know no --help


@pytest.mark.req("M-14", "L-01")
@pytest.mark.parametrize(
    ("surroundings", "encoding"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "ascii"),
        ({"PYTHONIOENCODING": "euc-kr"}, "euc-kr"),
        ({"TZ": "America/New_York", "LC_ALL": "C"}, "utf-8"),
    ],
    ids=["ascii", "euc-kr", "new-york"],
)
def test_a_day_is_traded_whatever_the_terminal_and_the_clocks_zone(
    desk: "Desk", surroundings: dict[str, str], encoding: str
) -> None:
    desk.write("fast.yaml", FAST)
    fast = ("--config", "fast.yaml")

    trade = ("--mode", "trade", "--feed", "rest", "--exit-after-close", *TWO_SYMBOLS)
    ended = _run(desk, "apps.kr_trade", *trade, *fast, **surroundings)
    status = _run(desk, "apps.kr_trade", "--mode", "status", *fast, **surroundings)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (status.returncode, status.stderr) == (0, b"")
    sides = [row["side"] for row in desk.rows("SELECT side FROM trades")]
    assert sorted(sides) == ["buy", "buy", "sell"]  # the day that TWO_SYMBOLS describes
    first = next(line for line in ended.stdout.decode(encoding).splitlines() if "PAPER" in line)
    assert first.startswith("08:30:00")


def _run(
    desk: "Desk", module: str, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=desk.directory,
        env=desk.environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_WITHIN_S,
    )
