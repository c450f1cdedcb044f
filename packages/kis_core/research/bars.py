"""Daily bars of many symbols as matrices, and one symbol's as a series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won

IntMatrix = NDArray[np.int32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarMatrix:
    """Daily bars, `[symbol, day]`, int32, C order; prices in won, volume in shares.

    `symbols` and `dates` name the rows and the columns; dates ascend. A day on which a symbol did
    not trade (halted, not listed, excluded as dirty) is 0 in all five: every other cell is a bar
    that a strategy may look at. Raises ValueError where the shapes do not agree or dates do not
    ascend.
    """

    symbols: tuple[Symbol, ...]
    dates: tuple[date, ...]
    open: IntMatrix
    high: IntMatrix
    low: IntMatrix
    close: IntMatrix
    volume: IntMatrix

    def __post_init__(self) -> None:
        shape = (len(self.symbols), len(self.dates))
        for name in FIELDS:
            matrix = getattr(self, name)
            if matrix.shape != shape or matrix.dtype != np.int32:
                raise ValueError(f"{name} is {matrix.dtype} {matrix.shape}, expected int32 {shape}")
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols must be distinct")
        if any(
            later <= earlier for earlier, later in zip(self.dates, self.dates[1:], strict=False)
        ):
            raise ValueError("dates must ascend")

    @property
    def days(self) -> int:
        """How many sessions."""
        return len(self.dates)

    def series(self, row: int) -> list[Bar]:
        """The traded bars of one row, oldest first."""
        columns = [getattr(self, name)[row].tolist() for name in FIELDS]
        return [
            Bar(session_date=on, open=Won(o), high=Won(h), low=Won(lo), close=Won(c), volume=v)
            for on, o, h, lo, c, v in zip(self.dates, *columns, strict=True)
            if v > 0
        ]

    def between(self, first: date | None = None, last: date | None = None) -> "BarMatrix":
        """The sessions from `first` to `last`, both included. Raises ValueError when none is."""
        chosen = [
            day
            for day, on in enumerate(self.dates)
            if (first is None or on >= first) and (last is None or on <= last)
        ]
        if not chosen:
            raise ValueError(f"no session between {first} and {last}")
        start, end = chosen[0], chosen[-1] + 1
        return self._cut(lambda matrix: matrix[:, start:end], dates=self.dates[start:end])

    def only(self, symbols: Sequence[Symbol]) -> "BarMatrix":
        """The given rows, in that order. Raises ValueError for a symbol that is not there."""
        place = {symbol: row for row, symbol in enumerate(self.symbols)}
        missing = [symbol for symbol in symbols if symbol not in place]
        if missing:
            raise ValueError(f"no bars of {', '.join(missing[:5])}")
        rows = [place[symbol] for symbol in symbols]
        return self._cut(lambda matrix: matrix[rows], symbols=tuple(symbols))

    def _cut(self, cut: Callable[[IntMatrix], IntMatrix], **names: Any) -> "BarMatrix":
        axes: dict[str, Any] = {"symbols": self.symbols, "dates": self.dates, **names}
        for name in FIELDS:
            axes[name] = np.ascontiguousarray(cut(getattr(self, name)))
        return BarMatrix(**axes)
