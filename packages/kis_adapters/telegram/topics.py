"""Which kind of message an event is (N-02), and which events are none."""

from enum import StrEnum, unique

from kis_core.ports.notifier import Event, EventKind, Level
from kis_core.strategy.decision import Action, Reason


@unique
class Topic(StrEnum):
    """The kinds that an operator switches on, silent or off; the names of his settings."""

    SESSION = "session"
    SIGNAL = "signal"
    ORDER_SENT = "order_sent"
    ORDER_FILLED = "order_filled"
    ORDER_PARTIAL = "order_partial"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_FAILED = "order_failed"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING = "trailing"
    GAP = "gap"
    NEAR_STOP = "near_stop"
    NEAR_TAKE = "near_take"
    PENDING_EXIT = "pending_exit"
    POSITION = "position"
    UNIVERSE = "universe"
    FEED = "feed"
    OUTAGE = "outage"
    RISK = "risk"
    KILL_SWITCH = "kill_switch"
    SUMMARY = "summary"
    ERROR = "error"
    COMMAND = "command"  # the answer to a command: always told, and no setting


_TOPICS = {
    EventKind.SESSION_STARTED: Topic.SESSION,
    EventKind.SESSION_STOPPED: Topic.SESSION,
    EventKind.DAY_STARTED: Topic.SESSION,
    EventKind.RECOVERY_OPEN_ORDERS: Topic.SESSION,
    EventKind.RECOVERY_FINISHED: Topic.SESSION,
    EventKind.CALENDAR_WARNING: Topic.SESSION,
    EventKind.ORDER_SUBMITTED: Topic.ORDER_SENT,
    EventKind.ORDER_ADOPTED: Topic.ORDER_SENT,
    EventKind.ORDER_FILLED: Topic.ORDER_FILLED,
    EventKind.POSITION_OPENED: Topic.ORDER_FILLED,
    EventKind.POSITION_CLOSED: Topic.ORDER_FILLED,
    EventKind.ORDER_PARTIAL: Topic.ORDER_PARTIAL,
    EventKind.ORDER_CANCELLED: Topic.ORDER_CANCELLED,
    EventKind.ORDER_FAILED: Topic.ORDER_FAILED,
    EventKind.ORDER_AMBIGUOUS: Topic.ORDER_FAILED,
    EventKind.TRAILING_ACTIVATED: Topic.TRAILING,
    EventKind.NEAR_STOP: Topic.NEAR_STOP,
    EventKind.NEAR_TAKE: Topic.NEAR_TAKE,
    EventKind.PENDING_EXIT_SET: Topic.PENDING_EXIT,
    EventKind.PENDING_EXIT_CLEARED: Topic.PENDING_EXIT,
    EventKind.POSITION_REPAIRED: Topic.POSITION,
    EventKind.HELD_WITHOUT_PRICE: Topic.POSITION,
    EventKind.SYMBOL_HALTED: Topic.POSITION,
    EventKind.UNIVERSE_SELECTED: Topic.UNIVERSE,
    EventKind.OUTAGE_STARTED: Topic.OUTAGE,
    EventKind.OUTAGE_ENDED: Topic.OUTAGE,
    EventKind.RISK_LIMIT: Topic.RISK,
    EventKind.ENTRY_REFUSED: Topic.RISK,
    EventKind.RISK_STATUS: Topic.SUMMARY,
    EventKind.KILL_SWITCH_ON: Topic.KILL_SWITCH,
    EventKind.KILL_SWITCH_OFF: Topic.KILL_SWITCH,
    EventKind.DAY_CLOSED: Topic.SUMMARY,
    EventKind.POSITION_KEPT: Topic.SUMMARY,
    EventKind.STORE_UNAVAILABLE: Topic.ERROR,
    EventKind.ERROR: Topic.ERROR,
    EventKind.OPERATOR_COMMAND: Topic.COMMAND,
}
_EXITS: dict[str, Topic] = {
    Reason.STOP_LOSS: Topic.STOP_LOSS,
    Reason.TAKE_PROFIT: Topic.TAKE_PROFIT,
    Reason.TRAILING_STOP: Topic.TRAILING,
    Reason.GAP_PROTECTION: Topic.GAP,
}
# Of these nobody can be told by a message: that messages cannot be sent, or can again.
_NEVER = (EventKind.MESSENGER_DOWN, EventKind.MESSENGER_UP)
_STEPS = ("final", "fallback")  # of a selection; its stages are the log's


def topic_of(event: Event) -> Topic | None:
    """The kind of message that `event` is; None for what stays in console and log.

    A kind that nobody placed here is told when it is a warning or worse, and as feed news where
    its name says so: better one message too many than a fact that nobody hears of.
    """
    if event.kind in _NEVER:
        return None
    is_serious = event.level in (Level.WARNING, Level.ERROR)
    if event.kind is EventKind.SIGNAL:
        is_exit = event.fields.get("action") == Action.SELL
        reason = str(event.fields.get("reason"))
        return _EXITS.get(reason, Topic.SIGNAL) if is_exit else Topic.SIGNAL
    if event.kind is EventKind.GAP_CHECKED:
        return Topic.GAP if event.fields.get("triggered") is True else None
    if event.kind is EventKind.RECOVERY_OPEN_ORDERS:
        return Topic.SESSION if event.fields.get("count") else None
    if event.kind is EventKind.UNIVERSE_SELECTED:
        is_told = event.fields.get("step") in _STEPS or is_serious
        return Topic.UNIVERSE if is_told else None
    topic = _TOPICS.get(event.kind)
    if topic is not None or event.level is Level.DEBUG:
        return topic
    if event.kind.value.startswith("feed."):
        return Topic.FEED
    return Topic.ERROR if is_serious else None
