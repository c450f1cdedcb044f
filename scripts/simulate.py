"""Is any order doubled or lost? Random sessions with faults and deaths, and one order every way.

`python scripts/simulate.py --sessions 10000` lives through that many sessions in worlds of five,
seeded upwards from `--seed`; `--matrix` then lives through one purchase and one sale under every
broker fault × every outcome of every commit × death after every call. A violation is printed with
the seed that shows it again; exit code 0 when there is none, 1 when there is. What a seed does
depends neither on the number of workers nor on the machine. `--write` puts the tables into
docs/order-safety.md.
"""

import argparse
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from kis_adapters.memory import mortal
from kis_adapters.memory.broker import Fault, MemoryBroker
from kis_adapters.memory.matrix import Case, cases, with_deaths
from kis_adapters.memory.mortal import BrittleStore, Crash, Fate
from kis_adapters.memory.simulation import COMMIT_FAILURES, Simulation, Violation
from kis_adapters.memory.store import CommitFailure
from kis_adapters.memory.world import World
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, Side
from kis_core.ports.broker import Accepted, OrderTicket, Rejected
from kis_core.ports.notifier import EventKind

_DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "order-safety.md"
_SESSIONS_EACH = 5
_WORLDS_A_JOB = 5
_MINUTE_S = 60
_SWITCHED_ON, _SWITCHED_OFF = 0.01, 0.05  # chances in each ten seconds

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(slots=True)
class Findings:
    """What was lived through and what was wrong. `met` counts what really happened: a fault that
    no call ran into is not in it."""

    sessions: int = 0
    steps: int = 0
    met: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Count another's into this one."""
        self.sessions += other.sessions
        self.steps += other.steps
        self.met += other.met
        self.violations += other.violations


@dataclass(slots=True)
class Cell:
    """One square of the matrix."""

    lives: int = 0
    violations: list[str] = field(default_factory=list)


class WatchedBroker(MemoryBroker):
    """Counts the faults that calls ran into; notes purchases that must not be sent: while the
    kill switch is on, or while a person must look at the symbol."""

    def __init__(self, inner: MemoryBroker, world: World, found: Findings) -> None:
        super().__init__(**{each.name: getattr(inner, each.name) for each in fields(inner)})
        self.world, self.met, self.violations = world, found.met, found.violations

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        with self.world.store.unit_of_work() as uow:
            record, halted = uow.risk(), uow.halted_symbols()
        is_off = record is not None and record.kill_switch is not None
        is_off = is_off or self.world.kill_switch.text is not None
        if is_off:
            self.met[f"while the kill switch was on: {ticket.side} sent"] += 1
        if ticket.side is Side.BUY and (is_off or ticket.symbol in halted):
            at = self.clock.now().isoformat(sep=" ")
            self.violations.append(f"{at}: {ticket.order_id} was sent while entries are off")
        return super().place(ticket)

    def _next_fault(self, call: str) -> Fault | None:
        fault = super()._next_fault(call)
        if fault is not None:
            self.met[f"fault: {call}, {fault}"] += 1
        return fault


class WatchedStore(BrittleStore):
    """Counts the commits that failed."""

    def __init__(self, namespace: Namespace, met: Counter[str]) -> None:
        super().__init__(namespace)
        self.met = met

    def fail_next_commit(self, kind: CommitFailure) -> None:
        self.met[f"commit: {kind}"] += 1
        super().fail_next_commit(kind)


class WatchedFate(Fate):
    """Counts after which call of which port the process died."""

    def __init__(self, met: Counter[str]) -> None:
        super().__init__()
        self.met = met

    def called(self) -> None:
        try:
            super().called()
        except Crash:
            self.met[f"death: after {_port_call()}"] += 1
            raise


class SwitchedSimulation(Simulation):
    """The random sessions, with somebody who puts the kill switch file there and takes it away."""

    def _make_trouble(self) -> None:
        super()._make_trouble()
        switch, dice = self.world.kill_switch, random.Random(f"{self.seed} {self.tally.steps}")
        if switch.text is not None:
            switch.text = None if dice.random() < _SWITCHED_OFF else switch.text
        elif dice.random() < _SWITCHED_ON * self.trouble:
            switch.text = "by hand"
            self.tally.met["kill switch file"] += 1

    def _calm_down(self) -> None:
        super()._calm_down()
        self.world.kill_switch.text = None


def _port_call() -> str:
    """The port's method that is being called: the nearest method of a mortal port."""
    for frame, _ in traceback.walk_stack(None):
        if frame.f_code.co_filename == mortal.__file__ and "self" in frame.f_locals:
            port = type(frame.f_locals["self"]).__name__.lstrip("_")
            if port != Fate.__name__:
                return f"{port}.{frame.f_code.co_name}".replace("._unit", ".unit_of_work")
    raise AssertionError("a death outside every port")


def live_worlds(job: tuple[range, float]) -> Findings:
    """Live through the worlds of these seeds, five sessions each, with that much trouble."""
    total = Findings()
    for seed in job[0]:
        total.add(_live_world(seed, trouble=job[1]))
    return total


def _live_world(seed: int, *, trouble: float) -> Findings:
    found = Findings()
    simulation = SwitchedSimulation(seed=seed, trouble=trouble, fate=WatchedFate(found.met))
    world = simulation.world
    world.store = WatchedStore(world.settings.namespace, found.met)
    world.broker = WatchedBroker(world.broker, world, found)
    world.restart()
    try:
        simulation.run(_SESSIONS_EACH)
    except Violation as violation:
        found.violations.append(str(violation))
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    found.violations[:] = [_seeded(each, seed) for each in found.violations]
    found.sessions, found.steps = simulation.tally.sessions, simulation.tally.steps
    for what, count in simulation.tally.met.items():
        if what in _OTHER:
            found.met[f"other: {what}"] += count
    for order in world.broker.orders:
        found.met[f"order: {order.side}, {_end_of(order.filled_quantity, order.quantity)}"] += 1
    for kind in _TOLD:
        found.met[f"told: {kind}"] += simulation.tally.met[f"told {kind}"]
    return found


_OTHER = (
    "partial fill",
    "refused by the exchange",
    "market data down",
    "blind or halted",
    "clock went back",
    "symbol halted",
    "kill switch file",
)
_TOLD = (
    EventKind.ORDER_AMBIGUOUS,
    EventKind.ORDER_ADOPTED,
    EventKind.ORDER_CANCEL_REQUESTED,
    EventKind.KILL_SWITCH_ON,
    EventKind.ENTRY_REFUSED,
)


def _seeded(sentence: str, seed: int) -> str:
    return sentence if sentence.startswith("seed ") else f"seed {seed}, {sentence}"


def _end_of(filled: int, quantity: int) -> str:
    if filled == quantity:
        return "filled"
    return "filled in part" if filled else "not filled"


def live_cases(members: tuple[Case, ...]) -> Cell:
    """Live through each case, and through each with a death after each of its calls."""
    cell = Cell()
    for case in members:
        for each, wrong in with_deaths(case):
            cell.lives += 1
            if wrong:
                cell.violations.append(f"{each}: {'; '.join(wrong)}")
    return cell


# --- the tables -----------------------------------------------------------------------------


def simulation_table(found: Findings) -> list[str]:
    """Markdown: what was met, how often."""
    orders = sum(count for what, count in found.met.items() if what.startswith("order: "))
    deaths = sum(count for what, count in found.met.items() if what.startswith("death: "))
    faults = sum(count for what, count in found.met.items() if what.startswith("fault: "))
    commits = sum(count for what, count in found.met.items() if what.startswith("commit: "))
    lines = ["| what | count |", "|---|---:|"]
    lines += [f"| sessions | {found.sessions:,} |", f"| engine steps | {found.steps:,} |"]
    lines += [f"| orders at the broker | {orders:,} |", f"| broker faults met | {faults:,} |"]
    lines += [f"| commits that failed | {commits:,} |", f"| deaths | {deaths:,} |"]
    lines += [f"| {what} | {count:,} |" for what, count in sorted(found.met.items()) if count]
    return [*lines, f"| **violations** | **{len(found.violations)}** |"]


def matrix_table(side: Side, cells: dict[tuple[str, str], Cell]) -> list[str]:
    """Markdown: lives / violations, by broker fault and commit outcome."""
    columns = [_commit_name(None), *(_commit_name(each) for each in COMMIT_FAILURES)]
    lines = [f"| {side}: broker fault | " + " | ".join(columns) + " |", "|---" * 5 + "|"]
    for row in dict.fromkeys(row for row, _ in cells):
        of_row = [cells[row, column] for column in columns]
        told = [f"{cell.lives:,} / {len(cell.violations)}" for cell in of_row]
        lines.append(f"| {row} | " + " | ".join(told) + " |")
    lives = sum(cell.lives for cell in cells.values())
    wrong = sum(len(cell.violations) for cell in cells.values())
    return [*lines, "", f"{side}: {lives:,} lives, **{wrong} violations**."]


def _squares(side: Side) -> dict[tuple[str, str], tuple[Case, ...]]:
    squares: dict[tuple[str, str], list[Case]] = {}
    for case in cases(side):
        fault = "none" if case.call is None else f"{case.call}: {case.fault}"
        squares.setdefault((fault, _commit_name(case.failure)), []).append(case)
    return {square: tuple(members) for square, members in squares.items()}


def _commit_name(failure: CommitFailure | None) -> str:
    return "commits hold" if failure is None else failure.replace("_", " ")


def write_section(path: Path, *, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the document's markers. Raises ValueError without them."""
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{path.name} has no place for {name!r}")
    section = "\n".join([begin, "", *lines, "", end])
    path.write_text(pattern.sub(lambda _: section, text), encoding="utf-8")


# --- running --------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 when anything was wrong, else 0."""
    options = _parser().parse_args(arguments)
    console = Console()
    wrong, command = list[str](), _command(options)
    with ProcessPoolExecutor(options.workers) as pool:
        if options.sessions:
            started = time.monotonic()
            found = _simulate(options, pool.map, console)
            lines = [_headline(command, started), "", *simulation_table(found)]
            _publish("simulation", lines, console, is_written=options.write)
            wrong += found.violations
        if options.matrix:
            started = time.monotonic()
            lines, violations = _matrix(pool.map, console)
            lines = [_headline(command, started), "", *lines]
            _publish("matrix", lines, console, is_written=options.write)
            wrong += violations
    for sentence in wrong:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(f"seed {options.seed}: {len(wrong)} violations")
    return 1 if wrong else 0


def _simulate(
    options: argparse.Namespace,
    pool_map: Callable[..., Iterable[Findings]],
    console: Console,
) -> Findings:
    worlds = -(-options.sessions // _SESSIONS_EACH)
    ends = options.seed + worlds
    starts = range(options.seed, ends, _WORLDS_A_JOB)
    jobs = [(range(at, min(at + _WORLDS_A_JOB, ends)), options.trouble) for at in starts]
    total = Findings()
    for found in _watched(jobs, live_worlds, pool_map, console, what="worlds"):
        total.add(found)
    return total


def _matrix(
    pool_map: Callable[..., Iterable[Cell]], console: Console
) -> tuple[list[str], list[str]]:
    lines, wrong = list[str](), list[str]()
    for side in Side:
        squares = _squares(side)
        done = _watched(list(squares.values()), live_cases, pool_map, console, what=f"one {side}")
        cells = dict(zip(squares, done, strict=True))
        lines += [*matrix_table(side, cells), ""]
        wrong += [sentence for cell in cells.values() for sentence in cell.violations]
    return lines[:-1], wrong


def _watched(
    jobs: Sequence[_In],
    work: Callable[[_In], _Out],
    pool_map: Callable[..., Iterable[_Out]],
    console: Console,
    *,
    what: str,
) -> Iterator[_Out]:
    """The jobs' answers in the jobs' order, with a bar, or a plain line for each tenth."""
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=len(jobs))
        for number, answer in enumerate(pool_map(work, jobs), start=1):
            progress.advance(task)
            tenth, before = (n * 10 // len(jobs) for n in (number, number - 1))
            if not console.is_terminal and tenth > before:
                print(f"{what}: {number * 100 // len(jobs)} %", flush=True)
            yield answer


def _publish(name: str, lines: Sequence[str], console: Console, *, is_written: bool) -> None:
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if is_written:
        write_section(_DOCUMENT, name=name, lines=lines)


def _headline(command: str, started: float) -> str:
    took = time.monotonic() - started
    today = datetime.now(KST).date().isoformat()
    return f"{today}, `{command}`, {took // _MINUTE_S:.0f} min {took % _MINUTE_S:.0f} s."


def _command(options: argparse.Namespace) -> str:
    words = f"nox -s simulate -- --seed {options.seed} --sessions {options.sessions}"
    words += f" --trouble {options.trouble:g} --workers {options.workers}"
    return words + (" --matrix" if options.matrix else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=20260302, help="of the first world")
    parser.add_argument("--sessions", type=int, default=1_000, help="0: none")
    parser.add_argument("--trouble", type=float, default=1.0, help="how often, beside the usual")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--matrix", action="store_true", help="one purchase and one sale every way")
    parser.add_argument("--write", action="store_true", help="into docs/order-safety.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
