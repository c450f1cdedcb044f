"""`--mode sweep`: many sets of parameters, each a backtest, on as many processes as there are.

The answers are kept as they come. The same command typed again goes on where it was interrupted,
and one that was finished only shows its result.
"""

import hashlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from apps.exit_code import ExitCode
from apps.kr_cbt.research import Span, backtest_settings, data_warnings, read_bars
from apps.kr_cbt.research_arguments import ResearchArguments
from apps.kr_cbt.settings import CbtSettings
from apps.kr_cbt.sweep_executor import NoCluster, sweep_executor
from apps.kr_cbt.sweep_grid import BadGrid, sets_of
from apps.kr_cbt.sweep_table import (
    FIGURES,
    SCORES,
    print_best,
    print_folds,
    ranked,
    write_folds,
    write_table,
)
from apps.session_settings import EmptyUniverse, UniverseRefused
from apps.terminal import say
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.report.sweep_page import SweepPage, SweepSet, write_sweep_page
from kis_adapters.settings.settings import Settings
from kis_core.market.session import KST
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.research.setting import BacktestSettings
from kis_core.research.store import BadBarFile, is_store, write_store
from kis_core.research.sweep import BadResultsFile, Outcome, Parameters, walk_forward
from kis_core.research.sweep import sweep as run_sets

_KEY_LENGTH = 8
_MANY = 20  # from here on the best of them is likely to be luck


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """All that a sweep needs, read and checked."""

    folder: Path
    store: Path
    settings: BacktestSettings
    sets: list[dict[str, Any]]
    asked: ResearchArguments

    @property
    def results(self) -> Path:
        return self.folder / "results.jsonl"


def sweep(settings: Settings, cbt: CbtSettings, asked: ResearchArguments, to: Path | None) -> int:
    """Run what was asked for; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _planned(settings, cbt, asked, to) as plan:
            return _run(plan)
    except (BadGrid, BadBarFile, BadResultsFile, EmptyUniverse, UniverseRefused) as error:
        return say(str(error), ExitCode.REFUSED)
    except InstanceHeld:
        return say("같은 탐색이 이미 돌고 있습니다.", ExitCode.ALREADY_RUNNING)
    except KeyboardInterrupt:
        return say("멈췄습니다. 같은 명령을 다시 실행하면 이어서 합니다.", ExitCode.INTERRUPTED)
    except (NoCluster, BrokenExecutor, OSError) as error:
        return say(_ending(error), ExitCode.FAILURE)


@contextmanager
def _planned(
    settings: Settings, cbt: CbtSettings, asked: ResearchArguments, to: Path | None
) -> Iterator[_Plan]:
    """The plan, while nobody else works in its folder."""
    if asked.score not in SCORES:
        raise BadGrid(f"--score {asked.score}: 쓸 수 있는 지표는 {', '.join(SCORES)} 입니다.")
    sets = sets_of(asked.grid)
    assert asked.data is not None  # the command line demands it
    span = Span(first=asked.first, last=asked.last)
    try:
        chosen = backtest_settings(settings, cbt, span, is_whole_market=asked.is_whole_market)
    except ValueError as error:
        raise BadGrid(f"설정이 백테스트에 맞지 않습니다: {error}") from error
    folder = to or settings.paths.data_dir / "sweeps" / _name(asked)
    lock = FileInstanceLock(folder / "sweep.lock")
    lock.acquire(now=datetime.now(KST))
    try:
        store = _store(asked.data, folder)
        yield _Plan(folder=folder, store=store, settings=chosen, sets=sets, asked=asked)
    finally:
        lock.release()


def _store(data: Path, folder: Path) -> Path:
    """The bars as the store that every process reads; what is no store is cleaned into one."""
    if data.is_file() and data.suffix == ".parquet" and is_store(data):
        return data.resolve()
    with Console(stderr=True).status("봉을 읽는 중"):
        bars = read_bars(data)
        store = (folder / "bars.parquet").resolve()
        write_store(bars.matrix, store)
    for warning in data_warnings(bars.report):
        print(f"[자료] {warning}", file=sys.stderr)
    return store


def _name(asked: ResearchArguments) -> str:
    """The same question has the same folder, so that it goes on where it was left."""
    assert asked.data is not None
    question = (asked.data.resolve(), asked.grid, asked.first, asked.last, asked.is_whole_market)
    key = hashlib.sha256(repr((question, asked.walk_forward)).encode()).hexdigest()
    return f"{asked.data.stem}-{key[:_KEY_LENGTH]}"


def _run(plan: _Plan) -> int:
    asked = plan.asked
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, *times, console=Console(stderr=True))
    with bar, sweep_executor(workers=asked.workers, dask=asked.dask) as executor:
        task = bar.add_task("구간" if asked.walk_forward else "조합", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if asked.walk_forward is None:
            outcomes = _sweep(plan, executor, tell)
        else:
            return _walk(plan, executor, tell)
    return _show(plan, outcomes)


def _sweep(plan: _Plan, executor: Executor, tell: Callable[[int, int], None]) -> Sequence[Outcome]:
    return run_sets(
        plan.store,
        plan.settings,
        plan.sets,
        executor=executor,
        results=plan.results,
        progress=tell,
    )


def _walk(plan: _Plan, executor: Executor, tell: Callable[[int, int], None]) -> int:
    assert plan.asked.walk_forward is not None
    train, test = plan.asked.walk_forward
    sets: Sequence[Parameters] = plan.sets
    try:
        folds = walk_forward(
            plan.store,
            plan.settings,
            sets,
            executor=executor,
            train=train,
            test=test,
            score=plan.asked.score,
            results=plan.results,
            progress=tell,
        )
    except ValueError as error:
        raise BadGrid(str(error)) from error
    write_folds(folds, plan.folder / "walk_forward.csv")
    print_folds(folds, plan.asked.score)
    print(f"결과: {plan.folder / 'walk_forward.csv'}")
    return ExitCode.OK


def _show(plan: _Plan, outcomes: Sequence[Outcome]) -> int:
    score = plan.asked.score
    write_table(outcomes, score, plan.folder / "results.csv")
    page = plan.folder / "sweep.html"
    write_sweep_page(_page(plan, outcomes), page)
    print_best(outcomes, score)
    _warn(outcomes)
    print(f"결과: {plan.folder / 'results.csv'}\n그림: {page}")
    return ExitCode.OK if ranked(outcomes, score) else ExitCode.FAILURE


def _page(plan: _Plan, outcomes: Sequence[Outcome]) -> SweepPage:
    score, data = plan.asked.score, plan.asked.data
    assert data is not None
    return SweepPage(
        title="파라미터 탐색",
        subtitle=f"{data.name} · {len(outcomes):,}개 조합 · 시작 자금 {plan.settings.cash:,}원",
        score=score,
        names=FIGURES,
        sets=[
            SweepSet(changes=each.changes, figures=each.figures) for each in ranked(outcomes, score)
        ],
    )


def _warn(outcomes: Sequence[Outcome]) -> None:
    refused = [each for each in outcomes if each.why is not None]
    if refused:
        print(f"[주의] 쓸 수 없는 조합 {len(refused):,}개를 뺐습니다. 첫째: {refused[0].why}")
    if len(outcomes) >= _MANY:
        print(
            f"[주의] {len(outcomes):,}개 가운데 가장 좋은 것은 우연일 수 있습니다."
            " --walk-forward 로 고르지 않은 구간에서 다시 시험하세요."
        )


def _ending(error: Exception) -> str:
    if isinstance(error, BrokenExecutor):
        return "작업 프로세스가 끝까지 가지 못했습니다(메모리 부족?). 다시 실행하면 이어서 합니다."
    return str(error)
