"""The market as it prints: bars, paths and the state of a symbol at an instant.

Everything is computed from the seed and the switches thrown so far. A day that switches changed
closes elsewhere than the seeded bar; the days after it are scaled to go on from there.
"""

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from kis_core.market.bar import Bar
from kis_core.market.limit import PriceLimits, price_limits
from kis_core.market.session import KST, Phase
from kis_core.market.symbol import Instrument
from kis_core.market.won import Won
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.history import DailyBars, halted_bar, on_tick_within
from kis_sandbox.listing import Issue, Listing
from kis_sandbox.path import DayPath, Interruption, day_path, empty_path, microseconds
from kis_sandbox.switch import Switch, listing_switches, switched_path

_DAYS_KEPT = 300  # paths in memory, least recently used leaves; about 150 KB each


@dataclass(slots=True, kw_only=True)
class Day:
    """One symbol's day: its base price, limits, prints, and the session before it."""

    issue: Issue
    session_date: date
    base: int
    limits: PriceLimits
    path: DayPath
    prior: Bar | None
    is_untraded: bool


@dataclass(slots=True, kw_only=True)
class State:
    """A symbol as the exchange shows it at one instant. Prices are won, 0 before a first print."""

    day: Day
    count: int
    last: int
    open: int
    high: int
    low: int
    volume: int
    turnover: int
    phase: Phase
    is_halted: bool
    is_managed: bool
    is_warned: bool
    interruption: Interruption | None

    @property
    def issue(self) -> Issue:
        """The issue it is the state of."""
        return self.day.issue

    @property
    def change(self) -> int:
        """Won against the base price, signed."""
        return self.last - self.day.base

    @property
    def change_pct(self) -> float:
        """Percent against the base price."""
        return 100 * self.change / self.day.base


class Tape:
    """Prints of every listed symbol, under the switches thrown so far."""

    def __init__(
        self, *, seed: int, listing: Listing, calendar: TradingCalendar, bars: DailyBars
    ) -> None:
        self._seed = seed
        self._listing = listing
        self._calendar = calendar
        self._bars = bars
        self._switches: dict[str, list[Switch]] = {}
        self._days: OrderedDict[tuple[str, date], Day] = OrderedDict()
        self._changed: dict[str, list[Bar]] = {}
        for issue in listing:
            self._switches[issue.symbol] = list(listing_switches(issue))

    def throw(self, switch: Switch) -> None:
        """Apply `switch` from its instant on. Switches come in the order of their instants."""
        self._switches.setdefault(switch.symbol, []).append(switch)
        self._changed.pop(switch.symbol, None)
        for key in [key for key in self._days if key[0] == switch.symbol]:
            if key[1] >= switch.at.astimezone(KST).date():
                del self._days[key]

    def quote_date(self, now: datetime) -> date:
        """The session whose figures are shown at `now`: yesterday's until today's auction opens."""
        today = now.astimezone(KST).date()
        session = self._calendar.session(today)
        if session is None or now < session.opening_auction_at:
            return self._calendar.before(today)
        return today

    def bars(self, symbol: str, until: date) -> list[Bar]:
        """The completed bars up to `until` inclusive, ascending, as they really printed."""
        original = self._bars.bars(symbol, until)
        if not any(s.moves_prints and _day(s) <= until for s in self._switches.get(symbol, ())):
            return original
        changed = self._changed.get(symbol, [])
        if not changed or changed[-1].session_date < until:
            changed = self._continue(symbol, original, changed)
            self._changed[symbol] = changed
        return changed[: _count_until(changed, until)]

    def day(self, symbol: str, session_date: date) -> Day | None:
        """The whole day of `symbol`, its future included, or None when it is not listed then."""
        key = (symbol, session_date)
        known = self._days.get(key)
        if known is not None:
            self._days.move_to_end(key)
            return known
        issue = self._listing.find(symbol)
        if issue is None:
            return None
        built = self._build(issue, session_date)
        if built is not None:
            self._days[key] = built
            if len(self._days) > _DAYS_KEPT:
                self._days.popitem(last=False)
        return built

    def state(self, symbol: str, now: datetime) -> State | None:
        """What the exchange shows of `symbol` at `now`, or None for an unknown symbol."""
        session_date = self.quote_date(now)
        day = self.day(symbol, session_date)
        if day is None:
            return None
        today = now.astimezone(KST).date()
        at_us = microseconds(now) if session_date == today else 10**15
        path = day.path
        count = path.count_until(at_us)
        session = self._calendar.session(session_date)
        assert session is not None, session_date
        flags = self._flags(day.issue, now)
        return State(
            day=day,
            count=count,
            last=path.prices[count - 1] if count else day.base,
            open=path.prices[0] if count else 0,
            high=path.high_so_far[count - 1] if count else 0,
            low=path.low_so_far[count - 1] if count else 0,
            volume=path.volume_so_far[count - 1] if count else 0,
            turnover=path.turnover_so_far[count - 1] if count else 0,
            phase=session.phase_at(now),
            is_halted=flags[0] or day.is_untraded,
            is_managed=flags[1],
            is_warned=flags[2],
            interruption=path.interruption_at(at_us),
        )

    def switched(self, symbol: str) -> list[Switch]:
        """The switches thrown for `symbol`, ascending."""
        return list(self._switches.get(symbol, ()))

    def _flags(self, issue: Issue, now: datetime) -> tuple[bool, bool, bool]:
        halted, managed, warned = False, issue.is_managed, issue.is_warned
        for switch in self._switches.get(issue.symbol, ()):
            if switch.at > now:
                break
            halted = halted if switch.halted is None else switch.halted
            managed = managed if switch.managed is None else switch.managed
            warned = warned if switch.warned is None else switch.warned
        return halted, managed, warned

    def _halted_at(self, symbol: str, now: datetime) -> bool:
        halted = False
        for switch in self._switches.get(symbol, ()):
            if switch.at <= now and switch.halted is not None:
                halted = switch.halted
        return halted

    def _build(self, issue: Issue, session_date: date) -> Day | None:
        before = self.bars(issue.symbol, session_date - timedelta(days=1))
        prior = before[-1] if before else None
        seeded = self._bars.bars(issue.symbol, session_date)
        if not seeded or seeded[-1].session_date != session_date:
            return None
        original_prior = seeded[-2].close if len(seeded) > 1 else seeded[-1].open
        base = int(prior.close) if prior else int(original_prior)
        limits = _limits(issue.instrument, base, session_date)
        bar = scaled_bar(
            seeded[-1], base=base, original=int(original_prior), issue=issue, limits=limits
        )
        path = self._path(issue, bar, limits)
        return Day(
            issue=issue,
            session_date=session_date,
            base=base,
            limits=limits,
            path=path,
            prior=prior,
            is_untraded=not bar.is_traded,
        )

    def _path(self, issue: Issue, bar: Bar, limits: PriceLimits) -> DayPath:
        day = bar.session_date
        switches = self._switches.get(issue.symbol, [])
        today = [s for s in switches if _day(s) == day and s.moves_prints]
        session = self._calendar.session(day)
        assert session is not None, day
        halted_before = self._halted_at(
            issue.symbol, session.opens_at.replace(hour=0) - timedelta(microseconds=1)
        )
        if halted_before and not today:
            return empty_path()
        random = Random(f"{self._seed}:{issue.symbol}:{day}:path")
        path = day_path(bar, session, random=random, product=issue.instrument.product)
        if not today and not halted_before:
            return path
        return switched_path(
            path,
            today,
            halted_before=halted_before,
            limits=limits,
            instrument=issue.instrument,
            day=day,
        )

    def _continue(self, symbol: str, original: list[Bar], done: list[Bar]) -> list[Bar]:
        """The bars as they printed: `done`, and the further ones of `original` after it."""
        issue = self._listing.find(symbol)
        assert issue is not None, symbol
        result = list(done)
        first = next(_day(s) for s in self._switches[symbol] if s.moves_prints)
        for index in range(len(result), len(original)):
            bar = original[index]
            if bar.session_date < first or index == 0:
                result.append(bar)
                continue
            result.append(self._printed(issue, bar, original[index - 1], result[index - 1]))
        return result

    def _printed(self, issue: Issue, bar: Bar, original_prior: Bar, prior: Bar) -> Bar:
        limits = _limits(issue.instrument, int(prior.close), bar.session_date)
        scaled = scaled_bar(
            bar,
            base=int(prior.close),
            original=int(original_prior.close),
            issue=issue,
            limits=limits,
        )
        switches = self._switches[issue.symbol]
        is_touched = any(_day(s) == bar.session_date and s.moves_prints for s in switches)
        at_open = scaled.session_date
        halted = self._halted_at(issue.symbol, _start_of(at_open) - timedelta(microseconds=1))
        if not is_touched and not halted:
            return scaled
        return bar_of(self._path(issue, scaled, limits), bar.session_date, int(prior.close))


def bar_of(path: DayPath, day: date, base: int, count: int | None = None) -> Bar:
    """The bar of the first `count` prints (all when None); halted when there are none."""
    prints = len(path) if count is None else count
    if prints == 0 or path.volume_so_far[prints - 1] == 0:
        return halted_bar(day, base)
    return Bar(
        session_date=day,
        open=Won(path.prices[0]),
        high=Won(path.high_so_far[prints - 1]),
        low=Won(path.low_so_far[prints - 1]),
        close=Won(path.prices[prints - 1]),
        volume=path.volume_so_far[prints - 1],
    )


def scaled_bar(bar: Bar, *, base: int, original: int, issue: Issue, limits: PriceLimits) -> Bar:
    """`bar`, which followed a close of `original`, moved to follow a close of `base`."""
    if base == original:
        return bar
    if not bar.is_traded:
        return halted_bar(bar.session_date, base)

    def moved(price: int) -> Won:
        return Won(
            on_tick_within(
                price * base / original,
                limits.lower,
                limits.upper,
                issue.instrument,
                bar.session_date,
            )
        )

    return Bar(
        session_date=bar.session_date,
        open=moved(bar.open),
        high=moved(bar.high),
        low=moved(bar.low),
        close=moved(bar.close),
        volume=bar.volume,
    )


def _limits(instrument: Instrument, base: int, on: date) -> PriceLimits:
    return price_limits(
        Won(base),
        on=on,
        market=instrument.market,
        product=instrument.product,
        leverage=instrument.leverage,
    )


def _count_until(bars: list[Bar], until: date) -> int:
    return bisect_left(bars, until + timedelta(days=1), key=lambda bar: bar.session_date)


def _day(switch: Switch) -> date:
    return switch.at.astimezone(KST).date()


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=KST)
