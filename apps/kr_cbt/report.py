"""`--mode report`: the virtual account so far, or a backtest that was run, as a page (C-04)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, Table, select

from apps.build import commit_hash
from apps.exit_code import ExitCode
from apps.kr_cbt.account import namespace_of, opened_account
from apps.kr_cbt.arguments import Arguments
from apps.kr_cbt.research import Span, backtest_settings, parameters_of, price_series, read_bars
from apps.kr_cbt.settings import CbtSettings, store_path
from apps.kr_trade.endings import say_ending
from apps.session_settings import EmptyUniverse, UniverseRefused
from apps.terminal import say
from kis_adapters.console.words import meaning
from kis_adapters.report.figures import headline, won
from kis_adapters.report.model import PriceSeries, Report, ReportHolding, ReportTrade
from kis_adapters.report.page import write_report
from kis_adapters.report.run_folder import BadRunFolder, read_run
from kis_adapters.settings.settings import Settings
from kis_adapters.sql import schema
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.virtual.account_file import AccountFileDamaged
from kis_core.orders.identity import Namespace, Side
from kis_core.ports.store import StoreMisfit, StoreUnavailable
from kis_core.research.pitfalls import pitfalls
from kis_core.research.store import BadBarFile

_Row = Mapping[str, Any]


class NothingYet(Exception):
    """There is no session to report on; the text is Korean."""


def report(settings: Settings, cbt: CbtSettings, arguments: Arguments) -> int:
    """Write the page and print its headline; returns the exit code."""
    run = arguments.research.run
    try:
        if run is not None:
            made, path = read_run(run), arguments.to or run / "report.html"
        else:
            made = _of_account(settings, cbt)
            path = arguments.to or settings.paths.data_dir / "report.html"
        path = path / "report.html" if path.is_dir() else path
        write_report(made, path)
    except (BadRunFolder, NothingYet, AccountFileDamaged) as error:
        return say(str(error), ExitCode.REFUSED)
    except (StoreMisfit, StoreUnavailable, OSError) as error:
        return say_ending(error)
    print(made.subtitle)
    print(headline(made))
    print(f"실현 손익 {won(made.realised, sign=True)} (끝난 거래 {len(made.trades):,}건)")
    for pitfall in pitfalls(made.metrics(), sessions=len(made.dates)):
        print(f"[주의] {pitfall}")
    print(f"보고서: {path}")
    return ExitCode.OK


def _of_account(settings: Settings, cbt: CbtSettings) -> Report:
    with opened_account(settings, cbt) as file:
        database = open_database(settings.database.url.get_secret_value())
        try:
            initialize_schema(database)
            stored = _Stored.read(database, namespace_of(file))
        finally:
            database.dispose()
        return account_report(stored, settings, cbt, start=file.initial_cash)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The account's rows, oldest first."""

    summaries: Sequence[_Row]
    snapshots: Sequence[_Row]
    trades: Sequence[_Row]
    positions: Sequence[_Row]
    names: Mapping[str, str]

    @classmethod
    def read(cls, database: Engine, namespace: Namespace) -> "_Stored":
        """Everything of `namespace`. Raises StoreUnavailable through the engine's own errors."""

        def rows(table: Table, order: str) -> list[_Row]:
            own = (table.c.mode == namespace.mode) & (table.c.account == namespace.account)
            query = select(table).where(own).order_by(table.c[order])
            return [dict(row) for row in connection.execute(query).mappings()]

        with database.connect() as connection:
            names = connection.execute(select(schema.symbol_cache)).mappings()
            return cls(
                summaries=rows(schema.daily_summary, "session_date"),
                snapshots=rows(schema.account_snapshots, "id"),
                trades=rows(schema.trades, "id"),
                positions=rows(schema.positions, "id"),
                names={row["stock_code"]: row["stock_name"] for row in names},
            )


def account_report(stored: _Stored, settings: Settings, cbt: CbtSettings, *, start: int) -> Report:
    """Everything that the page of the account shows. Raises NothingYet."""
    closes = _closes(stored)
    if not closes:
        raise NothingYet(
            "가상 계좌에 아직 거래한 날이 없습니다. --mode cbt 로 하루를 먼저 돌려 주세요."
        )
    trades = round_trips(stored.trades, stored.positions, stored.names)
    dates = sorted(closes)
    rows = stored.trades
    prices = _prices(settings, dates, trades)
    return Report(
        title="가상 계좌(CBT)",
        subtitle=(
            f"{dates[0]} ~ {dates[-1]} · {len(dates):,}거래일 · 시작 자금 {start:,}원 ·"
            f" 버전 {commit_hash()}"
        ),
        dates=dates,
        equity=[closes[day][0] for day in dates],
        invested=[closes[day][1] for day in dates],
        start=start,
        traded_value=sum(int(row["amount"]) for row in rows),
        commission=sum(int(row["commission"]) for row in rows),
        tax=sum(int(row["tax"]) for row in rows),
        marks=_marks(stored),
        trades=trades,
        holdings=[
            ReportHolding(
                symbol=row["stock_code"],
                name=stored.names.get(row["stock_code"], ""),
                entered=row["entry_session"],
                quantity=int(row["quantity"]),
                cost=int(row["cost"]),
                last=None,  # a price of now is the market's to say, and is not kept
                stop=int(row["stop_price"]),
            )
            for row in stored.positions
            if row["closed_at"] is None
        ],
        prices=prices,
        parameters=_parameters(settings, cbt),
        warnings=_warnings(has_prices=bool(prices) or not trades),
    )


def _closes(stored: _Stored) -> dict[date, tuple[int, int]]:
    """Equity and what of it was in shares at the close of each session; of a session that is not
    closed, as it was last seen."""
    found = {}
    for row in stored.snapshots:
        equity = int(row["equity"])
        found[row["session_date"]] = (equity, equity - int(row["cash"]))
    for row in stored.summaries:
        equity, (seen, invested) = int(row["equity"]), found.get(row["session_date"], (0, 0))
        found[row["session_date"]] = (equity, invested + equity - seen if seen else 0)
    return found


def _marks(stored: _Stored) -> list[tuple[datetime, int]]:
    return [(row["at"], int(row["equity"])) for row in stored.snapshots]


def round_trips(
    trades: Sequence[_Row], positions: Sequence[_Row], names: Mapping[str, str]
) -> list[ReportTrade]:
    """Each time a symbol went from nothing to nothing. `trades` are the rows of the table in the
    order they were booked; the levels are those of the position that the first purchase opened."""
    levels = {row["entry_order_id"]: row for row in positions if row["entry_order_id"]}
    running: dict[str, list[_Row]] = {}
    found = []
    for row in trades:
        part = running.setdefault(row["stock_code"], [])
        part.append(row)
        if row["round_trip_pnl"] is not None:
            found.append(_round_trip(running.pop(row["stock_code"]), levels, names))
    return found


def _round_trip(
    rows: Sequence[_Row], levels: Mapping[str, _Row], names: Mapping[str, str]
) -> ReportTrade:
    bought = [row for row in rows if row["side"] == Side.BUY]
    sold = [row for row in rows if row["side"] == Side.SELL]
    last = rows[-1]
    position = levels.get(bought[0]["order_id"]) if bought else None
    return ReportTrade(
        symbol=last["stock_code"],
        name=names.get(last["stock_code"], ""),
        entered=rows[0]["session_date"],
        left=last["session_date"],
        quantity=sum(int(row["quantity"]) for row in sold),
        cost=sum(int(row["amount"]) for row in bought),
        proceeds=sum(int(row["amount"]) for row in sold),
        reason=meaning(last["reason"]),
        pnl=int(last["round_trip_pnl"]),
        costs=sum(int(row["commission"]) + int(row["tax"]) for row in rows),
        stop=int(position["stop_price"]) if position else None,
        take=int(position["take_price"]) if position else None,
    )


def _prices(
    settings: Settings, dates: Sequence[date], trades: Sequence[ReportTrade]
) -> list[PriceSeries]:
    """From the bar store, where there is one."""
    try:
        return price_series(read_bars(store_path(settings)).matrix, dates, trades)
    except BadBarFile:
        return []


def _warnings(*, has_prices: bool) -> list[str]:
    if has_prices:
        return []
    return ["일봉이 없어 가격 그림을 뺐습니다. --mode fetch 로 받은 뒤 다시 만들면 들어갑니다."]


def _parameters(settings: Settings, cbt: CbtSettings) -> list[tuple[str, str, str]]:
    try:
        return parameters_of(backtest_settings(settings, cbt, Span()), settings)
    except (EmptyUniverse, UniverseRefused, ValueError) as error:
        return [("universe", "selection_method", str(error))]
