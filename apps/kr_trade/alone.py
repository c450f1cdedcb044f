"""What must be the only one of its kind: under the lock, with a log, and to be stopped any time."""

from collections.abc import Callable
from datetime import datetime

import structlog

from apps.kr_trade.endings import say_ending
from apps.kr_trade.lifetime import StopRequest
from kis_adapters.console.log_file import close_log, open_log
from kis_adapters.console.redactor import Redactor
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_core.market.session import KST
from kis_core.ports.instance_lock import InstanceHeld, InstanceLock


def alone(settings: Settings, *, app: str, act: Callable[[InstanceLock, StopRequest], int]) -> int:
    """Hold the lock and the log of `app` around `act`; returns the exit code, after having told
    how it ended where that was by an error."""
    stop = StopRequest(last_words=lambda: say_ending(KeyboardInterrupt()))
    stop.install()
    redactor = Redactor(settings.secret_values())
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    try:
        lock.acquire(now=datetime.now(KST))
        log = open_log(
            settings.paths.log_dir, name=app, level=settings.log.level, redactor=redactor
        )
    except (InstanceHeld, OSError, KeyboardInterrupt) as error:
        return say_ending(error)
    try:
        return act(lock, stop)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # told, logged, exit code
        structlog.stdlib.get_logger(app).error("app.failed", exc_info=True)
        return say_ending(error)
    finally:
        close_log(log)
        lock.release()
