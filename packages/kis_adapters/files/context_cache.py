"""`data/contexts.json`: what a session prepared in the morning, so that a restart does not fetch
the bars again."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from kis_adapters.files.atomic import replace_file
from kis_core.ports.files import ContextCache, PreparedDay

_log = structlog.stdlib.get_logger(__name__)
_NOTHING = PreparedDay(contexts={}, instruments={})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    session_date: date
    fingerprint: str
    prepared: PreparedDay


_DOCUMENT = TypeAdapter(_Document)


class JsonContextCache(ContextCache):
    """One file, one session. It is a convenience: whatever is wrong with it, it is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, session_date: date, *, fingerprint: str) -> PreparedDay:
        try:
            document = _DOCUMENT.validate_json(self._path.read_bytes(), strict=True)
        except FileNotFoundError:
            return _NOTHING
        except (OSError, ValidationError) as error:
            _log.warning("context_cache.unusable", error=type(error).__name__)
            return _NOTHING
        is_wanted = document.session_date == session_date and document.fingerprint == fingerprint
        return document.prepared if is_wanted else _NOTHING

    def save(self, day: PreparedDay, *, session_date: date, fingerprint: str) -> None:
        document = _Document(session_date=session_date, fingerprint=fingerprint, prepared=day)
        try:
            replace_file(self._path, _DOCUMENT.dump_json(document))
        except OSError as error:
            _log.warning("context_cache.write_failed", error=error.strerror)
