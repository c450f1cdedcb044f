"""Array scans: which bars could make the strategy say anything but HOLD.

The scan skips, it never decides: whatever it points at is put to `decide`, and it may point at
too much but never at too little. It uses the same whole-number sums as the indicators and, where
floats come in, the same operations in the same order, so that a comparison here and in the
strategy cannot differ in a last bit.
"""

from dataclasses import dataclass

import numpy as np

from kis_core.market.percent import PPM, ppm
from kis_core.research.bars import Bools, Floats, Int64s, IntMatrix
from kis_core.research.closing import Holding
from kis_core.strategy.parameters import StrategyParameters

_BLOCK_CELLS = 40_000  # a block's intermediate results stay in the second-level cache
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloseScan:
    """Bars `[symbol, day]` at whose close an entry is possible, and the sums it is judged by.

    `sma_sum` is the sum of the last `ma_period` closes, `atr_sum` of the last `atr_period` true
    ranges, that bar's included; they mean something from the day on that has as many before it.
    """

    is_candidate: Bools
    sma_sum: IntMatrix
    atr_sum: IntMatrix


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
    candidate = np.zeros((symbols, days), np.bool_)
    sma_sum, atr_sum = np.empty_like(close), np.empty_like(close)
    size = max(1, _BLOCK_CELLS // max(1, days))
    for start in range(0, symbols, size):
        rows = slice(start, start + size)
        _scan_block(
            high[rows],
            low[rows],
            close[rows],
            out=(candidate[rows], sma_sum[rows], atr_sum[rows]),
            parameters=parameters,
        )
    return CloseScan(is_candidate=candidate, sma_sum=sma_sum, atr_sum=atr_sum)


def _scan_block(
    high: IntMatrix,
    low: IntMatrix,
    close: IntMatrix,
    *,
    out: tuple[Bools, IntMatrix, IntMatrix],
    parameters: StrategyParameters,
) -> None:
    candidate, sma_sum, atr_sum = out
    period, first = parameters.ma_period, max(parameters.ma_period, parameters.atr_period)
    _window_sums(close, period, out=sma_sum)
    ranges = high - low
    np.subtract(
        np.maximum(high[:, 1:], close[:, :-1]),
        np.minimum(low[:, 1:], close[:, :-1]),
        out=ranges[:, 1:],
    )
    _window_sums(ranges, parameters.atr_period, out=atr_sum)
    found = candidate[:, first:]
    np.greater(close[:, first:] * np.int32(period), sma_sum[:, first:], out=found)
    found &= close[:, first:] > high[:, first - 1 : -1]
    found &= atr_sum[:, first:] > 0


def _window_sums(values: IntMatrix, period: int, *, out: IntMatrix) -> None:
    """Sums of the last `period` values of each row; the first `period` − 1 are shorter sums."""
    running = np.cumsum(values, axis=1, dtype=np.int32)
    out[:, :period] = running[:, :period]
    np.subtract(running[:, period:], running[:, :-period], out=out[:, period:])


class HeldScan:
    """Positions in numbered slots, watched at the close of every bar.

    A slot is due when its close reached the stop, the take or the trailing stop: the comparisons
    of the strategy, slot by slot in arrays. `high` and `close` are `[symbol, day]`.
    """

    def __init__(
        self, *, high: IntMatrix, close: IntMatrix, slots: int, parameters: StrategyParameters
    ) -> None:
        self._high, self._close = high, close
        self._parameters = parameters
        self._rows = np.zeros(slots, np.intp)
        self._stop: Int64s = np.full(slots, -1, np.int64)
        self._take: Int64s = np.full(slots, _NEVER, np.int64)
        self._activation: Int64s = np.full(slots, _NEVER, np.int64)
        self._trail: Floats = np.zeros(slots, np.float64)
        self.highest: Int64s = np.zeros(slots, np.int64)

    def put(self, slots: list[int], bought: list[Holding]) -> None:
        """Watch positions, each bought whole at its price."""
        if not slots:
            return
        parameters = self._parameters
        price = np.array([each.price for each in bought], np.int64)
        self._rows[slots] = [each.row for each in bought]
        self._stop[slots] = [each.levels.stop for each in bought]
        self._take[slots] = [each.levels.take for each in bought]
        self._trail[slots] = parameters.trailing_stop_atr_multiplier * np.array(
            [each.levels.atr for each in bought]
        )
        # The lowest whole price whose profit reaches the activation level.
        activation = -(-price * (PPM + ppm(parameters.trailing_activation_pct)) // PPM)
        self._activation[slots] = activation if parameters.trailing_enabled else _NEVER
        self.highest[slots] = price

    def drop(self, slots: list[int]) -> None:
        """The slots are empty again."""
        self._stop[slots], self._take[slots], self._activation[slots] = -1, _NEVER, _NEVER

    def due(self, day: int) -> list[int]:
        """The slots that the strategy must be asked about at the close of `day`, ascending.

        `highest` then includes the day's high.
        """
        close = self._close[self._rows, day]
        np.maximum(self.highest, self._high[self._rows, day], out=self.highest)
        is_due = (close <= self.highest - self._trail) & (self.highest >= self._activation)
        is_due |= close <= self._stop
        is_due |= close >= self._take
        due: list[int] = np.flatnonzero(is_due).tolist()
        return due
