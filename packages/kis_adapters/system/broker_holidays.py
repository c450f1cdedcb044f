"""The broker's word on the days, asked once a day and kept on disk for a restart.

What was kept serves on the day it was asked and no longer; a file that cannot be read is as if
there were none.
"""

from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from kis_core.ports.clock import Clock
from kis_core.ports.holiday_source import HolidaySource, HolidaysUnavailable

_AGAIN = timedelta(minutes=10)  # after a failure; the broker asks for one call a day

_log = structlog.stdlib.get_logger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    asked_on: date
    open_days: dict[date, bool]


class BrokerHolidays:
    """Answers for the days that the broker told of today. Used by one thread."""

    def __init__(self, source: HolidaySource, *, clock: Clock, path: Path) -> None:
        self._source = source
        self._clock = clock
        self._path = path
        self._kept: _Kept | None = None
        self._failed_at: datetime | None = None
        self._why = ""

    def is_open(self, day: date) -> bool | None:
        """Whether orders are possible on `day`; None for a day that was not told.

        Raises HolidaysUnavailable; after a failure it is not asked again for ten minutes.
        """
        return self._today().open_days.get(day)

    def _today(self) -> _Kept:
        now = self._clock.now()
        if self._kept is None:
            self._kept = self._read()
        if self._kept is not None and self._kept.asked_on == now.date():
            return self._kept
        if self._failed_at is not None and timedelta(0) <= now - self._failed_at < _AGAIN:
            raise HolidaysUnavailable(self._why)
        try:
            days = dict(self._source.open_days(now.date()))
        except HolidaysUnavailable as error:
            self._failed_at, self._why = now, str(error)
            raise
        self._kept, self._failed_at = _Kept(asked_on=now.date(), open_days=days), None
        self._write(self._kept)
        return self._kept

    def _read(self) -> _Kept | None:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _log.warning("broker_holidays.unusable", error=type(error).__name__)
            return None

    def _write(self, kept: _Kept) -> None:
        beside = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(kept.model_dump_json().encode())
            beside.replace(self._path)
        except OSError as error:
            _log.warning("broker_holidays.write_failed", error=error.strerror)
            with suppress(OSError):
                beside.unlink(missing_ok=True)
