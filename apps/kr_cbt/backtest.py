"""`--mode backtest`: the configured trading over daily bars, with a report (C-05, C-04)."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from apps.build import commit_hash
from apps.exit_code import ExitCode
from apps.kr_cbt.arguments import Arguments
from apps.kr_cbt.research import (
    Bars,
    Span,
    backtest_settings,
    data_warnings,
    parameters_of,
    price_series,
    read_bars,
)
from apps.kr_cbt.settings import CbtSettings, store_path
from apps.session_settings import EmptyUniverse, UniverseRefused
from apps.terminal import say
from kis_adapters.console.words import meaning
from kis_adapters.report.figures import headline
from kis_adapters.report.model import Report, ReportHolding, ReportTrade
from kis_adapters.report.page import write_report
from kis_adapters.report.run_folder import write_run
from kis_adapters.settings.settings import Settings
from kis_core.market.session import KST
from kis_core.research.backtest import run
from kis_core.research.bars import BarMatrix
from kis_core.research.lookahead import check_lookahead
from kis_core.research.pitfalls import pitfalls
from kis_core.research.setting import BacktestResult, BacktestSettings
from kis_core.research.store import BadBarFile

_BENCHMARK = "모든 종목을 똑같이 사서 그대로 둔 것"
_EXITS = {"delisted": "상장폐지·거래종료", "basis_changed": "가격 기준 변경"}


def backtest(settings: Settings, cbt: CbtSettings, arguments: Arguments) -> int:
    """Run, print a summary, write the report and its files; returns the exit code."""
    console = Console(stderr=True)
    asked = arguments.research
    is_whole = asked.is_whole_market
    try:
        with console.status("봉을 읽는 중"):
            bars = read_bars(asked.data or store_path(settings))
        span = Span(first=asked.first, last=asked.last)
        _refuse_no_session(bars.matrix, span)
        chosen = backtest_settings(settings, cbt, span, is_whole_market=is_whole)
        _refuse_unknown(settings, bars.matrix, is_whole_market=is_whole)
        with console.status(f"{len(bars.matrix.symbols):,}종목 × {bars.matrix.days:,}일 시험 중"):
            result = run(bars.matrix, chosen)
        report = report_of(result, bars, chosen, settings)
    except (BadBarFile, EmptyUniverse, UniverseRefused, ValueError) as error:
        return say(str(error), ExitCode.REFUSED)
    made_at = f"{datetime.now(KST):%Y%m%d-%H%M%S}"
    folder = arguments.to or settings.paths.data_dir / "backtests" / made_at
    try:
        write_run(report, folder)
        write_report(report, folder / "report.html")
    except OSError as error:
        return say(f"{folder}: 쓸 수 없습니다 ({error.strerror}).", ExitCode.FAILURE)
    _print(report, folder)
    if asked.is_lookahead_checked:
        with console.status("미래의 봉을 섞어 다시 시험하는 중"):
            return _print_lookahead(bars.matrix, chosen)
    return ExitCode.OK


def _refuse_no_session(bars: BarMatrix, span: Span) -> None:
    first, last = span.first or bars.dates[0], span.last or bars.dates[-1]
    if not any(first <= day <= last for day in bars.dates):
        raise ValueError(
            f"{first} ~ {last}: 봉 자료에 거래일이 없습니다"
            f" (자료는 {bars.dates[0]} ~ {bars.dates[-1]})."
        )


def _refuse_unknown(settings: Settings, bars: BarMatrix, *, is_whole_market: bool) -> None:
    """A list of symbols that the bars do not have would be a backtest of nothing."""
    listed = settings.universe.stocks
    if is_whole_market or settings.universe.selection_method != "fixed":
        return
    if not set(listed) & set(bars.symbols):
        raise ValueError(
            "universe.yaml의 종목이 봉 자료에 하나도 없습니다. --stock 으로 종목을 주거나"
            " --whole-market 으로 자료의 모든 종목을 시험하세요."
        )


def report_of(
    result: BacktestResult, bars: Bars, chosen: BacktestSettings, settings: Settings
) -> Report:
    """Everything that the page of this run shows."""
    names = {symbol: known.name for symbol, known in chosen.instruments.items()}
    trades = tuple(
        ReportTrade(
            symbol=trade.symbol,
            name=names.get(trade.symbol, ""),
            entered=trade.entry_session,
            left=trade.exit_session,
            quantity=trade.quantity,
            cost=trade.entry_price * trade.quantity,
            proceeds=trade.exit_price * trade.quantity,
            reason=_EXITS.get(trade.reason, meaning(trade.reason)),
            pnl=trade.pnl,
            costs=trade.commission + trade.tax,
            stop=trade.stop,
            take=trade.take,
        )
        for trade in result.trades
    )
    return Report(
        title="백테스트",
        subtitle=(
            f"{result.dates[0]} ~ {result.dates[-1]} · {len(result.dates):,}거래일 ·"
            f" 자료 {len(bars.matrix.symbols):,}종목 · 시작 자금 {result.start_cash:,}원 ·"
            f" 버전 {commit_hash()}"
        ),
        dates=result.dates,
        equity=result.equity,
        invested=result.invested,
        start=result.start_cash,
        traded_value=sum(fill.price * fill.quantity for fill in result.fills),
        commission=sum(fill.commission for fill in result.fills),
        tax=sum(fill.tax for fill in result.fills),
        benchmark=result.benchmark,
        benchmark_name=_BENCHMARK,
        trades=trades,
        holdings=[
            ReportHolding(
                symbol=each.symbol,
                name=names.get(each.symbol, ""),
                entered=each.entry_session,
                quantity=each.quantity,
                cost=each.cost,
                last=each.last,
            )
            for each in result.holdings
        ],
        prices=price_series(bars.matrix, result.dates, trades),
        parameters=parameters_of(chosen, settings),
        warnings=(*data_warnings(bars.report), *result.warnings, *_left_out(settings)),
    )


def _left_out(settings: Settings) -> Sequence[str]:
    if not settings.stock_overrides:
        return ()
    return ("종목별 설정(stock_overrides)은 백테스트에 쓰지 않았습니다.",)


def _print(report: Report, folder: Path) -> None:
    print(report.subtitle)
    print(headline(report))
    for warning in report.warnings:
        print(f"[자료] {warning}")
    for pitfall in pitfalls(report.metrics(), sessions=len(report.dates)):
        print(f"[주의] {pitfall}")
    print(f"보고서: {folder / 'report.html'}")


def _print_lookahead(bars: BarMatrix, chosen: BacktestSettings) -> int:
    found = check_lookahead(bars, chosen)
    if found is None:
        print("미래 참조 없음: 앞날의 봉을 섞어도 그날까지의 판단과 체결이 모두 같습니다.")
        return ExitCode.OK
    print(
        f"미래 참조: {found.today} 뒤의 봉을 섞자 {found.session_date}의 일이 달라졌습니다.\n"
        f"  앞  {found.before}\n  뒤  {found.after or '(없음)'}",
        file=sys.stderr,
    )
    return ExitCode.FAILURE
