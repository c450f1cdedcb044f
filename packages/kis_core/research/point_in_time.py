"""The universe as it would have been chosen on a day, by the policy that chooses it live.

Everything it looks at is of the session before. What bars do not tell is not filtered by and is
said in the result's warnings: market capitalisation, and whether an issue was managed.
"""

import numpy as np

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.research.bars import BarMatrix, Int64s
from kis_core.research.trend_scan import true_ranges, window_sums
from kis_core.universe.candidate import AtrReading, Needed, Snapshot
from kis_core.universe.policy import PoolMode, SelectionMethod, UniversePolicy
from kis_core.universe.selection import SelectionInputs, select


class PointInTime:
    """Chooses the universe of each day. Rows are those of `bars`."""

    def __init__(self, bars: BarMatrix, policy: UniversePolicy) -> None:
        self._bars = bars
        self._policy = policy
        self._row = {symbol: row for row, symbol in enumerate(bars.symbols)}
        self._ranges: Int64s = _packed_range_sums(bars, policy.atr_period)
        self._counts: Int64s = np.cumsum(bars.volume > 0, axis=1)

    def rows(self, day: int) -> list[int]:
        """The rows that may be entered on `day`, in order of preference."""
        if day == 0:
            return []
        pool = self._pool(day - 1)
        known = [Symbol(code) for code in pool if code in self._row]
        inputs = SelectionInputs(
            pool=tuple(pool),
            snapshots={symbol: self._snapshot(symbol, day - 1) for symbol in known},
            atrs={symbol: self._reading(symbol, day - 1) for symbol in known},
        )
        chosen = select(self._policy, inputs)
        if isinstance(chosen, Needed):
            raise ValueError(f"bars cannot tell {chosen.what} of {chosen.symbols[:3]}")
        return [self._row[symbol] for symbol in chosen.symbols[: self._policy.entry_candidates]]

    def _pool(self, day: int) -> list[str]:
        """What traded on `day`, by traded value; or what the operator listed, where it did."""
        policy, bars = self._policy, self._bars
        if policy.method is SelectionMethod.FIXED:
            return [code for code in policy.stocks if code in self._row]
        if policy.pool_mode in (PoolMode.YAML, PoolMode.KOSPI200):
            listed = [code for code in policy.listed_pool if code in self._row]
            return [code for code in listed if bars.volume[self._row[Symbol(code)], day] > 0]
        value = bars.close[:, day].astype(np.int64) * bars.volume[:, day]
        ranked = np.argsort(-value, kind="stable")
        most = policy.volume_top_n if policy.pool_mode is PoolMode.VOLUME_TOP else policy.scan_size
        return [bars.symbols[row] for row in ranked[:most].tolist() if value[row] > 0]

    def _snapshot(self, symbol: Symbol, day: int) -> Snapshot:
        row, bars = self._row[symbol], self._bars
        close, volume = int(bars.close[row, day]), int(bars.volume[row, day])
        return Snapshot(
            symbol=symbol,
            last=Won(close),
            open=Won(int(bars.open[row, day])),
            traded_value=close * volume,
            valued_on=bars.dates[day],
            is_halted=volume == 0,
            is_managed=False,
        )

    def _reading(self, symbol: Symbol, day: int) -> AtrReading:
        row = self._row[symbol]
        count = int(self._counts[row, day])
        period = self._policy.atr_period
        return AtrReading(
            symbol=symbol,
            range_sum=int(self._ranges[row, day]) if count > period else 0,
            period=period,
            close=Won(int(self._bars.close[row, day])),
            bar_count=count if count > period else 0,
        )


def _packed_range_sums(bars: BarMatrix, period: int) -> Int64s:
    """The sum of the last `period` true ranges on each day that traded, 0 on the others."""
    sums = np.zeros(bars.close.shape, np.int64)
    for row in range(len(bars.symbols)):
        days = np.flatnonzero(bars.volume[row] > 0)
        high, low, close = (
            getattr(bars, name)[row, days].astype(np.int64)[None, :]
            for name in ("high", "low", "close")
        )
        if len(days):
            sums[row, days] = window_sums(true_ranges(high, low, close), period)[0]
    return sums
