"""What a researcher sets about a backtest, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique

from kis_core.market.cost import Commission
from kis_core.market.symbol import Instrument, Product, Symbol
from kis_core.market.tick import ceil_to_tick, floor_to_tick
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.risk.limits import RiskLimits
from kis_core.sizing.policy import Fixed, SizingPolicy
from kis_core.strategy.parameters import StrategyParameters
from kis_core.universe.policy import UniversePolicy

_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """How much worse than the path's price a fill is: `bp` of the price, then `ticks`.

    Purchases round up and sales down, to the tick, so that a fill is a price that can trade.
    """

    ticks: int = 1
    bp: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.ticks <= 100 and 0 <= self.bp <= 1_000):
            raise ValueError(f"slippage must be 0..100 ticks and 0..1000 bp, was {self}")

    def bought(self, price: int, *, product: Product, on: date) -> Won:
        """What a purchase at `price` really pays."""
        paid = ceil_to_tick(-(-price * (_BP + self.bp) // _BP), product, on)
        for _ in range(self.ticks):
            paid = ceil_to_tick(paid + 1, product, on)
        return paid

    def sold(self, price: int, *, product: Product, on: date) -> Won:
        """What a sale at `price` really brings; never below the lowest tick."""
        got = floor_to_tick(price * (_BP - self.bp) // _BP, product, on)
        for _ in range(self.ticks):
            got = floor_to_tick(max(got - 1, 1), product, on)
        return max(got, ceil_to_tick(1, product, on))


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """The account's and the strategy's settings. `cash` is the start, in won.

    `entry_limit_pct`: how far above the trigger the entry's limit stands; a fill that slippage
    would put beyond it does not happen. `universe` None: every symbol may be entered on every
    day. `instruments`: a symbol without one is an ordinary KOSPI share, whose tick is never finer
    and whose tax never lower. `drawdown_pause`: sessions after which the operator is taken to
    have cleared a kill switch that drawdown engaged; None: never, and entries end there.
    `first`, `last` bound the sessions traded; bars before `first` still feed the indicators.
    """

    parameters: StrategyParameters = field(default_factory=StrategyParameters)
    limits: RiskLimits = field(default_factory=RiskLimits)
    sizing: SizingPolicy = field(default_factory=Fixed)
    commission: Commission = field(default_factory=Commission)
    slippage: Slippage = field(default_factory=Slippage)
    cash: int = 10_000_000
    is_taxed: bool = True
    entry_limit_pct: float = 0.5
    universe: UniversePolicy | None = None
    instruments: Mapping[Symbol, Instrument] = field(default_factory=dict)
    event_dates: frozenset[date] = frozenset()
    drawdown_pause: int | None = None
    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.cash < 1:
            raise ValueError(f"cash must be positive, was {self.cash}")
        if not 0 <= self.entry_limit_pct <= 30:
            raise ValueError(f"entry_limit_pct must be within 0..30, was {self.entry_limit_pct}")
        if self.drawdown_pause is not None and self.drawdown_pause < 1:
            raise ValueError(f"drawdown_pause must be at least 1, was {self.drawdown_pause}")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"first {self.first} is after last {self.last}")


@unique
class EventKind(StrEnum):
    """What happened besides fills."""

    ENTRY_REFUSED = "entry_refused"  # risk, cash or sizing
    ENTRY_MISSED = "entry_missed"  # slippage went beyond the limit price
    EXIT_BLOCKED = "exit_blocked"  # at the lower limit nobody buys
    DELISTED = "delisted"
    BASIS_CHANGED = "basis_changed"
    DRAWDOWN_WARNED = "drawdown_warned"
    TRADING_STOPPED = "trading_stopped"
    TRADING_RESUMED = "trading_resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One of them; `detail` says which limit, and the figures."""

    session_date: date
    kind: EventKind
    symbol: Symbol | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFill:
    """Shares that changed hands. `price` is won a share, `commission` and `tax` won."""

    session_date: date
    symbol: Symbol
    side: Side
    quantity: int
    price: Won
    commission: int
    tax: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestTrade:
    """A closed round trip. `pnl` is won after all costs; `bars` counts sessions held, the entry's
    not included. `stop`, `take`, `atr` are those frozen at the entry, `highest` the highest price
    seen."""

    symbol: Symbol
    entry_session: date
    exit_session: date
    quantity: int
    entry_price: Won
    exit_price: Won
    reason: str
    commission: int
    tax: int
    pnl: int
    bars: int
    stop: Won
    take: Won
    atr: float
    highest: Won

    @property
    def return_pct(self) -> float:
        """`pnl` in percent of what was paid for the shares."""
        return 100.0 * self.pnl / (self.entry_price * self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHolding:
    """What is held at the end, marked at its last close: not a trade."""

    symbol: Symbol
    entry_session: date
    quantity: int
    cost: int
    last: Won


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """Everything a report needs. `equity` and `invested` are won at each session's close, beside
    `dates`; `benchmark` is what the start cash would be worth in the benchmark. `warnings`
    (Korean) are for the top of the report."""

    dates: tuple[date, ...]
    equity: tuple[int, ...]
    invested: tuple[int, ...]
    benchmark: tuple[float, ...]
    start_cash: int
    trades: tuple[BacktestTrade, ...]
    fills: tuple[BacktestFill, ...]
    events: tuple[Event, ...]
    holdings: tuple[OpenHolding, ...]
    warnings: tuple[str, ...]
