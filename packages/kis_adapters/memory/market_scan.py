"""A market to scan in memory: what a test puts there, and what it breaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from kis_core.market.symbol import Symbol
from kis_core.ports.market_scan import (
    Board,
    History,
    IndexList,
    IndexMembers,
    MarketScan,
    MarketScanUnavailable,
    RankedIssue,
    Ranking,
)
from kis_core.ports.universe_cache import CacheNotWritten, UniverseCache
from kis_core.universe.candidate import Snapshot, Status, Unread
from kis_core.universe.reuse import CacheAbsent, CachedUniverse, Stored

_NOT_THERE = "no answer"


@dataclass(slots=True)
class MemoryMarketScan(MarketScan):
    """Answers from its mappings; a symbol in none of them is unread. `is_down` fails every call,
    `without_rankings` the rankings alone. `asked` lists (kind, symbols) of every request."""

    rankings: dict[tuple[Ranking, Board], tuple[RankedIssue, ...]] = field(default_factory=dict)
    known_snapshots: dict[Symbol, Snapshot] = field(default_factory=dict)
    known_statuses: dict[Symbol, Status] = field(default_factory=dict)
    known_histories: dict[Symbol, History] = field(default_factory=dict)
    is_ranked: bool = False
    is_down: bool = False
    without_rankings: bool = False
    asked: list[tuple[str, tuple[Symbol, ...]]] = field(default_factory=list)
    _calls: int = 0

    @property
    def offers_rankings(self) -> bool:
        return self.is_ranked

    @property
    def calls(self) -> int:
        return self._calls

    def ranking(self, ranking: Ranking, board: Board) -> tuple[RankedIssue, ...]:
        self._ask(f"ranking {ranking} {board}", ())
        if self.without_rankings:
            raise MarketScanUnavailable("rankings are down")
        return self.rankings.get((ranking, board), ())

    def snapshots(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Snapshot | Unread]:
        self._ask("snapshots", symbols)
        return {s: self.known_snapshots.get(s, _unread(s)) for s in symbols}

    def statuses(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Status | Unread]:
        self._ask("statuses", symbols)
        return {s: self.known_statuses.get(s, _unread(s)) for s in symbols}

    def histories(
        self, symbols: Sequence[Symbol], *, on: date, count: int
    ) -> Mapping[Symbol, History | Unread]:
        self._ask("histories", symbols)
        return {s: self.known_histories.get(s, _unread(s)) for s in symbols}

    def _ask(self, kind: str, symbols: Sequence[Symbol]) -> None:
        self.asked.append((kind, tuple(symbols)))
        self._calls += max(1, len(symbols))
        if self.is_down:
            raise MarketScanUnavailable("the market scan is down")


@dataclass(slots=True)
class MemoryIndexMembers(IndexMembers):
    """A list that a test gives."""

    codes: tuple[str, ...] = ()
    as_of: date = date(2026, 6, 12)
    warning: str | None = None

    def kospi200(self) -> IndexList:
        return IndexList(
            as_of=self.as_of, codes=self.codes, source="시험 목록", warning=self.warning
        )


@dataclass(slots=True)
class MemoryUniverseCache(UniverseCache):
    """Keeps one universe; `is_read_only` refuses to store."""

    stored: Stored = field(default_factory=CacheAbsent)
    is_read_only: bool = False

    @property
    def location(self) -> str:
        return "memory"

    def load(self) -> Stored:
        return self.stored

    def save(self, universe: CachedUniverse) -> None:
        if self.is_read_only:
            raise CacheNotWritten("read-only")
        self.stored = universe


def _unread(symbol: Symbol) -> Unread:
    return Unread(symbol=symbol, why=_NOT_THERE)
