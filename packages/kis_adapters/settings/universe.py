"""`config/universe.yaml`: which symbols may be traded."""

from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, field_validator, model_validator

from kis_adapters.settings.sections import Count, NotNegative, Section
from kis_core.market.symbol import parse_symbol

SelectionMethod = Literal["fixed", "volume_top", "atr_filter", "combined"]
AutomaticMethod = Literal["volume_top", "atr_filter", "combined"]


class UniverseSettings(Section):
    """The keys below `universe`. `universe_size` and `max_positions` None mean `max_stocks`.

    This version selects `fixed` only, and that is what a file without `selection_method` means.
    """

    selection_method: SelectionMethod = "fixed"
    max_stocks: Annotated[int, Field(ge=1, le=200)] = 5
    universe_size: Count | None = None
    max_positions: Count | None = None
    min_volume: NotNegative = 1_000_000_000
    min_market_cap: NotNegative = 1_000
    min_atr_pct: NotNegative = 1.0
    max_atr_pct: NotNegative = 8.0
    exclude_management: bool = True
    volume_top_n: Count = 50
    atr_period: Count = 14
    candidate_pool_mode: Literal["yaml", "market", "kospi200", "volume_top"] = "market"
    market_scan_size: Count = 200
    candidate_stocks: tuple[str, ...] = ()
    stocks: tuple[str, ...] = ()
    allow_alphanumeric_codes: bool = False
    fallback_to_fixed: bool = True
    halt_on_fallback_in_real: bool = False
    universe_cache_file: str = "data/universe_cache.json"
    cache_refresh_enabled: bool = False
    cache_refresh_on_restart: bool = False
    cache_refresh_on_market_open: bool = False
    cache_refresh_interval_minutes: Annotated[int, Field(ge=0)] = 0
    cache_refresh_methods: tuple[AutomaticMethod, ...] = ("combined", "volume_top", "atr_filter")

    @field_validator("selection_method")
    @classmethod
    def _is_supported(cls, method: str) -> str:
        if method != "fixed":
            raise ValueError(
                f"'{method}'은(는) 아직 지원하지 않습니다. 지금은 fixed(stocks 목록)만 지원합니다."
            )
        return method

    @model_validator(mode="after")
    def _codes_are_valid(self) -> Self:
        for code in (*self.stocks, *self.candidate_stocks):
            parse_symbol(code, allow_alphanumeric=self.allow_alphanumeric_codes)
        if not self.stocks:
            raise ValueError("종목(stocks)이 하나도 없습니다.")
        return self

    @property
    def entry_candidates(self) -> int:
        """How many symbols of the universe may be entered."""
        return self.universe_size or self.max_stocks

    @property
    def positions_max(self) -> int:
        """How many positions may be held at once."""
        return self.max_positions or self.max_stocks


USED_BY_FIXED = frozenset(
    {
        "selection_method",
        "max_stocks",
        "universe_size",
        "max_positions",
        "stocks",
        "allow_alphanumeric_codes",
    }
)


class StockOverride(Section):
    """What one symbol does differently; None: as everywhere else."""

    order_quantity: Count | None = None
    atr_multiplier_sl: Annotated[FiniteFloat, Field(gt=0)] | None = None
    atr_multiplier_tp: Annotated[FiniteFloat, Field(gt=0)] | None = None
    max_loss_pct: Annotated[FiniteFloat, Field(gt=0, le=100)] | None = None
    trailing_stop_atr_multiplier: Annotated[FiniteFloat, Field(gt=0)] | None = None
    trailing_activation_pct: NotNegative | None = None
    adx_threshold: Annotated[FiniteFloat, Field(gt=0, lt=100)] | None = None
    atr_spike_threshold: Annotated[FiniteFloat, Field(gt=0)] | None = None
