"""An event as the few lines that tell it on a lock screen: time, what, which symbol, figures.

The first line says it all; figures that explain it follow on the second, and the order's id,
ready to be tapped, on the last (L-05).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kis_adapters.telegram.figures import change_pct, number, shares, signed_won, time_of, won
from kis_adapters.telegram.markup import bold, escaped
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level
from kis_core.strategy.decision import Action

Lines = list[str]


class Words(Protocol):
    """The Korean of everything that can be told; console and messages say it alike."""

    @property
    def TITLES(self) -> Mapping[EventKind, str]:
        """Each kind's name."""

    def meaning(self, word: str) -> str:
        """The Korean of one of our own words."""

    def labelled(self, name: str, value: FieldValue) -> tuple[str, str]:
        """One field's label and text."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Tells events in Korean. `shown` gives `종목명(종목코드)` and never fails (N-03)."""

    words: Words
    shown: Callable[[Symbol], str]

    def lines(self, event: Event) -> tuple[str, ...]:
        """The event as marked lines, at least one."""
        head, rest = _BUILDERS.get(event.kind, _general)(self, event)
        first = f"{event.at:%H:%M} {head}"
        if event.order_id is not None and event.kind in _WITH_ORDER:
            rest = [*rest, f"/explain_{escaped(event.order_id, most=40)}"]
        return (first, *(line for line in rest if line))

    def symbol(self, event: Event) -> str:
        """The event's symbol, escaped; empty for an event about none."""
        return escaped(self.shown(event.symbol)) if event.symbol is not None else ""

    def word(self, event: Event, name: str) -> str:
        """The Korean of a field that holds one of our words, escaped; empty where it is absent."""
        value = event.fields.get(name)
        return escaped(self.words.meaning(str(value))) if value not in (None, "") else ""

    def details(self, event: Event, names: tuple[str, ...] | None = None) -> str:
        """`label text · label text` of the fields `names`, or of all."""
        parts = []
        for name in names if names is not None else tuple(event.fields):
            value = event.fields.get(name)
            if value is None or value == "":
                continue
            label, text = self.words.labelled(name, value)
            parts.append(f"{escaped(label)} {escaped(text)}")
        return " · ".join(parts)


def _general(say: Phrases, event: Event) -> tuple[str, Lines]:
    mark = {Level.ERROR: "🚨 ", Level.WARNING: "⚠️ "}.get(event.level, "")
    head = f"{mark}{bold(say.words.TITLES.get(event.kind, event.kind.value))}"
    symbol = say.symbol(event)
    head = f"{head} {symbol}" if symbol else head
    return head, [say.details(event, _SHOWN.get(event.kind))]


def _signal(say: Phrases, event: Event) -> tuple[str, Lines]:
    side, reason = say.word(event, "action"), say.word(event, "reason")
    last = won(event.fields.get("last"))
    if event.fields.get("action") == Action.BUY:
        return f"🔔 <b>{side} 신호</b> {say.symbol(event)} {last}", [f"사유 {reason}"]
    return f"🔔 <b>{reason}</b> {say.symbol(event)} {last} → {side}", []


def _gap(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    head = f"🔻 <b>갭 하락</b> {say.symbol(event)} {number(fields.get('display'), '{:+.2f}')}%"
    base = f"{say.word(event, 'base_label')} {won(fields.get('base_price'))}"
    exact = number(fields.get("gap_pct"), "{:+.4f}")
    limit = number(fields.get("threshold"), "{:g}")
    opened = won(fields.get("open"))
    return head, [f"시가 {opened} · 기준 {base} · 실제 {exact}% · 한도 {limit}%"]


def _sent(say: Phrases, event: Event) -> tuple[str, Lines]:
    head = f"<b>{say.word(event, 'side')} 주문 접수</b> {say.symbol(event)}"
    return head, [f"{say.word(event, 'reason')} · {say.details(event, ('order_no',))}"]


def _filled(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields, side = event.fields, say.word(event, "side")
    total, wanted = fields.get("filled_total"), fields.get("quantity")
    mark = "🟢" if fields.get("side") == "buy" else "🔵"
    amount = f"{shares(total)} @{won(fields.get('average'))}"
    if event.kind is EventKind.ORDER_PARTIAL:
        amount = f"{number(total, '{:,}')}/{shares(wanted)} @{won(fields.get('average'))}"
    what = "부분 체결" if event.kind is EventKind.ORDER_PARTIAL else "체결"
    slip = number(fields.get("slippage_bp"), "{:+.0f}")
    cost = f"수수료 {won(fields.get('commission'))} · 세금 {won(fields.get('tax'))}"
    slipped = f" · 신호가 대비 {slip}bp" if slip else ""
    return f"{mark} <b>{side} {what}</b> {say.symbol(event)} {amount}", [f"{cost}{slipped}"]


def _opened(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    average = fields.get("average")
    stop, take = fields.get("stop"), fields.get("take")
    levels = (
        f"손절 {won(stop)}{change_pct(stop, average)} · 익절 {won(take)}{change_pct(take, average)}"
    )
    head = f"<b>진입</b> {say.symbol(event)} {shares(fields.get('quantity'))} 평균 {won(average)}"
    return head, [levels]


def _closed(say: Phrases, event: Event) -> tuple[str, Lines]:
    pnl = event.fields.get("pnl")
    head = f"<b>청산</b> {say.symbol(event)} <b>{signed_won(pnl)}</b>"
    return head, [f"{say.word(event, 'reason')} · 비용을 뺀 실현 손익"]


def _near(say: Phrases, event: Event) -> tuple[str, Lines]:
    is_stop = event.kind is EventKind.NEAR_STOP
    last, level = event.fields.get("last"), event.fields.get("level_price")
    mark, what, name = ("🔻", "손절가 근접", "손절") if is_stop else ("🔺", "익절가 근접", "익절")
    head = f"{mark} <b>{what}</b> {say.symbol(event)} {won(last)}"
    return head, [f"{name} {won(level)}까지{change_pct(level, last)}"]


def _kill(say: Phrases, event: Event) -> tuple[str, Lines]:
    reason = say.word(event, "reason")
    if event.kind is EventKind.KILL_SWITCH_OFF:
        return "🟩 <b>킬 스위치 꺼짐</b> 새 진입을 다시 합니다", [f"켜져 있던 사유: {reason}"]
    head = f"⛔ <b>킬 스위치 켜짐</b> {reason}"
    return head, ["새 진입을 멈춥니다. 보유 종목의 손절·익절은 계속합니다. 해제: /resume"]


def _command(say: Phrases, event: Event) -> tuple[str, Lines]:
    is_done = event.fields.get("outcome") == "done"
    head = f"{'✅' if is_done else '❌'} <b>{say.word(event, 'command')}</b> {say.symbol(event)}"
    kind, why = str(event.fields.get("command")), say.word(event, "why")
    follows = _FOLLOWS.get(kind, "") if is_done else f"실행하지 않음: {why}"
    return head.rstrip(), [follows]


def _started(say: Phrases, event: Event) -> tuple[str, Lines]:
    simulated = " (내장 시뮬레이터, 가상 계좌)" if event.fields.get("simulator") is True else ""
    head = f"▶️ <b>시작</b> {say.details(event, ('mode', 'feed'))}{simulated}"
    return head, [say.details(event, ("account", "host", "version", "settings"))]


def _stopped(say: Phrases, event: Event) -> tuple[str, Lines]:
    return f"⏹ <b>종료</b> {say.word(event, 'reason')}", []


def _day_started(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    hours = f"{time_of(fields.get('opens_at'))}–{time_of(fields.get('closes_at'))}"
    day = escaped(str(fields.get("session_date", "")))
    return f"📅 <b>거래일 {day}</b> {hours} · {say.details(event, ('positions',))}", []


def _day_closed(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    head = f"📊 <b>마감 요약</b> {escaped(str(fields.get('session_date', '')))}"
    wins, losses = fields.get("wins"), fields.get("losses")
    ended = (wins if isinstance(wins, int) else 0) + (losses if isinstance(losses, int) else 0)
    rate = f" · 승률 {100 * int(wins or 0) / ended:.0f}%" if ended else ""
    traded = (
        f"매수 {number(fields.get('buys'), '{}')}건 · 매도 {number(fields.get('sells'), '{}')}건"
    )
    result = f" · 이익 {number(wins, '{}')} / 손실 {number(losses, '{}')}{rate}"
    return head, [
        f"당일 실현 손익 <b>{signed_won(fields.get('realised_pnl'))}</b> (끝난 거래, 비용 뺌)",
        f"계좌 평가손익 {signed_won(fields.get('evaluation_pnl'))} (보유 종목, 증권사 잔고)",
        f"{traded}{result}",
        f"총자산 {won(fields.get('equity'))} · 현금 {won(fields.get('cash'))}"
        f" · {say.details(event, ('positions', 'errors'))}",
    ]


def _risk_status(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    switch = say.word(event, "kill_switch")
    entries = say.details(event, ("entries", "consecutive_losses", "positions"))
    return f"🛡 <b>리스크</b> {'⛔ ' + switch if switch else '새 진입 가능'}", [
        f"당일 실현 손익 {signed_won(fields.get('realised_pnl'))}"
        f" · 계좌 평가손익 {signed_won(fields.get('evaluation_pnl'))}",
        entries,
        f"총자산 {won(fields.get('equity'))}"
        f" (시작 {won(fields.get('start_equity'))}, 고점 {won(fields.get('high_water_mark'))})",
    ]


def _kept(say: Phrases, event: Event) -> tuple[str, Lines]:
    fields = event.fields
    average = fields.get("average")
    trailing = f" · 최고 {won(fields.get('highest'))} 추적 중" if fields.get("is_trailing") else ""
    head = f"<b>보유</b> {say.symbol(event)} {shares(fields.get('quantity'))} 평균 {won(average)}"
    return head, [f"손절 {won(fields.get('stop'))} · 익절 {won(fields.get('take'))}{trailing}"]


_FOLLOWS = {
    "kill": "보유 종목의 손절·익절은 계속합니다. 해제: /resume",
    "pause": "새로 사지 않습니다. 보유 종목의 손절·익절은 계속합니다. 재개: /resume",
    "resume": "새 진입을 다시 합니다.",
    "clear_kill_switch": "새 진입을 다시 합니다.",
    "sell": "시장가로 모두 팝니다. 장이 닫혀 있으면 다음 개장에 팝니다. 취소: /keep 종목코드",
    "keep": "팔지 않습니다.",
}
_WITH_ORDER = frozenset(
    {
        EventKind.ORDER_SUBMITTED,
        EventKind.ORDER_FILLED,
        EventKind.ORDER_PARTIAL,
        EventKind.ORDER_CANCELLED,
        EventKind.ORDER_FAILED,
        EventKind.ORDER_AMBIGUOUS,
        EventKind.ORDER_ADOPTED,
        EventKind.SYMBOL_HALTED,
        EventKind.ERROR,
    }
)
# Of kinds with many fields, those that a telephone has room for, in this order.
_SHOWN: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.TRAILING_ACTIVATED: ("highest", "stop"),
    EventKind.POSITION_REPAIRED: (
        "what", "difference", "known_quantity", "held_quantity", "average", "stop", "take", "why",
    ),
    EventKind.UNIVERSE_SELECTED: ("step", "reason", "symbols", "why"),
    EventKind.ORDER_CANCELLED: ("side", "reason", "filled_total", "remaining", "code"),
}  # fmt: skip
_BUILDERS: Mapping[EventKind, Callable[[Phrases, Event], tuple[str, Lines]]] = {
    EventKind.SIGNAL: _signal,
    EventKind.GAP_CHECKED: _gap,
    EventKind.ORDER_SUBMITTED: _sent,
    EventKind.ORDER_FILLED: _filled,
    EventKind.ORDER_PARTIAL: _filled,
    EventKind.POSITION_OPENED: _opened,
    EventKind.POSITION_CLOSED: _closed,
    EventKind.NEAR_STOP: _near,
    EventKind.NEAR_TAKE: _near,
    EventKind.KILL_SWITCH_ON: _kill,
    EventKind.KILL_SWITCH_OFF: _kill,
    EventKind.OPERATOR_COMMAND: _command,
    EventKind.SESSION_STARTED: _started,
    EventKind.SESSION_STOPPED: _stopped,
    EventKind.DAY_STARTED: _day_started,
    EventKind.DAY_CLOSED: _day_closed,
    EventKind.RISK_STATUS: _risk_status,
    EventKind.POSITION_KEPT: _kept,
}
