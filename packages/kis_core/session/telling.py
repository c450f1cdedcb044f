"""Handing facts to the notifier with the time they were known at."""

from dataclasses import dataclass

from kis_core.market.symbol import Symbol
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level, Notifier


@dataclass(slots=True)
class Teller:
    """Stamps events with the clock and passes them on. `errors`: how many were urgent."""

    clock: Clock
    notifier: Notifier
    errors: int = 0

    def tell(
        self,
        kind: EventKind,
        symbol: Symbol | None = None,
        level: Level = Level.INFO,
        order_id: str | None = None,
        /,
        **fields: FieldValue,
    ) -> None:
        """Tell one fact; `fields` are its numbers and words."""
        self.errors += level is Level.ERROR
        self.notifier.tell(
            Event(
                kind=kind,
                at=self.clock.now(),
                level=level,
                symbol=symbol,
                order_id=order_id,
                fields=fields,
            )
        )
