"""`--checklist real`: what has to be so before real money is traded (V-02).

The groups are those of the operations manual. What verify has already looked at is repeated in
its place, so that the list can be read from top to bottom.
"""

from datetime import datetime

from apps.build import commit_hash
from apps.kr_trade.checks import Check, Outcome, failed, passed, tried, warned
from apps.session_settings import first_day_limits
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.database import open_database
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.session.first_day import experience

_ORDER_PERCENT_MAX = 10


def real_checklist(settings: Settings, checks: list[Check]) -> list[Check]:
    """Print the six groups; returns what was looked at here."""
    of_verify = {check.what: check for check in checks if check.outcome is not Outcome.PASSED}
    of_verify = {**{check.what: check for check in checks}, **of_verify}
    groups = {
        "1) 환경변수": _environment(settings),
        "2) 실행 인자": _arguments(settings),
        "3) 유니버스": [*_fallback(settings), *_again(of_verify, "유니버스", "유니버스 캐시")],
        "4) 데이터베이스": _again(
            of_verify,
            "데이터베이스",
            "데이터베이스 연결",
            "스키마",
            "격리 수준",
            "데이터베이스 시간대",
        ),
        "5) 로그와 알림": [*_again(of_verify, "로그 경로", "텔레그램"), _commit()],
        "6) 첫날 제한": tried("첫날 제한", lambda: _first_day(settings)),
    }
    print("실계좌 전환 점검표")
    for title, found in groups.items():
        print(f" {title}")
        for check in found:
            print(f"  {check}")
    return [check for found in groups.values() for check in found]


def _again(of_verify: dict[str, Check], *names: str) -> list[Check]:
    return [of_verify[name] for name in names if name in of_verify]


def _environment(settings: Settings) -> list[Check]:
    is_real = settings.mode is TradingMode.REAL
    mode = passed if is_real else failed
    return [
        mode("TRADING_MODE", f"{settings.mode} (REAL이어야 합니다)" if not is_real else "REAL"),
        passed("모드 일치", "환경변수와 .env가 서로 다르지 않습니다"),
        passed("키 혼재", "다른 모드의 키가 없습니다"),
    ]


def _arguments(settings: Settings) -> list[Check]:
    percent = settings.real.first_order_percent
    small = passed if percent <= _ORDER_PERCENT_MAX else warned
    on = settings.real.limit_symbols_first_day
    return [
        # Without the flag, REAL ended before this line.
        passed("--confirm-real-trading", "있음")
        if settings.mode is TradingMode.REAL
        else warned("--confirm-real-trading", "REAL로 시작할 때 필요합니다"),
        small("--real-first-order-percent", f"첫 주문은 계산 수량의 {percent}%"),
        passed("--real-limit-symbols-first-day", "첫 거래일 한 종목")
        if on
        else warned("--real-limit-symbols-first-day", "꺼짐: 첫날부터 여러 종목을 삽니다"),
    ]


def _fallback(settings: Settings) -> list[Check]:
    universe = settings.universe
    if universe.selection_method == "fixed":
        return [passed("대체 목록", "fixed는 정해진 목록만 씁니다")]
    if universe.fallback_to_fixed and not universe.halt_on_fallback_in_real:
        why = "자동 선정에 실패하면 stocks 목록으로 거래합니다. 의도한 설정인지 확인하세요"
        return [warned("대체 목록", f"{why} (halt_on_fallback_in_real: false)")]
    return [passed("대체 목록", "자동 선정에 실패하면 거래하지 않습니다")]


def _commit() -> Check:
    commit = commit_hash()
    if commit == "unknown":
        return warned("커밋", "알 수 없음: 로그에 실행 중인 코드의 버전이 남지 않습니다")
    return passed("커밋", commit)


def _first_day(settings: Settings) -> list[Check]:
    """What the database says of the account. Raises StoreUnavailable and StoreMisfit."""
    limits, given = first_day_limits(settings), settings.credentials
    if limits is None or given is None:
        return [warned("첫날 제한", "REAL에서만 적용됩니다")]
    account = given.account_no.get_secret_value() + given.product_code
    database = open_database(settings.database.url.get_secret_value())
    try:
        store = SqlStore(database, Namespace(mode=settings.mode, account=account))
        today = datetime.now(KST).date()
        with store.unit_of_work() as uow:
            known = experience(uow.all_events(), uow.orders_of(today), today)
    finally:
        database.dispose()
    if not known.is_first_day:
        return [passed("첫날 제한", "이 계좌는 이미 REAL로 거래했습니다. 제한이 끝났습니다")]
    symbols = "한 종목만" if limits.one_symbol else "종목 수 제한 없이"
    order = "첫 주문은 이미 체결됨" if known.has_bought else f"첫 주문 {limits.order_percent}%"
    return [
        passed("첫날 제한", f"이 계좌의 REAL 첫 거래일입니다: {symbols}, {order}"),
        warned("리허설", "장중 재시작을 한 번 해 본 뒤 계속 운용하세요 (사람이 확인)"),
    ]
