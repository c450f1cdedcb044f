"""`--mode import-legacy`: the replaced system's tables, once (D-09)."""

from datetime import datetime

from sqlalchemy import Engine

from apps.account import account_of
from apps.exit_code import ExitCode
from apps.kr_trade.endings import say_ending
from apps.session_settings import strategy_parameters
from apps.terminal import say
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.account_lock import account_lock
from kis_adapters.sql.database import open_database
from kis_adapters.sql.legacy_import import import_legacy
from kis_adapters.sql.legacy_rows import TableReport
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.ports.store import StoreMisfit, StoreUnavailable
from kis_core.positions.position import Levels
from kis_core.strategy.levels import entry_levels


def bring_over(settings: Settings, source: str, *, is_rehearsal: bool = False) -> int:
    """Import and print what became of every table. Refused while a session runs, here or, on a
    server, on another machine. A rehearsal only prints."""
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    parameters = strategy_parameters(settings)

    def levels_of(cost: int, quantity: int, atr: float) -> Levels:
        return entry_levels(cost=cost, quantity=quantity, atr=atr, parameters=parameters)

    try:
        lock.acquire(now=datetime.now(KST))
    except (InstanceHeld, OSError) as error:
        return say_ending(error)
    database: Engine | None = None
    try:
        database = open_database(settings.database.url.get_secret_value())
        namespace = Namespace(mode=settings.mode, account=account_of(settings))
        trading = account_lock(database, namespace)
        if not trading.acquire():
            return say(
                "다른 프로그램이 이 계좌를 거래하고 있습니다(계좌 잠금).", ExitCode.ALREADY_RUNNING
            )
        try:
            reports = import_legacy(
                source,
                database,
                namespace,
                levels_of=levels_of,
                now=datetime.now(KST),
                is_rehearsal=is_rehearsal,
            )
        finally:
            trading.release()
    except (StoreMisfit, StoreUnavailable, OSError) as error:
        return say_ending(error)
    except KeyboardInterrupt:
        return say("중단했습니다. 아무것도 가져오지 않았습니다.", ExitCode.INTERRUPTED)
    finally:
        if database is not None:
            database.dispose()
        lock.release()
    if is_rehearsal:
        print("예행(--dry-run): 아래와 같이 가져오게 되며, 지금은 아무것도 쓰지 않았습니다.")
    for report in reports:
        _print(report)
    if not any(report.is_there for report in reports):
        return say("옛 시스템의 테이블이 하나도 없습니다. --from 을 확인하세요.", ExitCode.REFUSED)
    return ExitCode.OK


def _print(report: TableReport) -> None:
    if not report.is_there:
        print(f"{report.name}: 테이블이 없습니다")
        return
    already = f", 이미 있음 {report.known_already:,}행" if report.known_already else ""
    print(f"{report.name}: {report.read:,}행 가운데 {report.taken:,}행을 가져왔습니다{already}")
    for why, count in sorted(report.skipped.items()):
        print(f"  가져오지 않음 {count:,}행: {why}")
    if report.unknown_columns:
        print(f"  읽지 않은 열: {', '.join(report.unknown_columns)}")
    for warning in report.warnings:
        print(f"  [주의] {warning}")
