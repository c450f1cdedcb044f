"""The calls of a selection, counted by hand."""

from dataclasses import replace

import pytest

from kis_core.universe.plan import SelectionPlan, planned_calls
from kis_core.universe.policy import PoolMode, SelectionMethod, UniversePolicy

POLICY = UniversePolicy()  # combined, market, scan 200, max_stocks 5


def plan(policy: UniversePolicy, *, real: bool, is_open: bool) -> SelectionPlan:
    return planned_calls(
        policy,
        offers_rankings=real,
        symbols_per_snapshot=30 if real else 1,
        is_open=is_open,
    )


@pytest.mark.req("K-12")
def test_real_in_session_quotes_in_bulk() -> None:
    # 4 boards × 2 rankings, ceil(200/30), the first 15 by status and by history
    assert plan(POLICY, real=True, is_open=True) == SelectionPlan(
        rankings=8, snapshots=7, histories=15, statuses=15, statuses_max=200
    )


@pytest.mark.req("K-12", "F-073")
def test_before_the_open_the_histories_tell_the_last_completed_day() -> None:
    told = plan(POLICY, real=True, is_open=False)

    assert told == SelectionPlan(
        rankings=8, snapshots=0, histories=200, statuses=15, statuses_max=200
    )
    assert (told.total, told.total_max) == (223, 408)


@pytest.mark.req("K-12")
def test_paper_asks_one_by_one_and_never_a_ranking() -> None:
    # single quotes tell the flags too
    assert plan(POLICY, real=False, is_open=True) == SelectionPlan(snapshots=200, histories=15)


def test_a_fixed_universe_costs_nothing() -> None:
    policy = replace(POLICY, method=SelectionMethod.FIXED)

    assert plan(policy, real=True, is_open=False).total_max == 0


def test_an_atr_filter_over_listed_candidates_asks_only_for_them() -> None:
    policy = replace(
        POLICY,
        method=SelectionMethod.ATR_FILTER,
        pool_mode=PoolMode.YAML,
        candidate_stocks=("005930", "000660", "035720"),
    )

    assert plan(policy, real=False, is_open=True) == SelectionPlan(
        histories=3, statuses=3, statuses_max=3
    )
