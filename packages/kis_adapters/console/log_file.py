"""The log: one JSON object a line, a file a day, 10 MB a file, 100 MB in all (L-01)."""

import json
import logging
from collections.abc import Callable
from datetime import date, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.types import EventDict, WrappedLogger

from kis_adapters.console.redactor import Redactor
from kis_core.market.session import KST

_FILE_BYTES = 10 * 1024 * 1024
_FILES = 10
_TALKATIVE = ("httpx", "httpcore", "asyncio", "uvicorn", "sqlalchemy", "urllib3", "alembic")


class DailyLogHandler(RotatingFileHandler):
    """`{name}_YYYYMMDD.log`, numbered when it is full; the oldest files go when all together are
    more than `file_bytes` × 10. The day is asked for with each line, so that a run of a month
    writes thirty files (F-074). `failures` counts lines that could not be written: a full disk
    is not a reason to stop (E-07).
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        today: Callable[[], date],
        file_bytes: int = _FILE_BYTES,
    ) -> None:
        self._directory, self._prefix, self._today = directory, name, today
        self._day = today()
        self.failures = 0
        super().__init__(
            self._path(self._day),
            maxBytes=file_bytes,
            backupCount=_FILES - 1,
            encoding="utf-8",
            delay=True,
        )

    def emit(self, record: logging.LogRecord) -> None:
        day = self._today()
        if day != self._day:
            self._turn_page(day)
        super().emit(record)

    def doRollover(self) -> None:
        super().doRollover()
        self._prune()

    def handleError(self, record: logging.LogRecord) -> None:
        self.failures += 1

    def _path(self, day: date) -> Path:
        return self._directory / f"{self._prefix}_{day:%Y%m%d}.log"

    def _turn_page(self, day: date) -> None:
        stream, self.stream = self.stream, None  # opened again by the next line
        if stream is not None:
            stream.close()
        self._day = day
        self.baseFilename = str(self._path(day).absolute())
        self._prune()

    def _prune(self) -> None:
        room = self.maxBytes * _FILES
        try:
            files = sorted(
                self._directory.glob(f"{self._prefix}_*.log*"), key=lambda f: -f.stat().st_mtime
            )
            for file in files:
                room -= file.stat().st_size
                if room < 0 and str(file.absolute()) != self.baseFilename:
                    file.unlink()
        except OSError:
            self.failures += 1


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a record and then takes the secrets out, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(_json),
            ],
            foreign_pre_chain=[structlog.stdlib.add_log_level, _stamp],
        )
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.redact(super().format(record))


def open_log(
    directory: Path,
    *,
    name: str,
    level: str,
    redactor: Redactor,
    today: Callable[[], date] | None = None,
) -> DailyLogHandler:
    """Send everything that anybody logs, through structlog or `logging`, to files in `directory`.

    Raises OSError when the directory cannot be made or written. Close with `close_log`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    handler = DailyLogHandler(
        directory, name=name, today=today or (lambda: datetime.now(KST).date())
    )
    Path(handler.baseFilename).open("a", encoding="utf-8").close()  # fail now, not in the session
    handler.setFormatter(_RedactingFormatter(redactor))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            _stamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return handler


def close_log(handler: DailyLogHandler) -> None:
    """Stop writing to `handler`'s files."""
    logging.getLogger().removeHandler(handler)
    handler.close()
    structlog.reset_defaults()


def _stamp(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """An entry that brings its own time (the session's clock) keeps it."""
    entry.setdefault("timestamp", datetime.now(KST).isoformat())
    return entry


def _json(entry: object, **_options: object) -> str:
    return json.dumps(entry, ensure_ascii=False, default=str)
