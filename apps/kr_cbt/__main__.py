"""`python -m apps.kr_cbt`: read the arguments and do what they ask for.

What each mode needs is imported when it is asked for: a measurement does not wait for a database.
"""

import sys
from collections.abc import Sequence

from apps.kr_cbt.arguments import Mode, parse
from apps.terminal import accept_any_terminal


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns its exit code (see `ExitCode`)."""
    accept_any_terminal()
    arguments = parse(list(sys.argv[1:] if argv is None else argv))
    if arguments.mode is Mode.BENCH:
        from apps.kr_cbt.bench import bench

        return bench(arguments.research)
    if arguments.mode is Mode.REPLAY and arguments.session is not None:
        from apps.kr_cbt.replay import print_replay

        return print_replay(arguments.session)
    from apps.kr_cbt.modes import perform

    return perform(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
