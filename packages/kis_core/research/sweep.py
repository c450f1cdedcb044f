"""Many backtests on any executor: parameter sweeps and walk-forward.

Each set of parameters is a task with a key made of what it runs on; its answer is appended to a
results file as soon as it comes. A run that was interrupted goes on where it stopped, and gives
what it would have given: answers depend on their task alone, never on the order of arrival.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from kis_core.research.backtest import run
from kis_core.research.bars import BarMatrix
from kis_core.research.measured import metrics_of
from kis_core.research.setting import BacktestSettings
from kis_core.research.store import read_store
from kis_core.strategy.parameters import StrategyParameters

_KEY_LENGTH = 16
_IN_FLIGHT = 64  # tasks handed to the executor ahead of their answers

Progress = Callable[[int, int], None]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One backtest: a store on disk, the settings, and which parameters are other than theirs."""

    store: Path
    settings: BacktestSettings
    changes: tuple[tuple[str, Any], ...]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A task's answer, or the reason (Korean) why it has none. `figures` are metrics by name."""

    key: str
    changes: dict[str, Any]
    figures: dict[str, float | None]
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of a walk-forward: what was best in `trained`, and how it did in `tested`."""

    trained: tuple[date, date]
    tested: tuple[date, date]
    best: dict[str, Any]
    trained_score: float
    figures: dict[str, float | None]


class BadResultsFile(ValueError):
    """A results file that is not one of this sweep's kind; the text (Korean) says where."""


def grid(**choices: Sequence[Any]) -> list[dict[str, Any]]:
    """Every combination of the given values, in the order of the names as written.

    Raises ValueError for a name that is no parameter of the strategy.
    """
    known = {each.name for each in fields(StrategyParameters)}
    unknown = sorted(set(choices) - known)
    if unknown:
        raise ValueError(f"모르는 파라미터입니다: {', '.join(unknown)}")
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


def sweep(
    store: Path,
    settings: BacktestSettings,
    sets: Iterable[Parameters],
    *,
    executor: Executor,
    results: Path | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Run every set; the outcomes in the order of `sets`, whatever order they came in.

    `results` is a file of one JSON line an answer: what it already holds is not run again, a last
    line cut short by an interruption is. A set whose values no strategy can mean has an outcome
    with `why`, and the others go on. Raises BadResultsFile.
    """
    bars_key = _content_key(store)
    tasks = [_task(store, settings, changes, bars_key) for changes in sets]
    known = _known(results) if results is not None else {}
    missing = list({task.key: task for task in tasks if task.key not in known}.values())
    done = len({task.key for task in tasks}) - len(missing)
    total = done + len(missing)
    if progress is not None:
        progress(done, total)
    for outcome in _run_all(missing, executor):
        known[outcome.key] = outcome
        if results is not None:
            _append(results, outcome)
        done += 1
        if progress is not None:
            progress(done, total)
    return [known[task.key] for task in tasks]


def walk_forward(
    store: Path,
    settings: BacktestSettings,
    sets: Sequence[Parameters],
    *,
    executor: Executor,
    train: int,
    test: int,
    score: str = "sharpe",
    results: Path | None = None,
    progress: Progress | None = None,
) -> list[Fold]:
    """Choose on `train` sessions, try on the next `test`, move on by `test`, to the end.

    The best set is the one with the highest `score` (a metric's name); ties go to the earlier
    set, and a set without the score is never best. Raises ValueError when there is no room for
    one fold, or no set has a score in one of them.
    """
    dates = read_store(store).dates
    folds = [
        (dates[start : start + train], dates[start + train : start + train + test])
        for start in range(0, len(dates) - train - test + 1, test)
    ]
    if train < 1 or test < 1 or not folds:
        raise ValueError(f"{len(dates)} 거래일로는 {train}+{test}일 구간을 만들 수 없습니다")
    done = []
    for place, (learning, trying) in enumerate(folds):
        trained = replace(settings, first=learning[0], last=learning[-1])
        outcomes = sweep(store, trained, sets, executor=executor, results=results)
        scored = [each for each in outcomes if each.figures.get(score) is not None]
        if not scored:
            raise ValueError(f"{learning[0]} ~ {learning[-1]}: {score} 값이 하나도 없습니다")
        best = max(scored, key=lambda each: each.figures[score] or 0.0)
        tested = replace(settings, first=trying[0], last=trying[-1])
        (figures,) = sweep(store, tested, [best.changes], executor=executor, results=results)
        done.append(
            Fold(
                trained=(learning[0], learning[-1]),
                tested=(trying[0], trying[-1]),
                best=best.changes,
                trained_score=best.figures[score] or 0.0,
                figures=figures.figures,
            )
        )
        if progress is not None:
            progress(place + 1, len(folds))
    return done


def run_task(task: Task) -> Outcome:
    """Run one task; also in another process, which reads the store once and keeps it."""
    changes = dict(task.changes)
    try:
        parameters = replace(task.settings.parameters, **changes)
        result = run(_bars(task.store), replace(task.settings, parameters=parameters))
    except ValueError as error:
        return Outcome(key=task.key, changes=changes, figures={}, why=str(error))
    measured = asdict(metrics_of(result))
    fall = measured["drawdown"]
    figures = {name: v for name, v in measured.items() if v is None or isinstance(v, int | float)}
    figures |= {"drawdown_pct": fall["pct"], "drawdown_sessions": fall["sessions"]}
    figures["final_equity"] = result.equity[-1]
    return Outcome(key=task.key, changes=changes, figures=figures)


def _run_all(tasks: Sequence[Task], executor: Executor) -> Iterable[Outcome]:
    """Answers as they come; only so many are asked for ahead."""
    waiting = iter(tasks)
    running: set[Future[Outcome]] = {
        executor.submit(run_task, task) for task in itertools.islice(waiting, _IN_FLIGHT)
    }
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            yield future.result()
        for task in itertools.islice(waiting, len(finished)):
            running.add(executor.submit(run_task, task))


def _task(store: Path, settings: BacktestSettings, changes: Parameters, bars_key: str) -> Task:
    """A task, with a key of all that its answer depends on."""
    ordered = tuple(sorted(changes.items()))
    text = repr((bars_key, _described(settings), ordered))
    key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
    return Task(store=store, settings=settings, changes=ordered, key=key)


def _described(settings: BacktestSettings) -> str:
    """The settings as text, sets and mappings in a fixed order."""
    parts = {each.name: getattr(settings, each.name) for each in fields(settings)}
    parts["event_dates"] = sorted(settings.event_dates)
    parts["instruments"] = sorted(settings.instruments.items())
    return repr(sorted(parts.items()))


def _content_key(store: Path) -> str:
    with store.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def _bars(store: Path) -> BarMatrix:
    return read_store(store)


def _known(results: Path) -> dict[str, Outcome]:
    """What the file holds. A last line without its end was being written: it is cut off."""
    if not results.exists():
        return {}
    text = results.read_text(encoding="utf-8")
    whole, _, torn = text.rpartition("\n")
    if torn:
        results.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    found: dict[str, Outcome] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            outcome = Outcome(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise BadResultsFile(f"{results}: {number}번째 줄이 결과가 아닙니다") from error
        found[outcome.key] = outcome
    return found


def _append(results: Path, outcome: Outcome) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
