"""MarketScan on the KIS REST API: the wide view before the open, at the lowest priority.

REAL quotes thirty symbols a call; PAPER lacks that and the rankings, and asks one by one, where
each answer then tells flags and size too. A history is one chart call, which also tells the size.
An unknown issue is answered with zeros and blanks, and so is its figure here: it has no price.
Source: kis-wire sections 4.1, 4.5, 4.8, 4.9, 4.13.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, TypeVar

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import DAILY_CHART, MULTI_PRICE, PRICE, VOLUME_RANK, Endpoint
from kis_adapters.kis.errors import (
    ErrorClass,
    KisError,
    KisFieldError,
    KisImplausible,
    KisRefused,
    KisTokenUnavailable,
)
from kis_adapters.kis.ranking import KisRankings
from kis_adapters.kis.wire import ChartHeader, ChartRow, Count, Text, Wire, object_at, read, rows_at
from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.ports.market_scan import (
    Board,
    History,
    MarketScan,
    MarketScanUnavailable,
    RankedIssue,
    Ranking,
)
from kis_core.universe.candidate import Snapshot, Status, Unread

_PER_CALL = 30
_GIVEN_UP_AFTER = 3  # calls in a row without an answer: the source is down, not a symbol
_WINDOW = timedelta(days=130)  # about ninety trading days: below the hundred rows of a page
_ROWS_MAX = 100
_ADJUSTED = "0"

_NOT_ABOUT_THE_SYMBOL = frozenset({ErrorClass.TOKEN, ErrorClass.AUTH, ErrorClass.UNSUPPORTED})

_HALTED = "58"  # iscd_stat_cls_code
_MANAGED = "51"

_A = TypeVar("_A")


class _ScanPrice(Wire):
    """inquire-price as far as a scan reads it; `hts_avls` is 억원."""

    stck_shrn_iscd: Text = ""
    stck_prpr: Count
    stck_oprc: Count
    acml_tr_pbmn: Count
    hts_avls: Count
    iscd_stat_cls_code: Text = ""
    temp_stop_yn: Text = ""
    mang_issu_cls_code: Text = ""
    sltr_yn: Text = ""


class _ScanRow(Wire):
    """One issue of intstock-multprice."""

    inter2_prpr: Count
    inter2_oprc: Count
    acml_tr_pbmn: Count


class _ScanHeader(ChartHeader):
    hts_avls: Count


class _ScanDay(ChartRow):
    acml_tr_pbmn: Count


class KisMarketScan(MarketScan):
    """Counts its calls in `calls`, also those that failed."""

    def __init__(self, client: KisClient) -> None:
        self._client = client
        self._rankings = KisRankings(client)
        self._calls = 0

    @property
    def offers_rankings(self) -> bool:
        """See the port."""
        return VOLUME_RANK.is_offered(self._client.mode)

    @property
    def calls(self) -> int:
        """See the port."""
        return self._calls

    @property
    def symbols_per_snapshot(self) -> int:
        """How many symbols one call quotes, for the budget planner."""
        return _PER_CALL if MULTI_PRICE.is_offered(self._client.mode) else 1

    def ranking(self, ranking: Ranking, board: Board) -> tuple[RankedIssue, ...]:
        """See the port."""
        self._calls += 1
        with _translated():
            return self._rankings.ranking(ranking, board)

    def snapshots(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Snapshot | Unread]:
        """See the port."""
        if not MULTI_PRICE.is_offered(self._client.mode):
            return self._each(symbols, self._single)
        answers: dict[Symbol, Snapshot | Unread] = {}
        for first in range(0, len(symbols), _PER_CALL):
            answers.update(self._bulk(symbols[first : first + _PER_CALL]))
        return answers

    def statuses(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Status | Unread]:
        """See the port."""
        return self._each(symbols, self._status)

    def histories(
        self, symbols: Sequence[Symbol], *, on: date, count: int
    ) -> Mapping[Symbol, History | Unread]:
        """See the port."""
        return self._each(symbols, lambda symbol: self._history(symbol, on=on, count=count))

    def _each(
        self, symbols: Sequence[Symbol], ask: Callable[[Symbol], _A]
    ) -> dict[Symbol, _A | Unread]:
        """One answer a symbol; a source that answers nobody is asked no further."""
        answers: dict[Symbol, _A | Unread] = {}
        in_a_row = 0
        for symbol in symbols:
            try:
                answers[symbol] = ask(symbol)
                in_a_row = 0
            except KisTokenUnavailable as error:
                raise MarketScanUnavailable(str(error)) from error
            except (KisFieldError, KisImplausible) as error:
                self._client.report(error)
                answers[symbol] = Unread(symbol=symbol, why=str(error))
                in_a_row = 0
            except KisRefused as error:
                if error.classified.error_class in _NOT_ABOUT_THE_SYMBOL:
                    raise MarketScanUnavailable(str(error)) from error
                answers[symbol] = Unread(symbol=symbol, why=str(error))
                in_a_row = 0
            except KisError as error:
                answers[symbol] = Unread(symbol=symbol, why=str(error))
                in_a_row += 1
                if in_a_row >= _GIVEN_UP_AFTER:
                    raise MarketScanUnavailable(str(error)) from error
        return answers

    def _single(self, symbol: Symbol) -> Snapshot:
        price = self._price(symbol)
        is_told = _is_told(price)
        return Snapshot(
            symbol=symbol,
            last=Won(price.stck_prpr),
            open=Won(price.stck_oprc),
            traded_value=price.acml_tr_pbmn,
            valued_on=self._client.clock.now().date(),
            market_cap_eok=price.hts_avls or None,
            is_halted=_is_halted(price) if is_told else None,
            is_managed=_is_managed(price) if is_told else None,
        )

    def _status(self, symbol: Symbol) -> Status:
        price = self._price(symbol)
        is_told = _is_told(price)
        return Status(
            symbol=symbol,
            last=Won(price.stck_prpr),
            market_cap_eok=price.hts_avls or None,
            is_halted=_is_halted(price) if is_told else None,
            is_managed=_is_managed(price) if is_told else None,
        )

    def _price(self, symbol: Symbol) -> _ScanPrice:
        params = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol}
        output = object_at(self._get(PRICE, params), "output", endpoint=PRICE.name)
        self._client.drift.see(PRICE.name, "output", output)
        price = read(_ScanPrice, output, endpoint=PRICE.name)
        if price.stck_shrn_iscd not in ("", symbol):
            raise KisFieldError(
                PRICE.name, field="output.stck_shrn_iscd", why="another symbol's answer"
            )
        return price

    def _bulk(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Snapshot | Unread]:
        params: dict[str, str] = {}
        for number, symbol in enumerate(symbols, start=1):
            params[f"FID_COND_MRKT_DIV_CODE_{number}"] = "J"
            params[f"FID_INPUT_ISCD_{number}"] = symbol
        with _translated():
            body = self._get(MULTI_PRICE, params)
            rows = rows_at(body, "output", endpoint=MULTI_PRICE.name)
        answers: dict[Symbol, Snapshot | Unread] = {
            symbol: Unread(symbol=symbol, why=f"{MULTI_PRICE.name}: not in the answer")
            for symbol in symbols
        }
        for row in rows:
            symbol = Symbol(str(row.get("inter_shrn_iscd") or "").strip())
            if symbol in answers:  # what was not asked for is never taken for another
                answers[symbol] = self._bulk_snapshot(symbol, row)
        return answers

    def _bulk_snapshot(self, symbol: Symbol, data: Mapping[str, Any]) -> Snapshot | Unread:
        self._client.drift.see(MULTI_PRICE.name, "output", data)
        try:
            row = read(_ScanRow, data, endpoint=MULTI_PRICE.name)
        except KisFieldError as error:
            self._client.report(error)
            return Unread(symbol=symbol, why=str(error))
        return Snapshot(
            symbol=symbol,
            last=Won(row.inter2_prpr),
            open=Won(row.inter2_oprc),
            traded_value=row.acml_tr_pbmn,
            valued_on=self._client.clock.now().date(),
        )

    def _history(self, symbol: Symbol, *, on: date, count: int) -> History:
        name = DAILY_CHART.name
        params = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": f"{on - _WINDOW:%Y%m%d}",
            "FID_INPUT_DATE_2": f"{on:%Y%m%d}",
            "FID_PERIOD_DIV_CODE": "D",
            "FID_ORG_ADJ_PRC": _ADJUSTED,
        }
        body = self._get(DAILY_CHART, params)
        output = object_at(body, "output1", endpoint=name)
        self._client.drift.see(name, "output1", output)
        header = read(_ScanHeader, output, endpoint=name, at="output1")
        if header.stck_shrn_iscd != symbol:
            raise KisFieldError(name, field="output1.stck_shrn_iscd", why="another symbol's answer")
        days = self._days(body, symbol, on=on)
        bars = [bar for bar in (_bar(day) for day in days) if bar.is_traded]
        is_of_day = bool(days) and days[-1].stck_bsop_date == on
        return History(
            symbol=symbol,
            bars=tuple(bars[-count:]),
            traded_value=days[-1].acml_tr_pbmn if is_of_day else 0,
            market_cap_eok=header.hts_avls or None,
        )

    def _days(self, body: dict[str, Any], symbol: Symbol, *, on: date) -> list[_ScanDay]:
        """The days of the chart, ascending. Raises KisError for a chart that is not of them."""
        name = DAILY_CHART.name
        rows = rows_at(body, "output2", endpoint=name)
        dated = [row for row in rows if str(row.get("stck_bsop_date") or "").strip()]
        for row in dated[:1]:  # they are alike; a scan reads many
            self._client.drift.see(name, "output2", row)
        days = [read(_ScanDay, row, endpoint=name, at="output2") for row in dated]
        dates = {day.stck_bsop_date for day in days}
        if len(dates) != len(days) or len(days) > _ROWS_MAX:
            raise KisImplausible(name, f"{symbol}: days told twice, or too many")
        if any(day > on for day in dates):
            raise KisImplausible(name, f"{symbol}: days after the one asked for")
        return sorted(days, key=lambda day: day.stck_bsop_date)

    def _get(self, endpoint: Endpoint, params: Mapping[str, str]) -> dict[str, Any]:
        self._calls += 1
        return self._client.get(endpoint, params, priority=Priority.SCAN).body


def _is_told(price: _ScanPrice) -> bool:
    """Whether the answer says anything of the issue's standing."""
    return bool(price.iscd_stat_cls_code and (price.temp_stop_yn or price.mang_issu_cls_code))


def _is_halted(price: _ScanPrice) -> bool:
    return price.iscd_stat_cls_code == _HALTED or price.temp_stop_yn == "Y"


def _is_managed(price: _ScanPrice) -> bool:
    """Managed, or in its last days before it is delisted (정리매매)."""
    flags = (price.mang_issu_cls_code, price.sltr_yn)
    return price.iscd_stat_cls_code == _MANAGED or "Y" in flags


def _bar(day: _ScanDay) -> Bar:
    return Bar(
        session_date=day.stck_bsop_date,
        open=Won(day.stck_oprc),
        high=Won(day.stck_hgpr),
        low=Won(day.stck_lwpr),
        close=Won(day.stck_clpr),
        volume=day.acml_vol,
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except KisError as error:
        raise MarketScanUnavailable(str(error)) from error
