"""Events as messages: chosen by kind, told once, handed over at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from kis_adapters.telegram.memory import Memory
from kis_adapters.telegram.message import Message
from kis_adapters.telegram.outbox import Outbox
from kis_adapters.telegram.phrases import Phrases
from kis_adapters.telegram.topics import Topic, topic_of
from kis_core.ports.notifier import Event, EventKind, Notifier

OFF, SILENT = "off", "silent"
ENDED_BY_AN_ERROR = "app"  # what went wrong is the process as a whole: a restart may fail alike

# A restart says these again; what of them the operator has read already comes without a sound.
_REPEATED_BY_A_RESTART: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.DAY_STARTED: ("session_date",),
    EventKind.DAY_CLOSED: ("session_date",),
    EventKind.RISK_STATUS: ("realised_pnl", "entries", "kill_switch"),
    EventKind.POSITION_KEPT: ("quantity", "stop"),
    EventKind.NEAR_STOP: ("level_price",),
    EventKind.NEAR_TAKE: ("level_price",),
    EventKind.KILL_SWITCH_ON: ("reason",),
    EventKind.UNIVERSE_SELECTED: ("step", "symbols"),
    EventKind.CALENDAR_WARNING: ("why",),
    EventKind.ENTRY_REFUSED: ("reason",),
    EventKind.HELD_WITHOUT_PRICE: (),
    EventKind.RISK_LIMIT: ("limit",),
}
_NEVER_LOUD = frozenset({EventKind.ENTRY_REFUSED, EventKind.RISK_STATUS, EventKind.POSITION_KEPT})


class Repeats(Protocol):
    """Says which events repeat what was just told."""

    def repeats_before(self, event: Event) -> int | None:
        """How many equal ones were swallowed before this one; None: swallow this one too."""


@dataclass(slots=True)
class TelegramNotifier(Notifier):
    """Puts what is to be told into the outbox. `loudness` is `on`, `silent` or `off` by topic.

    `failures` counts events that could not be put into words; they stand in the log.
    """

    phrases: Phrases
    outbox: Outbox
    memory: Memory
    repeats: Repeats
    loudness: Mapping[str, str]
    redact: Callable[[str], str] = field(default=lambda text: text)
    failures: int = 0

    def tell(self, event: Event) -> None:
        try:
            self._tell(event)
        except Exception:  # noqa: BLE001  # E-07: whatever a message meets, trading goes on
            self.failures += 1

    def _tell(self, event: Event) -> None:
        if event.kind is EventKind.OPERATOR_COMMAND:
            self.memory.settle(str(event.fields.get("command_id")))
        topic = topic_of(event)
        if topic is None:
            return
        loudness = self.loudness.get(topic, "on")
        if loudness == OFF and topic is not Topic.COMMAND:
            return
        repeats = self.repeats.repeats_before(event)
        if repeats is None:
            return
        self.outbox.put(self._message(event, is_silent=loudness == SILENT, repeats=repeats))

    def _redacted(self, event: Event) -> Event:
        fields = {
            name: self.redact(value) if isinstance(value, str) else value
            for name, value in event.fields.items()
        }
        return replace(event, fields=fields)

    def _message(self, event: Event, *, is_silent: bool, repeats: int) -> Message:
        lines = list(self.phrases.lines(self._redacted(event)))
        if repeats:
            lines.append(f"(같은 알림 {repeats}번 생략)")
        key = _key(event)
        is_known = bool(key) and self.memory.was_told_before(key)
        if is_known:
            lines[0] += " (재시작 전에 이미 알림)"
        silent = is_silent or is_known or event.kind in _NEVER_LOUD
        return Message(lines=tuple(lines), is_silent=silent, key=key)


def _key(event: Event) -> str:
    """What makes two events of one day the same news; empty where each is news."""
    names = _REPEATED_BY_A_RESTART.get(event.kind)
    if event.kind is EventKind.ERROR and event.fields.get("what") == ENDED_BY_AN_ERROR:
        names = ("why",)
    if names is None:
        return ""
    values = "|".join(str(event.fields.get(name)) for name in names)
    return f"{event.at.date()}|{event.kind}|{event.symbol}|{values}"
