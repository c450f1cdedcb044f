"""How signals, orders, fills and positions are told."""

from kis_adapters.telegram.figures import change_pct, number, shares, signed_won, slippage, won
from kis_adapters.telegram.saying import Phrase, Saying
from kis_core.ports.notifier import Event, EventKind
from kis_core.strategy.decision import Action


def signal(say: Saying, event: Event) -> Phrase:
    side, reason = say.word(event, "action"), say.word(event, "reason")
    last = won(event.fields.get("last"))
    if event.fields.get("action") == Action.BUY:
        return f"🔔 <b>{side} 신호</b> {say.symbol(event)} {last}", [f"사유 {reason}"]
    return f"🔔 <b>{reason}</b> {say.symbol(event)} {last} → {side}", [_levels(event)]


def _levels(event: Event) -> str:
    """The prices that an exit was judged by, of those that there are."""
    fields = event.fields
    names = {"average": "평균", "stop": "손절", "trailing_stop": "추적 손절", "take": "익절"}
    known = [f"{label} {won(fields[name])}" for name, label in names.items() if fields.get(name)]
    return " · ".join(known)


def gap(say: Saying, event: Event) -> Phrase:
    fields = event.fields
    head = f"🔻 <b>갭 하락</b> {say.symbol(event)} {number(fields.get('display'), '{:+.2f}')}%"
    base = f"{say.word(event, 'base_label')} {won(fields.get('base_price'))}"
    exact = number(fields.get("gap_pct"), "{:+.4f}")
    limit = number(fields.get("threshold"), "{:g}")
    opened = won(fields.get("open"))
    return head, [f"시가 {opened} · 기준 {base} · 실제 {exact}% · 한도 {limit}%"]


def sent(say: Saying, event: Event) -> Phrase:
    head = f"<b>{say.word(event, 'side')} 주문 접수</b> {say.symbol(event)}"
    return head, [f"{say.word(event, 'reason')} · {say.details(event, ('order_no',))}"]


def filled(say: Saying, event: Event) -> Phrase:
    fields, side = event.fields, say.word(event, "side")
    total, wanted = fields.get("filled_total"), fields.get("quantity")
    mark = "🟢" if fields.get("side") == "buy" else "🔵"
    amount = f"{shares(total)} @{won(fields.get('average'))}"
    if event.kind is EventKind.ORDER_PARTIAL:
        amount = f"{number(total, '{:,}')}/{shares(wanted)} @{won(fields.get('average'))}"
    what = "부분 체결" if event.kind is EventKind.ORDER_PARTIAL else "체결"
    cost = f"수수료 {won(fields.get('commission'))} · 세금 {won(fields.get('tax'))}"
    slipped = slippage(fields.get("slippage_bp"))
    return f"{mark} <b>{side} {what}</b> {say.symbol(event)} {amount}", [f"{cost}{slipped}"]


def cancelled(say: Saying, event: Event) -> Phrase:
    fields = event.fields
    head = f"<b>{say.word(event, 'side')} 주문 취소</b> {say.symbol(event)}"
    counts = f"체결 {shares(fields.get('filled_total'))} · 남음 {shares(fields.get('remaining'))}"
    return head, [f"{say.word(event, 'reason')} · {counts}"]


def opened(say: Saying, event: Event) -> Phrase:
    fields = event.fields
    average = fields.get("average")
    stop, take = fields.get("stop"), fields.get("take")
    levels = (
        f"손절 {won(stop)}{change_pct(stop, average)} · 익절 {won(take)}{change_pct(take, average)}"
    )
    head = f"<b>진입</b> {say.symbol(event)} {shares(fields.get('quantity'))} 평균 {won(average)}"
    return head, [levels]


def closed(say: Saying, event: Event) -> Phrase:
    pnl = event.fields.get("pnl")
    head = f"<b>청산</b> {say.symbol(event)} <b>{signed_won(pnl)}</b>"
    return head, [f"{say.word(event, 'reason')} · 비용을 뺀 실현 손익"]


def near(say: Saying, event: Event) -> Phrase:
    is_stop = event.kind is EventKind.NEAR_STOP
    last, level = event.fields.get("last"), event.fields.get("level_price")
    mark, what, name = ("🔻", "손절가 근접", "손절") if is_stop else ("🔺", "익절가 근접", "익절")
    head = f"{mark} <b>{what}</b> {say.symbol(event)} {won(last)}"
    return head, [f"{name} {won(level)}까지{change_pct(level, last)}"]


def kept(say: Saying, event: Event) -> Phrase:
    fields = event.fields
    average = fields.get("average")
    trailing = f" · 최고 {won(fields.get('highest'))} 추적 중" if fields.get("is_trailing") else ""
    head = f"<b>보유</b> {say.symbol(event)} {shares(fields.get('quantity'))} 평균 {won(average)}"
    return head, [f"손절 {won(fields.get('stop'))} · 익절 {won(fields.get('take'))}{trailing}"]
