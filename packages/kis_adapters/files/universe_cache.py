"""`data/universe_cache.json`: the universe of the day, in the format operators know.

`date`, `stocks` and `selection_method` are the fields of the replaced system, whose files are
read too; `selected_at` (KST) is ours, and whatever else stands there is left alone.
"""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kis_adapters.files.atomic import replace_file, set_aside
from kis_core.market.symbol import Symbol
from kis_core.ports.universe_cache import CacheNotWritten, UniverseCache
from kis_core.universe.reuse import CacheAbsent, CacheDamaged, CachedUniverse, Stored

_BYTES_MAX = 1_000_000  # thousands of codes; what is larger is no universe
_CODE = re.compile(r"[0-9A-Z]{6}")

_log = structlog.stdlib.get_logger(__name__)


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError("not a symbol")
    return text


class _Document(BaseModel):
    """The file. `date` is the session's."""

    model_config = ConfigDict(extra="ignore", strict=True)

    date: Annotated[date, Field(strict=False)]
    stocks: Annotated[list[Annotated[str, AfterValidator(_code)]], Field(min_length=1)]
    selection_method: Annotated[str, Field(min_length=1)]
    selected_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


class FileUniverseCache(UniverseCache):
    """One file, replaced whole. A damaged one is set aside as `<name>.damaged`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def location(self) -> str:
        """See the port."""
        return str(self._path)

    def load(self) -> Stored:
        """See the port."""
        try:
            content = self._read()
        except FileNotFoundError:
            return CacheAbsent()
        except OSError as error:
            return CacheDamaged(why=error.strerror or type(error).__name__)
        try:
            document = _Document.model_validate_json(content)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in found["loc"])
            return self._damaged(f"{where}: {found['msg']}".removeprefix(": "))
        return CachedUniverse(
            session_date=document.date,
            symbols=tuple(Symbol(code) for code in document.stocks),
            method=document.selection_method,
            selected_at=document.selected_at,
        )

    def save(self, universe: CachedUniverse) -> None:
        """See the port."""
        at: datetime | None = universe.selected_at
        document = {
            "date": universe.session_date.isoformat(),
            "stocks": list(universe.symbols),
            "selection_method": str(universe.method),
            "selected_at": at.isoformat() if at is not None else None,
        }
        try:
            replace_file(self._path, json.dumps(document, indent=1).encode())
        except OSError as error:
            raise CacheNotWritten(error.strerror or type(error).__name__) from error

    def _read(self) -> bytes:
        with self._path.open("rb") as stream:
            return stream.read(_BYTES_MAX)

    def _damaged(self, why: str) -> CacheDamaged:
        try:
            kept_as = set_aside(self._path, suffix="damaged")
        except OSError as error:
            _log.warning("universe_cache.not_set_aside", error=error.strerror)
        else:
            _log.warning("universe_cache.damaged", why=why, kept_as=str(kept_as))
        return CacheDamaged(why=why)
