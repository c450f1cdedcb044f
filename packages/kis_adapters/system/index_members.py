"""Who is in KOSPI200: refreshed from the broker's master file, else from a dated list on disk.

A list is a CSV with its date and source in comment lines before it (`# as_of: 2026-06-12`), then
the header `symbol,name` and one member a line, largest first. The bundled one ships with the
program; the refreshed one is written beside the other data, once a day.
"""

import csv
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import structlog

from kis_adapters.system.master_file import MasterFileDamaged, kospi200_of
from kis_core.market.symbol import Symbol
from kis_core.ports.clock import Clock
from kis_core.ports.market_scan import IndexList, IndexMembers, MarketScanUnavailable

_SYMBOL = re.compile(r"[0-9A-Z]{6}")
_MASTER_SOURCE = "증권사 종목 마스터"

MEMBERS_FILE = "kospi200.csv"  # of the configuration: shipped; of the data: refreshed
_log = structlog.stdlib.get_logger(__name__)


class IndexFileDamaged(Exception):
    """The file is not a dated list of members; the text is Korean and names the file."""


class DatedIndexMembers(IndexMembers):
    """`download` answers the content of the master file or raises MasterFileDamaged; None where
    nothing may be downloaded (simulator, tests). It is tried once a day."""

    def __init__(
        self,
        *,
        clock: Clock,
        bundled: Path,
        refreshed: Path | None = None,
        download: Callable[[], bytes] | None = None,
    ) -> None:
        self._clock = clock
        self._bundled = bundled
        self._refreshed = refreshed
        self._download = download
        self._told: tuple[date, IndexList] | None = None

    def kospi200(self) -> IndexList:
        """See the port."""
        today = self._clock.now().date()
        if self._told is not None and self._told[0] == today:
            return self._told[1]
        answer = self._newest(today)
        self._told = (today, answer)
        return answer

    def _newest(self, today: date) -> IndexList:
        kept = self._kept()
        if kept is not None and kept.as_of == today:
            return kept
        if self._download is None:
            return kept or self._from_bundle(None)
        try:
            codes = kospi200_of(self._download())
        except MasterFileDamaged as error:
            _log.warning("index_members.not_refreshed", why=str(error))
            warning = f"{error}. 가진 목록 중 가장 새것을 씁니다"
            if kept is None:
                return self._from_bundle(warning)
            return IndexList(
                as_of=kept.as_of, codes=kept.codes, source=kept.source, warning=warning
            )
        fresh = IndexList(as_of=today, codes=codes, source=_MASTER_SOURCE)
        self._keep(fresh)
        return fresh

    def _kept(self) -> IndexList | None:
        """The list refreshed last, if there is a usable one newer than the bundle."""
        if self._refreshed is None or not self._refreshed.exists():
            return None
        try:
            kept, bundled = read_index_list(self._refreshed), read_index_list(self._bundled)
        except IndexFileDamaged as error:
            _log.warning("index_members.kept_unusable", why=str(error))
            return None
        return kept if kept.as_of > bundled.as_of else None

    def _from_bundle(self, warning: str | None) -> IndexList:
        try:
            bundled = read_index_list(self._bundled)
        except IndexFileDamaged as error:
            raise MarketScanUnavailable(str(error)) from error
        return IndexList(
            as_of=bundled.as_of, codes=bundled.codes, source=bundled.source, warning=warning
        )

    def _keep(self, fresh: IndexList) -> None:
        if self._refreshed is None:
            return
        try:
            _write(self._refreshed, fresh)
        except OSError as error:
            _log.warning("index_members.not_kept", error=error.strerror)


def read_index_list(path: Path) -> IndexList:
    """Read a dated list. Raises IndexFileDamaged."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise IndexFileDamaged(f"KOSPI200 목록을 읽을 수 없습니다: {path} ({why})") from error
    except UnicodeDecodeError as error:
        raise IndexFileDamaged(f"{path}: UTF-8 파일이 아닙니다") from error
    heads = dict(_head(line) for line in lines if line.startswith("#") and ":" in line)
    try:
        as_of = date.fromisoformat(heads.get("as_of", ""))
    except ValueError as error:
        raise IndexFileDamaged(f"{path}: '# as_of: YYYY-MM-DD' 줄이 필요합니다") from error
    codes = [(row.get("symbol") or "").strip() for row in _rows(lines)]
    if not codes or len(set(codes)) != len(codes):
        raise IndexFileDamaged(f"{path}: 목록이 비었거나 같은 종목이 두 번 있습니다")
    for code in codes:
        if not _SYMBOL.fullmatch(code):
            raise IndexFileDamaged(f"{path}: 종목코드가 아닙니다: {code!r}")
    return IndexList(as_of=as_of, codes=tuple(codes), source=heads.get("source", path.name))


def read_index_names(path: Path) -> dict[Symbol, str]:
    """The names beside the codes of a list, where it has any; none of one that is unreadable."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    named = {
        (row.get("symbol") or "").strip(): (row.get("name") or "").strip() for row in _rows(lines)
    }
    return {Symbol(code): name for code, name in named.items() if _SYMBOL.fullmatch(code) and name}


def _rows(lines: list[str]) -> Iterator[dict[str, str]]:
    """The list below its comments."""
    return csv.DictReader(line for line in lines if line and not line.startswith("#"))


def _head(line: str) -> tuple[str, str]:
    name, _, value = line.lstrip("# ").partition(":")
    return name.strip(), value.strip()


def _write(path: Path, members: IndexList) -> None:
    """Replace `path` whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# as_of: {members.as_of}", f"# source: {members.source}", "symbol", *members.codes]
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
