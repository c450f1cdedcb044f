"""Stored daily bars instead of the seeded walk: a Parquet file of real or prepared days.

Columns: symbol (text), date, open, high, low, close, volume. A day with open, high and low 0 is
halted. Names are taken from the well-known issues; what a bar does not tell is made up.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from kis_core.market.bar import Bar
from kis_core.market.symbol import Instrument, Market, Symbol
from kis_core.market.won import Won
from kis_sandbox.history import DailyBars
from kis_sandbox.listing import Issue, known_issues

_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")
_SHARES_PER_DAILY_VOLUME = 200  # a made-up share count: half a percent changes hands a day


class ParquetBars(DailyBars):
    """The bars of one file. Raises ValueError for a file without the columns."""

    def __init__(self, path: Path) -> None:
        frame = pl.read_parquet(path)
        missing = [name for name in _COLUMNS if name not in frame.columns]
        if missing:
            raise ValueError(f"일봉 파일에 열이 없습니다 ({', '.join(missing)}): {path}")
        rows = frame.select(_COLUMNS).filter(pl.col("close") > 0).sort("symbol", "date")
        self._frames = {
            str(key[0]): part for key, part in rows.partition_by("symbol", as_dict=True).items()
        }
        self._bars: dict[str, list[Bar]] = {}

    def bars(self, symbol: str, until: date) -> list[Bar]:
        known = self._read(symbol)
        return known[: bisect_right(known, until, key=lambda bar: bar.session_date)]

    def issues(self) -> Iterator[Issue]:
        """The file's symbols as issues."""
        names = {issue.symbol: issue for issue in known_issues()}
        for text, frame in self._frames.items():
            symbol = Symbol(text)
            if symbol in names:
                yield names[symbol]
                continue
            volume = max(1, int(frame["volume"].to_numpy().mean()))
            price = int(frame["close"][-1])
            yield Issue(
                instrument=Instrument(symbol=symbol, name=f"종목{text}", market=Market.KOSPI),
                anchor_price=price,
                shares=volume * _SHARES_PER_DAILY_VOLUME,
                turnover=volume * price,
                sector="기타",
            )

    def _read(self, symbol: str) -> list[Bar]:
        if symbol not in self._bars:
            frame = self._frames.get(symbol)
            rows = frame.iter_rows() if frame is not None else iter(())
            self._bars[symbol] = [_bar(row) for row in rows]
        return self._bars[symbol]


def _bar(row: tuple[str, date, int, int, int, int, int]) -> Bar:
    _, day, opening, high, low, close, volume = row
    return Bar(
        session_date=day,
        open=Won(int(opening)),
        high=Won(int(high)),
        low=Won(int(low)),
        close=Won(int(close)),
        volume=int(volume),
    )
