"""What an operator sets about the session itself: values, with the defaults of the design."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum, unique

from kis_core.market.cost import Commission
from kis_core.market.symbol import Symbol
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Namespace
from kis_core.risk.limits import RiskLimits
from kis_core.session.first_day import FirstDayLimits
from kis_core.sizing.policy import Fixed, SizingPolicy
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.strategy import Strategy
from kis_core.strategy.trend_atr_strategy import TrendAtr

MINIMUM_INTERVAL = timedelta(seconds=60)
_FINGERPRINT_LENGTH = 12


@unique
class OnUnexplained(StrEnum):
    """What a difference between holdings and positions does that no order explains (P-07). The
    position follows the broker in each case: what is held must be guarded."""

    WARN = "warn"  # it is told, and nothing else
    EXITS_ONLY = "exits_only"  # the symbol is not entered until a person looked
    STOP = "stop"  # nothing is entered until a person looked: the kill switch too


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSettings:
    """How orders are placed and followed.

    `settle_buy` and `settle_sell`: how long the broker's list is given to show an order whose
    answer was lost, and `settle_lookups` how often at least it is asked, before the order counts
    as not received. A paper account's list lags by up to minutes; a buy loses nothing by
    waiting, a sale is protected by what the broker says is sellable, so it waits less.
    `exit_wait`: how long a sale may stay unfilled before it is taken off and decided again, and
    `exit_attempts` how often that is done in a row (O-12). `unsettled_for`: how long a symbol's
    holdings may still be moving after its last order changed.
    """

    entry_order_type: OrderType = OrderType.LIMIT
    entry_limit_pct: float = 0.5
    poll: timedelta = timedelta(seconds=2)
    fill_wait: timedelta = timedelta(seconds=45)
    exit_wait: timedelta = timedelta(seconds=3)
    exit_attempts: int = 10
    cancel_again: timedelta = timedelta(seconds=10)
    unsettled_for: timedelta = timedelta(seconds=90)
    settle_lookups: int = 3
    settle_interval: timedelta = timedelta(seconds=5)
    settle_buy: timedelta = timedelta(seconds=180)
    settle_sell: timedelta = timedelta(seconds=30)
    skew: timedelta = timedelta(seconds=5)
    entry_legs_max: int = 3
    pending_exit_backoff: timedelta = timedelta(minutes=5)
    stale: timedelta = timedelta(minutes=240)
    stale_without_number: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSettings:
    """What one symbol does differently (T-16); None: as everywhere else."""

    strategy: Strategy | None = None
    sizing: SizingPolicy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """The session's settings. `candidates` are the symbols that may be entered, in order of
    preference; held symbols are managed whether or not they are among them (U-13).
    `scan_chunk` symbols are quoted, and `prepare_chunk` prepared, before other things get their
    turn. `outage_after`: how long nothing may be answered before no order is sent (E-03).
    `strategy` None is trend + ATR with `parameters`. `first_day` limits a real account's first
    orders; None everywhere else."""

    namespace: Namespace
    candidates: tuple[Symbol, ...]
    parameters: StrategyParameters
    limits: RiskLimits
    strategy: Strategy | None = None
    sizing: SizingPolicy = field(default_factory=Fixed)
    overrides: Mapping[Symbol, SymbolSettings] = field(default_factory=dict)
    first_day: FirstDayLimits | None = None
    commission: Commission = field(default_factory=Commission)
    orders: OrderSettings = field(default_factory=OrderSettings)
    interval: timedelta = MINIMUM_INTERVAL
    near_stop_interval: timedelta = timedelta(seconds=15)
    late_cycle: timedelta = timedelta(seconds=5)
    snapshot_every: timedelta = timedelta(minutes=10)
    prepare_before_open: timedelta = timedelta(minutes=20)
    close_after: timedelta = timedelta(minutes=2)
    outage_after: timedelta = timedelta(seconds=60)
    on_unexplained: OnUnexplained = OnUnexplained.EXITS_ONLY
    prepare_chunk: int = 5
    scan_chunk: int = 30
    event_dates: frozenset[date] = frozenset()
    kill_switch: str | None = None
    max_cycles: int | None = None
    exit_after_close: bool = False
    _strategy: Strategy = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_strategy", self.strategy or TrendAtr(self.parameters))
        if self.interval < MINIMUM_INTERVAL:
            raise ValueError(f"interval must be at least 60 s, was {self.interval}")
        if self.scan_chunk < 1 or self.prepare_chunk < 1:
            raise ValueError("scan_chunk and prepare_chunk must be at least 1")

    def strategy_of(self, symbol: Symbol) -> Strategy:
        """How `symbol` is traded."""
        own = self.overrides.get(symbol)
        return self._strategy if own is None or own.strategy is None else own.strategy

    def sizing_of(self, symbol: Symbol) -> SizingPolicy:
        """How many shares of `symbol` are bought."""
        own = self.overrides.get(symbol)
        return self.sizing if own is None or own.sizing is None else own.sizing

    def fingerprint(self) -> str:
        """A short hash of all that contexts are computed with."""
        own = {s: o.strategy.fingerprint for s, o in self.overrides.items() if o.strategy}
        if not own:
            return self._strategy.fingerprint
        text = "|".join([self._strategy.fingerprint, *(f"{s}={own[s]}" for s in sorted(own))])
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
