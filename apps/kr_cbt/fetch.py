"""`--mode fetch`: completed daily bars from KIS into a Parquet bar store (C-09).

Within the rate budget, symbol by symbol; each symbol's bars are on disk as soon as they have
come, so an interrupted run goes on where it stopped. The store is written last, from all parts.
"""

import csv
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.exit_code import ExitCode
from apps.kr_cbt.container import cbt_container
from apps.kr_cbt.settings import CbtSettings, store_path
from apps.terminal import say
from kis_adapters.console.fan_out import FanOut
from kis_adapters.console.log_notifier import LogNotifier
from kis_adapters.settings.settings import Settings
from kis_adapters.system.index_members import MEMBERS_FILE
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.research.cleaning import clean
from kis_core.research.store import BadBarFile, write_store

_NO_BARS = "일봉이 없는 종목입니다"
_NAMED = 5
_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")


def fetch(
    settings: Settings,
    cbt: CbtSettings,
    config_dir: Path,
    stocks: Sequence[str],
    *,
    days: int,
    to: Path | None,
) -> int:
    """Fetch `days` bars of `stocks` (none: KOSPI200's members) into `to`. A symbol that fails is
    named and the others go on (exit 1); a member without bars, which nobody asked for by its
    code, is left out and told."""
    target = to or store_path(settings)
    symbols = [Symbol(code) for code in stocks] or _index_members(config_dir / MEMBERS_FILE)
    log = FanOut([LogNotifier()])
    container = cbt_container(settings=settings, cbt=cbt, config_dir=config_dir, notifier=log)
    try:
        container.client.init()
        today = container.clock().now().date()
        parts = target.with_name(f".{target.stem}-{today:%Y%m%d}-{days}")
        parts.mkdir(parents=True, exist_ok=True)
        failed = _fetch_all(container.market_data(), symbols, before=today, days=days, parts=parts)
    except KeyboardInterrupt:
        return say("멈췄습니다. 같은 명령을 다시 실행하면 이어서 받습니다.", ExitCode.INTERRUPTED)
    finally:
        log.close()
        with suppress(SimulatorUnreachable):
            container.shutdown_resources()
    if not stocks:
        failed = _without_absent(failed)
    return _assemble(parts, target, symbols, failed)


def _without_absent(failed: dict[Symbol, str]) -> dict[Symbol, str]:
    """What failed but for the symbols that have no bars, which are told in one line."""
    absent = [symbol for symbol, why in failed.items() if why == _NO_BARS]
    if absent:
        more = f" 외 {len(absent) - _NAMED}" if len(absent) > _NAMED else ""
        named = ", ".join(absent[:_NAMED])
        print(f"일봉이 없어 뺀 종목 {len(absent)}개: {named}{more}", file=sys.stderr)
    return {symbol: why for symbol, why in failed.items() if why != _NO_BARS}


def _fetch_all(
    market_data: MarketData, symbols: Sequence[Symbol], *, before: date, days: int, parts: Path
) -> dict[Symbol, str]:
    """Why some could not be had; the parts of the others are on disk."""
    failed: dict[Symbol, str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("일봉", total=len(symbols))
        for symbol in symbols:
            progress.update(task, description=f"일봉 {symbol}")
            part = parts / f"{symbol}.parquet"
            if not _is_whole(part):
                why = _fetch_one(market_data, symbol, before=before, days=days, part=part)
                if why is not None:
                    failed[symbol] = why
            progress.advance(task)
    return failed


def _fetch_one(
    market_data: MarketData, symbol: Symbol, *, before: date, days: int, part: Path
) -> str | None:
    """Put the symbol's bars into `part`; why they could not be had."""
    try:
        bars = market_data.daily_bars(symbol, before=before, count=days)
    except MarketDataUnavailable as error:
        return str(error)
    if not bars:
        return _NO_BARS
    _write_part(part, symbol, bars)
    return None


def _is_whole(part: Path) -> bool:
    """Whether an earlier run left this part, readable; a damaged one is fetched again."""
    try:
        return part.exists() and bool(pl.read_parquet_schema(part))
    except (PolarsError, OSError):
        return False


def _write_part(part: Path, symbol: Symbol, bars: Sequence[Bar]) -> None:
    rows = [(symbol, b.session_date, b.open, b.high, b.low, b.close, b.volume) for b in bars]
    frame = pl.DataFrame(rows, schema=list(_COLUMNS), orient="row")
    beside = part.with_suffix(".part")
    frame.write_parquet(beside)
    beside.replace(part)


def _assemble(
    parts: Path, target: Path, symbols: Sequence[Symbol], failed: dict[Symbol, str]
) -> int:
    frames = [pl.read_parquet(p) for s in symbols if _is_whole(p := parts / f"{s}.parquet")]
    for symbol, why in failed.items():
        print(f"{symbol}: 받지 못했습니다 ({why})", file=sys.stderr)
    try:
        bars, report = clean(pl.concat(frames))
    except (BadBarFile, ValueError) as error:
        return say(f"쓸 수 있는 일봉이 없습니다: {error}", ExitCode.FAILURE)
    write_store(bars, target)
    print(f"{target}: {len(bars.symbols):,}종목 · {bars.days:,}거래일 · {report.bars:,}봉")
    if failed:
        return say("다시 실행하면 받지 못한 종목만 이어서 받습니다.", ExitCode.FAILURE)
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()
    return ExitCode.OK


def _index_members(path: Path) -> list[Symbol]:
    """The codes in the first column of the bundled list."""
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    return [Symbol(row[0]) for row in rows if len(row[0]) == 6 and row[0] != "symbol"]
