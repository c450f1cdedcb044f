"""The market as a backtest may see it: for a day, completed bars before it and a path within it."""

from bisect import bisect_left
from datetime import date, datetime, time, timedelta

import numpy as np

from kis_core.market.bar import Bar
from kis_core.market.limit import price_limits
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Market
from kis_core.market.won import Won
from kis_core.positions.position import Position
from kis_core.research.bars import FIELDS, BarMatrix
from kis_core.research.cleaning import basis_breaks
from kis_core.research.setting import BacktestSettings
from kis_core.research.trend_scan import NO_DAY, TrendScan, scan_trend
from kis_core.strategy.build import build_context
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Reason

OPEN, WITHIN, CLOSE = time(9), time(12), time(15, 30)
_WEEKEND = 5


class View:
    """Quotes, contexts and facts of the days of a BarMatrix.

    With `is_scanning` an array scan tells where a context is worth building; without it
    everything is asked.
    """

    def __init__(
        self, bars: BarMatrix, settings: BacktestSettings, *, is_scanning: bool = True
    ) -> None:
        self.bars = bars
        self._settings = settings
        self._scan: TrendScan | None = None
        if is_scanning:
            self._scan = scan_trend(bars, settings.parameters)
        self.is_break = self._scan.is_break if self._scan else basis_breaks(bars)
        self._traded_days: dict[int, list[int]] = {}
        traded = bars.volume > 0
        last = bars.days - 1 - np.argmax(traded[:, ::-1], axis=1)
        self._last_day: list[int] = np.where(traded.any(axis=1), last, NO_DAY).tolist()
        self._context: tuple[int, int, DayContext | NoContext] | None = None

    def instrument(self, row: int) -> Instrument:
        """What the symbol is, or an ordinary KOSPI share."""
        symbol = self.bars.symbols[row]
        known = self._settings.instruments.get(symbol)
        return known or Instrument(symbol=symbol, name="", market=Market.KOSPI)

    def is_traded(self, row: int, day: int) -> bool:
        """Whether the symbol has a bar on that day."""
        return bool(self.bars.volume[row, day] > 0)

    def is_gone(self, row: int, day: int) -> bool:
        """Whether the symbol's last bar is before `day`: delisted, or halted to the end."""
        return self._last_day[row] < day

    def prices(self, row: int, day: int) -> tuple[int, int, int, int]:
        """Open, high, low and close of a bar."""
        bars = self.bars
        return (
            int(bars.open[row, day]),
            int(bars.high[row, day]),
            int(bars.low[row, day]),
            int(bars.close[row, day]),
        )

    def close_before(self, row: int, day: int) -> int:
        """The close of the last bar before `day`; 0 when there is none."""
        days = self._days_of(row)
        place = bisect_left(days, day)
        return int(self.bars.close[row, days[place - 1]]) if place else 0

    def candidates(self, day: int) -> list[int]:
        """The rows that could be entered on `day`: those that the scan leaves, or all."""
        if self._scan is not None:
            rows: list[int] = np.flatnonzero(self._scan.may_enter[:, day]).tolist()
            return rows
        every: list[int] = np.flatnonzero(
            (self.bars.volume[:, day] > 0) & ~self.is_break[:, day]
        ).tolist()
        return every

    def may_be_broken(self, position: Position, row: int, day: int) -> bool:
        """Whether a broken trend is possible for the position; True where nothing is known."""
        if self._scan is None or self._scan.is_below[row, day]:
            return True
        fell = int(self._scan.fell_on[row, day])
        return fell != NO_DAY and self.bars.dates[fell] >= position.entry_session

    @property
    def is_scanning(self) -> bool:
        """Whether questions that can only be answered with HOLD may be left out."""
        return self._scan is not None

    def context(self, row: int, day: int) -> DayContext | NoContext:
        """What the bars before `day`, since the last break of the price basis, say."""
        if self._context is not None and self._context[:2] == (row, day):
            return self._context[2]
        symbol = self.bars.symbols[row]
        context: DayContext | NoContext
        if day == 0:
            context = NoContext(symbol=symbol, reason=Reason.TOO_FEW_BARS, why="first session")
        else:
            context = build_context(
                symbol,
                self._window(row, day),
                session_date=self.bars.dates[day],
                previous_session=self.bars.dates[day - 1],
                parameters=self._settings.parameters,
            )
        self._context = (row, day, context)
        return context

    def quote(self, row: int, day: int, *, last: int, high: int, low: int, at: time) -> Quote:
        """The symbol when it trades at `last`, having seen `high` and `low` today."""
        on, instrument = self.bars.dates[day], self.instrument(row)
        base = Won(self.close_before(row, day) or last)
        limits = price_limits(
            base,
            on=on,
            market=instrument.market,
            product=instrument.product,
            leverage=instrument.leverage,
        )
        return Quote(
            symbol=instrument.symbol,
            at=datetime.combine(on, at, KST),
            last=Won(last),
            open=Won(int(self.bars.open[row, day])),
            high=Won(high),
            low=Won(low),
            base=base,
            upper_limit=limits.upper,
            lower_limit=limits.lower,
            volume=0,
            turnover=0,
            is_halted=False,
        )

    def settles_on(self, day: int) -> date:
        """Two sessions after `day`; beyond the last bar, two weekdays."""
        if day + 2 < self.bars.days:
            return self.bars.dates[day + 2]
        on, left = self.bars.dates[day], 2
        while left:
            on += timedelta(days=1)
            left -= on.weekday() < _WEEKEND
        return on

    def _window(self, row: int, day: int) -> list[Bar]:
        days = self._days_of(row)
        end = bisect_left(days, day)
        window = days[max(0, end - self._settings.parameters.bars_needed) : end]
        breaks = np.flatnonzero(self.is_break[row, window])
        if len(breaks):
            window = window[int(breaks[-1]) :]
        columns = [getattr(self.bars, name)[row, window].tolist() for name in FIELDS]
        dates = [self.bars.dates[each] for each in window]
        return [
            Bar(session_date=on, open=Won(o), high=Won(h), low=Won(lo), close=Won(c), volume=v)
            for on, o, h, lo, c, v in zip(dates, *columns, strict=True)
        ]

    def _days_of(self, row: int) -> list[int]:
        days = self._traded_days.get(row)
        if days is None:
            days = np.flatnonzero(self.bars.volume[row] > 0).tolist()
            self._traded_days[row] = days
        return days
