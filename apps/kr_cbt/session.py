"""One session of kr_cbt: built, announced, run, shut down."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from apps.build import commit_hash, product_version
from apps.exit_code import ExitCode
from apps.first_token import await_first_token
from apps.kr_cbt.container import CbtContainer, cbt_container
from apps.kr_cbt.settings import CbtSettings
from apps.kr_trade.endings import ending_of
from apps.kr_trade.lifetime import StopRequest, conclude, run
from apps.listeners import Listeners, open_listeners
from apps.terminal import say
from kis_adapters.console.fan_out import FanOut
from kis_adapters.settings.settings import Settings
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_core.market.cost import TAX_TABLE_VERSION
from kis_core.market.session import KST
from kis_core.market.tick import TABLE_VERSION as TICK_TABLE_VERSION
from kis_core.orders.identity import TradingMode, masked_account
from kis_core.ports.instance_lock import InstanceLock
from kis_core.ports.notifier import Event, EventKind

_BANNER = """\
==============================================================================
  비공개 베타 테스트(CBT): 가상 계좌로 매매합니다. 증권사에 주문을 보내지 않습니다."""
_SIMULATED = """\
  시세도 내장 KIS 시뮬레이터의 가상 시세입니다. 여기서의 손익은 전략의 수익성에 대해
  아무것도 말해 주지 않습니다."""
_RULE = "=" * 78

_log = structlog.stdlib.get_logger("kr_cbt")


def hold_session(
    settings: Settings,
    cbt: CbtSettings,
    config_dir: Path,
    lock: InstanceLock,
    stop: StopRequest,
) -> int:
    """Trade until the session is finished or interrupted; returns the exit code."""
    print(_BANNER, *([_SIMULATED] if settings.uses_simulator else []), _RULE, sep="\n", flush=True)
    for warning in settings.warnings:
        print(f"[주의] {warning}", flush=True)
    told = open_listeners(settings, config_dir, mode=TradingMode.VIRTUAL)
    container = cbt_container(
        settings=settings, cbt=cbt, config_dir=config_dir, notifier=told.fan_out
    )
    try:
        container.init_resources()
        if not container.account_lock().acquire():
            return say(
                "다른 프로그램이 이 가상 계좌를 쓰고 있습니다(계좌 잠금).",
                ExitCode.ALREADY_RUNNING,
            )
        await_first_token(container.client(), container.clock())
        return _run(container, settings, told, lock, stop)
    except Exception as error:
        told.tell_failure(ending_of(error)[0])
        raise
    finally:
        told.close()
        with suppress(SimulatorUnreachable):
            container.shutdown_resources()


def _run(
    container: CbtContainer,
    settings: Settings,
    told: Listeners,
    lock: InstanceLock,
    stop: StopRequest,
) -> int:
    clock, engine = container.clock(), container.engine()
    told.follow(
        engine.books,
        container.database(),
        container.namespace(),
        is_simulated=settings.uses_simulator,
    )
    stop.follow(clock, last_words=told.leave_behind)
    _announce(container, settings, told.fan_out)
    is_finished = run(engine, clock, stop, heartbeat=lambda: lock.heartbeat(now=datetime.now(KST)))
    return conclude(engine, clock, told.fan_out, is_finished=is_finished)


def _announce(container: CbtContainer, settings: Settings, fan_out: FanOut) -> None:
    """What runs, with what, on whose quotes (M-14)."""
    client, tape = container.client(), container.tape()
    fan_out.tell(
        Event(
            kind=EventKind.SESSION_STARTED,
            at=container.clock().now(),
            fields={
                "mode": TradingMode.VIRTUAL,
                "feed": settings.market_data.feed,
                "host": urlsplit(client.base_url).netloc,
                "simulator": settings.uses_simulator,
                "account": masked_account(container.account_file().account_name),
                "version": product_version(),
                "commit": commit_hash(),
                "settings": settings.fingerprint(),
                "calendar": container.calendar().version,
                "tick_table": TICK_TABLE_VERSION,
                "tax_table": TAX_TABLE_VERSION,
            },
        )
    )
    _log.info("app.settings", resolved=settings.masked(), sources=settings.sources)
    if tape is not None:
        _log.info("app.recording", path=str(tape.path))
