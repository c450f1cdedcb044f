"""When a held position is sold: every rule at its boundary, and their order."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kis_core.gap import GapReference
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Action, Decision, Reason
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import decide, gap_check_of, observe, trailing_stop_of

_NOW = datetime(2026, 3, 4, 10, 0, tzinfo=KST)
_TODAY = date(2026, 3, 4)
_ENTRY = date(2026, 3, 3)
_BEFORE_ENTRY = date(2026, 3, 2)
_SYMBOL = Symbol("005930")
_PARAMETERS = StrategyParameters()
_POSITION = Position(
    symbol=_SYMBOL,
    quantity=10,
    cost=100_000,  # 10,000 a share
    levels=Levels(atr=200.0, stop=Won(9_600), take=Won(10_600)),
    entry_session=_ENTRY,
    entered_at=datetime(2026, 3, 3, 10, 0, tzinfo=KST),
    highest=Won(10_000),
    gap_checked_on=_TODAY,
)
_TRAILING = replace(_POSITION, highest=Won(10_300), is_trailing=True)  # trails at 9,900
_QUOTE = Quote(
    symbol=_SYMBOL,
    at=_NOW,
    last=Won(10_000),
    open=Won(10_000),
    high=Won(10_000),
    low=Won(10_000),
    base=Won(10_000),
    upper_limit=Won(13_000),
    lower_limit=Won(7_000),
    volume=1_000,
    turnover=10_000_000,
)
_CONTEXT = DayContext(
    symbol=_SYMBOL,
    session_date=_TODAY,
    last_bar_date=_ENTRY,
    bars=84,
    sma_sum=450_000,
    sma_period=50,
    atr=999.0,
    atr_average=999.0,
    adx=30.0,
    previous_high=Won(10_050),
    previous_low=Won(9_950),
    previous_close=Won(10_000),
    adx_fell_on=None,
    closed_below_on=None,
)
_NO_CONTEXT = NoContext(symbol=_SYMBOL, reason=Reason.BARS_UNAVAILABLE, why="no answer")


def _decide(
    position: Position = _POSITION,
    *,
    last: int = 10_000,
    context: DayContext | NoContext = _CONTEXT,
    parameters: StrategyParameters = _PARAMETERS,
    is_event_day: bool = False,
    **quote: Any,
) -> Decision:
    return decide(
        context=context,
        quote=replace(_QUOTE, last=Won(last), **quote),
        position=position,
        parameters=parameters,
        now=_NOW,
        is_event_day=is_event_day,
    )


@pytest.mark.req("T-03", "T-05")
@pytest.mark.parametrize(
    ("last", "action", "reason"),
    [
        (9_600, Action.SELL, Reason.STOP_LOSS),
        (9_601, Action.HOLD, Reason.WITHIN_LEVELS),
        (10_599, Action.HOLD, Reason.WITHIN_LEVELS),
        (10_600, Action.SELL, Reason.TAKE_PROFIT),
    ],
)
def test_stop_and_target_sell_at_their_very_price(
    last: int, action: Action, reason: Reason
) -> None:
    decision = _decide(last=last)

    assert (decision.action, decision.reason) == (action, reason)
    assert decision.evidence["last"] == last
    assert (decision.evidence["stop"], decision.evidence["take"]) == (9_600, 10_600)


@pytest.mark.req("T-10", "F-033")
def test_a_stop_needs_only_the_price() -> None:
    assert _decide(last=9_600, context=_NO_CONTEXT).reason is Reason.STOP_LOSS
    assert _decide(last=9_601, context=_NO_CONTEXT).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-10")
def test_a_held_position_is_not_sold_on_a_price_that_is_none() -> None:
    stale = _decide(last=9_000, at=_NOW - timedelta(seconds=31))

    assert _decide(last=0).reason is Reason.INVALID_PRICE
    assert (stale.action, stale.reason) == (Action.HOLD, Reason.STALE_QUOTE)


@pytest.mark.req("T-12", "O-14")
def test_an_event_day_or_a_halt_does_not_keep_from_selling() -> None:
    decision = _decide(last=9_600, is_event_day=True, is_halted=True, is_vi=True)

    assert decision.reason is Reason.STOP_LOSS


@pytest.mark.req("T-07")
@pytest.mark.parametrize("hour", [9, 15, 20])
@pytest.mark.parametrize("days", [0, 30, 400])
def test_nothing_is_sold_because_time_has_passed(hour: int, days: int) -> None:
    now = _NOW.replace(hour=hour, minute=29) + timedelta(days=days)

    decision = decide(
        context=replace(_CONTEXT, session_date=now.date()),
        quote=replace(_QUOTE, at=now),
        position=_POSITION,
        parameters=_PARAMETERS,
        now=now,
    )

    assert (decision.action, decision.reason) == (Action.HOLD, Reason.WITHIN_LEVELS)


@pytest.mark.req("T-04")
@pytest.mark.parametrize(
    ("last", "reason"),
    [(9_900, Reason.TRAILING_STOP), (9_901, Reason.WITHIN_LEVELS)],
)
def test_the_trailing_stop_is_the_highest_less_its_atrs(last: int, reason: Reason) -> None:
    decision = _decide(_TRAILING, last=last)

    assert decision.reason is reason
    assert decision.evidence["trailing_stop"] == 9_900


@pytest.mark.req("T-04")
def test_trailing_uses_the_frozen_atr_not_todays() -> None:
    assert trailing_stop_of(_TRAILING, _PARAMETERS) == 9_900
    assert _CONTEXT.atr == 999.0


@pytest.mark.req("T-04")
def test_a_position_that_never_reached_the_activation_does_not_trail() -> None:
    position = replace(_POSITION, highest=Won(10_099))

    assert trailing_stop_of(position, _PARAMETERS) is None
    assert _decide(position, last=9_650).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-04")
@pytest.mark.parametrize(("last", "trails"), [(10_099, False), (10_100, True)])
def test_trailing_begins_at_exactly_one_percent(last: int, trails: bool) -> None:
    seen = observe(
        position=_POSITION,
        quote=replace(_QUOTE, last=Won(last), high=Won(last)),
        parameters=_PARAMETERS,
        session_date=_TODAY,
    )

    assert seen.is_trailing is trails
    assert seen.highest == last


@pytest.mark.req("T-04", "F-037")
def test_trailing_once_begun_stays_on_below_the_activation() -> None:
    # Highest +3 %, now -1 %: below the activation level, at the trailing stop.
    assert _decide(_TRAILING, last=9_900).reason is Reason.TRAILING_STOP


@pytest.mark.req("T-04")
def test_trailing_switched_off_neither_latches_nor_sells() -> None:
    parameters = replace(_PARAMETERS, trailing_enabled=False)
    quote = replace(_QUOTE, last=Won(10_500), high=Won(10_500))

    seen = observe(position=_POSITION, quote=quote, parameters=parameters, session_date=_TODAY)

    assert not seen.is_trailing
    assert _decide(_TRAILING, last=9_700, parameters=parameters).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-04")
def test_on_the_entry_session_a_high_before_the_entry_does_not_count() -> None:
    quote = replace(_QUOTE, last=Won(10_050), high=Won(10_900))

    earlier = replace(quote, at=_NOW - timedelta(days=1))
    same_day = observe(
        position=_POSITION, quote=earlier, parameters=_PARAMETERS, session_date=_ENTRY
    )
    next_day = observe(position=_POSITION, quote=quote, parameters=_PARAMETERS, session_date=_TODAY)

    assert (same_day.highest, same_day.is_trailing) == (10_050, False)
    assert (next_day.highest, next_day.is_trailing) == (10_900, True)


@pytest.mark.req("T-04", "T-10")
def test_a_missing_price_moves_nothing() -> None:
    quote = replace(_QUOTE, last=Won(0), high=Won(10_900))

    seen = observe(position=_POSITION, quote=quote, parameters=_PARAMETERS, session_date=_TODAY)

    assert seen == _POSITION


@pytest.mark.req("T-04", "T-10", "G-06", "F-040")
def test_a_quote_of_another_day_shows_neither_high_nor_open_of_this_one() -> None:
    quote = replace(
        _QUOTE, at=_NOW - timedelta(days=1), last=Won(10_500), high=Won(10_900), open=Won(9_000)
    )
    position = replace(_POSITION, entry_session=_BEFORE_ENTRY, gap_checked_on=None)

    seen = observe(position=position, quote=quote, parameters=_PARAMETERS, session_date=_TODAY)

    assert seen == position
    assert gap_check_of(position, quote, _PARAMETERS, _TODAY) is None


@pytest.mark.req("T-04")
def test_the_decision_sees_a_high_that_nobody_observed_before() -> None:
    # The high of 10,500 trails at 10,100; the price is back at it.
    assert _decide(last=10_100, high=10_500).reason is Reason.TRAILING_STOP


@pytest.mark.req("T-06", "F-041")
@pytest.mark.parametrize("field", ["closed_below_on", "adx_fell_on"])
@pytest.mark.parametrize(
    ("broken_on", "reason"),
    [(_BEFORE_ENTRY, Reason.WITHIN_LEVELS), (_ENTRY, Reason.TREND_BROKEN)],
)
def test_a_trend_broken_by_a_completed_bar_since_the_entry_sells(
    field: str, broken_on: date, reason: Reason
) -> None:
    context = replace(_CONTEXT, **{field: broken_on})  # type: ignore[arg-type]  # two date fields

    assert _decide(context=context).reason is reason


@pytest.mark.req("T-06", "F-041")
def test_a_dip_below_the_average_during_the_day_is_no_broken_trend() -> None:
    context = replace(_CONTEXT, sma_sum=50 * 10_050)

    assert _decide(last=9_900, context=context).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-06")
def test_the_trend_exit_is_optional() -> None:
    context = replace(_CONTEXT, closed_below_on=_ENTRY, adx_fell_on=_ENTRY)
    parameters = replace(_PARAMETERS, trend_exit_enabled=False)

    assert _decide(context=context, parameters=parameters).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-08")
def test_a_context_of_another_session_breaks_no_trend() -> None:
    context = replace(_CONTEXT, session_date=_ENTRY, closed_below_on=_ENTRY)

    assert _decide(context=context).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("T-05")
def test_the_rules_are_asked_in_their_order() -> None:
    """All hold at once; each line repairs the one that was the reason."""
    broken = replace(_CONTEXT, closed_below_on=_ENTRY)
    position = replace(
        _TRAILING,
        levels=Levels(atr=200.0, stop=Won(9_700), take=Won(9_750)),
        gap_checked_on=None,
        gap_triggered_on=_TODAY,
    )
    seen = [_decide(position, last=9_700, context=broken).reason]
    position = replace(position, gap_triggered_on=None, gap_checked_on=_TODAY)
    seen.append(_decide(position, last=9_700, context=broken).reason)
    seen.append(_decide(position, last=9_750, context=broken).reason)
    position = replace(position, levels=_POSITION.levels)
    seen.append(_decide(position, last=9_750, context=broken).reason)
    seen.append(_decide(position, last=9_950, context=broken).reason)
    seen.append(_decide(position, last=9_950).reason)

    assert seen == [
        Reason.GAP_PROTECTION,
        Reason.STOP_LOSS,
        Reason.TAKE_PROFIT,
        Reason.TRAILING_STOP,
        Reason.TREND_BROKEN,
        Reason.WITHIN_LEVELS,
    ]


_UNCHECKED = replace(_POSITION, gap_checked_on=None)


@pytest.mark.req("G-01", "G-05", "G-06", "T-05")
def test_an_open_far_below_the_entry_sells_with_all_its_figures() -> None:
    # 9,790 against 10,000 is -2.1 %; the price has come back since.
    decision = _decide(_UNCHECKED, last=9_990, open=9_790)

    assert (decision.action, decision.reason) == (Action.SELL, Reason.GAP_PROTECTION)
    evidence = decision.evidence
    assert evidence["symbol"] == "005930"
    assert (evidence["open"], evidence["base_price"]) == (9_790, 10_000)
    assert evidence["base_label"] == "entry"
    assert evidence["gap_pct"] == pytest.approx(-2.1)
    assert evidence["threshold"] == 2.0
    assert evidence["triggered"] is True
    assert evidence["reason"] == "adverse_gap"


@pytest.mark.req("G-06", "F-039")
def test_a_position_opened_today_has_no_opening_gap() -> None:
    # Open 100,000, bought at 103,000 later that day: the open says nothing of it.
    fresh = replace(_UNCHECKED, entry_session=_TODAY)
    quote = replace(_QUOTE, open=Won(9_700))

    assert gap_check_of(fresh, quote, _PARAMETERS, _TODAY) is None
    assert _decide(fresh, open=9_700).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("G-06", "F-040")
def test_the_gap_is_judged_once_a_session() -> None:
    checked = replace(_UNCHECKED, gap_checked_on=_TODAY)
    yesterday = replace(_UNCHECKED, gap_checked_on=_ENTRY)

    assert _decide(checked, open=9_700).reason is Reason.WITHIN_LEVELS
    assert _decide(yesterday, open=9_700).reason is Reason.GAP_PROTECTION


@pytest.mark.req("G-06", "F-040")
def test_before_the_open_has_traded_no_gap_is_judged() -> None:
    quote = replace(_QUOTE, open=Won(0))

    assert gap_check_of(_UNCHECKED, quote, _PARAMETERS, _TODAY) is None
    assert _decide(_UNCHECKED, open=0).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("G-06")
def test_a_gap_that_triggered_stays_an_exit_for_its_session_only() -> None:
    triggered = replace(_UNCHECKED, gap_checked_on=_TODAY, gap_triggered_on=_TODAY)
    yesterday = replace(_UNCHECKED, gap_checked_on=_TODAY, gap_triggered_on=_ENTRY)

    again = _decide(triggered, open=9_790)

    assert again.reason is Reason.GAP_PROTECTION
    assert again.evidence["triggered"] is True
    assert _decide(yesterday, open=9_790).reason is Reason.WITHIN_LEVELS


@pytest.mark.req("G-03", "G-04")
@pytest.mark.parametrize(
    ("reference", "price"),
    [
        (GapReference.ENTRY, 10_000),
        (GapReference.STOP, 9_600),
        (GapReference.PREV_CLOSE, 10_200),
    ],
)
def test_each_reference_is_the_price_it_says(reference: GapReference, price: int) -> None:
    parameters = replace(_PARAMETERS, gap_reference=reference)
    quote = replace(_QUOTE, open=Won(9_900), base=Won(10_200))

    check = gap_check_of(_UNCHECKED, quote, parameters, _TODAY)

    assert check is not None
    assert (check.base_label, check.reference, check.open) == (reference.value, price, 9_900)


@pytest.mark.req("G-02")
def test_a_gap_above_the_entry_is_kept() -> None:
    assert _decide(_UNCHECKED, last=10_300, open=10_300).reason is Reason.WITHIN_LEVELS


def test_a_position_of_another_symbol_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="005930"):
        _decide(replace(_POSITION, symbol=Symbol("000660")))
