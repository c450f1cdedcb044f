"""Choosing from what is known: stages, filters, and their numbers."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.universe.candidate import (
    AtrReading,
    Need,
    Needed,
    Selection,
    Snapshot,
    Stage,
    StageAccount,
    Status,
    Unread,
    Why,
)
from kis_core.universe.policy import PoolMode, SelectionMethod, UniversePolicy
from kis_core.universe.rows import as_rows
from kis_core.universe.selection import SelectionInputs, select

FRIDAY = date(2026, 11, 20)
A, B, C, D = (Symbol(code) for code in ("000010", "000020", "000030", "000040"))
BILLION = 1_000_000_000
POLICY = UniversePolicy(
    method=SelectionMethod.VOLUME_TOP, pool_mode=PoolMode.KOSPI200, max_stocks=2, entry_candidates=2
)


def snapshot(symbol: Symbol, value: int = 5 * BILLION, **changes: object) -> Snapshot:
    known = Snapshot(
        symbol=symbol,
        last=Won(10_000),
        open=Won(10_000),
        traded_value=value,
        valued_on=FRIDAY,
        market_cap_eok=5_000,
        is_halted=False,
        is_managed=False,
    )
    return replace(known, **changes)  # type: ignore[arg-type]  # replace checks the names


def reading(symbol: Symbol, *, atr: int, close: int = 10_000, bars: int = 21) -> AtrReading:
    return AtrReading(
        symbol=symbol, range_sum=atr * 14, period=14, close=Won(close), bar_count=bars
    )


def known(*snapshots: Snapshot | Unread, atrs: tuple[AtrReading, ...] = ()) -> SelectionInputs:
    return SelectionInputs(
        pool=tuple(each.symbol for each in snapshots),
        snapshots={each.symbol: each for each in snapshots},
        atrs={each.symbol: each for each in atrs},
    )


def chosen(policy: UniversePolicy, inputs: SelectionInputs) -> Selection:
    answer = select(policy, inputs)
    assert isinstance(answer, Selection)
    return answer


def account_of(selection: Selection, stage: Stage) -> StageAccount:
    return next(account for account in selection.stages if account.stage is stage)


def why_of(selection: Selection, symbol: str) -> Why:
    return next(row.why for row in as_rows(selection) if row.code == symbol)


@pytest.mark.req("U-03")
def test_volume_top_takes_the_most_traded_first() -> None:
    inputs = known(snapshot(A, 2 * BILLION), snapshot(B, 9 * BILLION), snapshot(C, 4 * BILLION))

    assert chosen(POLICY, inputs).symbols == (B, C)


def test_equal_traded_values_are_ordered_by_code() -> None:
    inputs = known(snapshot(C), snapshot(A), snapshot(B))

    assert chosen(POLICY, inputs).symbols == (A, B)


@pytest.mark.req("U-03")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"traded_value": 999_999_999}, Why.BELOW_MIN_VOLUME),
        ({"traded_value": 1_000_000_000}, Why.PASSED),
        ({"last": Won(0)}, Why.PRICE_ZERO),
        ({"last": Won(12_799)}, Why.PASSED),
        ({"last": Won(12_800)}, Why.MOVED_TOO_FAR),
        ({"last": Won(7_200)}, Why.MOVED_TOO_FAR),
        ({"last": Won(7_201)}, Why.PASSED),
        ({"open": Won(0)}, Why.PASSED),
        ({"is_halted": True}, Why.HALTED),
        ({"is_managed": True}, Why.MANAGED),
        ({"market_cap_eok": 999}, Why.BELOW_MARKET_CAP),
        ({"market_cap_eok": 1_000}, Why.PASSED),
        ({"market_cap_eok": None}, Why.PASSED),
    ],
)
def test_each_filter_has_its_boundary(changes: dict[str, object], why: Why) -> None:
    changed: Snapshot = replace(snapshot(A), **changes)  # type: ignore[arg-type]  # as above

    selection = chosen(POLICY, known(changed))

    assert why_of(selection, A) is why


@pytest.mark.req("U-03")
def test_managed_issues_stay_where_the_setting_allows_them() -> None:
    policy = replace(POLICY, exclude_managed=False)

    assert chosen(policy, known(snapshot(A, is_managed=True))).symbols == (A,)


@pytest.mark.req("F-070")
def test_what_a_bulk_quote_does_not_tell_is_asked_before_it_counts_as_harmless() -> None:
    bulk = [snapshot(s, is_halted=None, is_managed=None) for s in (A, B, C)]
    inputs = known(*bulk)

    first = select(POLICY, inputs)
    halted = Status(
        symbol=A, last=Won(10_000), market_cap_eok=5_000, is_halted=True, is_managed=False
    )
    second = select(
        POLICY, replace(inputs, statuses={A: halted, B: replace(halted, symbol=B, is_halted=False)})
    )

    assert first == Needed(what=Need.STATUS, symbols=(A, B))  # C only if one of them fails
    assert second == Needed(what=Need.STATUS, symbols=(C,))


def test_a_source_that_does_not_tell_whether_an_issue_trades_has_not_said_that_it_does() -> None:
    status = Status(symbol=A, last=Won(100), market_cap_eok=None, is_halted=None, is_managed=False)
    inputs = known(snapshot(A, is_halted=None))

    selection = chosen(POLICY, replace(inputs, statuses={A: status}))

    assert why_of(selection, A) is Why.STATE_UNKNOWN


@pytest.mark.req("U-05")
@pytest.mark.parametrize(
    ("atr", "close", "bars", "why"),
    [
        (99, 10_000, 21, Why.BELOW_MIN_ATR),
        (100, 10_000, 21, Why.PASSED),  # exactly 1.0 %
        (800, 10_000, 21, Why.PASSED),  # exactly 8.0 %
        (801, 10_000, 21, Why.ABOVE_MAX_ATR),
        (200, 10_000, 19, Why.TOO_FEW_BARS),
        (200, 10_000, 20, Why.PASSED),
        (200, 0, 21, Why.CLOSE_ZERO),
    ],
)
def test_atr_is_judged_in_percent_of_the_close(atr: int, close: int, bars: int, why: Why) -> None:
    policy = replace(POLICY, method=SelectionMethod.ATR_FILTER)
    inputs = known(snapshot(A), atrs=(reading(A, atr=atr, close=close, bars=bars),))

    assert why_of(chosen(policy, inputs), A) is why


@pytest.mark.req("U-06")
def test_combined_takes_three_times_as_many_by_value_then_the_atr_filter_then_the_limit() -> None:
    policy = replace(POLICY, method=SelectionMethod.COMBINED, max_stocks=1)
    inputs = known(
        snapshot(A, 9 * BILLION),
        snapshot(B, 8 * BILLION),
        snapshot(C, 7 * BILLION),
        snapshot(D, 6 * BILLION),
    )

    asked = select(policy, inputs)
    atrs = {A: reading(A, atr=900), B: reading(B, atr=200), C: reading(C, atr=300)}
    selection = chosen(policy, replace(inputs, atrs=atrs))

    assert asked == Needed(what=Need.ATR, symbols=(A, B, C))
    assert selection.symbols == (B,)
    assert why_of(selection, D) is Why.ENOUGH_FOUND
    assert why_of(selection, A) is Why.ABOVE_MAX_ATR


@pytest.mark.req("U-06")
def test_combined_stays_inside_the_listed_candidates() -> None:
    policy = replace(POLICY, method=SelectionMethod.COMBINED, pool_mode=PoolMode.YAML)
    inputs = replace(known(snapshot(B), atrs=(reading(B, atr=200),)), pool=(B,))

    assert chosen(policy, inputs).symbols == (B,)


@pytest.mark.req("U-04")
@pytest.mark.parametrize(
    ("mode", "method", "kept"),
    [
        (PoolMode.MARKET, SelectionMethod.VOLUME_TOP, 2),
        (PoolMode.KOSPI200, SelectionMethod.ATR_FILTER, 2),
        (PoolMode.YAML, SelectionMethod.VOLUME_TOP, 3),
        (PoolMode.YAML, SelectionMethod.COMBINED, 2),
    ],
)
def test_the_scan_size_bounds_what_is_scanned(
    mode: PoolMode, method: SelectionMethod, kept: int
) -> None:
    policy = replace(POLICY, pool_mode=mode, method=method, scan_size=2)

    asked = select(policy, SelectionInputs(pool=(A, B, C)))

    assert isinstance(asked, Needed)
    assert len(asked.symbols) == kept


@pytest.mark.req("U-04")
def test_a_pool_of_the_most_traded_is_cut_before_the_atr_filter() -> None:
    policy = replace(
        POLICY, method=SelectionMethod.ATR_FILTER, pool_mode=PoolMode.VOLUME_TOP, volume_top_n=2
    )
    inputs = known(snapshot(A, 2 * BILLION), snapshot(B, 9 * BILLION), snapshot(C, 4 * BILLION))

    assert select(policy, inputs) == Needed(what=Need.ATR, symbols=(B, C))


@pytest.mark.req("U-11", "U-12")
def test_scanned_codes_are_valid_unique_and_without_letters_unless_allowed() -> None:
    inputs = replace(known(snapshot(A)), pool=(A, A, "0126Z0", "Q500001", ""))

    pool = account_of(chosen(POLICY, inputs), Stage.POOL)

    assert pool.stayed == (A,)
    assert pool.count(Why.DUPLICATE) == 1
    assert pool.count(Why.LETTER_CODE) == 1
    assert pool.count(Why.INVALID_CODE) == 2


@pytest.mark.req("U-12")
def test_letter_codes_are_scanned_where_they_are_allowed() -> None:
    policy = replace(POLICY, allow_alphanumeric=True)
    letters = Symbol("0126Z0")

    assert chosen(policy, known(snapshot(letters))).symbols == (letters,)


@pytest.mark.req("U-02")
def test_fixed_keeps_the_listed_order_and_cuts_it() -> None:
    policy = replace(POLICY, method=SelectionMethod.FIXED, scan_size=1)

    selection = chosen(policy, SelectionInputs(pool=(C, A, C, B)))

    assert selection.symbols == (C, A)


def test_a_symbol_without_an_answer_leaves_with_that_reason() -> None:
    inputs = known(snapshot(A), Unread(symbol=B, why="timeout"))

    assert why_of(chosen(POLICY, inputs), B) is Why.NO_ANSWER


@pytest.mark.req("U-16")
def test_every_candidate_has_one_row_with_its_last_stage_and_the_number_compared() -> None:
    inputs = known(snapshot(A), snapshot(B, 5), snapshot(C, last=Won(0)))
    selection = chosen(POLICY, inputs)

    rows = as_rows(selection, {A: 2})

    assert sorted(row.code for row in rows) == [A, B, C]
    assert (rows[0].code, rows[0].rank, rows[0].calls, rows[0].stayed) == (A, 1, 2, True)
    low = next(row for row in rows if row.code == B)
    assert (low.stage, low.why) == (Stage.TRADED_VALUE, Why.BELOW_MIN_VOLUME)
    assert (low.value, low.limit) == (5, BILLION)


_SNAPSHOTS = st.builds(
    lambda number, value, last, halted: snapshot(
        Symbol(f"{number:06d}"), value, last=Won(last), is_halted=halted
    ),
    st.integers(1, 60),
    st.integers(0, 5 * BILLION),
    st.integers(0, 20_000),
    st.booleans(),
)


@pytest.mark.req("U-11")
@given(st.lists(_SNAPSHOTS, max_size=30), st.integers(1, 5))
def test_a_universe_is_bounded_unique_and_made_of_those_that_passed(
    snapshots: list[Snapshot], most: int
) -> None:
    policy = replace(POLICY, max_stocks=most)
    inputs = known(*snapshots)

    selection = chosen(policy, inputs)

    assert len(selection.symbols) <= most
    assert len(set(selection.symbols)) == len(selection.symbols)
    told = [inputs.snapshots[symbol] for symbol in selection.symbols]
    assert all(
        isinstance(s, Snapshot) and s.last > 0 and not s.is_halted and s.traded_value >= BILLION
        for s in told
    )
    assert selection == chosen(policy, inputs)
    entered = len(selection.stages[0].verdicts)
    assert len(as_rows(selection)) == entered == len(snapshots)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_stocks": 0},
        {"entry_candidates": 0},
        {"atr_period": 0},
        {"min_atr_pct": 9.0},
        {"failures_max_pct": 100},
        {"stocks": ("660",)},
        {"candidate_stocks": ("0126Z0",)},
    ],
)
def test_a_policy_that_contradicts_itself_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(POLICY, **changes)  # type: ignore[arg-type]  # replace checks the names
