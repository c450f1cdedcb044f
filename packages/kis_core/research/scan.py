"""Array scans: which bars could make the strategy say anything but HOLD.

The scan skips, it never decides: whatever it points at is put to `decide`, and it may point at
too much but never at too little. It uses the same whole-number sums as the indicators and, where
floats come in, the same operations in the same order, so that a comparison here and in the
strategy cannot differ in a last bit.
"""

from dataclasses import dataclass

import numpy as np

from kis_core.market.percent import PPM, ppm
from kis_core.research.bars import Bools, Floats, Int32s, Int64s, IntMatrix
from kis_core.research.closing import Holding
from kis_core.strategy.parameters import StrategyParameters

_BLOCK_CELLS = 40_000  # a block's intermediate results stay in the second-level cache
_COLUMNS = ("day", "row", "close", "previous_high", "sma_sum", "atr_sum")
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloseScan:
    """The bars at whose close an entry is possible, by day and then by symbol.

    Those of `day` stand at the places `first[day]` to `first[day + 1]` of the others: the symbol's
    `row`, the `close`, the high of the bar before, the sum of the last `ma_period` closes and that
    of the last `atr_period` true ranges, this bar's included. One bar in eight or so is such a
    one; sums of all of them would be two matrices more, and a look into each for every bar.
    """

    first: Int64s
    row: Int32s
    close: Int32s
    previous_high: Int32s
    sma_sum: Int32s
    atr_sum: Int32s

    def places(self, day: int, is_wanted: Bools) -> Int64s:
        """The places of `day` whose rows are wanted, ascending."""
        start, end = self.first[day], self.first[day + 1]
        wanted: Int64s = start + is_wanted[self.row[start:end]].nonzero()[0]
        return wanted


def scan_closes(
    high: IntMatrix, low: IntMatrix, close: IntMatrix, parameters: StrategyParameters
) -> CloseScan:
    """Where the close is above the SMA and above the high of the bar before, and ATR positive.

    Every cell must be a bar. Works in int32, whose wrap-around leaves differences of running sums
    exact while the sums themselves fit; raises ValueError where they might not.
    """
    symbols, days = close.shape
    period = max(parameters.ma_period, parameters.atr_period)
    if close.size and int(high.max()) * period >= np.iinfo(np.int32).max:
        raise ValueError(f"prices too large for sums over {period} bars in 32 bits")
    found = _Found(close.size)
    size = max(1, _BLOCK_CELLS // max(1, days))
    for start in range(0, symbols, size):
        rows = slice(start, start + size)
        found.add(start, high[rows], low[rows], close[rows], parameters)
    return found.by_day(days)


class _Found:
    """The bars that were found, by symbol and then by day. There is room for all, but only what is
    written to takes memory."""

    def __init__(self, most: int) -> None:
        self._columns = {name: np.empty(most, np.int32) for name in _COLUMNS}
        self._count = 0

    def add(
        self,
        first_row: int,
        high: IntMatrix,
        low: IntMatrix,
        close: IntMatrix,
        parameters: StrategyParameters,
    ) -> None:
        """Those of some rows, of which `first_row` is the first."""
        period, first = parameters.ma_period, max(parameters.ma_period, parameters.atr_period)
        sma_sum = _window_sums(close, period)
        ranges = high - low
        np.subtract(
            np.maximum(high[:, 1:], close[:, :-1]),
            np.minimum(low[:, 1:], close[:, :-1]),
            out=ranges[:, 1:],
        )
        atr_sum = _window_sums(ranges, parameters.atr_period)
        is_found = np.zeros(close.shape, np.bool_)
        found = is_found[:, first:]
        np.greater(close[:, first:] * np.int32(period), sma_sum[:, first:], out=found)
        found &= close[:, first:] > high[:, first - 1 : -1]
        found &= atr_sum[:, first:] > 0
        cell = np.flatnonzero(is_found)
        row, day = np.divmod(cell, close.shape[1])
        end = self._count + len(cell)
        new = {name: column[self._count : end] for name, column in self._columns.items()}
        # Every cell is there; "clip" only spares take() a copy in between.
        new["day"][:], new["row"][:] = day, row + first_row
        close.take(cell, out=new["close"], mode="clip")
        high.take(cell - 1, out=new["previous_high"], mode="clip")
        sma_sum.take(cell, out=new["sma_sum"], mode="clip")
        atr_sum.take(cell, out=new["atr_sum"], mode="clip")
        self._count = end

    def by_day(self, days: int) -> CloseScan:
        """All of them, by day; what was found is let go, column by column."""
        # The narrowest type that can tell the days apart: it sorts fastest.
        day = self._let_go("day").astype(np.min_scalar_type(days))
        by_day = np.argsort(day, kind="stable")
        return CloseScan(
            first=np.concatenate(([0], np.cumsum(np.bincount(day, minlength=days)))),
            row=self._let_go("row").take(by_day, mode="clip"),
            close=self._let_go("close").take(by_day, mode="clip"),
            previous_high=self._let_go("previous_high").take(by_day, mode="clip"),
            sma_sum=self._let_go("sma_sum").take(by_day, mode="clip"),
            atr_sum=self._let_go("atr_sum").take(by_day, mode="clip"),
        )

    def _let_go(self, name: str) -> Int32s:
        return self._columns.pop(name)[: self._count]


def _window_sums(values: IntMatrix, period: int) -> IntMatrix:
    """Sums of the last `period` values of each row; the first `period` − 1 are shorter sums."""
    running = np.cumsum(values, axis=1, dtype=np.int32)
    sums = running.copy()
    sums[:, period:] -= running[:, :-period]
    return sums


class HeldScan:
    """Positions in numbered slots, watched at the close of every bar.

    A slot is due when its close reached the stop, the take or the trailing stop: the comparisons
    of the strategy, slot by slot in arrays. `high` and `close` are `[day, symbol]`: a day's of many
    symbols are soonest read where they lie side by side.
    """

    def __init__(
        self, *, high: IntMatrix, close: IntMatrix, slots: int, parameters: StrategyParameters
    ) -> None:
        self._high, self._close = high, close
        self._parameters = parameters
        self._activated = PPM + ppm(parameters.trailing_activation_pct)
        self._rows = np.zeros(slots, np.intp)
        self._stop: Int64s = np.full(slots, -1, np.int64)
        self._take: Int64s = np.full(slots, _NEVER, np.int64)
        self._activation: Int64s = np.full(slots, _NEVER, np.int64)
        self._trail: Floats = np.zeros(slots, np.float64)
        self.highest: Int64s = np.zeros(slots, np.int64)

    def put(self, slots: list[int], bought: list[Holding]) -> None:
        """Watch positions, each bought whole at its price."""
        for slot, holding in zip(slots, bought, strict=True):
            price, levels = holding.price, holding.levels
            self._rows[slot] = holding.row
            self._stop[slot] = levels.stop
            self._take[slot] = levels.take
            self._trail[slot] = self._parameters.trailing_stop_atr_multiplier * levels.atr
            if self._parameters.trailing_enabled:
                # The lowest whole price whose profit reaches the activation level.
                self._activation[slot] = -(-price * self._activated // PPM)
            self.highest[slot] = price

    def drop(self, slots: list[int]) -> None:
        """The slots are empty again."""
        for slot in slots:
            self._stop[slot], self._take[slot], self._activation[slot] = -1, _NEVER, _NEVER

    def due(self, day: int) -> list[int]:
        """The slots that the strategy must be asked about at the close of `day`, ascending.

        `highest` then includes the day's high.
        """
        close = self._close[day][self._rows]
        np.maximum(self.highest, self._high[day][self._rows], out=self.highest)
        is_due = close <= self.highest - self._trail
        is_due &= self.highest >= self._activation
        is_due |= close <= self._stop
        is_due |= close >= self._take
        due: list[int] = is_due.nonzero()[0].tolist()
        return due
