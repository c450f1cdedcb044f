"""`--mode verify`: everything that a start needs, looked at without trading (M-12).

It issues a token, as a start does, and sends no order: nothing here can reach the broker port.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog

from apps.exit_code import ExitCode
from apps.kr_trade.call_plan import call_plan
from apps.kr_trade.checklist import real_checklist
from apps.kr_trade.checks import Check, failed, has_failed, passed, tried, warned
from apps.kr_trade.container import TradeContainer
from apps.kr_trade.verify_database import database_checks
from apps.session_settings import session_settings
from kis_adapters.console.fan_out import FanOut
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_adapters.system.simulator_clock import SimulatorClock
from kis_core.market.session import KST
from kis_core.orders.identity import masked_account
from kis_core.ports.calendar import Closed, Unconfirmed
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.session.surroundings import is_skewed, skew_sentence


def verify(settings: Settings, config_dir: Path, *, checklist: str | None) -> int:
    """Print the resolved settings and one line a check; 0 only if none failed."""
    _print_settings(settings)
    looks: list[tuple[str, Callable[[], list[Check]]]] = [
        ("설정", lambda: _configuration(settings)),
        ("유니버스", lambda: _universe(settings)),
        ("호출 계획", lambda: _plan(settings)),
        ("경로", lambda: _paths(settings)),
        ("실행 잠금", lambda: _instance_lock(settings)),
        ("데이터베이스", lambda: database_checks(settings)),
        ("텔레그램", lambda: _telegram(settings)),
    ]
    checks: list[Check] = []
    for what, look in looks:
        checks += _shown(tried(what, look))
    with _no_log():
        checks += _broker(settings, config_dir)
    if checklist is not None:
        checks += real_checklist(settings, checks)
    is_refused = has_failed(checks)
    print("점검 결과: 실패한 항목이 있습니다." if is_refused else "점검 결과: 실패 없음.")
    return ExitCode.REFUSED if is_refused else ExitCode.OK


def refuse_configuration(problems: tuple[str, ...]) -> int:
    """The configuration itself cannot be read: nothing else can be looked at."""
    _shown([failed("설정", problem) for problem in problems])
    return ExitCode.REFUSED


def _print_settings(settings: Settings) -> None:
    print("적용된 설정 (비밀 값은 가림):")
    for name, value in settings.masked().items():
        print(f"  {name} = {value}  ← {settings.sources.get(name, '기본값')}")


def _shown(checks: list[Check]) -> list[Check]:
    for check in checks:
        print(check, flush=True)
    return checks


def _configuration(settings: Settings) -> list[Check]:
    told = [passed("설정", f"{settings.mode} 모드, 지문 {settings.fingerprint()}")]
    told += [warned("설정", warning) for warning in settings.warnings]
    if settings.risk.kill_switch is not None:
        told.append(warned("킬 스위치", f"켜짐: {settings.risk.kill_switch}"))
    return told


def _universe(settings: Settings) -> list[Check]:
    universe = settings.universe
    session_settings(settings, account="")  # raises for a list that nobody could trade
    cache = Path(universe.universe_cache_file)
    state = "있음" if cache.exists() else "아직 없음"
    _require_writable(cache.parent)
    own = f", 종목별 설정 {len(settings.stock_overrides)}건" if settings.stock_overrides else ""
    return [
        passed("유니버스", f"{universe.selection_method}, 최대 {universe.max_stocks}종목{own}"),
        passed("유니버스 캐시", f"{cache} ({state}, 쓸 수 있음)"),
    ]


def _plan(settings: Settings) -> list[Check]:
    plan = call_plan(settings)
    return [
        *(passed("호출 계획", line) for line in plan.lines()),
        *(warned("호출 계획", warning) for warning in plan.warnings()),
        *(failed("호출 계획", refusal) for refusal in plan.refusals()),
    ]


def _paths(settings: Settings) -> list[Check]:
    paths = settings.paths
    return [
        *tried("로그 경로", lambda: [_writable("로그 경로", paths.log_dir)]),
        *tried("데이터 경로", lambda: [_writable("데이터 경로", paths.data_dir)]),
    ]


def _writable(what: str, directory: Path) -> Check:
    _require_writable(directory)
    return passed(what, f"{directory} (쓸 수 있음)")


def _require_writable(directory: Path) -> None:
    """Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"verify")


def _instance_lock(settings: Settings) -> list[Check]:
    path = settings.paths.data_dir / "instance.lock"
    lock = FileInstanceLock(path)
    try:
        lock.acquire(now=datetime.now(KST))
    except InstanceHeld as error:
        return [failed("실행 잠금", f"이미 실행 중입니다: {', '.join(error.holder.split())}")]
    lock.release()
    return [passed("실행 잠금", str(path))]


def _telegram(settings: Settings) -> list[Check]:
    """Whether messages would arrive; nothing is written in the chat."""
    telegram = settings.telegram
    if telegram.bot_token is None or telegram.chat_id is None:
        return [warned("텔레그램", "설정되지 않음: 콘솔과 로그에만 알립니다")]
    if not settings.uses_telegram:
        return [warned("텔레그램", "꺼져 있음(TELEGRAM_ENABLED): 콘솔과 로그에만 알립니다")]
    # Here and not above: a start without Telegram does not load its library.
    from kis_adapters.telegram.introduction import (
        TelegramMisfit,
        TelegramUnreachable,
        introduce,
    )

    try:
        found = introduce(
            token=telegram.bot_token.get_secret_value(),
            chat_id=int(telegram.chat_id.get_secret_value()),
            api_url=telegram.api_url,
        )
    except TelegramMisfit as error:
        return [failed("텔레그램", str(error))]
    except TelegramUnreachable as error:
        why = f"지금 응답하지 않습니다({error}). 매매는 하지만 알림이 늦거나 오지 않습니다"
        return [warned("텔레그램", why)]
    if found.has_webhook:
        why = f"@{found.bot_name}: 웹훅이 걸려 있어 명령을 듣지 못합니다(알림은 갑니다)"
        return [warned("텔레그램", why)]
    return [passed("텔레그램", f"@{found.bot_name} 봇이 대화방에 보낼 수 있습니다")]


def _broker(settings: Settings, config_dir: Path) -> list[Check]:
    """What needs the broker: the token, the clocks, the calendar of today."""
    told = FanOut([])
    container = TradeContainer(settings=settings, config_dir=config_dir, notifier=told)
    try:
        checks = _shown(tried("인증", lambda: _credentials(container)))
        if not has_failed(checks):
            checks += _shown(tried("시계", lambda: _clocks(container)))
            checks += _shown(tried("거래소 일정", lambda: _calendar(container)))
        return checks
    finally:
        told.close()
        tried("정리", lambda: _shut_down(container))


@contextmanager
def _no_log() -> Iterator[None]:
    """The lines of this output are the checks; there is no log to write the rest to."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _shut_down(container: TradeContainer) -> list[Check]:
    container.shutdown_resources()
    return []


def _credentials(container: TradeContainer) -> list[Check]:
    client = container.client()
    client.ensure_token()
    account = masked_account(container.connection().account)
    return [passed("인증", f"접근 토큰을 받았습니다 ({client.base_url}, 계좌 {account})")]


def _clocks(container: TradeContainer) -> list[Check]:
    if isinstance(container.clock(), SimulatorClock):
        return [passed("시계", "시뮬레이터의 가상 시계를 따릅니다")]
    skew_s = container.client().clock_skew()
    if skew_s is None:
        return [warned("시계", "증권사 응답에 시각이 없어 비교하지 못했습니다")]
    if is_skewed(skew_s):
        return [warned("시계", skew_sentence(skew_s))]
    return [passed("시계", f"증권사와의 차이 {skew_s:+.1f}초")]


def _calendar(container: TradeContainer) -> list[Check]:
    today = container.clock().now().date()
    answer = container.calendar().session_of(today)
    if isinstance(answer, Unconfirmed):
        told = [warned("거래소 일정", answer.reason)]
    elif isinstance(answer, Closed):
        told = [passed("거래소 일정", f"{today} 휴장: {answer.reason}")]
    else:
        hours = f"{answer.opens_at:%H:%M}–{answer.closes_at:%H:%M}"
        told = [passed("거래소 일정", f"{today} 개장 {hours}")]
    warning = container.krx_calendar().warning(today)
    return told + ([warned("거래소 일정", warning)] if warning is not None else [])
