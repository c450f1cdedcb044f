"""What a report shows, whatever it is a report of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kis_core.research.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrade:
    """A closed round trip. Prices and `pnl` are won, the latter after all costs; `stop` and
    `take` as they were frozen at the entry (None: not known)."""

    symbol: str
    name: str
    entered: date
    left: date
    quantity: int
    entry_price: int
    exit_price: int
    reason: str
    pnl: int
    costs: int
    stop: int | None = None
    take: int | None = None

    @property
    def return_pct(self) -> float:
        """`pnl` in percent of what was paid for the shares."""
        return 100.0 * self.pnl / (self.entry_price * self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHolding:
    """What is held at the end, at its last price (won a share); `cost` is of all shares."""

    symbol: str
    name: str
    entered: date
    quantity: int
    cost: int
    last: int | None

    @property
    def unrealised(self) -> int | None:
        """Won gained or lost if it were sold at `last`, before costs."""
        return None if self.last is None else self.quantity * self.last - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Closes of one symbol, to draw its trades on."""

    symbol: str
    name: str
    dates: Sequence[date]
    closes: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything on the page. `equity` is won at the close of each of `dates`, `start` before the
    first; `benchmark` beside it, or empty. `parameters` are rows of (section, name, value);
    `warnings` and `pitfalls` are Korean sentences."""

    title: str
    subtitle: str
    dates: Sequence[date]
    equity: Sequence[int]
    start: int
    metrics: Metrics
    commission: int
    tax: int
    benchmark: Sequence[float] = ()
    benchmark_name: str = ""
    trades: Sequence[ReportTrade] = ()
    holdings: Sequence[ReportHolding] = ()
    prices: Sequence[PriceSeries] = ()
    parameters: Sequence[tuple[str, str, str]] = ()
    warnings: Sequence[str] = ()
    pitfalls: Sequence[str] = ()
