"""Minutes of a session, made of prints and closed by the clock.

A bar is over when its minute is over, whether or not anything prints in the next one: otherwise
the last bar of the day never ends and a thin symbol's comes an hour late. A minute without a
print has no bar; none is invented.

Prints repeat, and come late or out of order, without a sequence number. The day's volume up to a
print orders them: the bar's first is the one with the least, its last the one with the most, and
its volume what lies between, so that a repeat changes nothing and a gap in the prints none of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kis_core.market.session import KST, Session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print, day_number, hms_number
from kis_core.market.won import Won

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class MinuteBar:
    """One completed minute of one symbol, from `starts_at` (aware, KST, included) on.

    Prices are won, `volume` shares; `prints` is how many made it, repeats not counted apart.
    """

    symbol: Symbol
    starts_at: datetime
    open: Won
    high: Won
    low: Won
    close: Won
    volume: int
    prints: int


@dataclass(slots=True)
class BarCounts:
    """What happened to prints that were not simply the next one.

    `reordered`: at or behind one already seen, repeats included; used, harmlessly. `late`: their
    minute was over; dropped. `outside`: before the open, after the close or of another day;
    dropped.
    """

    reordered: int = 0
    late: int = 0
    outside: int = 0


class _Open:
    """A minute that may still change."""

    __slots__ = ("before", "close", "first", "high", "last", "low", "open", "prints")

    def __init__(self, one: Print) -> None:
        self.open = self.high = self.low = self.close = one.price
        self.first = self.last = (one.volume, one.hms)
        self.before = one.volume - one.quantity
        self.prints = 1

    def add(self, one: Print) -> None:
        at = (one.volume, one.hms)
        if one.price > self.high:
            self.high = one.price
        elif one.price < self.low:
            self.low = one.price
        if at > self.last:
            self.last, self.close = at, one.price
        elif at < self.first:
            self.first, self.open = at, one.price
            self.before = one.volume - one.quantity
        self.prints += 1


class MinuteBars:
    """The open minutes of one session, of any number of symbols.

    A minute closes `grace` after its end, so that prints on their way still find it. What prints
    in the minute that begins at the session's end is the closing auction's (its end is drawn at
    random within half a minute) and makes the last bar; the KRX after-market, which comes over
    the same stream from 16:00 on, is left out.
    """

    def __init__(self, *, grace: timedelta = timedelta(seconds=2)) -> None:
        self.counts = BarCounts()
        self._grace = grace
        self._day = self._first_hms = self._end_hms = 0
        self._opens_at = datetime.min.replace(tzinfo=KST)
        self._closed_before = 0  # HHMM: minutes before it are over
        self._newest: dict[Symbol, int] = {}
        self._open: dict[Symbol, dict[int, _Open]] = {}

    def begin(self, session: Session) -> None:
        """Take the prints of `session` from now on; the same one again changes nothing."""
        day = day_number(session.session_date)
        if day == self._day:
            return
        self._day = day
        self._first_hms = hms_number(session.opens_at)
        self._end_hms = hms_number(session.closes_at + _MINUTE)
        self._opens_at = session.opens_at
        self._closed_before = 0
        self._newest.clear()
        self._open.clear()

    def add(self, one: Print) -> bool:
        """Put one print into its minute; False when it is outside the session."""
        if one.day != self._day or not self._first_hms <= one.hms < self._end_hms:
            self.counts.outside += 1
            return False
        minute = one.hms // 100
        if minute < self._closed_before:
            self.counts.late += 1
            return True
        symbol = one.symbol
        if one.volume > self._newest.get(symbol, -1):
            self._newest[symbol] = one.volume
        else:
            self.counts.reordered += 1
        minutes = self._open.setdefault(symbol, {})
        bar = minutes.get(minute)
        if bar is None:
            minutes[minute] = _Open(one)
        else:
            bar.add(one)
        return True

    def close_until(self, now: datetime) -> tuple[MinuteBar, ...]:
        """The bars of all minutes that are over at `now`, each once, by time and then symbol."""
        local = (now - self._grace).astimezone(KST)
        today = day_number(local.date())
        if today < self._day:
            return ()
        limit = local.hour * 100 + local.minute if today == self._day else 2_400
        if limit <= self._closed_before:
            return ()
        self._closed_before = limit
        done: list[MinuteBar] = []
        for symbol, minutes in self._open.items():
            for minute in [m for m in minutes if m < limit]:
                done.append(self._completed(symbol, minute, minutes.pop(minute)))
        done.sort(key=lambda bar: (bar.starts_at, bar.symbol))
        return tuple(done)

    def _completed(self, symbol: Symbol, minute: int, bar: _Open) -> MinuteBar:
        starts_at = self._opens_at.replace(
            hour=minute // 100, minute=minute % 100, second=0, microsecond=0
        )
        return MinuteBar(
            symbol=symbol,
            starts_at=starts_at,
            open=Won(bar.open),
            high=Won(bar.high),
            low=Won(bar.low),
            close=Won(bar.close),
            volume=bar.last[0] - bar.before,
            prints=bar.prints,
        )
