"""Indicators as small states fed one completed bar at a time, oldest first.

Moving averages and true ranges are kept as whole-number sums: exact, whatever the start and
however often a bar left the window. Only ADX is smoothed in floats, in one fixed order of
operations, so that the same bars give the same bits everywhere.
"""

from collections import deque

from kis_core.market.bar import Bar


class RollingSum:
    """The sum of the last `period` whole numbers."""

    __slots__ = ("_missing", "_sum", "_window")

    def __init__(self, period: int) -> None:
        self._window = deque([0] * period)
        self._missing = period
        self._sum = 0

    def push(self, value: int) -> int | None:
        """Take the next number; the sum, or None while there are fewer than `period`."""
        window = self._window
        window.append(value)
        self._sum += value - window.popleft()
        if self._missing > 1:
            self._missing -= 1
            return None
        return self._sum


class TrueRange:
    """The true range of each bar, in won.

    The largest of high − low, |high − previous close|, |low − previous close|; the first bar in
    hand has no previous close, there it is high − low. "Previous" is the previous traded bar.
    """

    __slots__ = ("_close",)

    def __init__(self) -> None:
        self._close: int | None = None

    def push(self, bar: Bar) -> int:
        """The true range of `bar`, the next one."""
        return self.push_prices(bar.high, bar.low, bar.close)

    def push_prices(self, high: int, low: int, close: int) -> int:
        """The true range of the next bar, given by its prices."""
        previous, self._close = self._close, close
        if previous is not None:
            # Conditions, not max and min: this runs for every bar of a market.
            if previous > high:
                high = previous
            elif previous < low:
                low = previous
        return high - low


class WilderAdx:
    """Wilder's average directional index, 0..100.

    J. Welles Wilder, New Concepts in Technical Trading Systems (1978). Directional movement
    begins with the second bar. Its sums start from the first `period` movements and then lose a
    `period`-th before each new one is added. ADX starts as the mean of the first `period` DX, so
    it needs 2 × `period` bars, and is then smoothed likewise. True range divides both directional
    indicators alike and so cancels out of DX: it is not computed. DX is 0 where nothing moved.
    """

    __slots__ = ("_adx", "_dx_sum", "_high", "_low", "_minus", "_moves", "_period", "_plus")

    def __init__(self, period: int) -> None:
        self._period = period
        self._high: int | None = None
        self._low = 0
        self._moves = 0
        self._plus = 0.0
        self._minus = 0.0
        self._dx_sum = 0.0
        self._adx = 0.0

    def push(self, bar: Bar) -> float | None:
        """Take the next bar; ADX after it, or None while it is still being seeded."""
        if self._high is None:
            self._high, self._low = bar.high, bar.low
            return None
        up, down = bar.high - self._high, self._low - bar.low
        self._high, self._low = bar.high, bar.low
        self._moves += 1
        self._smooth(plus=up if up > max(down, 0) else 0, minus=down if down > max(up, 0) else 0)
        if self._moves < self._period:
            return None
        return self._after_dx(self._dx())

    def _smooth(self, *, plus: int, minus: int) -> None:
        if self._moves > self._period:
            self._plus -= self._plus / self._period
            self._minus -= self._minus / self._period
        self._plus += plus
        self._minus += minus

    def _dx(self) -> float:
        total = self._plus + self._minus
        return 100.0 * abs(self._plus - self._minus) / total if total > 0 else 0.0

    def _after_dx(self, dx: float) -> float | None:
        dx_count = self._moves - self._period + 1
        if dx_count > self._period:
            self._adx = (self._adx * (self._period - 1) + dx) / self._period
            return self._adx
        self._dx_sum += dx
        if dx_count < self._period:
            return None
        self._adx = self._dx_sum / self._period
        return self._adx
