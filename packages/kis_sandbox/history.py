"""Daily bars: the seeded walk, one symbol at a time.

A symbol's bars are a pure function of (seed, symbol, date): one random stream per symbol, drawn
in the order of the dates from the first session of `calendar.FIRST_DAY` on, so asking for
another day or another symbol first changes nothing. Each symbol lives through regimes (drift and
volatility held for some weeks), so that trends and breakouts happen; far from its anchor price
the drift points back. The daily bar comes first; the day's path is fitted into it (`path`).
"""

from collections.abc import Iterator
from datetime import date
from math import exp, log
from random import Random
from typing import Protocol

from kis_core.market.bar import Bar
from kis_core.market.limit import price_limits
from kis_core.market.symbol import Instrument
from kis_core.market.tick import floor_to_tick, tick_size
from kis_core.market.won import Won
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.listing import Issue, Listing

_REGIME_DAYS = (8, 40)
_DRIFTS = (0.007, 0.004, 0.0, -0.002, -0.005)  # of a regime, a day
_VOLATILITIES = (0.014, 0.020, 0.028)  # of a day, open to close
_PULL_FROM = log(2.0)  # twice or half the anchor price
_PULL = 0.004


class DailyBars(Protocol):
    """Where daily bars come from: the seeded walk, or stored ones."""

    def bars(self, symbol: str, until: date) -> list[Bar]:
        """Every bar of `symbol` up to `until` inclusive, ascending; halted days have volume 0.

        Halted days carry the last close with open, high and low 0. An unknown symbol has none.
        The list is not to be changed.
        """
        ...


class SyntheticBars(DailyBars):
    """The seeded walk, remembered per symbol and continued on demand."""

    def __init__(self, *, seed: int, listing: Listing, calendar: TradingCalendar) -> None:
        self._seed = seed
        self._listing = listing
        self._calendar = calendar
        self._walks: dict[str, tuple[list[Bar], Iterator[Bar]]] = {}

    def bars(self, symbol: str, until: date) -> list[Bar]:
        issue = self._listing.find(symbol)
        if issue is None:
            return []
        if symbol not in self._walks:
            walk = daily_walk(issue, seed=self._seed, dates=self._calendar.dates)
            self._walks[symbol] = ([], walk)
        known, walk = self._walks[symbol]
        while not known or known[-1].session_date < until:
            bar = next(walk, None)
            if bar is None:
                break
            known.append(bar)
        return _until(known, until)


def daily_walk(issue: Issue, *, seed: int, dates: list[date]) -> Iterator[Bar]:
    """The bars of `issue` on `dates`, in order, from its listing day on."""
    random = Random(f"{seed}:{issue.symbol}:bars")
    instrument = issue.instrument
    close = int(floor_to_tick(issue.anchor_price, instrument.product, dates[0]))
    drift, volatility, days_left = 0.0, _VOLATILITIES[1], 0
    for day in dates:
        if days_left == 0:
            drift, volatility, days_left = _regime(random, log(close / issue.anchor_price))
        days_left -= 1
        # Drawn before anything is decided: a day before the listing uses up its draws too.
        shape = tuple(random.gauss(0.0, 1.0) for _ in range(5))
        if issue.listed_on is not None and day < issue.listed_on:
            continue
        bar = _bar(day, close, drift, volatility, shape, issue)
        close = bar.close
        yield bar


def halted_bar(day: date, close: int) -> Bar:
    """A day without trading: no open, high, low or volume, the close carried."""
    return Bar(session_date=day, open=Won(0), high=Won(0), low=Won(0), close=Won(close), volume=0)


def _regime(random: Random, distance: float) -> tuple[float, float, int]:
    drift = random.choice(_DRIFTS)
    volatility = random.choice(_VOLATILITIES)
    days = random.randint(*_REGIME_DAYS)
    if abs(distance) > _PULL_FROM:
        drift = -_PULL if distance > 0 else _PULL
    return drift, volatility, days


def _bar(
    day: date,
    prior: int,
    drift: float,
    volatility: float,
    shape: tuple[float, ...],
    issue: Issue,
) -> Bar:
    gap, move, up, down, activity = shape
    limits = price_limits(
        Won(prior),
        on=day,
        market=issue.instrument.market,
        product=issue.instrument.product,
        leverage=issue.instrument.leverage,
    )

    def valid(price: float) -> int:
        return on_tick_within(price, limits.lower, limits.upper, issue.instrument, day)

    opening = valid(prior * exp(0.3 * drift + 0.35 * volatility * gap))
    closing = valid(opening * exp(0.7 * drift + 0.8 * volatility * move))
    top, bottom = max(opening, closing), min(opening, closing)
    high = max(top, valid(top * exp(0.35 * volatility * abs(up))))
    low = min(bottom, valid(bottom * exp(-0.35 * volatility * abs(down))))
    surprise = abs(closing / prior - 1) / volatility
    volume = issue.turnover / closing * exp(0.35 * activity) * (0.6 + 0.5 * surprise)
    return Bar(
        session_date=day,
        open=Won(opening),
        high=Won(high),
        low=Won(low),
        close=Won(closing),
        volume=max(1_000, int(volume)),
    )


def on_tick_within(price: float, lower: int, upper: int, instrument: Instrument, day: date) -> int:
    """The tick price nearest below `price`, kept inside the day's limits."""
    inside = int(min(max(price, lower), upper))
    if inside == lower:
        return lower
    on_tick = inside - inside % tick_size(inside, instrument.product, day)
    return max(on_tick, lower)


def _until(bars: list[Bar], until: date) -> list[Bar]:
    if not bars or bars[-1].session_date <= until:
        return list(bars)
    end = len(bars)
    while end and bars[end - 1].session_date > until:
        end -= 1
    return bars[:end]
