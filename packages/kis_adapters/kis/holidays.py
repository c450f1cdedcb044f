"""HolidaySource on chk-holiday, which only the real server has. Source: kis-wire section 4.10."""

from collections.abc import Mapping
from datetime import date

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import HOLIDAYS
from kis_adapters.kis.errors import KisError, KisFieldError, KisImplausible
from kis_adapters.kis.wire import Day, Text, Wire, read, rows_at
from kis_core.ports.holiday_source import HolidaySource, HolidaysUnavailable

_TRIES = 2  # it is asked again later in the day; meanwhile nothing is entered
_ANSWERS = {"Y": True, "N": False}


class _HolidayRow(Wire):
    """One day. `opnd_yn` 개장일: orders are possible; a business day need not be one."""

    bass_dt: Day
    opnd_yn: Text


class KisHolidays(HolidaySource):
    """One call, one page: about four weeks."""

    def __init__(self, client: KisClient) -> None:
        self._client = client

    def open_days(self, first: date) -> Mapping[date, bool]:
        """See the port."""
        try:
            return self._asked(first)
        except KisError as error:
            if isinstance(error, KisFieldError | KisImplausible):
                self._client.report(error)
            raise HolidaysUnavailable(str(error)) from error

    def _asked(self, first: date) -> Mapping[date, bool]:
        params = {"BASS_DT": f"{first:%Y%m%d}", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
        envelope = self._client.get(HOLIDAYS, params, priority=Priority.SCAN, tries=_TRIES)
        days: dict[date, bool] = {}
        for data in rows_at(envelope.body, "output", endpoint=HOLIDAYS.name):
            row = read(_HolidayRow, data, endpoint=HOLIDAYS.name)
            is_open = _ANSWERS.get(row.opnd_yn)
            if is_open is None:
                raise KisFieldError(HOLIDAYS.name, field="output.opnd_yn", why="neither Y nor N")
            if days.setdefault(row.bass_dt, is_open) is not is_open:
                raise KisImplausible(HOLIDAYS.name, f"{row.bass_dt} told twice, differently")
        if first not in days:
            raise KisImplausible(HOLIDAYS.name, f"{first} was asked for and not told")
        return days
