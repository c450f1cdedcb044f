"""What the database has committed, asked for by whoever keeps a copy of it elsewhere."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kis_core.orders.booking import Trade
from kis_core.orders.event import OrderEvent
from kis_core.ports.store import DecisionRecord
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How far somebody has read: the highest row number of each append-only table; 0 for none."""

    order_events: int = 0
    decisions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """`events` and `decisions` are those behind the marks asked for, in the order of their
    commits; `trades` those of the orders that have such events. `positions` and `risk` are the
    present ones. `last_before` is the event at the mark itself: None where there is none, as in
    another database. `marks` say how far this goes; `is_cut` that there is more behind them.
    """

    marks: Marks
    last_before: OrderEvent | None
    events: tuple[OrderEvent, ...]
    decisions: tuple[DecisionRecord, ...]
    trades: tuple[Trade, ...]
    positions: tuple[Position, ...]
    risk: RiskRecord | None
    is_cut: bool = False


@runtime_checkable
class CommittedFacts(Protocol):
    """Reads beside the engine: it neither waits for the engine's transactions nor holds them up."""

    @abstractmethod
    def since(self, marks: Marks) -> Committed:
        """What is behind `marks`, a bounded part at a time.

        Raises StoreUnavailable and StoreMisfit.
        """
