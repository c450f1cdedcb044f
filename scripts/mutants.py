"""Do the tests notice defects in the order path? Break it on purpose, one defect at a time.

`scripts/mutants.yaml` lists the defects and what each would do to the money. For each one packages
and tests are copied to a temporary directory, the defect is put in, and the tests run, quick ones
first, until one is red: the defect is killed. One that every test overlooks has survived; exit
code 1 when it is not on the list as allowed. `--only NAME` takes those whose name or file has it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import Progress

_ROOT = Path(__file__).resolve().parents[1]
_LIST = Path(__file__).with_suffix(".yaml")
_COPIED = ("packages", "apps", "tests", "scripts", "config", "pyproject.toml")
_TIMEOUT_S = 900.0
# Quick tests first: a stage runs only when the ones before it saw nothing.
_STAGES: Mapping[str, Sequence[str]] = {
    "orders and risk": (
        *("tests/unit/test_order_history.py", "tests/unit/test_order_identity.py"),
        "tests/unit/test_order_fingerprint.py",
        *("tests/unit/test_booking.py", "tests/unit/test_position.py"),
        *("tests/unit/test_risk_approval.py", "tests/unit/test_risk_state.py"),
    ),
    "session": ("tests/unit/session", "tests/simulation/test_list_slower_than_we_wait.py"),
    "random sessions": (
        "tests/simulation/test_random_sessions.py::"
        "test_whatever_fails_and_wherever_it_dies_the_books_equal_the_broker",
    ),
    "one order every way": ("tests/simulation/test_one_order_every_way.py",),
}
_RED, _GREEN = 1, 0
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S+?::(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """Text that is put in place of other text. `file` is below packages/kis_core; `allowed` says
    why no test can be asked to notice it."""

    name: str
    file: str
    old: str
    new: str
    harm: str
    allowed: str | None = None

    def times_in(self, root: Path) -> int:
        """How often its old text stands in its file; it applies when that is once."""
        return self._path(root).read_text(encoding="utf-8").count(self.old)

    def apply(self, root: Path) -> None:
        """Put it in. Raises ValueError when it does not apply."""
        if self.times_in(root) != 1:
            raise ValueError(f"{self.name}: {self.times_in(root)} times in {self.file}")
        text = self._path(root).read_text(encoding="utf-8")
        self._path(root).write_text(text.replace(self.old, self.new), encoding="utf-8")

    def _path(self, root: Path) -> Path:
        return root / "packages" / "kis_core" / self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a defect. `noticed_by` is the first red test, None when all were green."""

    defect: Defect
    noticed_by: str | None
    stage: str
    took_s: float

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if self.noticed_by is not None:
            return "killed"
        return "allowed" if self.defect.allowed else "SURVIVED"


def defects() -> tuple[Defect, ...]:
    """The list. Raises ValueError for a name that stands twice."""
    found = tuple(Defect(**each) for each in yaml.safe_load(_LIST.read_text(encoding="utf-8")))
    names = [each.name for each in found]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"names that stand twice: {sorted(repeated)}")
    return found


def judge(defect: Defect | None) -> Result:
    """Copy the product, put the defect in (None: nothing), and run the tests until one is red.

    Raises ValueError when the defect does not apply, RuntimeError when the tests cannot run.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kis-mutant-") as directory:
        root = Path(directory)
        _copy_to(root)
        if defect is not None:
            defect.apply(root)
        noticed = ((stage, _first_red(root, tests)) for stage, tests in _STAGES.items())
        stage, noticed_by = next((each for each in noticed if each[1] is not None), ("", None))
    return Result(
        defect=defect or Defect(name="none", file="", old="", new="", harm="", allowed="none"),
        noticed_by=noticed_by,
        stage=stage,
        took_s=time.monotonic() - started,
    )


def _copy_to(root: Path) -> None:
    for name in _COPIED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, root / name)


def _first_red(root: Path, tests: Sequence[str]) -> str | None:
    """The first test that is red, None when all are green."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root / 'packages'}{os.pathsep}{root}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "KIS_SIM_SESSIONS": "100",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "(the tests did not end)"
    if done.returncode == _GREEN:
        return None
    found = _FAILED.search(done.stdout)
    if done.returncode != _RED or found is None:
        raise RuntimeError(f"the tests did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the defects; 1 when one does not apply or survived unexplained, else 0."""
    options = _parser().parse_args(arguments)
    chosen = [d for d in defects() if not options.only or _is_meant(d, options.only)]
    misfits = [each.name for each in chosen if each.times_in(_ROOT) != 1]
    if misfits or not chosen:
        print(f"do not apply: {', '.join(misfits) or options.only}", file=sys.stderr)
        return 1
    console = Console(width=None if sys.stdout.isatty() else 200)
    healthy = judge(None)
    if healthy.noticed_by is not None:
        print(f"red without any defect: {healthy.noticed_by}", file=sys.stderr)
        return 1
    judged = {each.defect: each for each in _judge_all(chosen, options.workers, console)}
    results = [judged[each] for each in chosen]
    for line in table(results):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    survivors = [each for each in results if each.verdict == "SURVIVED"]
    for each in survivors:
        console.print(f"SURVIVED {each.defect.name}: {each.defect.harm}", markup=False)
    return 1 if survivors else 0


def _judge_all(chosen: Sequence[Defect], workers: int, console: Console) -> Iterator[Result]:
    with (
        ThreadPoolExecutor(workers) as pool,
        Progress(console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("defects", total=len(chosen))
        for future in as_completed([pool.submit(judge, each) for each in chosen]):
            result = future.result()
            progress.advance(task)
            if not console.is_terminal:
                print(f"{result.defect.name}: {result.verdict}, {result.took_s:.0f} s", flush=True)
            yield result


def table(results: Sequence[Result]) -> list[str]:
    """Markdown: by file, how many defects there were and which stage of the tests noticed them."""
    stages = list(_STAGES)
    lines = ["| file | defects | " + " | ".join(stages) + " | survived |"]
    lines.append("|---|---:|" + "---:|" * (len(stages) + 1))
    for file in dict.fromkeys(each.defect.file for each in results):
        lines.append(_row(file, [each for each in results if each.defect.file == file]))
    return [*lines, _row("**all**", results)]


def _row(name: str, results: Sequence[Result]) -> str:
    killed = [each.stage for each in results if each.verdict == "killed"]
    counts = [str(killed.count(stage)) for stage in _STAGES]
    alive = str(len(results) - len(killed))
    names = ", ".join(f"{each.defect.name}" for each in results if each.verdict != "killed")
    told = alive if not names or name == "**all**" else f"{alive} ({names})"
    return f"| {name} | {len(results)} | " + " | ".join(counts) + f" | {told} |"


def _is_meant(defect: Defect, word: str) -> bool:
    return word in defect.name or word in defect.file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="those whose name or file has it")
    parser.add_argument("--workers", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
