"""Clock and calendar as the engine meets them: what is told, and what is not entered."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.market.session import Session
from kis_core.ports.calendar import Closed, Unconfirmed
from kis_core.ports.notifier import Event, EventKind, Level
from kis_core.session.assembly import Ports

ROOT = Path(__file__).parents[3]


def _surrounded(
    world: World,
    *,
    warning: Callable[[date], str | None] = lambda _: None,
    skew: Callable[[], float | None] = lambda: None,
) -> None:
    def wrap(ports: Ports) -> Ports:
        return replace(ports, calendar_warning=warning, clock_skew=skew)

    world.wrap = wrap
    world.restart()


def _told_of_skew(world: World) -> list[Event]:
    told = world.notifier.of(EventKind.ERROR)
    return [event for event in told if event.fields.get("what") == "clock_skew"]


@pytest.mark.req("E-08")
@pytest.mark.parametrize(("skew_s", "is_told"), [(2.0, 0), (2.1, 1), (-2.1, 1), (None, 0)])
def test_a_clock_more_than_2_s_from_the_brokers_is_told_once(
    world: World, skew_s: float | None, is_told: int
) -> None:
    _surrounded(world, skew=lambda: skew_s)

    world.run_until(world.at(10, 0))

    told = _told_of_skew(world)
    assert len(told) == is_told
    assert all(event.level is Level.WARNING for event in told)


@pytest.mark.req("E-08")
def test_a_clock_that_was_set_right_and_drifts_again_is_told_again(world: World) -> None:
    skew = [3.0]
    _surrounded(world, skew=lambda: skew[0])

    for value, until in ((3.0, 9), (0.1, 10), (-3.0, 11)):
        skew[0] = value
        world.run_until(world.at(until, 30))

    words = [str(event.fields["why"]) for event in _told_of_skew(world)]
    assert len(words) == 2
    assert "3.0초 빠릅니다" in words[0]
    assert "3.0초 느립니다" in words[1]


@pytest.mark.req("E-04")
def test_the_calendars_warning_is_told_once_a_day(world: World) -> None:
    _surrounded(world, warning=lambda today: f"{today}: 내년 일정 미확인")

    world.run_until(world.at(11, 0))
    on_tuesday = len(world.notifier.of(EventKind.CALENDAR_WARNING))
    world.run_until(world.at(11, 0) + timedelta(days=1))

    told = [event.fields["why"] for event in world.notifier.of(EventKind.CALENDAR_WARNING)]
    assert on_tuesday == 1
    assert told == ["2026-11-24: 내년 일정 미확인", "2026-11-25: 내년 일정 미확인"]


@dataclass(slots=True)
class Hesitant(WeekdayCalendar):
    """Not sure of any day until it is told so."""

    is_sure: bool = False
    asked: list[date] = field(default_factory=list)

    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        self.asked.append(session_date)
        answer = WeekdayCalendar.session_of(self, session_date)
        if isinstance(answer, Session) and not self.is_sure:
            return Unconfirmed(session=answer, reason="증권사 휴장일 조회 실패")
        return answer


@pytest.mark.req("E-04")
def test_a_day_that_is_not_confirmed_is_not_entered_until_it_is() -> None:
    calendar = Hesitant()
    world = World(calendar=calendar)
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, 70_300)

    world.run_until(world.at(9, 45))
    meanwhile = list(world.broker.orders)
    calendar.is_sure = True
    world.run_until(world.at(10, 15))

    assert meanwhile == []
    assert len(world.broker.orders) == 1
    told = [str(event.fields["why"]) for event in world.notifier.of(EventKind.CALENDAR_WARNING)]
    assert "조회 실패" in told[0]
    assert "다시 허용" in told[-1]


_PROGRAM = """
from datetime import datetime, timedelta
from pathlib import Path
from kis_adapters.memory.world import SAMSUNG, World
from kis_adapters.system.krx_calendar import KrxCalendar
from kis_adapters.system.session_overlay import read_overlay
from kis_core.market.session import KST
calendar = KrxCalendar(read_overlay(Path({path!r})))
for text in ("2026-02-17T10:00", "2026-06-03T10:00", "2026-07-17T10:00", "2026-11-19T09:30",
             "2026-11-19T10:05", "2027-01-04T09:30", "2027-01-04T10:30", "2026-11-24T09:30"):
    at = datetime.fromisoformat(text).replace(tzinfo=KST)
    world = World(start=at.replace(hour=8, minute=20), calendar=calendar)
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(at)
    print(text, len(world.broker.orders))
"""


@pytest.mark.req("E-04", "F-071", "F-072")
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Seoul"])
def test_nothing_is_bought_on_closed_late_and_unconfirmed_days_in_any_time_zone(zone: str) -> None:
    """설날, 지방선거, 제헌절; 수능 before its late open and after; a year nobody confirmed; and,
    to see that the same breakout is bought at all, an ordinary day."""
    environment = {**os.environ, "TZ": zone, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"}
    program = _PROGRAM.format(path=str(ROOT / "config" / "krx_sessions.yaml"))

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "2026-02-17T10:00 0",
        "2026-06-03T10:00 0",
        "2026-07-17T10:00 0",
        "2026-11-19T09:30 0",
        "2026-11-19T10:05 1",
        "2027-01-04T09:30 0",
        "2027-01-04T10:30 0",
        "2026-11-24T09:30 1",
    ]
