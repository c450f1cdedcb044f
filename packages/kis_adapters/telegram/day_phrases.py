"""How the day, its risk and the operator's own commands are told."""

from kis_adapters.telegram.figures import number, signed_won, time_of, won
from kis_adapters.telegram.markup import escaped
from kis_adapters.telegram.saying import Phrase, Saying
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind

_FOLLOWS = {
    "kill": "보유 종목의 손절·익절은 계속합니다. 해제: /resume",
    "pause": "새로 사지 않습니다. 보유 종목의 손절·익절은 계속합니다. 재개: /resume",
    "resume": "새 진입을 다시 합니다.",
    "clear_kill_switch": "새 진입을 다시 합니다.",
    "sell": "시장가로 모두 팝니다. 장이 닫혀 있으면 다음 개장에 팝니다. 취소: /keep 종목코드",
    "keep": "팔지 않습니다.",
}


def started(say: Saying, event: Event) -> Phrase:
    simulated = " (내장 시뮬레이터, 가상 계좌)" if event.fields.get("simulator") is True else ""
    head = f"▶️ <b>시작</b> {say.details(event, ('mode', 'feed'))}{simulated}"
    return head, [say.details(event, ("account", "host", "version", "settings"))]


def stopped(say: Saying, event: Event) -> Phrase:
    return f"⏹ <b>종료</b> {say.word(event, 'reason')}", []


def day_started(_say: Saying, event: Event) -> Phrase:
    fields = event.fields
    hours = f"{time_of(fields.get('opens_at'))}–{time_of(fields.get('closes_at'))}"
    day = escaped(str(fields.get("session_date", "")))
    held = number(fields.get("positions"), "{}")
    return f"📅 <b>거래일 {day}</b> {hours} · 보유 {held}종목", []


def day_closed(_say: Saying, event: Event) -> Phrase:
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
        f" · 보유 {number(fields.get('positions'), '{}')}종목",
        f"오류 알림 {number(fields.get('errors'), '{}')}건" if fields.get("errors") else "",
    ]


def risk_status(say: Saying, event: Event) -> Phrase:
    fields = event.fields
    switch = say.word(event, "kill_switch")
    entries = say.details(event, ("entries", "consecutive_losses"))
    return f"🛡 <b>리스크</b> {'⛔ ' + switch if switch else '새 진입 가능'}", [
        f"당일 실현 손익 {signed_won(fields.get('realised_pnl'))}"
        f" · 계좌 평가손익 {signed_won(fields.get('evaluation_pnl'))}",
        entries,
        f"총자산 {won(fields.get('equity'))}"
        f" (시작 {won(fields.get('start_equity'))}, 고점 {won(fields.get('high_water_mark'))})",
    ]


def universe(say: Saying, event: Event) -> Phrase:
    head, _ = say.general(event)
    codes = [code for code in str(event.fields.get("symbols") or "").split(",") if code]
    names = ", ".join(escaped(say.shown(Symbol(code))) for code in codes)
    return f"{head} {len(codes)}종목", [say.details(event, ("step", "reason", "why")), names]


def kill(say: Saying, event: Event) -> Phrase:
    reason = say.word(event, "reason")
    if event.kind is EventKind.KILL_SWITCH_OFF:
        return "🟩 <b>킬 스위치 꺼짐</b> 새 진입을 다시 합니다", [f"켜져 있던 사유: {reason}"]
    head = f"⛔ <b>킬 스위치 켜짐</b> {reason}"
    return head, ["새 진입을 멈춥니다. 보유 종목의 손절·익절은 계속합니다. 해제: /resume"]


def command(say: Saying, event: Event) -> Phrase:
    is_done = event.fields.get("outcome") == "done"
    head = f"{'✅' if is_done else '❌'} <b>{say.word(event, 'command')}</b> {say.symbol(event)}"
    kind, why = str(event.fields.get("command")), say.word(event, "why")
    follows = _FOLLOWS.get(kind, "") if is_done else f"실행하지 않음: {why}"
    return head.rstrip(), [follows]
