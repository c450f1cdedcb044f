"""How long to wait between one request and the next."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. The defaults are for the official server, which allows about one message a second
    in a chat (core.telegram.org/bots/faq, read 2026-11).

    `gather_s`: how long a message waits for others that happen with it. `failures_told`: failed
    attempts in a row before a person hears of them.
    """

    gather_s: float = 0.7
    spacing_s: float = 1.0
    backoff_first_s: float = 1.0
    backoff_most_s: float = 60.0
    refused_s: float = 600.0
    poll_s: int = 30
    answer_s: float = 10.0
    connect_s: float = 5.0
    unheard_s: float = 10.0
    failures_told: int = 2

    def backoff_s(self, failures: int) -> float:
        """After so many failures in a row."""
        return min(self.backoff_most_s, self.backoff_first_s * 2.0 ** min(failures - 1, 20))


def seconds_of(wait: timedelta | int) -> float:
    """The server's own word on how long to wait, and a little more."""
    given = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
    return given + 0.1
