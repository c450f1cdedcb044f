"""The account of a selection as plain rows, for tables and for JSON (U-16)."""

from collections.abc import Mapping
from dataclasses import dataclass

from kis_core.market.symbol import Symbol
from kis_core.universe.candidate import Selection, Stage, Verdict, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """One candidate: the last stage it reached, why it stayed or left there, the numbers that
    were compared, and the calls it cost alone. `rank` is its place in the universe, from 1."""

    code: str
    stage: Stage
    stayed: bool
    why: Why
    value: float | int | None
    limit: float | int | None
    calls: int
    rank: int | None = None


def as_rows(
    selection: Selection, calls_for: Mapping[Symbol, int] | None = None
) -> tuple[CandidateRow, ...]:
    """A row for every candidate: the chosen first, then those that came furthest, in the order
    of their stage. A code that came twice has a row for each."""
    calls = calls_for or {}
    ranks = {symbol: place for place, symbol in enumerate(selection.symbols, start=1)}
    rows: list[CandidateRow] = []
    for account in reversed(selection.stages):
        is_last = account is selection.stages[-1]
        for verdict in account.verdicts:
            if is_last or not verdict.stayed:
                rows.append(_row(verdict, calls=calls, ranks=ranks))
    return tuple(rows)


def _row(
    verdict: Verdict, *, calls: Mapping[Symbol, int], ranks: Mapping[Symbol, int]
) -> CandidateRow:
    symbol = Symbol(verdict.code)
    return CandidateRow(
        code=verdict.code,
        stage=verdict.stage,
        stayed=verdict.stayed,
        why=verdict.why,
        value=verdict.value,
        limit=verdict.limit,
        calls=calls.get(symbol, 0),
        rank=ranks.get(symbol) if verdict.stayed else None,
    )
