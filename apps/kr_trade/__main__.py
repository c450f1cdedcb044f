"""`python -m apps.kr_trade`: read the arguments, build, run, shut down."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from os import environ
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from rich.console import Console

from apps.build import commit_hash, product_version
from apps.exit_code import ExitCode
from apps.first_token import await_first_token
from apps.kr_trade.alone import alone
from apps.kr_trade.arguments import Arguments, Mode, parse
from apps.kr_trade.backup import make_backup, restore_backup
from apps.kr_trade.call_plan import call_plan
from apps.kr_trade.container import TradeContainer
from apps.kr_trade.endings import ending_of
from apps.kr_trade.lifetime import StopRequest, conclude, run
from apps.kr_trade.offline import answer_about, clear_kill_switch, print_status
from apps.kr_trade.verify import refuse_configuration, verify
from apps.listeners import Listeners, open_listeners
from apps.terminal import accept_any_terminal, say
from kis_adapters.console.fan_out import FanOut
from kis_adapters.console.log_notifier import LogNotifier
from kis_adapters.console.universe_table import print_universe, universe_json
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.location import config_directory
from kis_adapters.settings.settings import Settings
from kis_adapters.system.heartbeat import Heartbeat
from kis_adapters.system.index_members import MEMBERS_FILE, read_index_names
from kis_adapters.system.service_manager import ServiceManager
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_core.market.cost import TAX_TABLE_VERSION
from kis_core.market.session import KST
from kis_core.market.tick import TABLE_VERSION as TICK_TABLE_VERSION
from kis_core.orders.identity import TradingMode, masked_account
from kis_core.ports.calendar import Unconfirmed
from kis_core.ports.instance_lock import InstanceLock
from kis_core.ports.notifier import Event, EventKind
from kis_core.session.upcoming import session_at

_APP = "kr_trade"
_BEAT_S = 0.2
_COUNTDOWN_S = 10
_TR_FAMILY = {TradingMode.PAPER: "VTTC", TradingMode.REAL: "TTTC"}
_BANNER = """\
==============================================================================
  내장 KIS 시뮬레이터로 돕니다. 시세와 계좌는 모두 가상이며 실제 주문은 나가지 않습니다.
  시뮬레이터에서의 손익은 전략의 수익성에 대해 아무것도 말해 주지 않습니다.
=============================================================================="""

_log = structlog.stdlib.get_logger(_APP)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns its exit code (see `ExitCode`)."""
    accept_any_terminal()
    arguments = parse(list(sys.argv[1:] if argv is None else argv))
    try:
        config_dir = config_directory(Path.cwd())
        settings = _settings(arguments, config_dir)
    except (SettingsError, FileNotFoundError) as error:
        if arguments.mode is Mode.VERIFY:
            return refuse_configuration(getattr(error, "problems", (str(error),)))
        return say(str(error), ExitCode.REFUSED)
    if arguments.mode is Mode.STATUS:
        return print_status(settings, as_json=arguments.as_json)
    if arguments.mode is Mode.CLEAR_KILL_SWITCH:
        return clear_kill_switch(settings)
    if arguments.mode is Mode.EXPLAIN:
        from apps.kr_trade.explain import explain  # asked for now and then, not while trading

        return explain(settings, arguments)
    if arguments.mode is Mode.BACKUP and arguments.to is not None:
        return make_backup(settings, arguments.to)
    if arguments.mode is Mode.RESTORE and arguments.source is not None:
        return restore_backup(settings, Path(arguments.source), may_replace=arguments.yes)
    if arguments.mode is Mode.IMPORT_LEGACY and arguments.source is not None:
        from apps.kr_trade.import_legacy import bring_over  # once in a life

        return bring_over(settings, arguments.source, is_rehearsal=arguments.is_rehearsal)
    if arguments.mode is Mode.SYMBOL and arguments.answer is not None:
        return answer_about(arguments.stocks[0], arguments.answer, settings)
    if settings.mode is TradingMode.REAL and not arguments.is_real_confirmed:
        return say(
            "REAL 모드는 실제 돈으로 거래합니다. 확인했다면 --confirm-real-trading 을 붙이세요.",
            ExitCode.REFUSED,
        )
    if arguments.mode is Mode.VERIFY:
        return verify(settings, config_dir, checklist=arguments.checklist)
    if arguments.mode is Mode.TRADE and (refusals := call_plan(settings).refusals()):
        return say("\n".join(refusals), ExitCode.REFUSED)
    if arguments.mode is Mode.UNIVERSE:
        return alone(
            settings,
            app=_APP,
            act=lambda *_: _explain_universe(settings, config_dir, as_json=arguments.as_json),
        )
    return alone(
        settings,
        app=_APP,
        act=lambda lock, stop: _session(settings, config_dir, lock, stop),
    )


def _settings(arguments: Arguments, config_dir: Path) -> Settings:
    return load_settings(
        argv_overrides=arguments.overrides(),
        environ=environ,
        dotenv=Path(".env"),
        config=arguments.config or config_dir / "kr_trade.yaml",
        universe=arguments.universe or config_dir / "universe.yaml",
    )


def _session(settings: Settings, config_dir: Path, lock: InstanceLock, stop: StopRequest) -> int:
    if settings.mode is TradingMode.REAL:
        _count_down()
    if settings.uses_simulator:
        print(_BANNER, flush=True)
    for warning in settings.warnings:
        print(f"[주의] {warning}", flush=True)
    told = open_listeners(settings, config_dir, mode=settings.mode)
    container = TradeContainer(settings=settings, config_dir=config_dir, notifier=told.fan_out)
    if told.messenger is not None:
        container.operator.override(told.messenger.inbox)
    try:
        container.init_resources()
        container.session_settings()
        if not container.account_lock().acquire():
            return say(
                "다른 프로그램이 이 계좌를 거래하고 있습니다(계좌 잠금).", ExitCode.ALREADY_RUNNING
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


def _explain_universe(settings: Settings, config_dir: Path, *, as_json: bool) -> int:
    """`--mode universe`: select as it would be selected now, and say why (U-16). Trades nothing,
    stores nothing."""
    if settings.uses_simulator:
        print(_BANNER, file=sys.stderr, flush=True)
    log = FanOut([LogNotifier()])
    container = TradeContainer(settings=settings, config_dir=config_dir, notifier=log)
    try:
        container.client.init()
        clock, universe = container.clock(), container.universe()
        answer = session_at(container.calendar(), clock.now(), close_after=timedelta())
        session = answer.session if isinstance(answer, Unconfirmed) else answer
        chosen = universe.explain(session.session_date, clock.now())
        if as_json:
            print(universe_json(chosen))
        else:
            print_universe(chosen, Console(), names=read_index_names(config_dir / MEMBERS_FILE))
        return ExitCode.OK if chosen.symbols else ExitCode.HALTED
    finally:
        log.close()
        with suppress(SimulatorUnreachable):
            container.shutdown_resources()


def _run(
    container: TradeContainer,
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
    if told.messenger is not None:
        told.messenger.follow(clock, container.namespace())
    manager = ServiceManager()
    beating = _heartbeat(settings, lock, manager)
    manager.ready()
    is_finished = run(engine, clock, stop, heartbeat=beating, pulse_s=manager.pulse_s)
    manager.stopping()
    return conclude(engine, clock, told.fan_out, is_finished=is_finished)


def _heartbeat(
    settings: Settings, lock: InstanceLock, manager: ServiceManager
) -> Callable[[], None]:
    """What is done when the loop comes round, for those who watch it; a stream can make it come
    round a hundred times a second, which nobody needs to hear."""
    url = settings.heartbeat.url
    outside = Heartbeat(
        file=settings.heartbeat.file,
        url=url.get_secret_value() if url is not None else None,
        seconds=time.monotonic,
    )

    beaten_at = -_BEAT_S

    def beat() -> None:
        nonlocal beaten_at
        if time.monotonic() - beaten_at < _BEAT_S:
            return
        beaten_at = time.monotonic()
        lock.heartbeat(now=datetime.now(KST))
        manager.alive()
        outside.beat()

    return beat


def _announce(container: TradeContainer, settings: Settings, fan_out: FanOut) -> None:
    """What runs, with what, against whom (M-14)."""
    client, clock = container.client(), container.clock()
    fan_out.tell(
        Event(
            kind=EventKind.SESSION_STARTED,
            at=clock.now(),
            fields={
                "mode": settings.mode,
                "feed": settings.market_data.feed,
                "host": urlsplit(client.base_url).netloc,
                "simulator": settings.uses_simulator,
                "tr_family": _TR_FAMILY[settings.mode],
                "account": masked_account(container.connection().account),
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


def _count_down() -> None:
    print("[경고] REAL 모드입니다. 실제 계좌의 실제 돈으로 주문합니다.", flush=True)
    for seconds in range(_COUNTDOWN_S, 0, -1):
        print(f"  {seconds}초 뒤에 시작합니다. 멈추려면 Ctrl-C", flush=True)
        time.sleep(1)


if __name__ == "__main__":
    raise SystemExit(main())
