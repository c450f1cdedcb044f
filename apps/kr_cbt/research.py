"""What the research modes share: bars from disk, and a backtest's settings from the configuration.

The configuration is the one that trades: strategy, risk, sizing, universe and costs are read from
it as the session reads them.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.kr_cbt.settings import CbtSettings
from apps.session_settings import session_settings
from kis_adapters.report.model import PriceSeries, ReportTrade
from kis_adapters.settings.settings import Settings
from kis_core.research.bars import BarMatrix
from kis_core.research.cleaning import NoUsableBars, load_bars
from kis_core.research.report import DataReport, Fault, Handling
from kis_core.research.setting import BacktestSettings, Slippage
from kis_core.research.store import BadBarFile, is_store, read_folder, read_store

_ENDINGS = (".parquet", ".csv")
_ARRAYS = "symbols.txt"
_NAMED = 5
_CHARTS = 8

FAULTS = {
    Fault.BAD_SYMBOL: "종목코드가 아닌 행",
    Fault.BAD_DATE: "날짜가 아닌 행",
    Fault.UNSORTED: "순서가 뒤바뀐 행",
    Fault.DUPLICATE: "되풀이된 행",
    Fault.CONFLICT: "같은 날 값이 다른 행",
    Fault.MISSING_VALUE: "빈 값이나 NaN",
    Fault.FRACTION: "소수로 적힌 값",
    Fault.NEGATIVE: "음수",
    Fault.TOO_LARGE: "너무 큰 값",
    Fault.HALTED: "거래가 없던 날(거래정지)",
    Fault.INCONSISTENT: "고가·저가와 맞지 않는 값",
    Fault.GAP: "빠진 거래일",
    Fault.BASIS_CHANGED: "가격제한폭을 넘는 변화(액면분할·감자 등)",
    Fault.FEW_BARS: "봉이 너무 적은 종목",
    Fault.TOO_DIRTY: "틀린 값이 너무 많은 종목",
}
HANDLINGS = {
    Handling.REPAIRED: "고쳐서 씀",
    Handling.NOT_TRADED: "그날은 판단하지 않음",
    Handling.EXCLUDED: "뺌",
    Handling.TOLD: "그대로 씀",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars that may be traded on; `report` says what was wrong with them (None: a clean store)."""

    matrix: BarMatrix
    report: DataReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The first and last session to trade; None: from the beginning, to the end."""

    first: date | None = None
    last: date | None = None


def read_bars(path: Path) -> Bars:
    """The bars in a Parquet or CSV file, a bar store, a folder of such files or a folder of
    arrays. Raises BadBarFile (Korean)."""
    if not path.exists():
        raise BadBarFile(f"{path}: 봉 자료가 없습니다. --mode fetch 로 먼저 받을 수 있습니다.")
    if path.is_file():
        if path.suffix == ".parquet" and is_store(path):
            return Bars(matrix=read_store(path), report=None)
        return _cleaned([path])
    if (path / _ARRAYS).exists():
        return Bars(matrix=read_folder(path), report=None)
    files = sorted(p for p in path.iterdir() if p.suffix in _ENDINGS)
    if not files:
        raise BadBarFile(f"{path}: 봉 파일(.parquet, .csv)이 하나도 없습니다.")
    if len(files) == 1:
        return read_bars(files[0])
    return _cleaned(files)


def _cleaned(files: list[Path]) -> Bars:
    try:
        matrix, report = load_bars(*files)
    except NoUsableBars as error:
        raise BadBarFile("\n".join((str(error), *data_warnings(error.report)))) from error
    return Bars(matrix=matrix, report=report)


def data_warnings(report: DataReport | None) -> list[str]:
    """What was wrong with the bars, a sentence a kind, with the symbols it was worst for."""
    if report is None:
        return []
    found = []
    for fault, rows in report.totals().items():
        of_fault = sorted(
            (each for each in report.findings if each.fault is fault),
            key=lambda each: (-each.rows, each.symbol),
        )
        named = ", ".join(f"{each.symbol}({each.rows:,})" for each in of_fault[:_NAMED])
        more = f" 외 {len(of_fault) - _NAMED:,}종목" if len(of_fault) > _NAMED else ""
        found.append(f"{FAULTS[fault]}: {rows:,}행, {HANDLINGS[fault.handling]} — {named}{more}")
    if report.excluded:
        named = ", ".join(report.excluded[:_NAMED])
        found.append(f"쓸 수 있는 봉이 없어 뺀 종목 {len(report.excluded):,}개: {named}")
    return found + [f"쓰지 못한 파일: {why}" for why in report.refused]


def backtest_settings(
    settings: Settings, cbt: CbtSettings, span: Span, *, is_whole_market: bool = False
) -> BacktestSettings:
    """The configured trading as a backtest. `is_whole_market`: every symbol of the bars may be
    entered, whatever the universe says. Raises EmptyUniverse, UniverseRefused and ValueError."""
    session = session_settings(settings, account="")
    slippage = cbt.rules.slippage
    return BacktestSettings(
        parameters=session.parameters,
        limits=session.limits,
        sizing=session.sizing,
        commission=session.commission,
        slippage=Slippage(ticks=slippage.ticks, bp=slippage.bp),
        cash=cbt.rules.initial_cash,
        entry_limit_pct=session.orders.entry_limit_pct,
        universe=None if is_whole_market else settings.universe.policy(),
        event_dates=session.event_dates,
        first=span.first,
        last=span.last,
    )


def parameters_of(chosen: BacktestSettings, settings: Settings) -> list[tuple[str, str, str]]:
    """What was set, as the report's rows of (section, name, value)."""
    rows = [("strategy", name, str(v)) for name, v in asdict(chosen.parameters).items()]
    rows += [("risk", name, str(v)) for name, v in asdict(chosen.limits).items()]
    rows += [("sizing", "policy", str(chosen.sizing))]
    rows += [("costs", "commission_ppm", str(chosen.commission.ppm))]
    rows += [("slippage", name, str(v)) for name, v in asdict(chosen.slippage).items()]
    method = "자료 전체" if chosen.universe is None else settings.universe.selection_method
    return [*rows, ("universe", "selection_method", method)]


def price_series(
    bars: BarMatrix, dates: Sequence[date], trades: Sequence[ReportTrade]
) -> list[PriceSeries]:
    """The prices of the symbols that were traded most, on those of `dates` that the bars have."""
    counts = Counter(trade.symbol for trade in trades)
    chosen = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
    row_of = {str(symbol): row for row, symbol in enumerate(bars.symbols)}
    first, last = bisect_left(bars.dates, dates[0]), bisect_right(bars.dates, dates[-1])
    return [
        PriceSeries(
            symbol=symbol,
            name=next(trade.name for trade in trades if trade.symbol == symbol),
            at=bars.dates[first:last],
            closes=_traded(bars.close[row_of[symbol], first:last]),
            lows=_traded(bars.low[row_of[symbol], first:last]),
            highs=_traded(bars.high[row_of[symbol], first:last]),
        )
        for symbol in chosen
        if symbol in row_of and last > first
    ][:_CHARTS]


def _traded(prices: NDArray[np.int32]) -> list[int | None]:
    """None where it did not trade."""
    return [int(price) if price > 0 else None for price in prices]
