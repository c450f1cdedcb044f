"""How a process of ours ends; documented and stable, for service managers (M-16)."""

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """The status that the process leaves."""

    OK = 0
    FAILURE = 1  # a failure while running
    REFUSED = 2  # configuration or a guard refused the start
    ALREADY_RUNNING = 3  # another instance holds the lock
    HALTED = 4  # trading halted by policy: kill switch, fallback halt, empty universe
    INTERRUPTED = 130  # Ctrl-C
