"""Two calendars that disagree trade nothing new; one that is silent is never "open"."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.clock import ManualClock
from kis_adapters.system.broker_checked_calendar import BrokerCheckedCalendar
from kis_adapters.system.broker_holidays import BrokerHolidays
from kis_core.market.session import KST, Session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed
from kis_core.ports.holiday_source import HolidaySource, HolidaysUnavailable

TUESDAY = date(2026, 11, 24)
WEDNESDAY, SATURDAY = date(2026, 11, 25), date(2026, 11, 28)
MORNING = datetime(2026, 11, 24, 8, 40, tzinfo=KST)


class Told(HolidaySource):
    """A broker that says what it was given; None: it does not answer."""

    def __init__(self, days: Mapping[date, bool] | None) -> None:
        self.days = days
        self.asked: list[date] = []

    def open_days(self, first: date) -> Mapping[date, bool]:
        self.asked.append(first)
        if self.days is None:
            raise HolidaysUnavailable("응답 없음")
        return self.days


class Place:
    """The calendar under test, its broker and its clock."""

    def __init__(self, path: Path, days: Mapping[date, bool] | None) -> None:
        self.path, self.broker, self.clock = path, Told(days), ManualClock(MORNING)
        self.ours = WeekdayCalendar()
        self.calendar = self.build()

    def build(self) -> BrokerCheckedCalendar:
        """Another process with the same file."""
        holidays = BrokerHolidays(self.broker, clock=self.clock, path=self.path)
        return BrokerCheckedCalendar(self.ours, holidays=holidays, clock=self.clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "broker_holidays.json"


@pytest.mark.req("E-04")
def test_a_day_that_both_call_open_is_a_session(path: Path) -> None:
    place = Place(path, {TUESDAY: True})

    answer = place.calendar.session_of(TUESDAY)

    assert isinstance(answer, Session)
    assert isinstance(place.calendar, Calendar)


@pytest.mark.req("E-04", "F-071")
def test_a_broker_that_calls_an_open_day_closed_blocks_entries_and_says_so(path: Path) -> None:
    answer = Place(path, {TUESDAY: False}).calendar.session_of(TUESDAY)

    assert isinstance(answer, Unconfirmed)
    assert "내장 달력은 개장, 증권사는 휴장" in answer.reason


@pytest.mark.req("E-04", "F-071")
def test_a_broker_that_calls_a_closed_day_open_blocks_entries_and_says_so(path: Path) -> None:
    place = Place(path, {TUESDAY: True})
    place.ours.closed.add(TUESDAY)

    answer = place.calendar.session_of(TUESDAY)

    assert isinstance(answer, Unconfirmed)
    assert "내장 달력은 휴장(휴장일), 증권사는 개장" in answer.reason
    assert answer.session.opens_at.time() == time(9)


@pytest.mark.req("E-04")
@pytest.mark.parametrize("days", [None, {WEDNESDAY: True}])
def test_silence_about_today_is_never_open(path: Path, days: dict[date, bool] | None) -> None:
    answer = Place(path, days).calendar.session_of(TUESDAY)

    assert isinstance(answer, Unconfirmed)
    assert "새로 진입하지 않습니다" in answer.reason


@pytest.mark.req("E-04")
def test_silence_about_a_closed_day_leaves_it_closed(path: Path) -> None:
    place = Place(path, None)
    place.ours.closed.add(TUESDAY)

    assert isinstance(place.calendar.session_of(TUESDAY), Closed)


def test_what_both_call_closed_is_closed(path: Path) -> None:
    place = Place(path, {TUESDAY: True, SATURDAY: False})

    assert isinstance(place.calendar.session_of(SATURDAY), Closed)


def test_coming_days_are_ours_where_the_broker_has_not_told_and_never_against_it(
    path: Path,
) -> None:
    place = Place(path, {TUESDAY: True, WEDNESDAY: False})

    assert isinstance(place.calendar.session_of(WEDNESDAY), Unconfirmed)
    assert isinstance(place.calendar.session_of(date(2026, 11, 26)), Session)


def test_past_days_are_not_asked_about(path: Path) -> None:
    place = Place(path, None)

    assert isinstance(place.calendar.session_of(date(2026, 11, 23)), Session)
    assert place.broker.asked == []


@pytest.mark.req("E-04")
def test_beyond_our_own_coverage_the_brokers_yes_is_not_enough(path: Path) -> None:
    """It tells days, not hours."""
    place = Place(path, {TUESDAY: True})
    place.ours.confirmed_until = date(2026, 11, 23)

    assert isinstance(place.calendar.session_of(TUESDAY), Unconfirmed)


@pytest.mark.req("E-04")
def test_the_broker_is_asked_once_a_day_restarts_included(path: Path) -> None:
    place = Place(path, {TUESDAY: True, WEDNESDAY: True})

    for calendar in (place.calendar, place.calendar, place.build()):
        calendar.session_of(TUESDAY)
        calendar.session_of(WEDNESDAY)
    asked_on_tuesday = list(place.broker.asked)
    place.clock.set(MORNING + timedelta(days=1))
    place.build().session_of(WEDNESDAY)

    assert asked_on_tuesday == [TUESDAY]
    assert place.broker.asked == [TUESDAY, WEDNESDAY]


@pytest.mark.req("E-04")
def test_after_a_failure_it_is_asked_again_ten_minutes_later(path: Path) -> None:
    place = Place(path, None)
    place.calendar.session_of(TUESDAY)
    place.broker.days = {TUESDAY: True}

    place.clock.set(MORNING + timedelta(minutes=9, seconds=59))
    early = place.calendar.session_of(TUESDAY)
    place.clock.set(MORNING + timedelta(minutes=10))
    late = place.calendar.session_of(TUESDAY)

    assert isinstance(early, Unconfirmed)
    assert isinstance(late, Session)
    assert len(place.broker.asked) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"asked_on": "2026-11-24"}'])
def test_a_damaged_file_is_as_if_there_were_none(path: Path, text: str) -> None:
    place = Place(path, {TUESDAY: True})
    path.parent.mkdir(parents=True)
    path.write_text(text)

    assert isinstance(place.build().session_of(TUESDAY), Session)
    assert place.broker.asked == [TUESDAY]


def test_a_file_that_cannot_be_written_changes_no_answer(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("a file, and no directory")
    place = Place(in_the_way / "broker_holidays.json", {TUESDAY: True})

    assert isinstance(place.calendar.session_of(TUESDAY), Session)


def test_settlement_days_are_our_calendars(path: Path) -> None:
    place = Place(path, None)

    assert place.calendar.sessions_after(TUESDAY, 2) == (WEDNESDAY, date(2026, 11, 26))
    assert place.calendar.session_before(TUESDAY) == date(2026, 11, 23)
    assert "broker" in place.calendar.version
