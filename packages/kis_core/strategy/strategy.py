"""What the engine asks of a strategy: one object with its numbers in it.

Another strategy is one more module with a class of this shape. Whoever builds the session settings
names it; the engine knows no strategy by name.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from kis_core.gap import GapCheck
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.alerts import Alert
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Decision


class Strategy(Protocol):
    """Pure functions of their arguments: no clock, no I/O, nothing remembered (T-09)."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Stands in every order's signal id, so it never changes."""

    @property
    @abstractmethod
    def bars_needed(self) -> int:
        """How many completed bars `context` is computed from."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A short hash of name and numbers; a stored context of another one is not used."""

    @abstractmethod
    def context(
        self, symbol: Symbol, bars: Sequence[Bar], *, session_date: date, previous_session: date
    ) -> DayContext | NoContext:
        """What completed bars (ascending, all before `session_date`) say of the symbol."""

    @abstractmethod
    def decide(
        self,
        *,
        context: DayContext | NoContext,
        quote: Quote,
        position: Position | None,
        now: datetime,
        is_event_day: bool = False,
    ) -> Decision:
        """What to do with `quote.symbol`, and why."""

    @abstractmethod
    def entry_levels(self, *, cost: int, quantity: int, atr: float) -> Levels:
        """Stop and target of `quantity` shares that cost `cost` won in all."""

    @abstractmethod
    def assumed_atr(self, average: float) -> float:
        """The ATR (won) to take for a holding bought at `average` whose bars cannot be had: it
        is never left without a stop."""

    @abstractmethod
    def observe(self, *, position: Position, quote: Quote, session_date: date) -> Position:
        """The position after `quote` was seen: its highest price, whether it trails."""

    @abstractmethod
    def gap_check(self, position: Position, quote: Quote, session_date: date) -> GapCheck | None:
        """The opening gap, or None when it is not to be judged now."""

    @abstractmethod
    def is_near_stop(self, position: Position, *, last: Won) -> bool:
        """Whether the loop must shorten."""

    @abstractmethod
    def alerts_after(
        self, active: frozenset[Alert], *, position: Position, last: Won
    ) -> frozenset[Alert]:
        """The alerts in force at `last`, after those `active` before it."""
