"""Saying the same thing once (N-04, F-056, F-109)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind

_Key = tuple[EventKind, Symbol | None]
_QUIET = timedelta(minutes=10)


@dataclass(slots=True)
class _Told:
    content: object
    at: datetime
    repeats: int = 0


class RepeatFilter:
    """Lets an event through that says something new, or says it again after ten minutes.

    Kept is one event a kind and symbol, so memory does not grow with time.
    """

    def __init__(self, quiet: timedelta = _QUIET) -> None:
        self._quiet = quiet
        self._last: dict[_Key, _Told] = {}

    def repeats_before(self, event: Event) -> int | None:
        """How many equal events were swallowed since the last that went through; None when
        this one is to be swallowed too."""
        key = (event.kind, event.symbol)
        content = (event.level, event.order_id, tuple(sorted(event.fields.items())))
        last = self._last.get(key)
        if last is not None and last.content == content and event.at - last.at < self._quiet:
            last.repeats += 1
            return None
        self._last[key] = _Told(content, event.at)
        return last.repeats if last is not None else 0
