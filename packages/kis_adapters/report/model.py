"""What a report shows, whatever it is a report of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kis_core.research.metrics import ClosedTrade, Metrics, measure

_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrade:
    """A closed round trip. `cost` and `proceeds` are won of all shares, `costs` commission and
    tax of both sides, `pnl` is after them; `stop` and `take` are won a share, as they were frozen
    at the entry (None: not known). `reason` is Korean."""

    symbol: str
    name: str
    entered: date
    left: date
    quantity: int
    cost: int
    proceeds: int
    reason: str
    pnl: int
    costs: int
    stop: int | None = None
    take: int | None = None

    @property
    def entry_price(self) -> float:
        """Average won a share."""
        return self.cost / self.quantity

    @property
    def exit_price(self) -> float:
        """Average won a share."""
        return self.proceeds / self.quantity

    @property
    def return_pct(self) -> float:
        """`pnl` in percent of what was paid for the shares."""
        return _PERCENT * self.pnl / self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHolding:
    """What is held at the end, at its last price (won a share); `cost` is of all shares."""

    symbol: str
    name: str
    entered: date
    quantity: int
    cost: int
    last: int | None
    stop: int | None = None

    @property
    def unrealised(self) -> int | None:
        """Won gained or lost if it were sold at `last`, before costs."""
        return None if self.last is None else self.quantity * self.last - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """Prices of one symbol (won), to draw its trades on; None where it did not trade. `stops` is
    the stop in force at each place while it was held, None otherwise."""

    symbol: str
    name: str
    at: Sequence[date]
    closes: Sequence[int | None]
    lows: Sequence[int | None] = ()
    highs: Sequence[int | None] = ()
    stops: Sequence[int | None] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The facts on the page; every figure is worked out from them.

    `equity` and `invested` are won at the close of each of `dates`, `start` the equity before the
    first; `benchmark` stands beside them, or is empty. `traded_value` is the won of all purchases
    and sales. `marks` are equities at instants between the closes, where they are known.
    `parameters` are rows of (section, name, value); `warnings` are Korean sentences. Raises
    ValueError without a session, or where the lengths differ.
    """

    title: str
    subtitle: str
    dates: Sequence[date]
    equity: Sequence[int]
    invested: Sequence[int]
    start: int
    traded_value: int
    commission: int
    tax: int
    benchmark: Sequence[float] = ()
    benchmark_name: str = ""
    marks: Sequence[tuple[datetime, int]] = ()
    trades: Sequence[ReportTrade] = ()
    holdings: Sequence[ReportHolding] = ()
    prices: Sequence[PriceSeries] = ()
    parameters: Sequence[tuple[str, str, str]] = ()
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.dates:
            raise ValueError("a report needs at least one session")
        lengths = {len(self.dates), len(self.equity), len(self.invested)}
        if self.benchmark:
            lengths.add(len(self.benchmark))
        if len(lengths) > 1:
            raise ValueError(f"dates, equity, invested and benchmark differ in length: {lengths}")

    def metrics(self) -> Metrics:
        """All figures, after all costs."""
        return measure(
            dates=self.dates,
            equity=self.equity,
            invested=self.invested,
            start=self.start,
            trades=[ClosedTrade(pnl=t.pnl, cost=t.cost, reason=t.reason) for t in self.trades],
            traded_value=self.traded_value,
        )

    @property
    def realised(self) -> int:
        """Won of all closed trades, after costs."""
        return sum(trade.pnl for trade in self.trades)

    @property
    def unrealised(self) -> int | None:
        """Won of what is held, at its last price, before costs of a sale; None where the last
        price of something held is not known."""
        known = [each.unrealised for each in self.holdings if each.unrealised is not None]
        return sum(known) if len(known) == len(self.holdings) else None

    @property
    def benchmark_return_pct(self) -> float | None:
        """What the benchmark brought over the same sessions."""
        return _PERCENT * (self.benchmark[-1] / self.start - 1) if self.benchmark else None
