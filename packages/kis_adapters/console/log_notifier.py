"""Events in the log: the dotted name and every field, one line each (L-02, L-05)."""

from typing import Any

import structlog

from kis_adapters.console.repeat import RepeatFilter
from kis_core.ports.notifier import Event, EventKind, Level, Notifier

_log = structlog.stdlib.get_logger("kis.events")
_ALWAYS = frozenset({EventKind.HOLD_CHANGED})  # L-02: HOLD with its reason, whatever the level


class LogNotifier(Notifier):
    """Writes through structlog; where that goes is `log_file`'s matter. Repeats are left out and
    counted in the next line's `repeats`. `failures` counts what could not be written."""

    def __init__(self) -> None:
        self._repeats = RepeatFilter()
        self.failures = 0

    def tell(self, event: Event) -> None:
        try:
            self._tell(event)
        except Exception:  # noqa: BLE001  # E-07: a log that fails does not stop trading
            self.failures += 1

    def _tell(self, event: Event) -> None:
        repeats = self._repeats.repeats_before(event)
        if repeats is None:
            return
        level = Level.INFO if event.kind in _ALWAYS else event.level
        getattr(_log, level.value)(event.kind.value, **_entry(event, repeats))


def _entry(event: Event, repeats: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        (f"field_{name}" if name in ("event", "level", "timestamp") else name): value
        for name, value in event.fields.items()
    }
    entry["timestamp"] = event.at.isoformat()
    if event.symbol is not None:
        entry["symbol"] = event.symbol
    if event.order_id is not None:
        entry["order_id"] = event.order_id
    if repeats:
        entry["repeats"] = repeats
    return entry
