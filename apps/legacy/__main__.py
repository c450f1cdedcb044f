"""`python -m apps.legacy OLD_SCRIPT [OLD ARGUMENTS]`: say what the command is called now, run it.

The old scripts took `--mode` and the arguments of `main_multiday.py`; those have the same names
today and are handed on as they are. What the new command does not know, it refuses itself, so no
guard stands here a second time, and none is passed by.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from apps.exit_code import ExitCode
from apps.terminal import accept_any_terminal, say

_TRADE, _CBT = "apps.kr_trade", "apps.kr_cbt"
# The old script, the application that does its work, and what it did when no mode was given.
_SCRIPTS = {
    "main.py": (_TRADE, "trade"),
    "main_v2.py": (_TRADE, "trade"),
    "main_v3.py": (_TRADE, "trade"),
    "main_multiday.py": (_TRADE, "trade"),
    "main_cbt.py": (_CBT, "cbt"),
}
_CBT_MODES = {"cbt", "backtest", "report"}  # what the old trading scripts left to another program


def main(argv: Sequence[str] | None = None) -> int:
    """Replace this process by the new command; returns only for a name that nobody knows."""
    accept_any_terminal()
    given = list(sys.argv[1:] if argv is None else argv)
    command = new_command(given)
    if command is not None:
        shown = shlex.join(["python", *command])
        print(f"{given[0]} 은(는) 이제 다음 명령입니다. 대신 실행합니다:\n  {shown}", flush=True)
        _become(command)
    asked = given[0] if given else "(없음)"
    return say(
        f"모르는 옛 명령입니다: {asked}. 아는 이름: {', '.join(_SCRIPTS)}."
        " 예: python -m apps.legacy main_multiday.py --mode trade --interval 60",
        ExitCode.REFUSED,
    )


def _become(command: Sequence[str]) -> NoReturn:
    """The new command in this very process: signals and exit code are its own."""
    os.execv(sys.executable, [sys.executable, *command])


def new_command(given: Sequence[str]) -> list[str] | None:
    """The arguments of Python that do what the old command line did; None for an unknown one.

    A path before the script's name is ignored: people typed `./main_cbt.py` as well.
    """
    script = Path(given[0]).name if given else ""
    if script not in _SCRIPTS:
        return None
    app, usual = _SCRIPTS[script]
    arguments = list(given[1:])
    mode = _mode_of(arguments)
    if mode is None and not {"-h", "--help"} & set(arguments):
        arguments = ["--mode", usual, *arguments]
        mode = usual
    if mode in _CBT_MODES:
        app = _CBT
    if app == _TRADE and mode == "trade" and "--feed" not in arguments:
        arguments += ["--feed", "rest"]  # the old programs knew no other
    return ["-m", app, *arguments]


def _mode_of(arguments: Sequence[str]) -> str | None:
    for place, argument in enumerate(arguments):
        if argument.startswith("--mode="):
            return argument.removeprefix("--mode=")
        if argument == "--mode" and place + 1 < len(arguments):
            return arguments[place + 1]
    return None


if __name__ == "__main__":
    raise SystemExit(main())
