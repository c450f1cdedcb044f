"""What every configured mode begins with: the settings, and where it must be alone, the lock."""

from collections.abc import Callable
from os import environ
from pathlib import Path

from apps.exit_code import ExitCode
from apps.kr_cbt.account import print_status, reset
from apps.kr_cbt.arguments import Arguments, Mode
from apps.kr_cbt.session import hold_session
from apps.kr_cbt.settings import CbtSettings, own_settings, read_cbt_settings, store_path
from apps.kr_trade.alone import alone
from apps.kr_trade.call_plan import call_plan
from apps.kr_trade.lifetime import StopRequest
from apps.terminal import say
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.location import config_directory
from kis_adapters.settings.settings import Settings
from kis_adapters.virtual.account_file import AccountFileDamaged
from kis_core.ports.instance_lock import InstanceLock


def perform(arguments: Arguments) -> int:
    """Do what is asked with what is configured; returns the exit code."""
    try:
        config_dir = config_directory(Path.cwd())
        asked = _asked_settings(arguments, config_dir)
        cbt = read_cbt_settings(
            arguments.config or config_dir / "kr_cbt.yaml", data_dir=asked.paths.data_dir
        )
    except (SettingsError, FileNotFoundError) as error:
        return say(str(error), ExitCode.REFUSED)
    settings = own_settings(asked)
    if not arguments.is_recorded:
        cbt = CbtSettings(rules=cbt.rules, recordings=None)
    return _do(arguments, settings, cbt, config_dir)


def _do(arguments: Arguments, settings: Settings, cbt: CbtSettings, config_dir: Path) -> int:
    match arguments.mode:
        case Mode.STATUS:
            return print_status(settings, cbt, as_json=arguments.as_json)
        case Mode.RESET:
            return _alone(settings, lambda *_: reset(settings, cbt, is_sure=arguments.yes))
        case Mode.EXPORT:
            from apps.kr_cbt.export import export  # polars, which a session does not need

            return export(settings, cbt, to=arguments.to)
        case Mode.FETCH:
            from apps.kr_cbt.fetch import fetch  # the same

            return _alone(
                settings,
                lambda *_: fetch(
                    settings,
                    cbt,
                    config_dir,
                    arguments.stocks,
                    days=arguments.days,
                    to=arguments.to,
                ),
            )
        case Mode.BACKTEST:
            from apps.kr_cbt.backtest import backtest  # the same

            return backtest(settings, cbt, arguments)
        case Mode.REPORT:
            from apps.kr_cbt.report import report  # the same

            return report(settings, cbt, arguments)
        case Mode.SWEEP:
            from apps.kr_cbt.sweep import sweep  # the same

            return sweep(settings, cbt, arguments.research, arguments.to)
        case Mode.IMPORT:
            return _import(arguments, settings)
        case _:
            if refusals := call_plan(settings).refusals():
                return say("\n".join(refusals), ExitCode.REFUSED)
            return _alone(
                settings, lambda lock, stop: hold_session(settings, cbt, config_dir, lock, stop)
            )


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


def _alone(settings: Settings, act: Callable[[InstanceLock, StopRequest], int]) -> int:
    def guarded(lock: InstanceLock, stop: StopRequest) -> int:
        try:
            return act(lock, stop)
        except AccountFileDamaged as error:
            return say(str(error), ExitCode.REFUSED)

    return alone(settings, app="kr_cbt", act=guarded)
