"""What an operator does to a symbol while the market runs: halt it, flag it, shake its price.

A switch acts from its instant on and never on what has printed before. A listing's own halts are
switches thrown at midnight.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from kis_core.market.limit import PriceLimits
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument
from kis_sandbox.history import on_tick_within
from kis_sandbox.listing import Issue
from kis_sandbox.path import VI_US, DayPath, Interruption, microseconds

_ALWAYS = 10**15  # microseconds: after every print
_RELEASE_US = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One change of one symbol at `at` (aware, KST). None leaves that property as it is.

    `vi` True starts a two-minute VI. `price_shock_pct` moves every later print by so much.
    """

    at: datetime
    symbol: str
    halted: bool | None = None
    managed: bool | None = None
    warned: bool | None = None
    vi: bool | None = None
    price_shock_pct: float | None = None

    @property
    def moves_prints(self) -> bool:
        """Whether the day's prints differ because of it (flags alone do not)."""
        return self.halted is not None or bool(self.vi) or self.price_shock_pct is not None


def listing_switches(issue: Issue) -> Iterator[Switch]:
    """The halts that come with the listing."""
    for first, last in issue.halts:
        yield Switch(at=_midnight(first), symbol=issue.symbol, halted=True)
        if last is not None:
            day_after = last + timedelta(days=1)
            yield Switch(at=_midnight(day_after), symbol=issue.symbol, halted=False)


def switched_path(
    path: DayPath,
    switches: list[Switch],
    *,
    halted_before: bool,
    limits: PriceLimits,
    instrument: Instrument,
    day: date,
) -> DayPath:
    """`path` as it prints under the day's `switches` (ascending)."""
    prints = list(zip(path.times_us, path.prices, path.volumes, strict=True))
    interruptions = list(path.interruptions)
    for switch in switches:
        at_us = microseconds(switch.at)
        if switch.price_shock_pct is not None:
            factor = 1 + switch.price_shock_pct / 100
            prints = [
                (t, on_tick_within(p * factor, limits.lower, limits.upper, instrument, day), v)
                if t > at_us
                else (t, p, v)
                for t, p, v in prints
            ]
        if switch.vi:
            last = next((p for t, p, _ in reversed(prints) if t <= at_us), 0)
            interruptions.append(
                Interruption(start_us=at_us, end_us=at_us + VI_US, price=last, reference=last)
            )
            prints = _delayed(prints, at_us)
    for start, end in _halts(switches, halted_before):
        prints = [one for one in prints if not start < one[0] <= end]
    return DayPath(
        times_us=array("q", (t for t, _, _ in prints)),
        prices=array("q", (p for _, p, _ in prints)),
        volumes=array("q", (v for _, _, v in prints)),
        interruptions=sorted(interruptions, key=lambda one: one.start_us),
    )


def _delayed(prints: list[tuple[int, int, int]], at_us: int) -> list[tuple[int, int, int]]:
    """The prints a VI at `at_us` covers come right after it; the closing auction keeps its time."""
    release = at_us + VI_US
    moved = []
    for index, (t, price, volume) in enumerate(prints):
        is_covered = at_us < t < release and index < len(prints) - 1
        moved.append((release if is_covered else t, price, volume))
        release += _RELEASE_US if is_covered else 0
    return moved


def _halts(switches: list[Switch], halted_before: bool) -> Iterator[tuple[int, int]]:
    """The halted stretches of the day as (after, until) microseconds."""
    start = -1 if halted_before else None
    for switch in switches:
        at_us = microseconds(switch.at)
        if switch.halted is True and start is None:
            start = at_us
        elif switch.halted is False and start is not None:
            yield start, at_us
            start = None
    if start is not None:
        yield start, _ALWAYS


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), KST)
