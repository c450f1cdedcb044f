"""The Korean words of a selection: stages, reasons, and the names of what its events carry."""

from collections.abc import Mapping

from kis_core.session.universe_selection import Origin
from kis_core.universe.candidate import Stage, Why
from kis_core.universe.fallback import HaltReason
from kis_core.universe.reuse import CacheReason

STAGES: Mapping[Stage, str] = {
    Stage.POOL: "후보군",
    Stage.TRADED_VALUE: "거래대금",
    Stage.STATUS: "종목 상태",
    Stage.ATR: "ATR 범위",
    Stage.FINAL: "최종",
}
REASONS: Mapping[Why, str] = {
    Why.PASSED: "선정",
    Why.DUPLICATE: "중복",
    Why.INVALID_CODE: "종목코드 아님",
    Why.LETTER_CODE: "문자 종목코드(허용 안 함)",
    Why.BEYOND_SCAN_SIZE: "스캔 한도 밖(market_scan_size)",
    Why.NO_ANSWER: "조회 실패",
    Why.PRICE_ZERO: "현재가 0",
    Why.BELOW_MIN_VOLUME: "거래대금 부족(min_volume)",
    Why.MOVED_TOO_FAR: "시가 대비 급변",
    Why.HALTED: "거래정지",
    Why.MANAGED: "관리종목",
    Why.STATE_UNKNOWN: "종목 상태를 알 수 없음",
    Why.BELOW_MARKET_CAP: "시가총액 부족(min_market_cap)",
    Why.TOO_FEW_BARS: "일봉 부족",
    Why.CLOSE_ZERO: "종가 0",
    Why.BELOW_MIN_ATR: "ATR 부족(min_atr_pct)",
    Why.ABOVE_MAX_ATR: "ATR 초과(max_atr_pct)",
    Why.ENOUGH_FOUND: "이미 충분히 찾음",
}
ORIGINS: Mapping[Origin, str] = {
    Origin.SELECTED: "새로 선정",
    Origin.CACHE: "오늘 캐시 재사용",
    Origin.FALLBACK: "고정 목록으로 대체",
}
CACHE_REASONS: Mapping[CacheReason, str] = {
    CacheReason.CHOSEN_TODAY: "오늘 선정한 결과",
    CacheReason.OUTSIDE_SESSION: "장중이 아님",
    CacheReason.ABSENT: "캐시 없음",
    CacheReason.DAMAGED: "캐시 손상",
    CacheReason.OTHER_DATE: "다른 날의 캐시",
    CacheReason.OTHER_METHOD: "선정 방법이 바뀜",
    CacheReason.STOCKS_CHANGED: "종목 목록이 바뀜",
    CacheReason.CODE_NOT_ALLOWED: "허용하지 않는 종목코드",
    CacheReason.REFRESH_ON_RESTART: "재시작 시 재선정 설정",
    CacheReason.REFRESH_ON_OPEN: "개장 시 재선정 설정",
    CacheReason.REFRESH_BY_AGE: "재선정 간격이 지남",
}
HALT_REASONS: Mapping[HaltReason, str] = {
    HaltReason.FIXED_IS_EMPTY: "고정 목록(stocks)이 비어 있음",
    HaltReason.NO_CANDIDATE_LEFT: "조건에 맞는 종목이 없음",
    HaltReason.FALLBACK_HALTS_IN_REAL: "REAL에서는 대체하지 않고 멈추는 설정",
}
STEPS: Mapping[str, str] = {
    "cache": "캐시 확인",
    "cache_damaged": "캐시 손상",
    "cache_not_written": "캐시 저장 실패",
    "stage": "단계별 후보 수",
    "note": "참고",
    "final": "최종 선정",
    "fallback": "고정 목록으로 대체",
    "refresh_failed": "재선정 실패(기존 선정 유지)",
}
LABELS: Mapping[str, str] = {
    "step": "단계",
    "cache": "CACHE",
    "cache_key": "cache_key",
    "cache_file": "cache_file",
    "stage": "선정 단계",
    "entered": "들어온 후보",
    "stayed": "남은 후보",
    "symbols": "종목",
    "method": "선정 방법",
    "calls": "조회 수",
    "wait_s": "대기(초)",
    **{f"left_{why}": REASONS[why] for why in Why if why is not Why.PASSED},
}
