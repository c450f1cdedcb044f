"""Which days KRX trades, from the announcements of the exchange, not from the package."""

import os
import subprocess
import sys
from datetime import date, datetime, time
from pathlib import Path

import pytest

from kis_adapters.system.krx_calendar import KrxCalendar
from kis_adapters.system.session_overlay import SessionFileError, SessionOverlay, read_overlay
from kis_core.market.session import KST, Phase, Session
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "config" / "krx_sessions.yaml"


@pytest.fixture
def calendar() -> KrxCalendar:
    return KrxCalendar(read_overlay(SHIPPED))


def hours(session: object) -> tuple[time, time]:
    assert isinstance(session, Session)
    return session.opens_at.time(), session.closes_at.time()


@pytest.mark.req("E-04", "F-071")
@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),  # 신정
        date(2026, 2, 16),  # 설날 연휴
        date(2026, 2, 17),  # 설날
        date(2026, 2, 18),  # 설날 연휴
        date(2026, 5, 1),  # 노동절
        date(2026, 6, 3),  # 지방선거
        date(2026, 7, 17),  # 제헌절, a holiday again since 2026
        date(2026, 9, 25),  # 추석
        date(2026, 12, 25),  # 성탄절
        date(2026, 12, 31),  # 연말 휴장
        date(2026, 11, 21),  # 토요일
        date(2026, 11, 22),  # 일요일
        date(2025, 6, 3),  # 대통령 선거
        date(2024, 10, 1),  # 국군의 날, a temporary holiday
        date(2022, 12, 30),  # 연말 휴장: the 31st was a Saturday
    ],
)
def test_the_exchange_is_closed_on(calendar: KrxCalendar, day: date) -> None:
    answer = calendar.session_of(day)

    assert isinstance(answer, Closed)
    assert answer.session_date == day
    assert answer.reason


@pytest.mark.req("E-04")
def test_an_ordinary_day_has_regular_hours(calendar: KrxCalendar) -> None:
    session = calendar.session_of(date(2026, 11, 24))

    assert hours(session) == (time(9), time(15, 30))


@pytest.mark.req("E-04", "F-071")
@pytest.mark.parametrize(
    "day",
    [
        date(2022, 11, 17),
        date(2023, 11, 16),
        date(2024, 11, 14),
        date(2025, 11, 13),
        date(2026, 11, 19),
    ],
)
def test_on_the_day_of_the_entrance_exam_everything_is_an_hour_late(
    calendar: KrxCalendar, day: date
) -> None:
    session = calendar.session_of(day)

    assert hours(session) == (time(10), time(16, 30))
    assert isinstance(session, Session)
    assert session.phase_at(datetime(day.year, day.month, day.day, 9, 29, tzinfo=KST)) is (
        Phase.BEFORE
    )
    assert session.phase_at(datetime(day.year, day.month, day.day, 9, 30, tzinfo=KST)) is (
        Phase.OPENING_AUCTION
    )


@pytest.mark.req("E-04")
@pytest.mark.parametrize("day", [date(2025, 1, 2), date(2026, 1, 2), date(2024, 1, 2)])
def test_the_first_session_of_a_year_opens_an_hour_late(calendar: KrxCalendar, day: date) -> None:
    assert hours(calendar.session_of(day)) == (time(10), time(15, 30))


@pytest.mark.req("E-04")
def test_beyond_the_confirmed_coverage_a_session_is_only_a_guess(calendar: KrxCalendar) -> None:
    answer = calendar.session_of(date(2027, 1, 4))

    assert isinstance(answer, Unconfirmed)
    assert hours(answer.session) == (time(10), time(15, 30))
    assert "2026-12-31" in answer.reason


@pytest.mark.req("E-04")
def test_the_last_confirmed_day_is_confirmed_and_the_next_is_not() -> None:
    calendar = KrxCalendar(SessionOverlay(confirmed_until=date(2026, 11, 24)))

    assert isinstance(calendar.session_of(date(2026, 11, 24)), Session)
    assert isinstance(calendar.session_of(date(2026, 11, 25)), Unconfirmed)


@pytest.mark.req("E-04")
@pytest.mark.parametrize(
    ("today", "until", "warned"),
    [
        (date(2026, 10, 31), date(2026, 12, 31), False),
        (date(2026, 11, 1), date(2026, 12, 31), True),
        (date(2026, 12, 30), date(2026, 12, 31), True),
        (date(2026, 11, 1), date(2027, 12, 31), False),
        (date(2027, 1, 4), date(2026, 12, 31), True),
        (date(2027, 3, 2), date(2027, 12, 31), False),
    ],
)
def test_from_november_an_unconfirmed_next_year_warns(
    today: date, until: date, warned: bool
) -> None:
    calendar = KrxCalendar(SessionOverlay(confirmed_until=until))

    assert (calendar.warning(today) is not None) is warned


@pytest.mark.req("E-04")
def test_the_operators_file_closes_and_opens_days(tmp_path: Path) -> None:
    path = tmp_path / "krx_sessions.yaml"
    path.write_text(
        "confirmed_until: 2026-12-31\n"
        "special_hours: [{date: 2026-12-08, opens: 10:00, closes: 16:30, why: 시험}]\n"
        "closures: [{date: 2026-12-07, why: 임시공휴일}]\n"
        "open_days: [{date: 2026-12-25, why: 공지}]\n",
        encoding="utf-8",
    )

    calendar = KrxCalendar(read_overlay(path))

    assert calendar.session_of(date(2026, 12, 7)) == Closed(
        session_date=date(2026, 12, 7), reason="임시공휴일"
    )
    assert hours(calendar.session_of(date(2026, 12, 8))) == (time(10), time(16, 30))
    assert hours(calendar.session_of(date(2026, 12, 25))) == (time(9), time(15, 30))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- list\n",
        "confirmed_until: soon\n",
        "confirmed_until: 2026-12-31\nclosed: []\n",
        "confirmed_until: 2026-12-31\nclosures: [{date: 2026-12-07}]\n",
        "confirmed_until: 2026-12-31\n"
        "closures: [{date: 2026-12-07, why: a}, {date: 2026-12-07, why: b}]\n",
        "confirmed_until: 2026-12-31\n"
        "closures: [{date: 2026-12-07, why: a}]\nopen_days: [{date: 2026-12-07, why: b}]\n",
        "confirmed_until: 2026-12-31\n"
        "special_hours: [{date: 2026-12-08, opens: 16:30, closes: 10:00, why: x}]\n",
        "confirmed_until: [\n",
    ],
)
def test_a_damaged_file_is_one_korean_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "krx_sessions.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SessionFileError, match=r"krx_sessions\.yaml"):
        read_overlay(path)


def test_a_missing_file_is_one_korean_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="읽을 수 없습니다"):
        read_overlay(tmp_path / "none.yaml")


def test_sessions_are_counted_over_holidays(calendar: KrxCalendar) -> None:
    """설날 2026: the 13th is the last session before it, the 19th the first after."""
    assert calendar.sessions_after(date(2026, 2, 13), 2) == (date(2026, 2, 19), date(2026, 2, 20))
    assert calendar.session_before(date(2026, 2, 19)) == date(2026, 2, 13)


def test_sessions_are_counted_over_the_new_year(calendar: KrxCalendar) -> None:
    """30 December 2026 settles in January: the 31st and 1st are closed, the 2nd a Saturday."""
    assert calendar.sessions_after(date(2026, 12, 30), 2) == (date(2027, 1, 4), date(2027, 1, 5))
    assert calendar.session_before(date(2027, 1, 4)) == date(2026, 12, 30)


def test_no_sessions_are_none(calendar: KrxCalendar) -> None:
    assert calendar.sessions_after(date(2026, 11, 24), 0) == ()


def test_the_version_names_the_package_and_the_coverage(calendar: KrxCalendar) -> None:
    assert calendar.version.startswith("holidays ")
    assert "2026-12-31" in calendar.version
    assert isinstance(calendar, Calendar)


_PROGRAM = """
from datetime import date, datetime, timezone
from pathlib import Path
from kis_adapters.system.krx_calendar import KrxCalendar
from kis_adapters.system.session_overlay import read_overlay
from kis_adapters.system.wall_clock import WallClock
calendar = KrxCalendar(read_overlay(Path({path!r})))
session = calendar.session_of(date(2026, 11, 19))
print(session.opens_at.astimezone(timezone.utc).isoformat(), type(calendar.session_of(
    date(2026, 2, 17))).__name__, WallClock().now().utcoffset(),
    abs((WallClock().now() - datetime.now(timezone.utc)).total_seconds()) < 60)
"""


@pytest.mark.req("E-04", "F-072")
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Seoul", "Pacific/Kiritimati"])
def test_the_machines_time_zone_changes_nothing(zone: str) -> None:
    environment = {**os.environ, "TZ": zone, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"}

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(path=str(SHIPPED))],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["2026-11-19T01:00:00+00:00", "Closed", "9:00:00", "True"]
