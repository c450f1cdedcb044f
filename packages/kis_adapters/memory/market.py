"""A market in memory: prices are what a test sets them to, bars what it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from kis_core.market.bar import Bar
from kis_core.market.limit import price_limits
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Market, Symbol
from kis_core.market.won import Won
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketData, MarketDataUnavailable


@dataclass(slots=True)
class _Day:
    session_date: date
    open: Won
    high: Won
    low: Won
    last: Won
    volume: int


@dataclass(slots=True)
class MemoryMarket(MarketData):
    """Quotes of now from the prices set last; today's open, high and low follow by themselves.

    `set_price` moves a symbol. `is_down` makes every call fail; `blind` symbols have no quote;
    `without_bars` symbols have no chart. `calls` counts the calls of each kind.
    """

    clock: Clock
    bars: dict[Symbol, tuple[Bar, ...]] = field(default_factory=dict)
    instruments: dict[Symbol, Instrument] = field(default_factory=dict)
    is_down: bool = False
    blind: set[Symbol] = field(default_factory=set)
    halted: set[Symbol] = field(default_factory=set)
    without_bars: set[Symbol] = field(default_factory=set)
    calls: dict[str, int] = field(default_factory=dict)
    _days: dict[Symbol, _Day] = field(default_factory=dict)

    def set_price(self, symbol: Symbol, price: int) -> None:
        """Trade `symbol` at `price` now; the first price of a date is its open."""
        today, won = self.clock.now().date(), Won(price)
        day = self._days.get(symbol)
        if day is None or day.session_date != today:
            self._days[symbol] = _Day(today, won, won, won, won, 1)
            return
        day.high, day.low = max(day.high, won), min(day.low, won)
        day.last, day.volume = won, day.volume + 1

    def last(self, symbol: Symbol) -> Won:
        """The price set last; 0 before any."""
        day = self._days.get(symbol)
        return day.last if day is not None else Won(0)

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        self._count("quotes")
        return {symbol: self.peek(symbol) for symbol in symbols}

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        self._count("daily_bars")
        if symbol in self.without_bars:
            raise MarketDataUnavailable(f"{symbol}: no chart")
        bars = [b for b in self.bars.get(symbol, ()) if b.session_date < before and b.is_traded]
        return tuple(bars[-count:])

    def instrument(self, symbol: Symbol) -> Instrument:
        self._count("instrument")
        default = Instrument(symbol=symbol, name=f"종목{symbol}", market=Market.KOSPI)
        return self.instruments.get(symbol, default)

    def peek(self, symbol: Symbol) -> Quote | QuoteUnavailable:
        """The quote of now, whoever asks and whether or not anything answers."""
        day, now = self._days.get(symbol), self.clock.now()
        if day is None or symbol in self.blind:
            return QuoteUnavailable(symbol=symbol, why="no price")
        base = self._base(symbol, day, now.date())
        limits = price_limits(base, on=now.date())
        is_today = day.session_date == now.date()
        return Quote(
            symbol=symbol,
            at=now,
            last=day.last,
            open=day.open if is_today else Won(0),
            high=day.high if is_today else Won(0),
            low=day.low if is_today else Won(0),
            base=base,
            upper_limit=limits.upper,
            lower_limit=limits.lower,
            volume=day.volume,
            turnover=day.volume * day.last,
            is_halted=symbol in self.halted,
            is_managed=False,
            is_warned=False,
            is_vi=False,
        )

    def _base(self, symbol: Symbol, day: _Day, today: date) -> Won:
        before = [b for b in self.bars.get(symbol, ()) if b.session_date < today]
        return before[-1].close if before else day.open

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1
        if self.is_down:
            raise MarketDataUnavailable("the market data source is down")
