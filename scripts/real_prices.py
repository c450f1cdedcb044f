"""Trade real daily bars on the simulator, session after session, and count every won again.

`nox -s real_prices -- --bars FILE.parquet` takes the symbols that were traded most and, on purpose,
some whose rows are dirty (halted days, high below open), and lets `kr_trade` trade the last
sessions of the file, a fresh process each session, positions carried over the nights. Afterwards
three accounts of the money are compared: the simulator's ledger, the database, and the profit of
each round trip as it follows from the ledger's fills alone. Exit code 0 when they agree to the
won, 1 when they do not.

The bars are real, the way through a day between them is the simulator's: what is earned here says
nothing about profit.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import NullPool, create_engine, text

from kis_adapters.console.words import TITLES
from kis_core.ports.notifier import EventKind
from scripts.ledger_comparison import differences
from scripts.market_stage import INITIAL_CASH, App, Market, default_database, market_in

_DAY_S = 300.0  # real time that a session may take on a busy machine
_SYMBOL_ROWS_MIN = 120  # sessions of history that the strategy's averages need, and some
_DIRTY_SHARE = 4  # every fourth symbol is one with dirty rows
_CONFIG = """\
market_data: {feed: rest}
simulator: {day_seconds: 0}
sizing: {method: fixed, shares: 10}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is traded: the symbols, the sessions ascending, and how many dirty rows lie in them."""

    symbols: tuple[str, ...]
    sessions: tuple[date, ...]
    halted_rows: int
    inconsistent_rows: int


@dataclass(slots=True)
class Outcome:
    """What the sessions brought. `realised` is won after all costs, by three ways of counting;
    `differences` empty is what it is for."""

    plan: Plan
    sessions: int = 0
    orders: int = 0
    gap_checks: int = 0
    exits: Counter[str] = field(default_factory=Counter)
    round_trips: int = 0
    realised: dict[str, int] = field(default_factory=dict)
    open_positions: int = 0
    differences: list[str] = field(default_factory=list)


def plan_of(bars: Path, *, symbols: int, sessions: int) -> Plan:
    """The last `sessions` of the file, and `symbols` that trade through them. Raises ValueError
    for a file that has not so many."""
    frame = pl.read_parquet(bars)
    days = frame["date"].unique().sort()[-sessions:].to_list()
    if len(days) < sessions:
        raise ValueError(f"{bars}: {len(days)} sessions, asked for {sessions}")
    inside = pl.col("date").is_in(days)
    halted = (pl.col("open") == 0) & (pl.col("high") == 0) & (pl.col("low") == 0)
    uneven = ~halted & (
        (pl.col("high") < pl.max_horizontal("open", "low", "close"))
        | (pl.col("low") > pl.min_horizontal("open", "close"))
    )
    known = (
        frame.filter(pl.col("symbol").str.contains(r"^\d{5}0$"))  # ordinary shares
        .group_by("symbol")
        .agg(
            pl.len().alias("rows"),
            pl.col("date").max().alias("last"),
            (pl.col("close") * pl.col("volume")).filter(inside).sum().alias("value"),
            pl.col("close").last().alias("close"),
            (halted & inside).sum().alias("halted"),
            (uneven & inside).sum().alias("uneven"),
        )
        .filter(pl.col("rows") >= _SYMBOL_ROWS_MIN, pl.col("last") == days[-1])
        .sort("value", descending=True)
    )
    is_dirty = pl.col("halted") + pl.col("uneven") > 0
    dirty = (
        known.filter(is_dirty)
        .sort(pl.col("halted") == sessions, maintain_order=True)  # those that trade at all first
        .head(symbols // _DIRTY_SHARE)
    )
    clean = known.filter(~is_dirty).head(symbols - len(dirty))
    chosen = pl.concat([clean, dirty])
    if len(chosen) < symbols:
        raise ValueError(f"{bars}: {len(chosen)} symbols that can be traded, asked for {symbols}")
    return Plan(
        symbols=tuple(chosen["symbol"]),
        sessions=tuple(days),
        halted_rows=int(chosen["halted"].sum()),
        inconsistent_rows=int(chosen["uneven"].sum()),
    )


def trade(plan: Plan, bars: Path, directory: Path, *, console: Console | None = None) -> Outcome:
    """Trade the plan in `directory` and compare."""
    outcome = Outcome(plan=plan)
    listed = "\n".join(f"    - {symbol}" for symbol in plan.symbols)
    before_first = plan.sessions[0] - timedelta(days=1)
    clock = (
        *("--clock", "stepped", "--bars", str(bars)),
        *("--start", f"{before_first}T16:30:00+09:00"),
    )
    with market_in(directory, seed=1, clock=clock) as market:
        (directory / "real.yaml").write_text(_CONFIG, encoding="utf-8")
        (directory / "universe.yaml").write_text(
            "universe:\n  selection_method: fixed\n"
            f"  max_stocks: {len(plan.symbols)}\n  max_positions: 10\n  stocks:\n{listed}\n",
            encoding="utf-8",
        )
        steps = track(
            plan.sessions, "sessions", console=console or Console(stderr=True), transient=True
        )
        for session_date in steps:
            _one_session(session_date, directory, market, outcome)
            if outcome.differences:
                break
        ledger = market.ledger()
    _compare(ledger, default_database(directory), outcome)
    return outcome


def _one_session(session_date: date, directory: Path, market: Market, outcome: Outcome) -> None:
    files = ("--config", "real.yaml", "--universe", "universe.yaml")
    fixed = ("--mode", "trade", "--feed", "rest", "--exit-after-close")
    app = App(directory, [*fixed, *files], market.variables())
    code = app.wait(within_s=_DAY_S)
    (directory / f"console-{session_date}.txt").write_text(app.output, encoding="utf-8")
    if code:
        outcome.differences.append(f"{session_date}: exit code {code}\n{app.output}")
    if f"거래일 {session_date}" not in app.output:
        outcome.differences.append(f"{session_date}: another session was traded\n{app.output}")
    outcome.sessions += 1
    outcome.gap_checks += sum(TITLES[EventKind.GAP_CHECKED] in line for line in app.lines)


def _compare(ledger: Mapping[str, Any], database: str, outcome: Outcome) -> None:
    """The ledger, the database, and what the fills alone say."""
    outcome.differences += differences(ledger, database)
    trades = _rows(database, "SELECT * FROM trades ORDER BY at, id")
    positions = _rows(database, "SELECT * FROM positions ORDER BY entered_at, id")
    days = _rows(database, "SELECT * FROM daily_summary")
    still = [row for row in positions if row["closed_at"] is None]
    outcome.orders = len(_rows(database, "SELECT order_id FROM order_state"))
    outcome.open_positions = len(still)
    outcome.exits = Counter(row["reason"] for row in trades if row["side"] == "sell")
    trips, carried = round_trips(ledger["fills"])
    outcome.round_trips = len(trips)
    invested = sum(int(row["cost"]) + int(row["entry_fees"]) for row in still)
    outcome.realised = {
        "ledger": int(ledger["cash_d2"]) - INITIAL_CASH + invested,
        "database": sum(int(row["realised_pnl"]) for row in trades),
        "summaries": sum(int(row["realised_pnl"]) for row in days),
        "fills": sum(pnl for _, pnl in trips),
    }
    closed = Counter(
        (row["stock_code"], int(row["round_trip_pnl"]))
        for row in trades
        if row["round_trip_pnl"] is not None
    )
    for symbol, pnl in closed - Counter(trips):
        outcome.differences.append(f"{symbol}: {pnl} won in the database, not by the fills")
    for symbol, pnl in Counter(trips) - closed:
        outcome.differences.append(f"{symbol}: {pnl} won by the fills, not in the database")
    if carried != {row["stock_code"]: int(row["quantity"]) for row in still}:
        outcome.differences.append(f"carried: {carried} by the fills")
    if len(set(outcome.realised.values())) != 1 and not any(_is_split(row) for row in trades):
        outcome.differences.append(f"realised: {outcome.realised}")


def round_trips(
    fills: Sequence[Mapping[str, Any]],
) -> tuple[list[tuple[str, int]], dict[str, int]]:
    """Each time a symbol went from nothing to nothing, as (symbol, won after all costs), and the
    shares that are held after the last fill. `fills` are in the order of their trades."""
    cash: Counter[str] = Counter()
    held: Counter[str] = Counter()
    trips = []
    for fill in fills:
        symbol, quantity = fill["symbol"], int(fill["quantity"])
        amount = quantity * int(fill["price"])
        is_sale = fill["side"] == "sell"
        held[symbol] += -quantity if is_sale else quantity
        cash[symbol] += amount if is_sale else -amount
        cash[symbol] -= int(fill["commission"]) + int(fill["tax"])
        if not held[symbol]:
            trips.append((symbol, cash.pop(symbol)))
    return trips, {symbol: count for symbol, count in held.items() if count}


def _is_split(row: Mapping[str, Any]) -> bool:
    """A sale of a part: its share of the cost is rounded, so sums may differ by a won until the
    round trip is closed."""
    return row["side"] == "sell" and row["round_trip_pnl"] is None


def _rows(database: str, statement: str) -> list[dict[str, Any]]:
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(statement)).mappings()]


def _lines(outcome: Outcome) -> Iterator[tuple[str, str]]:
    plan = outcome.plan
    yield "sessions", f"{outcome.sessions} ({plan.sessions[0]} to {plan.sessions[-1]})"
    yield "symbols", str(len(plan.symbols))
    yield "halted rows / inconsistent rows", f"{plan.halted_rows} / {plan.inconsistent_rows}"
    yield "orders", str(outcome.orders)
    yield "gap checks on the console", str(outcome.gap_checks)
    yield "exits by reason", ", ".join(f"{k} {n}" for k, n in sorted(outcome.exits.items())) or "–"
    yield "round trips", str(outcome.round_trips)
    yield "open positions", str(outcome.open_positions)
    for name, won in outcome.realised.items():
        yield f"realised by the {name}", f"{won:,} won"
    yield "differences", str(len(outcome.differences))


def main(arguments: Sequence[str] | None = None) -> int:
    """Trade, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bars", type=Path, required=True, metavar="FILE.parquet")
    parser.add_argument("--symbols", type=int, default=40)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR", help="work here, keep it")
    options = parser.parse_args(arguments)
    console = Console(width=110)
    plan = plan_of(options.bars, symbols=options.symbols, sessions=options.sessions)
    with tempfile.TemporaryDirectory(prefix="kis-real-prices-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = trade(plan, options.bars.resolve(), directory, console=console)
    table = Table("what", "measured")
    for name, value in _lines(outcome):
        table.add_row(name, value)
    console.print(table)
    for each in outcome.differences:
        console.print(each, style="red", markup=False)
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
