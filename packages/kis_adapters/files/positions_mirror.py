"""`data/positions.json`: the open positions as the database has them, for people and tools.

Written from committed state, read by nobody who trades: the database is the truth (P-05).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import structlog
from pydantic import TypeAdapter, ValidationError

from kis_adapters.files.atomic import replace_file, set_aside
from kis_core.ports.files import PositionsMirror
from kis_core.positions.position import Position

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorContent:
    """A whole file: the positions as of `at`."""

    format: Literal[1] = 1
    at: datetime
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class MirrorAbsent:
    """There is no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorDamaged:
    """The file could not be believed and was moved to `kept_as` (None: it could not be)."""

    why: str
    kept_as: Path | None


_CONTENT = TypeAdapter(MirrorContent)


class JsonPositionsMirror(PositionsMirror):
    """`failures` counts the writes that did not succeed since the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failures = 0

    def write(self, positions: Sequence[Position], *, at: datetime) -> None:
        content = MirrorContent(at=at, positions=tuple(positions))
        try:
            replace_file(self._path, _CONTENT.dump_json(content, indent=1), keep_previous=True)
        except OSError as error:
            self.failures += 1
            _log.warning("positions_mirror.write_failed", failures=self.failures, error=_why(error))

    def read(self, *, now: datetime) -> MirrorContent | MirrorAbsent | MirrorDamaged:
        """What the file says. A damaged one is set aside and reported, never half believed."""
        try:
            return _CONTENT.validate_json(self._path.read_bytes(), strict=True)
        except FileNotFoundError:
            return MirrorAbsent()
        except OSError as error:
            return MirrorDamaged(why=_why(error), kept_as=None)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in found["loc"])
            return self._damaged(f"{where}: {found['msg']}", now=now)

    def _damaged(self, why: str, *, now: datetime) -> MirrorDamaged:
        kept_as: Path | None = None
        try:
            kept_as = set_aside(self._path, suffix=f"corrupt-{now:%Y%m%d-%H%M%S}")
        except OSError as error:
            why = f"{why}; {_why(error)}"
        _log.warning("positions_mirror.damaged", why=why, kept_as=str(kept_as))
        return MirrorDamaged(why=why, kept_as=kept_as)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
