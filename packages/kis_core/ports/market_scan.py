"""Looking over the whole market for candidates: rankings, index members, snapshots, histories.

Apart from MarketData, which serves the symbols that are traded: a scan is wide, costs calls that
trading must not miss, and runs before the open.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.universe.candidate import Snapshot, Status, Unread


class MarketScanUnavailable(Exception):
    """The source as a whole does not answer, or cannot be used (no token, refused)."""


@unique
class Ranking(StrEnum):
    """What issues are ranked by, descending."""

    TRADED_VALUE = "traded_value"
    MARKET_CAP = "market_cap"


@unique
class Board(StrEnum):
    """Which issues are ranked."""

    ALL = "all"
    KOSPI = "kospi"
    KOSDAQ = "kosdaq"
    KOSPI200 = "kospi200"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedIssue:
    """One row of a ranking. `code` is the source's and need not be a symbol of ours; `amount` is
    won of traded value, or 억원 of market capitalisation."""

    code: str
    name: str
    rank: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last completed days of `symbol`: `bars` ascending, traded days only, the newest not
    after the day asked for. `traded_value` is that day's won, 0 where nothing traded on it.
    """

    symbol: Symbol
    bars: tuple[Bar, ...]
    traded_value: int
    market_cap_eok: int | None


@runtime_checkable
class MarketScan(Protocol):
    """The wide view. Each mapping has exactly one entry for every symbol asked; one symbol's
    failure is its own Unread and never hides another's answer."""

    @property
    @abstractmethod
    def offers_rankings(self) -> bool:
        """Whether `ranking` may be asked at all; False in PAPER."""

    @property
    @abstractmethod
    def calls(self) -> int:
        """How many calls it has cost so far."""

    @abstractmethod
    def ranking(self, ranking: Ranking, board: Board) -> tuple[RankedIssue, ...]:
        """The first issues in order, thirty at most, empty before anything traded.

        Raises MarketScanUnavailable, also for an answer with gaps or repeats.
        """

    @abstractmethod
    def snapshots(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Snapshot | Unread]:
        """Today's figures, in bulk where the source has it (then without flags and size).

        Raises MarketScanUnavailable.
        """

    @abstractmethod
    def statuses(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Status | Unread]:
        """Flags and size, one call a symbol. Raises MarketScanUnavailable."""

    @abstractmethod
    def histories(
        self, symbols: Sequence[Symbol], *, on: date, count: int
    ) -> Mapping[Symbol, History | Unread]:
        """Up to `count` bars (at most about sixty) up to the completed day `on`, one call a
        symbol. An issue the source does not know has no bars. Raises MarketScanUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexList:
    """The members of an index as of a date. `source` and `warning` are Korean, for the operator;
    `warning` says why no newer list could be had."""

    as_of: date
    codes: tuple[str, ...]
    source: str
    warning: str | None = None


@runtime_checkable
class IndexMembers(Protocol):
    """Which issues KOSPI200 has; no broker endpoint tells."""

    @abstractmethod
    def kospi200(self) -> IndexList:
        """The newest list that can be had, largest issues first where known; never empty.
        Raises MarketScanUnavailable when even the bundled one cannot be read."""
