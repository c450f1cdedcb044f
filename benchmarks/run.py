"""Every budget that can be measured today: `python benchmarks/run.py [--only L2,L4]`.

Each benchmark runs in a process of its own, one after the other. Their rows are printed as one
table and written into docs/benchmarks.md between its two markers, with the date, the machine and
the command; what people wrote around them stays. With `--only`, rows that were not measured
keep their last figures. `--no-write` leaves the document alone.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

_ROOT = Path(__file__).resolve().parents[1]
if str(_ROOT) not in sys.path:  # run as a file, Python knows this directory and not the one above
    sys.path.insert(0, str(_ROOT))

from benchmarks.row import Row, handed_over  # noqa: E402

_DOCUMENT = _ROOT / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_BENCHMARKS = {
    "B1": "benchmarks.bench_backtest w2",
    "B2": "benchmarks.bench_backtest w1",
    "B3": "benchmarks.bench_from_exec",
    "B4": "benchmarks.bench_bar_by_bar",
    "S1": "benchmarks.bench_sweep",
    "L1": "benchmarks.bench_frames",
    "L2": "benchmarks.bench_journal",
    "L3": "benchmarks.bench_memory",
    "G1": "benchmarks.bench_growth",
    "L4": "benchmarks.bench_cycle",
    "L5": "benchmarks.bench_tick",
    "L7": "benchmarks.bench_stream",
    "L6": "benchmarks.bench_restart",
}
_MEASURED_WITH = {"B5": "B4", "B6": "B3"}
_HEADINGS = (
    "row",
    "what",
    "anchor",
    "measured",
    "p50 / p99",
    "aim",
    "at least",
    "verdict",
    "when (load)",
)
_ROW = re.compile(r"\| [A-Z][0-9]\b")
_MIB = 1024**2
_WIDTH = 170  # where there is no terminal


def main() -> int:
    """Run, print and write; 1 when a benchmark did not come to an end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(_BENCHMARKS), help="rows, e.g. L2,L4")
    parser.add_argument("--no-write", action="store_true", help="print only")
    given = parser.parse_args()
    wanted = given.only.split(",")
    wanted = list(dict.fromkeys(_MEASURED_WITH.get(name, name) for name in wanted))
    unknown = sorted(set(wanted) - set(_BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark of {', '.join(unknown)}")
    rows: list[tuple[Row, str]] = []
    notes: list[str] = []
    failed = []
    for name in wanted:
        result = _run(_BENCHMARKS[name])
        if result is None:
            failed.append(name)
            continue
        when = f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z} ({os.getloadavg()[0]:.1f})"
        rows += [(row, when) for row in result[0]]
        notes += result[1]
    _print(rows, notes)
    if not given.no_write:
        _write(rows, notes)
    for name in failed:
        print(f"{name} did not come to an end; see above.", file=sys.stderr)
    return 1 if failed else 0


def _run(benchmark: str) -> tuple[list[Row], list[str]] | None:
    """A benchmark's result, its progress shown meanwhile; None when it failed."""
    paths = [str(_ROOT / "packages"), str(_ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    result = None
    with subprocess.Popen(
        [sys.executable, "-m", *benchmark.split()],
        cwd=_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = handed_over(line)
            if told is None:
                print(line, end="", flush=True)
            result = told or result
    return result if process.returncode == 0 else None


def _print(rows: list[tuple[Row, str]], notes: list[str]) -> None:
    table = Table(*_HEADINGS, show_lines=True)
    for row, when in rows:
        table.add_row(*_cells(row, when))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)
    for note in notes:
        console.print(note)


def _cells(row: Row, when: str) -> tuple[str, ...]:
    said = row.name, row.what, row.anchor, row.measured, row.figures
    return *said, *row.bounds, row.verdict, when


def _write(rows: list[tuple[Row, str]], notes: list[str]) -> None:
    """Raises ValueError for a document without the two markers."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    measured, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{_DOCUMENT} has no place between {_BEGIN} and {_END}")
    machine = _machine()
    fresh = {row.name: _line(_cells(row, when)) for row, when in rows}
    kept = _lines_of(measured) if machine in measured else {}  # machines are not to be mixed
    lines = _merged(kept, fresh)
    table = "\n".join([_line(_HEADINGS), "|---" * len(_HEADINGS) + "|", *lines])
    parts = [
        begin,
        "",
        f"`python benchmarks/run.py` on: {machine}.",
        "",
        table,
        "",
        *notes,
        *([""] if notes else []),
        end,
    ]
    _DOCUMENT.write_text(before + "\n".join(parts) + after, encoding="utf-8")


def _merged(kept: dict[str, str], fresh: dict[str, str]) -> list[str]:
    """The table's lines in the order of their benchmarks; fresh ones replace all kept ones of the
    same budgets (the restart's also measures L4, in lines of its own)."""
    old = {name: line for name, line in kept.items() if not _is_replaced(name, fresh)}
    return [line for _, line in sorted((old | fresh).items(), key=lambda item: item[0][:2])]


def _is_replaced(name: str, fresh: dict[str, str]) -> bool:
    is_of_restart = "engine" in name
    return any(name[:2] == other[:2] and is_of_restart == ("engine" in other) for other in fresh)


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _lines_of(measured: str) -> dict[str, str]:
    """The table's lines as they stand, by the row's name."""
    lines = [line for line in measured.splitlines() if _ROW.match(line)]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def _machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _MIB
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {_cpu_model()}, {memory:,.0f} MB, Python {python}"


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
