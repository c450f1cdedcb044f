"""A day's prints, fitted exactly into its daily bar.

First print is the opening auction at the open, last the closing auction at the close; between
them about one print per five seconds until the closing auction starts. The path goes through the
day's high and low, never beyond, ends at the close, and its volumes add up to the day's. A move
of 10 % from the last auction price triggers a static VI: nothing prints for two minutes, what
would have printed follows right after. Times are microseconds after midnight (KST).

A day traded in fewer shares than the path needs prints carries prints of no shares: prices
that were seen, at which nothing could have been had.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from random import Random

from kis_core.market.bar import Bar
from kis_core.market.session import KST, Session
from kis_core.market.symbol import Product
from kis_core.market.tick import tick_size

SECOND_US = 1_000_000
VI_US = 120 * SECOND_US

_SPACING_US = 5 * SECOND_US
_SHARES_PER_PRINT_MIN = 16  # below this a quarter of a print is no use to anyone
_AUCTION_WEIGHT = 0.03  # of the day's volume, each of the two
_WANDER = 0.30  # of the day's range, the size of the detours between open, high, low and close
_VI_PCT = 10
_VI_NOT_AFTER_US = 150 * SECOND_US  # before the closing auction: the halt must end in time
_VI_RELEASE_US = 20_000  # between two prints that waited for the end of a VI


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A static VI: no prints in [start_us, end_us); `reference` is what the move started from."""

    start_us: int
    end_us: int
    price: int
    reference: int


@dataclass(slots=True, kw_only=True)
class DayPath:
    """The prints of one symbol's day, as parallel columns, and what they add up to so far.

    `volumes[i]` shares traded at `prices[i]` won, `times_us[i]` after midnight; `volume_so_far`,
    `turnover_so_far`, `high_so_far` and `low_so_far` include print i.
    """

    times_us: "array[int]"
    prices: "array[int]"
    volumes: "array[int]"
    interruptions: list[Interruption] = field(default_factory=list)
    volume_so_far: "array[int]" = field(init=False)
    turnover_so_far: "array[int]" = field(init=False)
    high_so_far: "array[int]" = field(init=False)
    low_so_far: "array[int]" = field(init=False)

    def __post_init__(self) -> None:
        self.volume_so_far = array("q", accumulate(self.volumes))
        turnovers = (p * v for p, v in zip(self.prices, self.volumes, strict=True))
        self.turnover_so_far = array("q", accumulate(turnovers))
        self.high_so_far = array("q", accumulate(self.prices, max))
        self.low_so_far = array("q", accumulate(self.prices, min))

    def __len__(self) -> int:
        return len(self.prices)

    def count_until(self, at_us: int) -> int:
        """How many prints happened at or before `at_us`."""
        return bisect_right(self.times_us, at_us)

    def interruption_at(self, at_us: int) -> Interruption | None:
        """The VI in force at `at_us`, or None."""
        for interruption in self.interruptions:
            if interruption.start_us <= at_us < interruption.end_us:
                return interruption
        return None


def microseconds(instant: datetime) -> int:
    """How far `instant` is after midnight of its KST day."""
    local = instant.astimezone(KST)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (local - midnight) // timedelta(microseconds=1)


def empty_path() -> DayPath:
    """A day on which nothing printed."""
    return DayPath(times_us=array("q"), prices=array("q"), volumes=array("q"))


def day_path(bar: Bar, session: Session, *, random: Random, product: Product) -> DayPath:
    """The prints of `bar`'s day; none when nothing traded. `random` decides the detours."""
    if not bar.is_traded:
        return empty_path()
    count = _print_count(bar, session)
    prices = _prices(bar, count, random, product)
    times = _times(session, count, random)
    volumes = _volumes(bar.volume, count, random)
    interruptions = _interrupt(times, prices, session)
    return DayPath(
        times_us=array("q", times),
        prices=array("q", prices),
        volumes=array("q", volumes),
        interruptions=interruptions,
    )


def _print_count(bar: Bar, session: Session) -> int:
    """Open and close, what lies between every five seconds, fewer in a thinly traded day."""
    span_us = microseconds(session.closing_auction_at) - microseconds(session.opens_at)
    wanted = min(span_us // _SPACING_US, bar.volume // _SHARES_PER_PRINT_MIN)
    return max(4, wanted)


def _prices(bar: Bar, count: int, random: Random, product: Product) -> list[int]:
    """A noisy line through open, the two extremes in either order, and close."""
    first, second = sorted(random.sample(range(1, count - 1), 2))
    high_first = random.random() < (0.3 if bar.close > bar.open else 0.7)
    extremes = (bar.high, bar.low) if high_first else (bar.low, bar.high)
    corners = ((0, bar.open), (first, extremes[0]), (second, extremes[1]), (count - 1, bar.close))
    prices: list[int] = [bar.open]
    for (start, from_price), (end, to_price) in pairwise(corners):
        prices += _bridge(from_price, to_price, end - start, bar, random, product)
    return prices


def _bridge(
    start: int, end: int, steps: int, bar: Bar, random: Random, product: Product
) -> list[int]:
    """`steps` prices after `start`, the last of them `end`, within the bar and on the tick."""
    draw = random.random
    noise = list(accumulate(draw() - 0.5 for _ in range(steps)))
    # Uniform steps have a variance of 1/12; scaled, the detour is a fixed share of the range.
    scale = _WANDER * (bar.high - bar.low) * (12 / steps) ** 0.5
    tilt = (end - start - scale * noise[-1]) / steps
    low, high = bar.low, bar.high
    tick = tick_size(low, product, bar.session_date)
    one_band = tick == tick_size(high, product, bar.session_date)
    prices = []
    for step, detour in enumerate(noise[:-1], start=1):
        price = int(start + tilt * step + scale * detour)
        if not one_band:
            tick = tick_size(max(price, 0), product, bar.session_date)
        price -= price % tick
        prices.append(low if price < low else high if price > high else price)
    prices.append(end)
    return prices


def _times(session: Session, count: int, random: Random) -> list[int]:
    """The open, then evenly spread with jitter, then the close."""
    opens = microseconds(session.opens_at)
    spacing = (microseconds(session.closing_auction_at) - opens) / (count - 1)
    draw = random.random
    between = [opens + int((n + 0.1 + 0.8 * draw()) * spacing) for n in range(count - 2)]
    return [opens, *between, microseconds(session.closes_at)]


def _volumes(total: int, count: int, random: Random) -> list[int]:
    """`count` volumes that add up to `total`: heavier at both ends of the day, never regular."""
    draw = random.random
    middle = count / 2
    weights = []
    for n in range(count):
        from_noon = (n - middle) / middle
        weights.append((0.5 + from_noon * from_noon) * (0.1 + draw() * draw() * 2))
    weights[0] = weights[-1] = sum(weights) * _AUCTION_WEIGHT
    spare = total - count if total >= count else 0
    whole = sum(weights)
    cumulative = [int(spare * part / whole) for part in accumulate(weights)]
    cumulative[-1] = spare
    each = int(total >= count)
    volumes = [each + b - a for a, b in zip([0, *cumulative], cumulative, strict=False)]
    if not each:  # fewer shares than prints: one each to the first ones, none to the rest
        volumes = [1] * total + [0] * (count - total)
    return volumes


def _interrupt(times: list[int], prices: list[int], session: Session) -> list[Interruption]:
    """Find the static VIs and move the prints they cover to just after them, in `times`."""
    last_us = microseconds(session.closing_auction_at) - _VI_NOT_AFTER_US
    reference = prices[0]
    interruptions: list[Interruption] = []
    index = 1
    while index < len(times) - 1:
        at = times[index]
        if abs(prices[index] - reference) * 100 < _VI_PCT * reference or at > last_us:
            index += 1
            continue
        end = at + VI_US
        interruptions.append(
            Interruption(start_us=at + 1, end_us=end, price=prices[index], reference=reference)
        )
        index = _release_after(times, index + 1, end)
        reference = prices[index]
        index += 1
    return interruptions


def _release_after(times: list[int], first: int, end: int) -> int:
    """Delay the prints from `first` that fall before `end`; returns the first print after it."""
    release = end
    index = first
    while index < len(times) - 1 and times[index] < release:
        times[index] = release
        release += _VI_RELEASE_US
        index += 1
    return min(first, len(times) - 1)
