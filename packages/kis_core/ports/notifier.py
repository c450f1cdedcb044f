"""What has happened, told to whoever listens: log, console, audit, messages."""

from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Symbol

FieldValue = str | int | float | bool | None


@unique
class EventKind(StrEnum):
    """The dotted name of each fact, as it stands in the log."""

    SESSION_STARTED = "session.started"
    SESSION_STOPPED = "session.stopped"
    DAY_STARTED = "day.started"
    DAY_CLOSED = "day.closed"
    UNIVERSE_SELECTED = "universe.selected"
    CONTEXT_UNAVAILABLE = "context.unavailable"
    CYCLE_LATE = "cycle.late"
    CYCLE_SUMMARY = "cycle.summary"
    SIGNAL = "signal"
    HOLD_CHANGED = "signal.hold_changed"
    ENTRY_REFUSED = "risk.entry_refused"
    ORDER_CREATED = "order.created"
    ORDER_SUBMITTED = "order.submitted"
    ORDER_PARTIAL = "order.partial"
    ORDER_FILLED = "order.filled"
    ORDER_CANCEL_REQUESTED = "order.cancel_requested"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_FAILED = "order.failed"
    ORDER_AMBIGUOUS = "order.ambiguous"
    ORDER_ADOPTED = "order.adopted"
    SYMBOL_HALTED = "symbol.halted"
    POSITION_OPENED = "position.opened"
    POSITION_CLOSED = "position.closed"
    POSITION_KEPT = "position.kept"
    POSITION_REPAIRED = "position.repaired"
    GAP_CHECKED = "gap.checked"
    TRAILING_ACTIVATED = "position.trailing_activated"
    NEAR_STOP = "position.near_stop"
    NEAR_TAKE = "position.near_take"
    PENDING_EXIT_SET = "pending_exit.set"
    PENDING_EXIT_CLEARED = "pending_exit.cleared"
    HELD_WITHOUT_PRICE = "position.without_price"
    RECOVERY_OPEN_ORDERS = "recovery.open_orders"
    RECOVERY_FINISHED = "recovery.finished"
    FEED_SWITCHED = "feed.switched"
    FEED_PROBLEM = "feed.problem"
    STREAM_STATE = "stream.state"  # lost and found again, while nobody need be called
    OUTAGE_STARTED = "outage.started"
    OUTAGE_ENDED = "outage.ended"
    RISK_LIMIT = "risk.limit"
    KILL_SWITCH_ON = "risk.kill_switch_on"
    KILL_SWITCH_OFF = "risk.kill_switch_off"
    RISK_STATUS = "risk.status"
    ACCOUNT_SNAPSHOT = "account.snapshot"
    CALENDAR_WARNING = "calendar.warning"
    STORE_UNAVAILABLE = "store.unavailable"
    OPERATOR_COMMAND = "operator.command"
    MESSENGER_DOWN = "messenger.down"
    MESSENGER_UP = "messenger.up"
    ERROR = "error"


@unique
class Level(StrEnum):
    """How urgent: `warning` means look tomorrow, `error` means now."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact, already committed where it is one that storage keeps. `at` is KST.

    `order_id` is set on every event about an order, `symbol` on every event about a symbol.
    """

    kind: EventKind
    at: datetime
    level: Level = Level.INFO
    symbol: Symbol | None = None
    order_id: str | None = None
    fields: dict[str, FieldValue] = field(default_factory=dict)


@runtime_checkable
class Notifier(Protocol):
    """Where facts are told. It never raises and never waits: a slow or dead listener never
    delays or stops trading (E-07); what it drops it counts."""

    @abstractmethod
    def tell(self, event: Event) -> None:
        """Hand over one event; returns at once."""
