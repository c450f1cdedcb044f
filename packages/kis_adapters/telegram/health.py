"""Whether messages arrive, told where a person sees it when they do not: once down, once up."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

_log = structlog.stdlib.get_logger("kis.telegram")


@dataclass(frozen=True, slots=True)
class Trouble:
    """`is_down` with the Korean reason; or not down any more, and how many messages were lost."""

    is_down: bool
    why: str
    dropped: int = 0


@dataclass(slots=True)
class Health:
    """Of one way. `tell` must return at once; `seconds` is a monotonic clock."""

    tell: Callable[[Trouble], None]
    seconds: Callable[[], float]
    why: str | None = None
    _since: float = 0.0
    _ended_s: float = 0.0

    def down(self, why: str, *, error: Exception) -> None:
        """It does not work. A person is told when the reason is another than before."""
        _log.info("telegram.failed", why=why, error=type(error).__name__, text=str(error))
        if self.why is None:
            self._since = self.seconds()
        if self.why != why:
            self.why = why
            self.tell(Trouble(is_down=True, why=why))

    def up(self, *, dropped: int = 0) -> None:
        """It works."""
        if self.why is None:
            return
        self.why = None
        self._ended_s = self.seconds() - self._since
        self.tell(Trouble(is_down=False, why="", dropped=dropped))

    def up_again(self, why: str) -> None:
        """It works, as far as `why` is what did not."""
        if self.why == why:
            self.up()

    def take_outage_s(self) -> float:
        """How long messages did not arrive, for the one that says so; 0 where they did."""
        lasted = self.seconds() - self._since if self.why is not None else self._ended_s
        self._ended_s = 0.0
        return lasted
