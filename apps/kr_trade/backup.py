"""`--mode backup` and `--mode restore` (D-08)."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from apps.account import account_of
from apps.exit_code import ExitCode
from apps.kr_trade.endings import say_ending
from apps.terminal import say
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.backup import back_up
from kis_adapters.sql.database import open_database
from kis_adapters.sql.restore import DatabaseInUse, restore
from kis_adapters.sql.sealed_file import BadBackup
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.ports.store import StoreMisfit, StoreUnavailable


def make_backup(settings: Settings, target: Path) -> int:
    """Copy the database to `target`, while a session may be running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clear up, as with Ctrl-C
    try:
        database = open_database(settings.database.url.get_secret_value())
        try:
            with _progress("백업") as progress:
                counts = back_up(database, target, now=datetime.now(KST), progress=progress)
        finally:
            database.dispose()
        size = target.stat().st_size
    except FileExistsError as error:
        return say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable) as error:
        return say_ending(error)
    except OSError as error:
        return say(f"백업하지 못했습니다. {error}", ExitCode.FAILURE)
    except KeyboardInterrupt:
        return say("중단했습니다. 완성되지 않은 백업은 남기지 않습니다.", ExitCode.INTERRUPTED)
    rows = sum(counts.values())
    print(f"백업했습니다: {target} (테이블 {len(counts)}개, {rows:,}행, {size:,}바이트)")
    return ExitCode.OK


def restore_backup(settings: Settings, source: Path, *, may_replace: bool) -> int:
    """Put the backup `source` in the database's place; refused while a session runs."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    try:
        lock.acquire(now=datetime.now(KST))
    except (InstanceHeld, OSError) as error:
        return say_ending(error)
    try:
        with _progress("되돌리기") as progress:
            counts, before = restore(
                source,
                settings.database.url.get_secret_value(),
                may_replace=may_replace,
                now=datetime.now(KST),
                progress=progress,
                accounts=(Namespace(mode=settings.mode, account=account_of(settings)),),
            )
    except BadBackup as error:
        return say(str(error), ExitCode.REFUSED)
    except DatabaseInUse as error:
        return say(str(error), ExitCode.ALREADY_RUNNING)
    except (StoreMisfit, StoreUnavailable) as error:
        return say_ending(error)
    except OSError as error:
        return say(f"되돌리지 못했습니다. {error}", ExitCode.FAILURE)
    except KeyboardInterrupt:
        return say(
            "중단했습니다. 데이터베이스는 그대로이거나 전부 바뀌었습니다."
            " --mode status 로 확인하세요.",
            ExitCode.INTERRUPTED,
        )
    finally:
        lock.release()
    print(f"되돌렸습니다: {source} (테이블 {len(counts)}개, {sum(counts.values()):,}행)")
    if before is not None:
        print(f"전에 있던 데이터베이스: {before}")
    print("다음 시작 때 증권사의 잔고와 주문에 다시 맞춥니다.")
    return ExitCode.OK


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[str, int], None]]:
    """A line at a terminal that says which table and how far; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _table, _rows: None
        return
    with console.status(f"{doing} 중") as status:
        yield lambda table, rows: status.update(f"{doing} 중: {escape(table)} {rows:,}행")
