"""The sentence that tells why, for each reason with which an order can be sent: with the evidence
that `decide` gives, and with the numbers in it."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from kis_adapters.console.story import why_sentence
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy.context import DayContext
from kis_core.strategy.decision import Action, Decision, Reason
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import decide

_SYMBOL = Symbol("005930")
_TODAY, _YESTERDAY = date(2026, 3, 4), date(2026, 3, 3)
_NOW = datetime(2026, 3, 4, 10, 0, tzinfo=KST)
_QUOTE = Quote(
    symbol=_SYMBOL,
    at=_NOW,
    last=Won(70_000),
    open=Won(70_000),
    high=Won(73_000),
    low=Won(65_000),
    base=Won(70_000),
    upper_limit=Won(91_000),
    lower_limit=Won(49_000),
    volume=1_000,
    turnover=70_000_000,
)
_CONTEXT = DayContext(
    symbol=_SYMBOL,
    session_date=_TODAY,
    last_bar_date=_YESTERDAY,
    bars=84,
    sma_sum=50 * 68_123,
    sma_period=50,
    atr=1_234.0,
    atr_average=1_100.0,
    adx=27.46,
    previous_high=Won(70_900),
    previous_low=Won(69_000),
    previous_close=Won(67_800),
    adx_fell_on=None,
    closed_below_on=None,
)
_POSITION = Position(
    symbol=_SYMBOL,
    quantity=3,
    cost=211_500,  # 70,500 a share
    levels=Levels(atr=1_000.0, stop=Won(68_500), take=Won(73_500)),
    entry_session=_YESTERDAY,
    entered_at=datetime(2026, 3, 3, 10, 0, tzinfo=KST),
    highest=Won(71_000),
    gap_checked_on=_TODAY,
)


def _decided(
    position: Position | None, *, context: DayContext = _CONTEXT, **quote: Any
) -> Decision:
    return decide(
        context=context,
        quote=replace(_QUOTE, **quote),
        position=position,
        parameters=StrategyParameters(gap_threshold_pct=2.0),
        now=_NOW,
    )


_TRAILING = replace(_POSITION, highest=Won(73_000), is_trailing=True)
_BROKEN = replace(_CONTEXT, closed_below_on=_YESTERDAY)
_TOLD = {
    Reason.BREAKOUT: (
        _decided(None, last=Won(71_000)),
        "현재가 71,000원이 50일 이동평균 68,123원과 전일 고가 70,900원을 넘었고, ADX 27.5이 기준"
        " 25.0 이상이며, ATR 1,234원이 평소(1,100원)의 2.5배를 넘지 않아 샀습니다.",
    ),
    Reason.STOP_LOSS: (
        _decided(_POSITION, last=Won(68_400)),
        "현재가 68,400원이 진입 때 정한 손절가 68,500원 이하로 내려와 팔았습니다"
        "(평균 매입가 70,500원).",
    ),
    Reason.TAKE_PROFIT: (
        _decided(_POSITION, last=Won(73_600)),
        "현재가 73,600원이 익절가 73,500원 이상으로 올라 팔았습니다(평균 매입가 70,500원).",
    ),
    Reason.TRAILING_STOP: (
        _decided(_TRAILING, last=Won(70_600)),
        "진입 뒤 최고가 73,000원에서 내려와 현재가 70,600원이 트레일링 스탑 71,000원 이하가 되어"
        " 팔았습니다(평균 매입가 70,500원).",
    ),
    Reason.GAP_PROTECTION: (
        _decided(
            replace(_POSITION, gap_checked_on=None), last=Won(69_000), open=Won(67_000), high=70_000
        ),
        "시가 67,000원이 기준 가격(진입가) 70,500원보다 4.96% 낮게 열려, 갭 기준 2.0%를 넘었으므로"
        " 팔았습니다.",
    ),
    Reason.TREND_BROKEN: (
        _decided(_POSITION, context=_BROKEN, high=Won(70_000)),
        "추세가 깨져 팔았습니다: 전일 종가 67,800원, 이동평균 68,123원, ADX 27.5.",
    ),
    Reason.BY_OPERATOR: (
        replace(_decided(_POSITION), action=Action.SELL, reason=Reason.BY_OPERATOR),
        "사람이 팔라고 지시했습니다.",
    ),
}


@pytest.mark.req("M-19", "T-09")
@pytest.mark.parametrize("reason", _TOLD)
def test_each_reason_is_told_with_the_numbers_that_were_compared(reason: Reason) -> None:
    decision, sentence = _TOLD[reason]

    assert decision.reason is reason
    assert decision.action is not Action.HOLD
    assert why_sentence(reason, decision.evidence) == sentence


@pytest.mark.req("M-19")
def test_a_reason_whose_numbers_are_missing_is_told_alone() -> None:
    """Of an order that an older version wrote, or whose record was cut short."""
    decision, _ = _TOLD[Reason.STOP_LOSS]
    cut = {name: value for name, value in decision.evidence.items() if name != "stop"}

    assert why_sentence(Reason.STOP_LOSS, cut) == "판단 사유: 손절."
    assert why_sentence(Reason.STOP_LOSS, {**decision.evidence, "stop": None}) == "판단 사유: 손절."
