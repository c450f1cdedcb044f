"""What is told of a selection: the cache's answer, each stage's counts, the final symbols."""

from dataclasses import dataclass
from datetime import date, timedelta

from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import EventKind, FieldValue, Level
from kis_core.session.telling import Teller
from kis_core.universe.candidate import Selection, Why
from kis_core.universe.policy import SelectionMethod
from kis_core.universe.reuse import Reuse


@dataclass(frozen=True, slots=True)
class UniverseTeller:
    """Every fact of a selection is one event, told apart by its field `step`."""

    teller: Teller

    def cache(
        self, reuse: Reuse, session_date: date, *, method: SelectionMethod, location: str
    ) -> None:
        """Whether what was stored is the universe, and why (U-09)."""
        self._tell(
            "cache",
            Level.INFO,
            cache="HIT" if reuse.is_hit else "MISS",
            reason=reuse.reason,
            cache_key=f"{session_date}:{method}",
            cache_file=location,
            symbols=_joined(reuse.symbols),
        )

    def cache_damaged(self, why: str, *, location: str) -> None:
        """What was stored cannot be believed; it is as if there were nothing."""
        self._tell("cache_damaged", Level.WARNING, why=why, cache_file=location)

    def cache_not_written(self, why: str, *, location: str) -> None:
        """The universe stands, but a restart will have to select again."""
        self._tell("cache_not_written", Level.WARNING, why=why, cache_file=location)

    def stages(self, selection: Selection) -> None:
        """How many entered and stayed at each stage, and how many left for each reason (U-14)."""
        for account in selection.stages:
            left = {why: account.count(why) for why in Why if why is not Why.PASSED}
            self._tell(
                "stage",
                Level.INFO,
                stage=account.stage,
                entered=len(account.verdicts),
                stayed=len(account.stayed),
                **{f"left_{why}": count for why, count in left.items() if count},
            )

    def note(self, why: str, *, level: Level = Level.INFO) -> None:
        """Something the operator should know of the sources (Korean)."""
        self._tell("note", level, why=why)

    def final(
        self, symbols: tuple[Symbol, ...], *, method: SelectionMethod, candidates: int, calls: int
    ) -> None:
        """What was chosen."""
        self._tell(
            "final",
            Level.INFO,
            method=method,
            symbols=_joined(symbols),
            candidates=candidates,
            calls=calls,
        )

    def refresh_failed(self, why: str, *, kept: tuple[Symbol, ...]) -> None:
        """What was chosen earlier today stays."""
        self._tell("refresh_failed", Level.WARNING, why=why, symbols=_joined(kept))

    def fallback(self, symbols: tuple[Symbol, ...], *, reason: str, wait: timedelta) -> None:
        """The listed symbols are traded instead (U-10)."""
        self._tell(
            "fallback",
            Level.WARNING,
            reason=reason,
            symbols=_joined(symbols),
            wait_s=wait.total_seconds(),
        )

    def failed(self, why: str) -> None:
        """There is no universe."""
        self.teller.tell(EventKind.ERROR, None, Level.ERROR, what="universe", why=why)

    def wait(self, duration: timedelta) -> None:
        """Let a warning stand for `duration`; whoever wakes the clock wants it to end."""
        clock = self.teller.clock
        if duration:
            clock.sleep_until(clock.now() + duration)

    def _tell(self, step: str, level: Level, /, **fields: FieldValue) -> None:
        self.teller.tell(EventKind.UNIVERSE_SELECTED, None, level, step=step, **fields)


def _joined(symbols: tuple[Symbol, ...]) -> str:
    return ",".join(symbols)
