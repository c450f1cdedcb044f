"""`python -m apps.kr_cbt`: read the arguments, build, run, shut down."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from os import environ
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from apps.build import commit_hash, product_version
from apps.exit_code import ExitCode
from apps.kr_cbt.account import print_status, reset
from apps.kr_cbt.arguments import Arguments, Mode, parse
from apps.kr_cbt.container import CbtContainer, cbt_container
from apps.kr_cbt.settings import CbtSettings, own_settings, read_cbt_settings, store_path
from apps.kr_trade.call_plan import call_plan
from apps.kr_trade.endings import ending_of
from apps.kr_trade.lifetime import StopRequest, run
from apps.listeners import Listeners, open_listeners
from kis_adapters.console.fan_out import FanOut
from kis_adapters.console.log_file import close_log, open_log
from kis_adapters.console.redactor import Redactor
from kis_adapters.console.words import meaning
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.location import config_directory
from kis_adapters.settings.settings import Settings
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_adapters.virtual.account_file import AccountFileDamaged
from kis_core.market.cost import TAX_TABLE_VERSION
from kis_core.market.session import KST
from kis_core.market.tick import TABLE_VERSION as TICK_TABLE_VERSION
from kis_core.orders.identity import TradingMode, masked_account
from kis_core.ports.instance_lock import InstanceHeld, InstanceLock
from kis_core.ports.notifier import Event, EventKind

_BANNER = """\
==============================================================================
  비공개 베타 테스트(CBT): 가상 계좌로 매매합니다. 증권사에 주문을 보내지 않습니다."""
_SIMULATED = """\
  시세도 내장 KIS 시뮬레이터의 가상 시세입니다. 여기서의 손익은 전략의 수익성에 대해
  아무것도 말해 주지 않습니다."""
_RULE = "=" * 78

_log = structlog.stdlib.get_logger("kr_cbt")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the application; returns its exit code (see `ExitCode`)."""
    arguments = parse(list(sys.argv[1:] if argv is None else argv))
    if arguments.mode is Mode.REPLAY and arguments.session is not None:
        from apps.kr_cbt.replay import print_replay

        return print_replay(arguments.session)
    try:
        config_dir = config_directory(Path.cwd())
        asked = _asked_settings(arguments, config_dir)
        cbt = read_cbt_settings(
            arguments.config or config_dir / "kr_cbt.yaml", data_dir=asked.paths.data_dir
        )
    except (SettingsError, FileNotFoundError) as error:
        return _say(str(error), ExitCode.REFUSED)
    settings = own_settings(asked)
    if not arguments.is_recorded:
        cbt = CbtSettings(rules=cbt.rules, recordings=None)
    return _do(arguments, settings, cbt, config_dir)


def _do(arguments: Arguments, settings: Settings, cbt: CbtSettings, config_dir: Path) -> int:
    match arguments.mode:
        case Mode.STATUS:
            return print_status(settings, cbt, as_json=arguments.as_json)
        case Mode.RESET:
            return _locked(settings, lambda _: reset(settings, cbt, is_sure=arguments.yes))
        case Mode.EXPORT:
            from apps.kr_cbt.export import export  # polars, which a session does not need

            return export(settings, cbt, to=arguments.to)
        case Mode.FETCH:
            from apps.kr_cbt.fetch import fetch  # the same

            return _locked(
                settings,
                lambda _: fetch(
                    settings,
                    cbt,
                    config_dir,
                    arguments.stocks,
                    days=arguments.days,
                    to=arguments.to,
                ),
            )
        case Mode.SWEEP:
            from apps.kr_cbt.sweep import sweep  # the same

            return sweep(settings, cbt, arguments.research, arguments.to)
        case Mode.IMPORT:
            return _import(arguments, settings)
        case _:
            if refusals := call_plan(settings).refusals():
                return _say("\n".join(refusals), ExitCode.REFUSED)
            return _locked(settings, lambda lock: _session(settings, cbt, config_dir, lock))


def _import(arguments: Arguments, settings: Settings) -> int:
    files = arguments.research
    if files.kis_yaml is not None:
        from apps.kr_cbt.import_strategy import import_strategy

        return import_strategy(files.kis_yaml, arguments.to or Path("kis_strategy.yaml"))
    from apps.kr_cbt.import_bars import import_bars  # polars

    return import_bars(files.csv, arguments.to or store_path(settings))


def _asked_settings(arguments: Arguments, config_dir: Path) -> Settings:
    return load_settings(
        argv_overrides=arguments.overrides(),
        environ=environ,
        dotenv=Path(".env"),
        config=arguments.trade_config or config_dir / "kr_trade.yaml",
        universe=arguments.universe or config_dir / "universe.yaml",
    )


def _locked(settings: Settings, act: Callable[[InstanceLock], int]) -> int:
    """Hold the lock and the log around `act`. Until it trades, SIGTERM is like Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    redactor = Redactor(settings.secret_values())
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    try:
        lock.acquire(now=datetime.now(KST))
        log = open_log(
            settings.paths.log_dir, name="kr_cbt", level=settings.log.level, redactor=redactor
        )
    except (InstanceHeld, OSError, KeyboardInterrupt) as error:
        return _say(*ending_of(error))
    try:
        return act(lock)
    except AccountFileDamaged as error:
        return _say(str(error), ExitCode.REFUSED)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # told, logged, exit code
        _log.error("app.failed", exc_info=True)
        return _say(*ending_of(error))
    finally:
        close_log(log)
        lock.release()


def _session(settings: Settings, cbt: CbtSettings, config_dir: Path, lock: InstanceLock) -> int:
    print(_BANNER, *([_SIMULATED] if settings.uses_simulator else []), _RULE, sep="\n", flush=True)
    for warning in settings.warnings:
        print(f"[주의] {warning}", flush=True)
    told = open_listeners(settings, mode=TradingMode.VIRTUAL)
    container = cbt_container(
        settings=settings, cbt=cbt, config_dir=config_dir, notifier=told.fan_out
    )
    try:
        container.init_resources()
        if not container.account_lock().acquire():
            return _say(
                "다른 프로그램이 이 가상 계좌를 쓰고 있습니다(계좌 잠금).",
                ExitCode.ALREADY_RUNNING,
            )
        container.client().ensure_token()  # wrong keys and an unreachable broker show here
        return _run(container, settings, told, lock)
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
) -> int:
    clock, engine = container.clock(), container.engine()
    told.names.follow(engine.books)
    stop = StopRequest(clock, on_overdue=lambda: _leave_behind(told))
    stop.install()
    _announce(container, settings, told.fan_out)
    is_finished = run(engine, clock, stop, heartbeat=lambda: lock.heartbeat(now=datetime.now(KST)))
    engine.stop()
    reason = "finished" if is_finished else "interrupted"
    with suppress(SimulatorUnreachable):
        told.fan_out.tell(
            Event(kind=EventKind.SESSION_STOPPED, at=clock.now(), fields={"reason": reason})
        )
    if engine.halted is not None:
        return _say(f"거래할 종목이 없어 끝냅니다: {meaning(engine.halted)}", ExitCode.HALTED)
    return ExitCode.OK if is_finished else ExitCode.INTERRUPTED


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


def _leave_behind(told: Listeners) -> None:
    """The step that is going on does not end: whatever was told reaches console and log."""
    _log.warning("app.step_left_behind")
    told.leave_behind()


def _say(sentence: str, code: ExitCode) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
