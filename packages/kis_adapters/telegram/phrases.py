"""An event as the few lines that tell it on a lock screen: time, what, which symbol, figures.

The first line says it all; figures that explain it follow on the second, and the order's id,
ready to be tapped, on the last (L-05).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kis_adapters.telegram import day_phrases, trade_phrases
from kis_adapters.telegram.markup import escaped
from kis_adapters.telegram.saying import Phrase, Saying
from kis_core.ports.notifier import Event, EventKind


@dataclass(frozen=True, slots=True)
class Phrases:
    """Tells events in Korean."""

    say: Saying

    def lines(self, event: Event) -> tuple[str, ...]:
        """The event as marked lines, at least one."""
        build = _BUILDERS.get(event.kind)
        if build is None:
            head, rest = self.say.general(event, _SHOWN.get(event.kind))
        else:
            head, rest = build(self.say, event)
        if event.order_id is not None and event.kind in _WITH_ORDER:
            rest = [*rest, f"/explain_{escaped(event.order_id, most=40)}"]
        return (f"{event.at:%H:%M} {head}", *(line for line in rest if line))


_WITH_ORDER = frozenset(
    {
        EventKind.ORDER_SUBMITTED,
        EventKind.ORDER_FILLED,
        EventKind.ORDER_PARTIAL,
        EventKind.ORDER_CANCELLED,
        EventKind.ORDER_FAILED,
        EventKind.ORDER_AMBIGUOUS,
        EventKind.ORDER_ADOPTED,
        EventKind.SYMBOL_HALTED,
        EventKind.ERROR,
    }
)
# Of kinds with many fields, those that a telephone has room for, in this order.
_SHOWN: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.TRAILING_ACTIVATED: ("highest", "stop"),
    EventKind.POSITION_REPAIRED: (
        "what", "difference", "known_quantity", "held_quantity", "average", "stop", "take", "why",
    ),
}  # fmt: skip
_BUILDERS: Mapping[EventKind, Callable[[Saying, Event], Phrase]] = {
    EventKind.SIGNAL: trade_phrases.signal,
    EventKind.GAP_CHECKED: trade_phrases.gap,
    EventKind.ORDER_SUBMITTED: trade_phrases.sent,
    EventKind.ORDER_FILLED: trade_phrases.filled,
    EventKind.ORDER_PARTIAL: trade_phrases.filled,
    EventKind.ORDER_CANCELLED: trade_phrases.cancelled,
    EventKind.UNIVERSE_SELECTED: day_phrases.universe,
    EventKind.POSITION_OPENED: trade_phrases.opened,
    EventKind.POSITION_CLOSED: trade_phrases.closed,
    EventKind.NEAR_STOP: trade_phrases.near,
    EventKind.NEAR_TAKE: trade_phrases.near,
    EventKind.KILL_SWITCH_ON: day_phrases.kill,
    EventKind.KILL_SWITCH_OFF: day_phrases.kill,
    EventKind.OPERATOR_COMMAND: day_phrases.command,
    EventKind.SESSION_STARTED: day_phrases.started,
    EventKind.SESSION_STOPPED: day_phrases.stopped,
    EventKind.DAY_STARTED: day_phrases.day_started,
    EventKind.DAY_CLOSED: day_phrases.day_closed,
    EventKind.RISK_STATUS: day_phrases.risk_status,
    EventKind.POSITION_KEPT: trade_phrases.kept,
}
