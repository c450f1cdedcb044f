"""Days of a memory world whose prices a daily bar tells as well.

A bar says four prices and not when they traded. An engine and a backtest can only be held against
each other on days where nothing is left open, and this is what "the same prices" means here:

1. A symbol goes from its open, tick by tick, down to its low, tick by tick up to its high, and in
   one step to its close. The engine looks at each of these prices once.
2. What is held opens first. Then the candidates open, one after the other in order of preference;
   then, in that order again, those that were not entered go through their day up to the entry or
   their high. Exits within the day come last: a bar does not tell whether they came before.
3. A candidate that the account refuses falls below its previous high at once and stays there.
4. A symbol entered within the day whose low was at or below its stop does not reach its target:
   the bar would not tell which came first.
5. A price at a daily limit is the only one of its day, and nobody buys at the lower limit.
6. Orders fill whole and at once, at the price that was decided on.

On a halted day a symbol has no price at all. Chosen by `random`, these days have gaps, stops,
targets, trailing stops and refused entries, and `bars` has what traded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from kis_adapters.memory.broker import MemoryBroker
from kis_adapters.memory.world import World
from kis_core.market.bar import Bar
from kis_core.market.limit import PriceLimits, price_limits
from kis_core.market.symbol import Product, Symbol
from kis_core.market.tick import ceil_to_tick, floor_to_tick
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerOrder
from kis_core.positions.position import Position

_LOOK = timedelta(minutes=1)
_VOLUME = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """How days are drawn: chances, and moves in percent of the previous close."""

    halted: float = 0.05
    locked: float = 0.04
    gaps_pct: tuple[float, ...] = (0.0, 0.3, -0.3, 0.8, -0.8, 1.5, -1.5, 3.0, -3.0, 6.0, -6.0)
    down_pct: float = 3.0
    up_pct: float = 4.5


@dataclass(slots=True, kw_only=True)
class _Day:
    """One symbol's day: what is still to trade, and what has."""

    limits: PriceLimits
    low: int
    high: int
    close: int
    traded: list[int] = field(default_factory=list)
    is_locked: bool = False
    is_over: bool = False


@dataclass(slots=True)
class LimitedBroker(MemoryBroker):
    """Fills at once, but sells nothing where the price is at `lower_limits`."""

    lower_limits: dict[Symbol, Won] = field(default_factory=dict)

    def is_marketable(self, order: BrokerOrder) -> bool:
        """Nobody buys at the lower limit."""
        is_floor = self.price_of(order.symbol) <= self.lower_limits[order.symbol]
        if order.side is Side.SELL and is_floor:
            return False
        return MemoryBroker.is_marketable(self, order)


class BarDays:
    """Leads the engine of `world` through such days. `wanted` tells which symbols the strategy
    wanted to buy at its last look, and is emptied here before each."""

    def __init__(self, world: World, *, wanted: set[Symbol], random: Random, odds: Odds) -> None:
        self._world, self._wanted, self._random, self._odds = world, wanted, random, odds
        old = world.broker
        self._broker = LimitedBroker(
            clock=old.clock, price_of=old.price_of, cash=old.cash, settles_on=old.settles_on
        )
        world.broker = self._broker
        world.restart()
        self._symbols = tuple(sorted(world.market.bars))
        self._preferred = world.settings.candidates
        self._days: dict[Symbol, _Day] = {}
        self.bars: dict[Symbol, list[Bar]] = {s: list(world.market.bars[s]) for s in self._symbols}

    def trade(self, days: int) -> None:
        """So many sessions, from the world's present day on; none is halted on the last."""
        for left in reversed(range(days)):
            self._trade_day(may_halt=left > 0)

    def _trade_day(self, *, may_halt: bool) -> None:
        world, today = self._world, self._world.clock.now().date()
        world.run_until(world.at(8, 59, 59))
        self._days = {s: day for s in self._symbols if (day := self._draw(s, may_halt=may_halt))}
        world.market.halted = set(self._symbols) - self._days.keys()
        self._broker.lower_limits = {
            s: price_limits(self._close_before(s), on=today).lower for s in self._symbols
        }
        held = [s for s in self._symbols if s in self._positions]
        self._open_held(held)
        self._open_candidates([s for s in self._preferred if s not in held])
        self._lead_to_entries([s for s in self._preferred if s not in held])
        self._look()
        self._lead_on(held)
        if world.clock.now() > world.at(15, 15):
            raise AssertionError("the day was too short for its prices")
        self._close_session()

    def _open_held(self, held: list[Symbol]) -> None:
        for symbol in held:
            self._print(symbol, None)
        self._look()

    def _open_candidates(self, candidates: list[Symbol]) -> None:
        for symbol in candidates:
            if symbol in self._days:
                self._print(symbol, None)
                self._look_at_candidate(symbol)

    def _lead_to_entries(self, candidates: list[Symbol]) -> None:
        for symbol in candidates:
            day = self._days.get(symbol)
            if day is None or day.is_over or day.is_locked or self._is_taken(symbol):
                continue
            self._print(symbol, day.low)
            self._look_at_candidate(symbol)
            # Nothing can be bought below the previous high: no need to look at every tick.
            start = max(day.low, min(day.high, self._below_previous_high(symbol)))
            for price in _upwards(start, day.high, self._on):
                if day.is_over or self._is_taken(symbol):
                    break
                self._print(symbol, price)
                self._look_at_candidate(symbol)

    def _lead_on(self, held: list[Symbol]) -> None:
        """Everybody's remaining way at the same time, those in step that are held."""
        ways = {s: self._way(s, is_old=s in held) for s in self._days}
        for step in range(max(map(len, ways.values()), default=0)):
            for symbol, way in ways.items():
                if step < len(way):
                    self._print(symbol, way[step])
            self._look()

    def _way(self, symbol: Symbol, *, is_old: bool) -> list[int]:
        day, position = self._days[symbol], self._positions.get(symbol)
        if day.is_locked or day.is_over:
            return []
        last = day.traded[-1]
        if len(day.traded) == 1 and (is_old or position is not None):
            down = _downwards(last, day.low, self._on)
            return [*down, *_upwards(day.low, day.high, self._on), day.close]
        if position is None:
            return [min(day.close, max(day.traded))]
        return self._way_after_entry(day, position, last)

    def _way_after_entry(self, day: _Day, position: Position, last: int) -> list[int]:
        high = day.high
        if day.low <= position.levels.stop:
            below = floor_to_tick(position.levels.take - 1, Product.STOCK, self._on)
            high = max(last, min(high, below))
        return [*_upwards(last, high, self._on), min(day.close, high)]

    def _look_at_candidate(self, symbol: Symbol) -> None:
        """Look, and let fall what was wanted and refused."""
        self._look()
        if symbol not in self._wanted or self._is_taken(symbol):
            return
        day = self._days[symbol]
        lowest = ceil_to_tick(day.limits.lower + 1, Product.STOCK, self._on)
        self._print(symbol, max(self._below_previous_high(symbol), lowest))
        day.is_over = True

    def _close_session(self) -> None:
        world, today = self._world, self._world.clock.now().date()
        self._broker.expire_all()
        world.clock.set(world.at(15, 31))
        world.run_until(world.at(15, 40))
        for symbol, day in self._days.items():
            first, last = day.traded[0], day.traded[-1]
            bar = Bar(
                session_date=today,
                open=Won(first),
                high=Won(max(day.traded)),
                low=Won(min(day.traded)),
                close=Won(last),
                volume=_VOLUME,
            )
            self.bars[symbol].append(bar)
            world.market.bars[symbol] = tuple(self.bars[symbol])
        (following,) = world.calendar.sessions_after(today, 1)
        world.run_until(world.at(8, 30) + (following - today))

    def _look(self) -> None:
        self._wanted.clear()
        now = self._world.clock.now()
        self._world.run_until(now.replace(second=0, microsecond=0) + _LOOK)

    def _print(self, symbol: Symbol, price: int | None) -> None:
        """Trade at `price`; None is the open, which was drawn already."""
        day = self._days.get(symbol)
        if day is None:
            return
        if price is None:
            price = day.traded[0]
        else:
            day.traded.append(price)
        self._world.market.set_price(symbol, price)

    def _draw(self, symbol: Symbol, *, may_halt: bool) -> _Day | None:
        random, odds = self._random, self._odds
        if may_halt and random.random() < odds.halted:
            return None
        before = self._close_before(symbol)
        limits = price_limits(before, on=self._on)
        if random.random() < odds.locked:
            price = random.choice((limits.lower, limits.upper))
            return _Day(
                limits=limits, low=price, high=price, close=price, traded=[price], is_locked=True
            )
        first = self._moved(before, random.choice(odds.gaps_pct), limits)
        low = self._moved(first, -random.uniform(0, odds.down_pct), limits)
        high = max(first, self._moved(low, random.uniform(0, odds.up_pct), limits))
        close = self._moved(low, random.uniform(0, 100 * (high - low) / low), limits)
        return _Day(limits=limits, low=low, high=high, close=min(close, high), traded=[first])

    def _moved(self, price: int, percent: float, limits: PriceLimits) -> int:
        """On a tick, and strictly within the day's limits."""
        moved = floor_to_tick(price * (100 + percent) / 100, Product.STOCK, self._on)
        lowest = ceil_to_tick(limits.lower + 1, Product.STOCK, self._on)
        highest = floor_to_tick(limits.upper - 1, Product.STOCK, self._on)
        return min(max(moved, lowest), highest)

    def _below_previous_high(self, symbol: Symbol) -> int:
        high = self._world.market.bars[symbol][-1].high
        return floor_to_tick(high, Product.STOCK, self._on)

    def _close_before(self, symbol: Symbol) -> Won:
        return self._world.market.bars[symbol][-1].close

    def _is_taken(self, symbol: Symbol) -> bool:
        """Whether the candidate is held or being ordered."""
        books = self._world.engine.books
        return symbol in books.positions or books.live_order_of(symbol) is not None

    @property
    def _positions(self) -> dict[Symbol, Position]:
        return self._world.engine.books.positions

    @property
    def _on(self) -> date:
        return self._world.clock.now().date()


def _upwards(price: int, end: int, on: date) -> Iterator[int]:
    """Every tick above `price`, up to `end`."""
    while price < end:
        price = ceil_to_tick(price + 1, Product.STOCK, on)
        yield price


def _downwards(price: int, end: int, on: date) -> Iterator[int]:
    """Every tick below `price`, down to `end`."""
    while price > end:
        price = floor_to_tick(price - 1, Product.STOCK, on)
        yield price
