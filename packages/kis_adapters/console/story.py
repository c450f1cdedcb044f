"""Why an order was sent and what became of it, as a person would tell it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from kis_adapters.console.words import labelled, meaning, plain
from kis_core.ports.notifier import FieldValue
from kis_core.strategy.decision import Reason

Values = Mapping[str, FieldValue]


def why_sentence(reason: str, evidence: Values) -> str:
    """The reason of a decision in one sentence with the numbers that were compared; where one is
    missing, the reason alone."""
    template = _WHY.get(reason)
    try:
        return template(evidence) if template is not None else f"판단 사유: {meaning(reason)}."
    except (KeyError, TypeError, ValueError):
        return f"판단 사유: {meaning(reason)}."


def evidence_lines(evidence: Values) -> list[str]:
    """Every number that was compared, a line each."""
    return [f"{label}: {text}" for label, text in (labelled(n, v) for n, v in evidence.items())]


def event_sentence(event: Values, *, quantity: int) -> str:
    """What happened to the order of `quantity` shares, in one sentence."""
    kind = str(event["kind"])
    said = _SAID.get(kind, kind)
    return said.format(
        no=event.get("broker_order_no") or "없음",
        why=plain(" ".join(str(event[name]) for name in ("code", "why") if event.get(name))).rstrip(
            "."
        )
        or "이유를 알 수 없음",
        filled=f"{event.get('filled_quantity') or 0:,}",
        wanted=f"{quantity:,}",
        amount=f"{event.get('filled_amount') or 0:,}",
    )


def at_text(at: str) -> str:
    """An instant for people."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S}"


_SAID = {
    "created": "보내기 전에 주문을 장부에 적었습니다.",
    "sending": "증권사로 보내기 시작했습니다. 이때부터 증권사에 있을 수 있습니다.",
    "accepted": "증권사가 주문번호 {no}번으로 접수했습니다.",
    "adopted": "증권사 주문 목록에서 주문번호 {no}번을 이 주문으로 확인했습니다.",
    "filled": "{wanted}주 가운데 누적 {filled}주, {amount}원이 체결됐습니다.",
    "rejected": "증권사가 거부했습니다: {why}.",
    "not_sent": "증권사가 받지 않은 것이 확실합니다({why}). 주문은 나가지 않았습니다.",
    "outcome_lost": "응답을 받지 못했습니다({why}). 증권사 주문 목록으로 확인할 때까지 다시 보내지"
    " 않습니다.",
    "not_received": "증권사 주문 목록에 없었습니다. 접수되지 않은 주문으로 끝냈습니다.",
    "cancel_requested": "남은 수량의 취소를 요청했습니다.",
    "cancel_refused": "취소가 거부됐습니다: {why}.",
    "cancelled": "남은 수량이 취소됐습니다.",
}


def _won(evidence: Values, name: str) -> str:
    return f"{evidence[name]:,.0f}원"


def _breakout(evidence: Values) -> str:
    period, adx, least = evidence["sma_period"], evidence["adx"], evidence["adx_threshold"]
    return (
        f"현재가 {_won(evidence, 'last')}이 {period}일 이동평균 {_won(evidence, 'sma')}과 전일 고가"
        f" {_won(evidence, 'previous_high')}을 넘었고, ADX {adx:.1f}이 기준 {least:.1f} 이상이며,"
        f" ATR {_won(evidence, 'atr')}이 평소({_won(evidence, 'atr_average')})의"
        f" {evidence['atr_spike_threshold']:.1f}배를 넘지 않아 샀습니다."
    )


def _stop(evidence: Values) -> str:
    return (
        f"현재가 {_won(evidence, 'last')}이 진입 때 정한 손절가 {_won(evidence, 'stop')} 이하로"
        f" 내려와 팔았습니다(평균 매입가 {_won(evidence, 'average')})."
    )


def _take(evidence: Values) -> str:
    return (
        f"현재가 {_won(evidence, 'last')}이 익절가 {_won(evidence, 'take')} 이상으로 올라"
        f" 팔았습니다(평균 매입가 {_won(evidence, 'average')})."
    )


def _trail(evidence: Values) -> str:
    return (
        f"진입 뒤 최고가 {_won(evidence, 'highest')}에서 내려와 현재가 {_won(evidence, 'last')}이"
        f" 트레일링 스탑 {_won(evidence, 'trailing_stop')} 이하가 되어 팔았습니다"
        f"(평균 매입가 {_won(evidence, 'average')})."
    )


def _gap(evidence: Values) -> str:
    return (
        f"시가 {_won(evidence, 'open')}이 기준 가격({meaning(str(evidence['base_label']))})"
        f" {_won(evidence, 'base_price')}보다 {-float(evidence['gap_pct'] or 0):.2f}% 낮게 열려,"
        f" 갭 기준 {evidence['threshold']}%를 넘었으므로 팔았습니다."
    )


def _broken(evidence: Values) -> str:
    return (
        f"추세가 깨져 팔았습니다: 전일 종가 {_won(evidence, 'previous_close')}, 이동평균"
        f" {_won(evidence, 'sma')}, ADX {evidence['adx']:.1f}."
    )


_WHY: dict[str, Callable[[Values], str]] = {
    Reason.BREAKOUT: _breakout,
    Reason.STOP_LOSS: _stop,
    Reason.TAKE_PROFIT: _take,
    Reason.TRAILING_STOP: _trail,
    Reason.GAP_PROTECTION: _gap,
    Reason.TREND_BROKEN: _broken,
    Reason.BY_OPERATOR: lambda _: "사람이 팔라고 지시했습니다.",
}
