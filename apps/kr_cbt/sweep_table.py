"""The outcomes of a sweep as a table: ranked, on the console, in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from kis_core.research.sweep import Fold, Outcome

# Of these more is better, so that they can rank; the others are shown beside them.
SCORES = {
    "sharpe": "샤프",
    "sortino": "소르티노",
    "calmar": "칼마",
    "total_return_pct": "총 수익률 %",
    "annual_return_pct": "연 수익률 %",
    "profit_factor": "손익비",
    "expectancy": "기대값(원)",
    "win_rate_pct": "승률 %",
}
_BESIDE = {"drawdown_pct": "최대 낙폭 %", "trades": "거래", "exposure_pct": "노출 %"}
FIGURES = {**SCORES, **_BESIDE}
_SHOWN = ("sharpe", "total_return_pct", "drawdown_pct", "trades", "win_rate_pct", "profit_factor")
_ROWS = 10
_WIDTH = 120


def ranked(outcomes: Sequence[Outcome], score: str) -> list[Outcome]:
    """Those that have the score, best first; equal ones as they were given."""
    scored = [each for each in outcomes if each.figures.get(score) is not None]
    return sorted(scored, key=lambda each: -(each.figures[score] or 0.0))


def write_table(outcomes: Sequence[Outcome], score: str, path: Path) -> None:
    """All outcomes as CSV, best first, those without a score last, with the reason."""
    best = ranked(outcomes, score)
    others = [each for each in outcomes if each.figures.get(score) is None]
    rows = [
        {
            **_words(each.changes),
            **{name: each.figures.get(name) for name in (*FIGURES, "final_equity")},
            "why": each.why,
        }
        for each in [*best, *others]
    ]
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)


def write_folds(folds: Sequence[Fold], path: Path) -> None:
    """The steps of a walk-forward as CSV."""
    rows = [
        {
            "train_first": fold.trained[0],
            "train_last": fold.trained[1],
            "test_first": fold.tested[0],
            "test_last": fold.tested[1],
            **_words(fold.best),
            "trained_score": fold.trained_score,
            **{name: fold.figures.get(name) for name in (*FIGURES, "final_equity")},
        }
        for fold in folds
    ]
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)


def print_best(outcomes: Sequence[Outcome], score: str) -> None:
    """The best few, with the figures that say how much they are worth."""
    best = ranked(outcomes, score)
    if not best:
        print("점수를 낼 수 있는 조합이 없습니다.")
        return
    columns = dict.fromkeys((score, *_SHOWN))
    table = Table("", *best[0].changes, *(FIGURES[name] for name in columns))
    for place, each in enumerate(best[:_ROWS], start=1):
        figures = (_figure(each.figures.get(name)) for name in columns)
        table.add_row(str(place), *map(str, _words(each.changes).values()), *figures)
    _print(table)


def print_folds(folds: Sequence[Fold], score: str) -> None:
    """Each step: what was chosen, how it did where it was chosen and where it was tried."""
    columns = ("total_return_pct", "drawdown_pct", "trades")
    heads = (f"학습 {FIGURES[score]}", f"시험 {FIGURES[score]}")
    table = Table("시험 구간", *folds[0].best, *heads, *(FIGURES[name] for name in columns))
    for fold in folds:
        table.add_row(
            f"{fold.tested[0]} ~ {fold.tested[1]}",
            *map(str, _words(fold.best).values()),
            _figure(fold.trained_score),
            _figure(fold.figures.get(score)),
            *(_figure(fold.figures.get(name)) for name in columns),
        )
    _print(table)


def _print(table: Table) -> None:
    console = Console()
    (console if console.is_terminal else Console(width=_WIDTH)).print(table)


def _words(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: str(v) if isinstance(v, str) else v for name, v in changes.items()}


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
