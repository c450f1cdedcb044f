"""The Korean words of everything that can be told: events, reasons, figures."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from kis_adapters.console.feed_words import FEED_WORDS
from kis_adapters.console.universe_words import CACHE_REASONS, HALT_REASONS, STAGES, STEPS
from kis_adapters.console.universe_words import LABELS as _UNIVERSE_LABELS
from kis_adapters.console.universe_words import REASONS as _UNIVERSE_REASONS
from kis_core.ports.broker import RefusalKind
from kis_core.ports.notifier import EventKind, FieldValue
from kis_core.positions.reconcile import DifferenceKind
from kis_core.risk.approval import RefusalReason
from kis_core.strategy.decision import Action, Reason

TITLES: Mapping[EventKind, str] = {
    EventKind.SESSION_STARTED: "시작",
    EventKind.SESSION_STOPPED: "종료",
    EventKind.DAY_STARTED: "거래일 시작",
    EventKind.DAY_CLOSED: "거래일 마감",
    EventKind.UNIVERSE_SELECTED: "유니버스 선정",
    EventKind.CONTEXT_UNAVAILABLE: "지표 계산 불가",
    EventKind.CYCLE_LATE: "판단 주기 지연",
    EventKind.CYCLE_SUMMARY: "판단 주기",
    EventKind.SIGNAL: "신호",
    EventKind.HOLD_CHANGED: "관망",
    EventKind.ENTRY_REFUSED: "진입 거부",
    EventKind.ORDER_CREATED: "주문 기록",
    EventKind.ORDER_SUBMITTED: "주문 접수",
    EventKind.ORDER_PARTIAL: "부분 체결",
    EventKind.ORDER_FILLED: "체결 완료",
    EventKind.ORDER_CANCEL_REQUESTED: "취소 요청",
    EventKind.ORDER_CANCELLED: "주문 취소",
    EventKind.ORDER_FAILED: "주문 실패",
    EventKind.ORDER_AMBIGUOUS: "주문 응답 없음(증권사 주문 목록 확인 중)",
    EventKind.ORDER_ADOPTED: "주문 확인(증권사 목록에서 찾음)",
    EventKind.SYMBOL_HALTED: "종목 거래 중지(사람의 확인 필요)",
    EventKind.POSITION_OPENED: "포지션 진입",
    EventKind.POSITION_CLOSED: "포지션 청산",
    EventKind.POSITION_KEPT: "보유 유지",
    EventKind.POSITION_REPAIRED: "포지션 보정(증권사 잔고 기준)",
    EventKind.GAP_CHECKED: "갭 확인",
    EventKind.TRAILING_ACTIVATED: "트레일링 시작",
    EventKind.NEAR_STOP: "손절가 근접",
    EventKind.NEAR_TAKE: "익절가 근접",
    EventKind.PENDING_EXIT_SET: "청산 보류",
    EventKind.PENDING_EXIT_CLEARED: "청산 보류 해제",
    EventKind.HELD_WITHOUT_PRICE: "보유 종목 시세 없음",
    EventKind.RECOVERY_OPEN_ORDERS: "미결 주문 확인",
    EventKind.RECOVERY_FINISHED: "복구 완료",
    EventKind.FEED_SWITCHED: "시세 전환",
    EventKind.FEED_PROBLEM: "실시간 시세 문제",
    EventKind.STREAM_STATE: "실시간 연결",
    EventKind.OUTAGE_STARTED: "접속 장애 시작",
    EventKind.OUTAGE_ENDED: "접속 복구",
    EventKind.RISK_LIMIT: "리스크 한도",
    EventKind.KILL_SWITCH_ON: "킬 스위치 켜짐(새 진입 중단, 청산은 계속)",
    EventKind.KILL_SWITCH_OFF: "킬 스위치 꺼짐",
    EventKind.RISK_STATUS: "RISK MANAGER STATUS",
    EventKind.ACCOUNT_SNAPSHOT: "계좌 스냅샷",
    EventKind.CALENDAR_WARNING: "거래소 일정 확인 필요",
    EventKind.STORE_UNAVAILABLE: "데이터베이스 응답 없음",
    EventKind.OPERATOR_COMMAND: "사람의 지시",
    EventKind.MESSENGER_DOWN: "텔레그램 알림 중단",
    EventKind.MESSENGER_UP: "텔레그램 알림 재개",
    EventKind.ERROR: "오류",
}

# Kinds that carry all the evidence show only these, in this order; others show all they have.
SHOWN: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.SIGNAL: ("action", "reason", "last"),
    EventKind.GAP_CHECKED: ("open", "base_label", "base_price", "gap_pct", "display", "triggered"),
    EventKind.HOLD_CHANGED: ("reason", "last"),
}

_MEANINGS: Mapping[str, str] = {
    Action.BUY: "매수",
    Action.SELL: "매도",
    Action.HOLD: "관망",  # sides share the words of actions
    Reason.BREAKOUT: "돌파 진입",
    Reason.GAP_PROTECTION: "갭 보호",
    Reason.STOP_LOSS: "손절",
    Reason.TAKE_PROFIT: "익절",
    Reason.TRAILING_STOP: "트레일링 스탑",
    Reason.TREND_BROKEN: "추세 붕괴",
    Reason.BY_OPERATOR: "사람의 매도 지시",
    Reason.WITHIN_LEVELS: "보유 조건 유지",
    Reason.NO_UPTREND: "상승 추세 아님",
    Reason.WEAK_TREND: "추세 약함(ADX)",
    Reason.NO_BREAKOUT: "돌파 없음",
    Reason.ATR_SPIKE: "변동성 급등(ATR)",
    Reason.ATR_INVALID: "ATR 값 없음",
    Reason.TOO_FEW_BARS: "일봉 부족",
    Reason.BARS_UNAVAILABLE: "일봉 조회 실패",
    Reason.STALE_BARS: "일봉이 오래됨",
    Reason.INVALID_PRICE: "가격 이상",
    Reason.STALE_QUOTE: "시세가 오래됨",
    Reason.NOT_TRADABLE: "거래 불가 종목",
    Reason.EVENT_DAY: "고위험 이벤트 날",
    RefusalReason.INVALID: "주문 값 이상",
    RefusalReason.BEYOND_SELLABLE: "매도 가능 수량 초과",
    RefusalReason.OFF_TICK: "호가 단위 아님",
    RefusalReason.OUTSIDE_LIMITS: "상하한가 밖",
    RefusalReason.KILL_SWITCH: "킬 스위치",
    RefusalReason.DAILY_LOSS: "일일 손실 한도",
    RefusalReason.DAILY_TRADES: "일일 거래 횟수 한도",
    RefusalReason.CONSECUTIVE_LOSSES: "연속 손실 한도",
    RefusalReason.MAX_POSITIONS: "최대 보유 종목 수",
    RefusalReason.ORDER_QUANTITY: "주문 수량 한도",
    RefusalReason.ORDER_VALUE: "주문 금액 한도",
    RefusalReason.ORDER_RATE: "분당 주문 수 한도",
    RefusalReason.PRICE_COLLAR: "현재가와의 거리 한도",
    RefusalReason.WORST_CASE_LOSS: "최악의 경우 일일 손실 한도 초과",
    DifferenceKind.UNKNOWN_HOLDING: "모르던 보유",
    DifferenceKind.MISSING_HOLDING: "잔고에 없음",
    DifferenceKind.FEWER_SHARES: "수량이 적음",
    DifferenceKind.MORE_SHARES: "수량이 많음",
    DifferenceKind.OTHER_COST: "매입 금액이 다름",
    DifferenceKind.OTHER_BASIS: "액면 분할 등으로 기준이 바뀜",
    RefusalKind.MARKET_CLOSED: "장이 열려 있지 않음",
    RefusalKind.INSUFFICIENT_CASH: "주문 가능 금액 부족",
    RefusalKind.INSUFFICIENT_QUANTITY: "매도 가능 수량 부족",
    RefusalKind.PRICE: "가격이나 주문 유형 거부",
    RefusalKind.NOT_TRADABLE: "매매 불가 종목",
    RefusalKind.NOTHING_TO_CANCEL: "취소할 수량 없음",
    RefusalKind.ACCOUNT: "계좌 문제",
    RefusalKind.AUTH: "인증 문제",
    RefusalKind.UNSUPPORTED: "지원하지 않는 업무",
    RefusalKind.OTHER: "그 밖의 거부",
    "not_sent": "전송되지 않음",
    "not_received": "증권사에 접수되지 않음",
    "stale": "오래되어 정리",
    "cancelled": "취소 확인",
    "exchange_rejected": "거래소가 거부",
    "nothing_sellable": "매도 가능 수량 없음",
    "symbol_halted": "거래 정지 종목",
    "exit_attempts": "청산 시도 횟수 초과",
    "adopted": "편입(손절·익절 계산)",
    "corrected": "바로잡음",
    "closed": "정리",
    "unconfirmed": "확인 중(아직 바꾸지 않음)",
    "unexplained": "설명되지 않음(청산만 허용)",
    "account": "계좌 조회",
    "holdings": "잔고 조회",
    "app": "프로그램 종료",
    "recording": "세션 기록",
    "duplicate_order": "이미 있는 주문",
    "fill_wait": "체결 대기 시간 초과",
    "entered_already": "오늘 이미 매매함",
    "quote_unavailable": "시세 없음",
    "cash": "현금 부족",
    "held_at_broker": "잔고에 이미 있음",
    "position_write_failed": "포지션 저장 보류",
    "sold_more_than_known": "기록보다 많이 매도됨",
    "no_exit_now": "청산 사유가 사라짐",
    "finished": "할 일을 마침",
    "interrupted": "중단 요청",
    "rest": "REST",
    "ws": "WS",
    **FEED_WORDS,
    "entry": "진입가",
    "stop": "손절가",
    "prev_close": "기준가격",
    "filled": "체결됨",
    "kill": "새 진입 중단(킬 스위치)",
    "pause": "진입 일시 중지",
    "resume": "진입 재개",
    "clear_kill_switch": "킬 스위치 해제",
    "sell": "매도",
    "keep": "매도 지시 취소",
    "withdrawn": "매도 지시를 거둠",
    "done": "실행함",
    "refused": "실행하지 않음",
    "drawdown_warn": "고점 대비 하락 경고",
}

_UNIVERSE_MEANINGS: Mapping[str, str] = {
    str(word): text
    for words in (STAGES, _UNIVERSE_REASONS, CACHE_REASONS, HALT_REASONS, STEPS)
    for word, text in words.items()
}


def meaning(word: str) -> str:
    """The Korean of one of our own words; a word that has none, as it is."""
    return _MEANINGS.get(word) or _UNIVERSE_MEANINGS.get(word, word)


def plain(text: str) -> str:
    """`text` on one line and without control characters: what others wrote cannot move the
    cursor or look like a line of its own."""
    return "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)


def _won(value: FieldValue) -> str:
    return f"{value:,.0f}원" if _is_number(value) else _word(value)


def _shares(value: FieldValue) -> str:
    return f"{value:,}주" if _is_number(value) else _word(value)


def _percent(value: FieldValue) -> str:
    return f"{value:.2f}%" if _is_number(value) else _word(value)


def _count(value: FieldValue) -> str:
    return f"{value:,}건" if _is_number(value) else _word(value)


def _seconds(value: FieldValue) -> str:
    return f"{value:.1f}초" if _is_number(value) else _word(value)


def _word(value: FieldValue) -> str:
    if value is None:
        return "없음"
    if isinstance(value, bool):
        return "예" if value else "아니오"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else plain(meaning(value))


def _clock(value: FieldValue) -> str:
    try:
        return f"{datetime.fromisoformat(str(value)):%m-%d %H:%M}"
    except ValueError:
        return _word(value)


def _is_number(value: FieldValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_LABELS: Mapping[str, tuple[str, Callable[[FieldValue], str]]] = {
    "action": ("판단", _word),
    "side": ("구분", _word),
    "reason": ("사유", _word),
    "why": ("내용", _word),
    "what": ("대상", _word),
    "item": ("작업", _word),
    "command": ("지시", _word),
    "outcome": ("결과", _word),
    "command_id": ("지시 번호", _word),
    "dropped": ("보내지 못한 알림", _count),
    "code": ("코드", _word),
    "refusal": ("거부 종류", _word),
    "order_no": ("주문번호", _word),
    "last": ("현재가", _won),
    "price": ("가격", _won),
    "open": ("시가", _won),
    "reference": ("신호가", _won),
    "slippage_bp": ("신호가와의 차이(bp, +는 불리)", _word),
    "average": ("평균가", _won),
    "stop": ("손절가", _won),
    "take": ("익절가", _won),
    "highest": ("최고가", _won),
    "level_price": ("기준가", _won),
    "base_price": ("기준 가격", _won),
    "base_label": ("기준", _word),
    "atr": ("ATR", _won),
    "atr_average": ("ATR 평균", _won),
    "atr_spike_threshold": ("ATR 급등 기준(배)", _word),
    "sma": ("이동평균", _won),
    "sma_sum": ("이동평균의 합", _won),
    "sma_period": ("이동평균 기간(일)", _word),
    "adx": ("ADX", _word),
    "adx_threshold": ("ADX 기준", _word),
    "adx_exit_threshold": ("ADX 청산 기준", _word),
    "adx_fell_on": ("ADX가 꺾인 날", _word),
    "closed_below_on": ("이동평균 아래로 마감한 날", _word),
    "previous_high": ("전일 고가", _won),
    "previous_close": ("전일 종가", _won),
    "trailing_stop": ("트레일링 스탑", _won),
    "context_session": ("지표의 거래일", _word),
    "last_bar": ("마지막 일봉", _word),
    "pnl": ("손익", _won),
    "commission": ("수수료", _won),
    "tax": ("세금", _won),
    "cash": ("현금", _won),
    "equity": ("총자산", _won),
    "start_equity": ("시작 자산", _won),
    "high_water_mark": ("자산 고점", _won),
    "realised_pnl": ("당일 실현 손익", _won),
    "evaluation_pnl": ("계좌 평가손익", _won),
    "quantity": ("수량", _shares),
    "filled": ("체결", _shares),
    "filled_total": ("누적 체결", _shares),
    "remaining": ("남은 수량", _shares),
    "known_quantity": ("기록 수량", _shares),
    "held_quantity": ("잔고 수량", _shares),
    "gap_pct": ("갭", _word),
    "display": ("표시", _percent),
    "progress": ("진행", _percent),
    "triggered": ("발동", _word),
    "threshold": ("기준(%)", _word),
    "is_trailing": ("트레일링", _word),
    "difference": ("차이", _word),
    "limit": ("한도", _word),
    "was": ("값", _word),
    "retry_at": ("다시 시도", _clock),
    "session_date": ("거래일", _word),
    "opens_at": ("개장", _clock),
    "closes_at": ("마감", _clock),
    "positions": ("보유 종목", _count),
    "count": ("건수", _count),
    "live_orders": ("미결 주문", _count),
    "resolved": ("해결", _count),
    "repairs": ("보정", _count),
    "buys": ("매수", _count),
    "sells": ("매도", _count),
    "wins": ("이익 청산", _count),
    "losses": ("손실 청산", _count),
    "entries": ("당일 진입", _count),
    "consecutive_losses": ("연속 손실", _count),
    "errors": ("오류", _count),
    "kill_switch": ("킬 스위치", _word),
    "delay_s": ("지연", _seconds),
    "seconds": ("걸린 시간", _seconds),
    "repeats": ("같은 내용 반복", _count),
    "mode": ("모드", _word),
    "feed": ("시세", _word),
    "host": ("서버", _word),
    "simulator": ("시뮬레이터", _word),
    "tr_family": ("TR", _word),
    "account": ("계좌", _word),
    "version": ("버전", _word),
    "commit": ("커밋", _word),
    "settings": ("설정 지문", _word),
    "calendar": ("달력", _word),
    "tick_table": ("호가표", _word),
    "tax_table": ("세율표", _word),
    "source": ("시세", _word),
    "state": ("상태", _word),
    "since": ("시작", _clock),
    "attempts": ("시도", _word),
    "numbers": ("후보 주문번호", _word),
    **{name: (label, _word) for name, label in _UNIVERSE_LABELS.items()},
    "candidates": ("진입 후보", _word),
}


def labelled(name: str, value: FieldValue) -> tuple[str, str]:
    """The Korean label and text of one field; a name without a label stands for itself."""
    label, shown = _LABELS.get(name, (name, _word))
    return label, shown(value)
