"""chk-holiday: which days the broker takes orders on, and never "open" by default."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.holidays import KisHolidays
from kis_core.orders.identity import TradingMode
from kis_core.ports.holiday_source import HolidaysUnavailable

FRIDAY = date(2026, 11, 20)
PATH = "/quotations/chk-holiday"


@pytest.fixture
def holidays(make_client: Callable[..., KisClient]) -> KisHolidays:
    return KisHolidays(make_client(TradingMode.REAL))


@pytest.mark.req("E-04")
def test_the_days_are_open_as_opnd_yn_says(holidays: KisHolidays, kis: Any, wire: Any) -> None:
    """The 31st of December is a business day of banks, and not one of the exchange."""
    kis.script(PATH, wire.ok("chk-holiday", tr_cont="F"))

    days = holidays.open_days(FRIDAY)

    assert days == {
        date(2026, 11, 20): True,
        date(2026, 11, 21): False,
        date(2026, 11, 22): False,
        date(2026, 11, 23): True,
        date(2026, 12, 25): False,
        date(2026, 12, 31): False,
    }
    [request] = kis.asked(PATH)
    assert request.query["BASS_DT"] == "20261120"
    assert request.headers["tr_id"] == "CTCA0903R"


def _changed(wire: Any, **fields: object) -> Any:
    body = wire.sample("chk-holiday")
    body["output"][0] |= fields
    return wire.Reply(body=body)


@pytest.mark.req("E-04", "K-07")
@pytest.mark.parametrize(
    "fields",
    [
        {"opnd_yn": ""},
        {"opnd_yn": "y"},
        {"opnd_yn": None},
        {"bass_dt": "2026-11-20"},
        {"bass_dt": "20261119"},  # then the day asked for was not told
        {"bass_dt": "20261121"},  # told twice: open and closed
    ],
)
def test_an_answer_that_cannot_be_believed_is_no_answer(
    holidays: KisHolidays, kis: Any, wire: Any, fields: dict[str, object]
) -> None:
    kis.script(PATH, _changed(wire, **fields))

    with pytest.raises(HolidaysUnavailable):
        holidays.open_days(FRIDAY)


@pytest.mark.req("E-04")
@pytest.mark.parametrize("body", ["", "<html>", {"rt_cd": "0", "msg_cd": "", "msg1": ""}])
def test_no_list_is_no_answer(holidays: KisHolidays, kis: Any, wire: Any, body: object) -> None:
    kis.script(PATH, wire.Reply(body=body))

    with pytest.raises(HolidaysUnavailable):
        holidays.open_days(FRIDAY)


@pytest.mark.req("K-06", "E-04")
def test_paper_is_not_asked(make_client: Callable[..., KisClient], kis: Any) -> None:
    with pytest.raises(HolidaysUnavailable, match="내장 거래소 달력"):
        KisHolidays(make_client(TradingMode.PAPER)).open_days(FRIDAY)

    assert kis.count(PATH) == 0
