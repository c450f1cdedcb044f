"""When a position is entered: every rule at its boundary, from both sides."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Action, Decision, Reason
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import decide

_NOW = datetime(2026, 3, 3, 10, 0, tzinfo=KST)
_SYMBOL = Symbol("005930")
_PARAMETERS = StrategyParameters()
_CONTEXT = DayContext(
    symbol=_SYMBOL,
    session_date=date(2026, 3, 3),
    last_bar_date=date(2026, 2, 27),
    bars=84,
    sma_sum=500_000,  # the average of 50 closes is 10,000
    sma_period=50,
    atr=250.0,
    atr_average=100.0,  # a spike begins above 250
    adx=25.0,
    previous_high=Won(10_100),
    previous_low=Won(9_900),
    previous_close=Won(10_050),
    adx_fell_on=None,
    closed_below_on=None,
)
_QUOTE = Quote(
    symbol=_SYMBOL,
    at=_NOW,
    last=Won(10_110),
    open=Won(10_060),
    high=Won(10_120),
    low=Won(10_040),
    base=Won(10_050),
    upper_limit=Won(13_060),
    lower_limit=Won(7_040),
    volume=1_000,
    turnover=10_100_000,
)


def _decide(
    *,
    context: DayContext | NoContext = _CONTEXT,
    quote: Quote = _QUOTE,
    parameters: StrategyParameters = _PARAMETERS,
    now: datetime = _NOW,
    is_event_day: bool = False,
) -> Decision:
    return decide(
        context=context,
        quote=quote,
        position=None,
        parameters=parameters,
        now=now,
        is_event_day=is_event_day,
    )


def _quoted(**changes: Any) -> Decision:
    return _decide(quote=replace(_QUOTE, **changes))


def _in_context(**changes: Any) -> Decision:
    return _decide(context=replace(_CONTEXT, **changes))


@pytest.mark.req("T-01", "T-09")
def test_trend_breakout_and_calm_together_are_an_entry_with_its_evidence() -> None:
    decision = _decide()

    assert (decision.action, decision.reason) == (Action.BUY, Reason.BREAKOUT)
    assert decision.evidence["last"] == 10_110
    assert decision.evidence["sma_sum"] == 500_000
    assert decision.evidence["adx"] == 25.0
    assert decision.evidence["previous_high"] == 10_100
    assert decision.evidence["atr"] == 250.0
    assert decision.evidence["atr_average"] == 100.0


@pytest.mark.req("T-01")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sma_sum": 50 * 10_110 - 1}, Reason.BREAKOUT),
        ({"sma_sum": 50 * 10_110}, Reason.NO_UPTREND),
        ({"adx": 25.0}, Reason.BREAKOUT),
        ({"adx": 24.999}, Reason.WEAK_TREND),
        ({"previous_high": Won(10_109)}, Reason.BREAKOUT),
        ({"previous_high": Won(10_110)}, Reason.NO_BREAKOUT),
        ({"atr": 250.0}, Reason.BREAKOUT),
        ({"atr": 250.01}, Reason.ATR_SPIKE),
        ({"atr": 0.01}, Reason.BREAKOUT),
        ({"atr": 0.0}, Reason.ATR_INVALID),
    ],
)
def test_each_condition_of_the_entry_decides_at_its_boundary(
    changes: dict[str, Any], reason: Reason
) -> None:
    decision = _in_context(**changes)

    assert decision.reason is reason
    assert (decision.action is Action.BUY) == (reason is Reason.BREAKOUT)


@pytest.mark.req("T-10")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"adx": float("nan")}, Reason.WEAK_TREND),
        ({"adx": float("inf")}, Reason.WEAK_TREND),
        ({"atr": float("nan")}, Reason.ATR_INVALID),
        ({"atr": float("inf")}, Reason.ATR_INVALID),
        ({"atr_average": float("nan")}, Reason.ATR_INVALID),
        ({"atr_average": float("inf")}, Reason.ATR_INVALID),
        ({"atr_average": 0.0}, Reason.ATR_INVALID),
    ],
)
def test_an_indicator_that_is_no_number_is_never_an_order(
    changes: dict[str, Any], reason: Reason
) -> None:
    decision = _in_context(**changes)

    assert (decision.action, decision.reason) == (Action.HOLD, reason)


@pytest.mark.req("T-10")
@pytest.mark.parametrize("last", [0, -1])
def test_a_price_that_is_not_positive_is_never_an_order(last: int) -> None:
    decision = _quoted(last=Won(last))

    assert (decision.action, decision.reason) == (Action.HOLD, Reason.INVALID_PRICE)


@pytest.mark.req("T-10", "F-063")
@pytest.mark.parametrize(
    ("age_s", "reason"),
    [
        (30.0, Reason.BREAKOUT),
        (30.001, Reason.STALE_QUOTE),
        (-30.0, Reason.BREAKOUT),
        (-30.001, Reason.STALE_QUOTE),  # from the future: one of the clocks is wrong
        (86_400.0, Reason.STALE_QUOTE),
    ],
)
def test_a_quote_far_from_the_present_is_never_an_order(age_s: float, reason: Reason) -> None:
    assert _quoted(at=_NOW - timedelta(seconds=age_s)).reason is reason


@pytest.mark.req("T-10")
@pytest.mark.parametrize(
    "reason", [Reason.TOO_FEW_BARS, Reason.BARS_UNAVAILABLE, Reason.STALE_BARS]
)
def test_without_a_context_nothing_is_entered_and_the_reason_is_passed_on(reason: Reason) -> None:
    context = NoContext(symbol=_SYMBOL, reason=reason, why="83 bars of 84")

    decision = _decide(context=context)

    assert (decision.action, decision.reason) == (Action.HOLD, reason)
    assert decision.evidence["why"] == "83 bars of 84"


@pytest.mark.req("T-08")
def test_yesterdays_context_is_no_context_for_today() -> None:
    assert _in_context(session_date=date(2026, 3, 2)).reason is Reason.STALE_BARS


@pytest.mark.req("O-14")
@pytest.mark.parametrize("flag", ["is_halted", "is_managed", "is_warned", "is_vi"])
def test_a_symbol_that_is_not_normally_traded_is_not_entered(flag: str) -> None:
    assert _quoted(**{flag: True}).reason is Reason.NOT_TRADABLE
    assert _quoted(**{flag: False}).action is Action.BUY


@pytest.mark.req("O-14", "T-13")
def test_a_symbol_at_its_upper_limit_is_not_entered() -> None:
    assert _quoted(upper_limit=Won(10_110)).reason is Reason.NOT_TRADABLE
    assert _quoted(upper_limit=Won(10_120)).action is Action.BUY


@pytest.mark.req("T-12")
def test_an_event_day_blocks_the_entry() -> None:
    decision = _decide(is_event_day=True)

    assert (decision.action, decision.reason) == (Action.HOLD, Reason.EVENT_DAY)


@pytest.mark.req("T-09")
def test_the_first_reason_to_hold_is_the_one_given() -> None:
    """Everything is wrong at once; each line repairs what the one before complained of."""
    quote = replace(_QUOTE, last=Won(0), at=_NOW - timedelta(hours=1), is_halted=True)
    context: DayContext | NoContext = NoContext(symbol=_SYMBOL, reason=Reason.TOO_FEW_BARS, why="")
    seen = [_decide(quote=quote, context=context, is_event_day=True).reason]
    quote = replace(quote, last=Won(9_990))
    seen.append(_decide(quote=quote, context=context, is_event_day=True).reason)
    quote = replace(quote, at=_NOW)
    seen.append(_decide(quote=quote, context=context, is_event_day=True).reason)
    quote = replace(quote, is_halted=False)
    seen.append(_decide(quote=quote, context=context, is_event_day=True).reason)
    seen.append(_decide(quote=quote, context=context).reason)
    bad = replace(_CONTEXT, session_date=date(2026, 3, 2), adx=1.0, atr=0.0)
    seen.append(_decide(quote=quote, context=bad).reason)
    bad = replace(bad, session_date=_CONTEXT.session_date)
    seen.append(_decide(quote=quote, context=bad).reason)
    quote = replace(quote, last=Won(10_050))
    seen.append(_decide(quote=quote, context=bad).reason)
    bad = replace(bad, adx=30.0)
    seen.append(_decide(quote=quote, context=bad).reason)
    quote = replace(quote, last=Won(10_110))
    seen.append(_decide(quote=quote, context=bad).reason)
    bad = replace(bad, atr=300.0)
    seen.append(_decide(quote=quote, context=bad).reason)

    assert seen == [
        Reason.INVALID_PRICE,
        Reason.STALE_QUOTE,
        Reason.NOT_TRADABLE,
        Reason.EVENT_DAY,
        Reason.TOO_FEW_BARS,
        Reason.STALE_BARS,
        Reason.NO_UPTREND,
        Reason.WEAK_TREND,
        Reason.NO_BREAKOUT,
        Reason.ATR_INVALID,
        Reason.ATR_SPIKE,
    ]


@pytest.mark.req("T-09")
def test_a_context_of_another_symbol_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="005930"):
        _in_context(symbol=Symbol("000660"))


@pytest.mark.req("T-08", "T-09")
def test_the_same_arguments_give_the_same_decision() -> None:
    assert _decide() == _decide()
