"""`--mode backup` and `--mode restore` (D-08)."""

import sys
from datetime import datetime
from pathlib import Path

from apps.exit_code import ExitCode
from apps.kr_trade.endings import ending_of
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.backup import BadBackup, back_up, restore
from kis_adapters.sql.database import open_database
from kis_core.market.session import KST
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.ports.store import StoreMisfit, StoreUnavailable


def make_backup(settings: Settings, target: Path) -> int:
    """Copy the database to `target`, while a session may be running."""
    database = open_database(settings.database.url.get_secret_value())
    try:
        counts = back_up(database, target, now=datetime.now(KST), progress=_show)
    except FileExistsError as error:
        return _say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable) as error:
        return _say(*ending_of(error))
    except OSError as error:
        return _say(f"백업하지 못했습니다. {error}", ExitCode.FAILURE)
    finally:
        database.dispose()
    rows = sum(counts.values())
    size = target.stat().st_size
    print(f"백업했습니다: {target} (테이블 {len(counts)}개, {rows:,}행, {size:,}바이트)")
    return ExitCode.OK


def restore_backup(settings: Settings, source: Path, *, may_replace: bool) -> int:
    """Put the backup `source` in the database's place; refused while a session runs."""
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    try:
        lock.acquire(now=datetime.now(KST))
    except (InstanceHeld, OSError) as error:
        return _say(*ending_of(error))
    try:
        counts, before = restore(
            source,
            settings.database.url.get_secret_value(),
            may_replace=may_replace,
            now=datetime.now(KST),
            progress=_show,
        )
    except BadBackup as error:
        return _say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable) as error:
        return _say(*ending_of(error))
    except OSError as error:
        return _say(f"되돌리지 못했습니다. {error}", ExitCode.FAILURE)
    finally:
        lock.release()
    print(f"되돌렸습니다: {source} (테이블 {len(counts)}개, {sum(counts.values()):,}행)")
    if before is not None:
        print(f"전에 있던 데이터베이스: {before}")
    print("다음 시작 때 증권사의 잔고와 주문에 다시 맞춥니다.")
    return ExitCode.OK


def _show(table: str, rows: int) -> None:
    if sys.stderr.isatty():
        print(f"\r  {table}: {rows:,}행\033[K", end="", file=sys.stderr, flush=True)


def _say(sentence: str, code: ExitCode) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return code
