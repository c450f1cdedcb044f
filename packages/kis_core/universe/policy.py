"""What an operator sets about the universe, as a value that the selection can trust."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum, unique

from kis_core.market.percent import ppm
from kis_core.market.symbol import parse_symbol

COMBINED_FACTOR = 3  # `combined` first takes three times as many by traded value (U-06)


@unique
class SelectionMethod(StrEnum):
    """How the universe is chosen."""

    FIXED = "fixed"
    VOLUME_TOP = "volume_top"
    ATR_FILTER = "atr_filter"
    COMBINED = "combined"


@unique
class PoolMode(StrEnum):
    """Where the candidates come from before anything is filtered."""

    YAML = "yaml"
    MARKET = "market"
    KOSPI200 = "kospi200"
    VOLUME_TOP = "volume_top"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPolicy:
    """When a cached universe of today is selected again in session; by default never (U-15).

    `interval` None: not by age. Only the listed `methods` are refreshed.
    """

    is_enabled: bool = False
    on_restart: bool = False
    on_market_open: bool = False
    interval: timedelta | None = None
    methods: frozenset[SelectionMethod] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniversePolicy:
    """The settings of a selection.

    `max_stocks` bounds the universe, `entry_candidates` how many of it may be entered;
    `min_traded_value` is won, `min_market_cap_eok` 억원, both inclusive; the ATR bounds are
    percent of the close, inclusive. `stocks` and `candidate_stocks` are codes as written.
    Raises ValueError (Korean) for a code that cannot be one, and for bounds that contradict.
    """

    method: SelectionMethod = SelectionMethod.COMBINED
    stocks: tuple[str, ...] = ()
    candidate_stocks: tuple[str, ...] = ()
    pool_mode: PoolMode = PoolMode.MARKET
    scan_size: int = 200
    max_stocks: int = 5
    entry_candidates: int = 5
    min_traded_value: int = 1_000_000_000
    min_market_cap_eok: int = 1_000
    min_atr_pct: float = 1.0
    max_atr_pct: float = 8.0
    exclude_managed: bool = True
    volume_top_n: int = 50
    atr_period: int = 14
    allow_alphanumeric: bool = False
    fallback_to_fixed: bool = True
    halt_on_fallback_in_real: bool = False
    failures_max_pct: int = 10
    refresh: RefreshPolicy = field(default_factory=RefreshPolicy)

    def __post_init__(self) -> None:
        counts = (self.scan_size, self.max_stocks, self.entry_candidates)
        if min(*counts, self.volume_top_n, self.atr_period) < 1:
            raise ValueError("종목 수와 기간은 1 이상이어야 합니다")
        if self.min_atr_pct > self.max_atr_pct:
            raise ValueError("min_atr_pct는 max_atr_pct보다 클 수 없습니다")
        if not 0 <= self.failures_max_pct < 100:
            raise ValueError("failures_max_pct는 0 이상 100 미만이어야 합니다")
        for code in (*self.stocks, *self.candidate_stocks):
            parse_symbol(code, allow_alphanumeric=self.allow_alphanumeric)

    @property
    def min_atr_ppm(self) -> int:
        """`min_atr_pct` in parts per million, for exact comparison."""
        return ppm(self.min_atr_pct)

    @property
    def max_atr_ppm(self) -> int:
        """`max_atr_pct` in parts per million, for exact comparison."""
        return ppm(self.max_atr_pct)

    @property
    def listed_pool(self) -> tuple[str, ...]:
        """The pool that the operator wrote: `candidate_stocks`, else `stocks` (U-04)."""
        return self.candidate_stocks or self.stocks

    @property
    def is_pool_bounded(self) -> bool:
        """Whether `scan_size` bounds the pool: whatever is scanned, and `combined` (U-04)."""
        return self.pool_mode is not PoolMode.YAML or self.method is SelectionMethod.COMBINED
