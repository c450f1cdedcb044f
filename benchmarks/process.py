"""A program that is measured: started, ended, and heard when it does not get where it should."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_LAST_WORDS = 2_000


@contextmanager
def running(
    command: Sequence[str], *, where: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` while the block runs, then end it. What it said last is printed when the block
    raises a TimeoutError or a RuntimeError."""
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        except (TimeoutError, RuntimeError):
            output.seek(0)
            print(output.read().decode()[-_LAST_WORDS:], file=sys.stderr)
            raise
        finally:
            process.terminate()
