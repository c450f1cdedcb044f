"""The phases of a trading day (kis-wire 7.3)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from kis_core.market.session import KST, Phase, regular_session

_DAY = date(2026, 3, 3)


def _at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 3, hour, minute, second, tzinfo=KST)


@pytest.mark.parametrize(
    ("instant", "phase"),
    [
        (_at(8, 29, 59), Phase.BEFORE),
        (_at(8, 30), Phase.OPENING_AUCTION),
        (_at(8, 59, 59), Phase.OPENING_AUCTION),
        (_at(9, 0), Phase.CONTINUOUS),
        (_at(15, 19, 59), Phase.CONTINUOUS),
        (_at(15, 20), Phase.CLOSING_AUCTION),
        (_at(15, 29, 59), Phase.CLOSING_AUCTION),
        (_at(15, 30), Phase.AFTER),
        (_at(16, 0), Phase.AFTER),
    ],
)
def test_each_phase_includes_its_start_and_excludes_its_end(
    instant: datetime, phase: Phase
) -> None:
    assert regular_session(_DAY).phase_at(instant) is phase


def test_on_the_entrance_exam_day_the_whole_day_is_an_hour_later() -> None:
    session = regular_session(_DAY, opens=time(10), closes=time(16, 30))

    assert session.phase_at(_at(9, 30)) is Phase.OPENING_AUCTION
    assert session.phase_at(_at(15, 30)) is Phase.CONTINUOUS
    assert session.phase_at(_at(16, 20)) is Phase.CLOSING_AUCTION


@pytest.mark.req("F-072")
def test_korean_time_is_nine_hours_from_utc_and_a_phase_knows_it() -> None:
    midnight_utc = datetime(2026, 3, 3, tzinfo=UTC)

    assert _at(9, 0).utcoffset() == timedelta(hours=9)
    assert regular_session(_DAY).phase_at(midnight_utc) is Phase.CONTINUOUS
