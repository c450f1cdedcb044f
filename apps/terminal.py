"""The terminal of the operator, whose encoding may lack what we have to say."""

import io
import sys

from apps.exit_code import ExitCode


def accept_any_terminal() -> None:
    """Write what the terminal's encoding cannot show as an escape, instead of ending by it: a
    line that reads badly is no reason to stop trading."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(sentence: str, code: ExitCode) -> ExitCode:
    """Tell the operator why it ends, beside whatever the command prints; returns `code`."""
    print(sentence, file=sys.stderr, flush=True)
    return code
