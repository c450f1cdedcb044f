"""Completed daily bars from inquire-daily-itemchartprice.

At most a hundred rows a call, newest first; the next page ends a day before the oldest row. Rows
without a date, days on which nothing traded and days not before the one asked are left out; a day
whose prices contradict each other is left out and logged (KRX lists hundreds of such rows for
long-halted issues). In this TR the flag "0" means adjusted. Source: kis-wire section 4.5.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import structlog

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import DAILY_CHART
from kis_adapters.kis.errors import KisFieldError, KisImplausible
from kis_adapters.kis.wire import ChartHeader, ChartRow, object_at, read, rows_at
from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won

_ADJUSTED = "0"
_START = "19800104"  # the base date of KOSPI: no KRX daily price is older
_ROWS_A_PAGE = 100
_EXTRA_PAGES = 15  # halted days are rows too: room for six years of them
_GAP_MAX = timedelta(days=31)  # the longest closure of KRX was about ten days

_log = structlog.get_logger(__name__)


class KisBars:
    """Reads bars page by page; each page must be older than the last (F-068)."""

    def __init__(self, client: KisClient) -> None:
        self._client = client

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        """Up to `count` bars, ascending. Raises KisError; never fewer because a page failed."""
        bars: dict[date, Bar] = {}
        end = before - timedelta(days=1)
        for _ in range(-(-count // _ROWS_A_PAGE) + _EXTRA_PAGES):
            if len(bars) >= count:
                break
            rows = self._page(symbol, end=end)
            if not rows:
                break
            bars.update(self._bars(symbol, rows))
            end = min(row.stck_bsop_date for row in rows) - timedelta(days=1)
        else:
            raise KisImplausible(DAILY_CHART.name, f"{symbol}: no end of pages")
        newest = sorted(bars)[-count:] if count > 0 else []
        return tuple(bars[day] for day in newest)

    def name(self, symbol: Symbol, *, on: date) -> str:
        """The issue's name. Raises KisError, KisFieldError where it is blank."""
        body = self._asked(symbol, start=f"{on - _GAP_MAX:%Y%m%d}", end=on)
        name = self._header(body, symbol).hts_kor_isnm
        if not name:
            raise KisFieldError(DAILY_CHART.name, field="output1.hts_kor_isnm", why="blank")
        return name

    def _page(self, symbol: Symbol, *, end: date) -> Sequence[ChartRow]:
        """The days up to and including `end`, at most a hundred; empty: there are none."""
        body = self._asked(symbol, start=_START, end=end)
        name = DAILY_CHART.name
        self._header(body, symbol)
        rows: dict[date, ChartRow] = {}
        for data in rows_at(body, "output2", endpoint=name):
            if not str(data.get("stck_bsop_date") or "").strip():
                continue
            self._client.drift.see(name, "output2", data)
            row = read(ChartRow, data, endpoint=name, at="output2")
            if rows.setdefault(row.stck_bsop_date, row) != row:
                raise KisImplausible(name, f"{symbol}: {row.stck_bsop_date} told twice")
        # A server that ignores the end date repeats days: nothing of that page is new.
        fitting = [row for day, row in rows.items() if day <= end]
        if rows and not fitting:
            raise KisImplausible(name, f"{symbol}: no day up to {end} in the page")
        if fitting and end - max(row.stck_bsop_date for row in fitting) > _GAP_MAX:
            raise KisImplausible(name, f"{symbol}: days missing before {end}")
        return fitting

    def _asked(self, symbol: Symbol, *, start: str, end: date) -> dict[str, Any]:
        params = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": start,
            "FID_INPUT_DATE_2": f"{end:%Y%m%d}",
            "FID_PERIOD_DIV_CODE": "D",
            "FID_ORG_ADJ_PRC": _ADJUSTED,
        }
        return self._client.get(DAILY_CHART, params, priority=Priority.SCAN).body

    def _header(self, body: Mapping[str, Any], symbol: Symbol) -> ChartHeader:
        name = DAILY_CHART.name
        output = object_at(dict(body), "output1", endpoint=name)
        self._client.drift.see(name, "output1", output)
        header = read(ChartHeader, output, endpoint=name, at="output1")
        if header.stck_shrn_iscd != symbol:
            raise KisFieldError(name, field="output1.stck_shrn_iscd", why="another symbol's answer")
        return header

    def _bars(self, symbol: Symbol, rows: Sequence[ChartRow]) -> dict[date, Bar]:
        bars: dict[date, Bar] = {}
        contradictory: list[date] = []
        for row in rows:
            bar = Bar(
                session_date=row.stck_bsop_date,
                open=Won(row.stck_oprc),
                high=Won(row.stck_hgpr),
                low=Won(row.stck_lwpr),
                close=Won(row.stck_clpr),
                volume=row.acml_vol,
            )
            if bar.is_traded:
                bars[bar.session_date] = bar
            elif bar.volume:
                contradictory.append(bar.session_date)
        if contradictory:
            days = [day.isoformat() for day in sorted(contradictory)]
            _log.warning("kis.bars.dropped", symbol=symbol, days=days)
        return bars
