"""Running the peers of the backtest comparison, and the markets that they run on.

The anchors (Numba, vectorbt) live in an environment of their own, made on first use below
`.nox/bench`, so that the product's never holds them; KIS_BENCH_PEERS names a Python that has them
already. The markets are made there too and kept: one of 2,600 symbols is 131 MB.
"""

import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.backtest.made_market import make
from kis_core.research.store import read_folder, write_store

ROOT = Path(__file__).resolve().parents[2]
DAYS = 2_520
SIZES = (50, 200, 1_000, 2_600)
FULL = SIZES[-1]

_PLACE = ROOT / ".nox" / "bench"
_NEEDED = ("numba==0.68.1", "vectorbt==1.2.0")
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The JSON lines that a peer printed for one case and market, taken together."""

    peer: str
    run_s: tuple[float, ...]
    rss_peak_mb: float
    trades: int
    trades_hash: str
    final_equity: float | None

    @property
    def median_s(self) -> float:
        return statistics.median(self.run_s)

    @property
    def answer(self) -> tuple[int, str, float | None]:
        """What must be equal to the other peers'."""
        return self.trades, self.trades_hash, self.final_equity


def market(symbols: int) -> Path:
    """A folder of that many seeded symbols over ten years."""
    folder = _PLACE / f"market-{symbols}-{DAYS}-{_SEED}"
    if not (folder / "symbols.txt").exists():  # written last
        print(f"making a market of {symbols:,} symbols", flush=True)
        make(folder, symbols=symbols, days=DAYS, seed=_SEED)
    return folder


def store(symbols: int) -> Path:
    """The same market as a Parquet store."""
    path = _PLACE / f"market-{symbols}-{DAYS}-{_SEED}.parquet"
    if not path.exists():
        write_store(read_folder(market(symbols)), path)
    return path


def compare(
    case: str, symbols: int, *, repeat: int, rounds: int = 2, ours: str = "scan"
) -> dict[str, Told]:
    """The case on that market by the compiled pass, by us and by vectorbt, in turn and `rounds`
    times. Raises ValueError unless all answers are equal: a faster wrong one does not count."""
    folder = market(symbols)
    told: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for peer, command in _commands(case, folder, repeat, ours=ours).items():
            print(f"{case}, {symbols:,} symbols: {peer}", flush=True)
            told.setdefault(peer, []).append(_answer(command))
    found = {peer: _together(peer, answers) for peer, answers in told.items()}
    if len({each.answer for each in found.values()}) != 1:
        raise ValueError(f"the answers differ: {[(p, t.answer) for p, t in found.items()]}")
    return found


def _commands(case: str, folder: Path, repeat: int, *, ours: str) -> dict[str, list[str]]:
    peers = str(peers_python())
    numbers = [str(folder), case, str(repeat)]
    own = [sys.executable, "-m", "benchmarks.backtest.ours_peer", *numbers, ours]
    vectorbt = [peers, "-m", "benchmarks.backtest.vectorbt_peer"]
    commands = {
        "pass": [peers, "-m", "benchmarks.backtest.compiled_peer", *numbers],
        "ours": own,
        "vectorbt": [*vectorbt, *numbers],
    }
    if case == "w2":
        commands["vectorbt in turn"] = [*vectorbt, str(folder), "w2-in-turn", str(repeat)]
    return commands


def _answer(command: Sequence[str]) -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'packages'}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def _together(peer: str, answers: Sequence[dict[str, Any]]) -> Told:
    first = answers[0]
    if any(each["trades_hash"] != first["trades_hash"] for each in answers):
        raise ValueError(f"{peer} does not answer the same twice")
    return Told(
        peer=peer,
        run_s=tuple(time for each in answers for time in each["run_s"]),
        rss_peak_mb=max(each["rss_peak_mb"] for each in answers),
        trades=first["trades"],
        trades_hash=first["trades_hash"],
        final_equity=first.get("final_equity"),
    )


@cache
def peers_python() -> Path:
    """The Python that has Numba and vectorbt; made on first use."""
    given = os.environ.get("KIS_BENCH_PEERS")
    if given:
        return Path(given)
    home = _PLACE / "peers"
    python = home / "bin" / "python"
    if not (home / "made").exists():
        print(f"making an environment for {', '.join(_NEEDED)}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *_NEEDED], check=True)
        (home / "made").touch()
    return python
