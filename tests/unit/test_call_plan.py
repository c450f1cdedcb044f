"""The arithmetic of calls, by hand, at both personalities' figures."""

from dataclasses import replace

import pytest

from kis_core.session.call_plan import CallPlan
from kis_core.universe.plan import SelectionPlan

PAPER = CallPlan(
    rate_per_s=1.0,
    symbols_per_quote=1,
    candidates=10,
    positions_max=5,
    interval_s=60,
    near_stop_interval_s=15,
    poll_s=2.0,
    prepare_s=1_200,
    calls_to_prepare=3,
    selection=SelectionPlan(),
)
REAL = replace(PAPER, rate_per_s=18.0, symbols_per_quote=30, candidates=200, positions_max=10)


@pytest.mark.req("K-12", "K-06")
def test_paper_asks_one_by_one_and_real_thirty_at_a_time() -> None:
    assert PAPER.calls_per_cycle == 15
    assert PAPER.calls_near_stop == 5
    # ceil(10 / 30) + ceil(200 / 30) = 1 + 7
    assert REAL.calls_per_cycle == 8
    assert REAL.calls_near_stop == 1
    assert PAPER.refusals() == REAL.refusals() == []


@pytest.mark.req("K-12")
def test_a_cycle_that_just_fits_is_taken_and_one_call_more_is_refused_with_the_numbers() -> None:
    fits, over = replace(PAPER, candidates=55), replace(PAPER, candidates=56)

    refused = over.refusals()

    assert fits.refusals() == []
    assert len(refused) == 1
    for number in ("61건", "초당 1건", "61.0초", "60초"):
        assert number in refused[0]


@pytest.mark.req("K-12")
def test_more_positions_than_the_short_loop_can_look_at_are_refused() -> None:
    assert replace(PAPER, positions_max=15).refusals() == []

    [refused] = replace(PAPER, positions_max=16).refusals()

    assert "16건" in refused
    assert "max_positions" in refused


@pytest.mark.req("K-12")
def test_polling_an_order_may_not_use_up_the_whole_rate() -> None:
    assert replace(PAPER, poll_s=1.1).refusals() == []

    [refused] = replace(PAPER, poll_s=1.0).refusals()

    assert "orders.poll_s" in refused


@pytest.mark.req("K-12")
def test_what_fits_only_while_no_order_is_followed_is_a_warning() -> None:
    # 0.5 calls a second are left: 31 calls take 62 s, 30 calls 60 s.
    assert replace(PAPER, candidates=25).warnings() == []

    [warned] = replace(PAPER, candidates=26).warnings()

    assert "62초" in warned


@pytest.mark.req("K-12")
def test_a_morning_too_short_for_its_calls_is_a_warning() -> None:
    long = replace(PAPER, selection=SelectionPlan(histories=1_155))

    assert long.calls_in_the_morning == 1_200  # 1,155 and 15 symbols × 3
    assert long.warnings() == []
    assert "1201건" in replace(long, selection=SelectionPlan(histories=1_156)).warnings()[0]


@pytest.mark.req("K-12", "W-07")
@pytest.mark.parametrize(
    ("candidates", "has_notices", "registrations", "calls"),
    [
        (10, False, 15, 0),
        (10, True, 16, 0),
        (36, False, 41, 0),
        (36, True, 41, 1),  # one place is the notices'
        (100, False, 41, 64),
    ],
)
def test_a_stream_has_41_places_and_rest_asks_for_what_has_none(
    candidates: int, has_notices: bool, registrations: int, calls: int
) -> None:
    plan = replace(PAPER, streams=True, candidates=candidates, has_notices=has_notices)

    assert plan.registrations == registrations
    assert plan.calls_per_cycle == calls


@pytest.mark.req("K-12")
def test_a_stream_whose_loss_rest_cannot_carry_is_a_warning() -> None:
    plan = replace(PAPER, streams=True, candidates=60)

    assert plan.refusals() == []
    assert any("WS가 끊긴" in warning for warning in plan.warnings())


@pytest.mark.req("K-12")
def test_the_lines_show_the_whole_arithmetic() -> None:
    text = "\n".join(replace(PAPER, streams=True).lines())

    for part in ("초당 1건", "보유 5 + 후보 10종목", "15 × 3건", "WS 등록: 15 / 41"):
        assert part in text
