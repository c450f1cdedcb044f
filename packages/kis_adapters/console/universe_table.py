"""A selection of the universe, shown: a table for people, a document for programs (U-16)."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kis_adapters.console.universe_words import ORIGINS, REASONS, STAGES
from kis_core.market.symbol import Symbol
from kis_core.session.universe_selection import UniverseSelection
from kis_core.universe.candidate import Why
from kis_core.universe.rows import CandidateRow, as_rows


def print_universe(
    chosen: UniverseSelection, console: Console, *, names: Mapping[Symbol, str] | None = None
) -> None:
    """Print the stages, every candidate with its reason, and the result."""
    if chosen.account is not None:
        console.print(_stage_table(chosen))
        rows = as_rows(chosen.account, chosen.calls_for)
        console.print(_candidate_table(rows, names or {}))
    for note in chosen.notes:
        console.print(f"· {note}", markup=False, highlight=False)
    symbols = ", ".join(_named(symbol, names or {}) for symbol in chosen.symbols)
    console.print(
        f"{chosen.session_date} 유니버스({ORIGINS[chosen.origin]}, {chosen.method}):"
        f" {symbols or '없음'}",
        markup=False,
        highlight=False,
    )
    console.print(
        f"진입 후보 {len(chosen.candidates)}종목, 조회 {chosen.calls}회",
        markup=False,
        highlight=False,
    )


def universe_json(chosen: UniverseSelection) -> str:
    """The same as one JSON document, with every verdict of every stage."""
    stages = chosen.account.stages if chosen.account is not None else ()
    document = {
        "session_date": chosen.session_date.isoformat(),
        "selected_at": chosen.selected_at.isoformat(),
        "selection_method": chosen.method,
        "origin": chosen.origin,
        "stocks": chosen.symbols,
        "entry_candidates": chosen.candidates,
        "calls": chosen.calls,
        "calls_for": dict(sorted(chosen.calls_for.items())),
        "notes": chosen.notes,
        "stages": [
            {
                "stage": account.stage,
                "entered": len(account.verdicts),
                "stayed": len(account.stayed),
                "candidates": [
                    {**asdict(verdict), "stayed": verdict.stayed} for verdict in account.verdicts
                ],
            }
            for account in stages
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _stage_table(chosen: UniverseSelection) -> Table:
    table = Table(title="단계별 후보 수")
    for heading in ("단계", "들어옴", "남음", "나간 이유"):
        table.add_column(heading, justify="left" if heading in ("단계", "나간 이유") else "right")
    for account in chosen.account.stages if chosen.account is not None else ():
        left = [
            f"{REASONS[why]} {account.count(why)}"
            for why in Why
            if why is not Why.PASSED and account.count(why)
        ]
        table.add_row(
            STAGES[account.stage],
            str(len(account.verdicts)),
            str(len(account.stayed)),
            ", ".join(left) or "-",
        )
    return table


def _candidate_table(rows: tuple[CandidateRow, ...], names: Mapping[Symbol, str]) -> Table:
    table = Table(title="후보별 결과")
    table.add_column("순위", justify="right")
    table.add_column("종목")
    table.add_column("단계")
    table.add_column("이유")
    table.add_column("값", justify="right")
    table.add_column("기준", justify="right")
    table.add_column("조회", justify="right")
    for row in rows:
        table.add_row(
            str(row.rank) if row.rank is not None else "-",
            escape(_named(Symbol(row.code), names)),
            STAGES[row.stage],
            REASONS[row.why],
            _number(row.value),
            _number(row.limit),
            str(row.calls),
        )
    return table


def _named(symbol: Symbol, names: Mapping[Symbol, str]) -> str:
    name = names.get(symbol)
    return f"{name}({symbol})" if name else str(symbol)


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
