"""Fields that KIS sends and does not document: survived, counted, told once a day (K-13)."""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import structlog

from kis_adapters.kis.documented import DOCUMENTED
from kis_core.ports.clock import Clock

_NAMES_SHOWN = 20

_log = structlog.get_logger(__name__)


class FieldDrift:
    """Counts unknown keys by endpoint and place. Safe between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], date] = {}
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def see(self, endpoint: str, at: str, data: Mapping[str, Any]) -> None:
        """Compare the keys of `data` with what is documented for `at` of `endpoint`."""
        unknown = data.keys() - DOCUMENTED[endpoint, at]
        if not unknown:
            return
        today = self._clock.now().date()
        with self._lock:
            self.counts.update(f"{endpoint}.{at}.{key}" for key in unknown)
            if self._told.get((endpoint, at)) == today:
                return
            self._told[endpoint, at] = today
        names = sorted(unknown)[:_NAMES_SHOWN]
        _log.warning("kis.fields.unknown", endpoint=endpoint, at=at, names=names)
