"""`config/universe.yaml`: which symbols may be traded, and how they are chosen."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from kis_adapters.settings.sections import Count, Multiplier, NotNegative, Section
from kis_core.market.symbol import parse_symbol
from kis_core.universe.policy import PoolMode, RefreshPolicy, SelectionMethod, UniversePolicy

MethodName = Literal["fixed", "volume_top", "atr_filter", "combined"]
AutomaticMethod = Literal["volume_top", "atr_filter", "combined"]

_STOCKS_MOST = 200
_SCAN_MOST = 3_000  # KOSPI and KOSDAQ together list fewer issues
_WON_MOST = 10**15  # a day's traded value of the whole exchange is far below
_EOK_MOST = 10**8

Stocks = Annotated[int, Field(ge=1, le=_STOCKS_MOST)]
Scanned = Annotated[int, Field(ge=1, le=_SCAN_MOST)]


class UniverseSettings(Section):
    """The keys below `universe`. `universe_size` and `max_positions` None mean `max_stocks`;
    `min_volume` is won of traded value, `min_market_cap` 억원, the ATR bounds percent."""

    selection_method: MethodName = "combined"
    max_stocks: Stocks = 5
    universe_size: Stocks | None = None
    max_positions: Stocks | None = None
    min_volume: Annotated[int, Field(ge=0, le=_WON_MOST)] = 1_000_000_000
    min_market_cap: Annotated[int, Field(ge=0, le=_EOK_MOST)] = 1_000
    min_atr_pct: Annotated[FiniteFloat, Field(ge=0, le=100)] = 1.0
    max_atr_pct: Annotated[FiniteFloat, Field(ge=0, le=100)] = 8.0
    exclude_management: bool = True
    volume_top_n: Scanned = 50
    atr_period: Annotated[int, Field(ge=1, le=50)] = 14
    candidate_pool_mode: Literal["yaml", "market", "kospi200", "volume_top"] = "market"
    market_scan_size: Scanned = 200
    candidate_stocks: tuple[str, ...] = ()
    stocks: tuple[str, ...] = ()
    allow_alphanumeric_codes: bool = False
    fallback_to_fixed: bool = True
    halt_on_fallback_in_real: bool = False
    universe_cache_file: Annotated[str, Field(min_length=1)] = "data/universe_cache.json"
    cache_refresh_enabled: bool = False
    cache_refresh_on_restart: bool = False
    cache_refresh_on_market_open: bool = False
    cache_refresh_interval_minutes: Annotated[int, Field(ge=0, le=390)] = 0
    cache_refresh_methods: tuple[AutomaticMethod, ...] = ("combined", "volume_top", "atr_filter")

    @model_validator(mode="after")
    def _codes_are_valid(self) -> Self:
        for code in (*self.stocks, *self.candidate_stocks):
            parse_symbol(code, allow_alphanumeric=self.allow_alphanumeric_codes)
        if self.selection_method == "fixed":
            if not self.stocks:
                raise ValueError("종목(stocks)이 하나도 없습니다.")
        elif self.candidate_pool_mode == "yaml" and not (self.candidate_stocks or self.stocks):
            raise ValueError(
                "candidate_pool_mode: yaml인데 candidate_stocks와 stocks에 종목이 하나도 없습니다."
            )
        return self

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.min_atr_pct > self.max_atr_pct:
            raise ValueError("min_atr_pct는 max_atr_pct보다 클 수 없습니다.")
        return self

    @property
    def entry_candidates(self) -> int:
        """How many symbols of the universe may be entered."""
        return self.universe_size or self.max_stocks

    @property
    def positions_max(self) -> int:
        """How many positions may be held at once."""
        return self.max_positions or self.max_stocks

    def policy(self) -> UniversePolicy:
        """The settings as the selection takes them."""
        minutes = self.cache_refresh_interval_minutes
        return UniversePolicy(
            method=SelectionMethod(self.selection_method),
            stocks=self.stocks,
            candidate_stocks=self.candidate_stocks,
            pool_mode=PoolMode(self.candidate_pool_mode),
            scan_size=self.market_scan_size,
            max_stocks=self.max_stocks,
            entry_candidates=self.entry_candidates,
            min_traded_value=self.min_volume,
            min_market_cap_eok=self.min_market_cap,
            min_atr_pct=self.min_atr_pct,
            max_atr_pct=self.max_atr_pct,
            exclude_managed=self.exclude_management,
            volume_top_n=self.volume_top_n,
            atr_period=self.atr_period,
            allow_alphanumeric=self.allow_alphanumeric_codes,
            fallback_to_fixed=self.fallback_to_fixed,
            halt_on_fallback_in_real=self.halt_on_fallback_in_real,
            refresh=RefreshPolicy(
                is_enabled=self.cache_refresh_enabled,
                on_restart=self.cache_refresh_on_restart,
                on_market_open=self.cache_refresh_on_market_open,
                interval=timedelta(minutes=minutes) if minutes else None,
                methods=frozenset(SelectionMethod(name) for name in self.cache_refresh_methods),
            ),
        )


USED_BY_FIXED = frozenset(
    {
        "selection_method",
        "max_stocks",
        "universe_size",
        "max_positions",
        "stocks",
        "allow_alphanumeric_codes",
        "universe_cache_file",
    }
)


class StockOverride(Section):
    """What one symbol does differently; None: as everywhere else."""

    order_quantity: Count | None = None
    atr_multiplier_sl: Multiplier | None = None
    atr_multiplier_tp: Multiplier | None = None
    max_loss_pct: Annotated[FiniteFloat, Field(gt=0, le=100)] | None = None
    trailing_stop_atr_multiplier: Multiplier | None = None
    trailing_activation_pct: NotNegative | None = None
    adx_threshold: Annotated[FiniteFloat, Field(gt=0, lt=100)] | None = None
    atr_spike_threshold: Multiplier | None = None
