"""Kill kr_trade at random moments of simulated days, and compare its database with the broker.

The simulator runs in a process of its own that outlives the app; its clock moves only while
somebody trades. Whatever the app was doing when SIGKILL came, after the last start its database
must say what the simulator's ledger says: every order once, every fill, every won.

`python -m scripts.chaos --kills 100` prints the seed and what was found; exit code 0 when the two
agree, 1 when they do not.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kis_adapters.console.words import TITLES
from kis_core.orders.event import OrderEventKind
from kis_core.ports.notifier import EventKind
from scripts.ledger_comparison import differences, rows, sent
from scripts.market_stage import START_S, App, busy_app, default_database, market_in

DAY_S = 240.0
# Moments at which something is half done: a kill follows within a few milliseconds.
_MOMENTS = (
    EventKind.ORDER_CREATED,
    EventKind.ORDER_SUBMITTED,
    EventKind.ORDER_FILLED,
    EventKind.ORDER_CANCEL_REQUESTED,
    EventKind.POSITION_OPENED,
    EventKind.RECOVERY_OPEN_ORDERS,
)
_IN_FLIGHT = "in_flight"  # the order is at the broker, and its answer is not there yet
_PROGRESS = 10
_LOOSE = (0.6, 3.0)  # seconds after the start, for kills that wait for no particular moment
_CLOSE = (0.0, 0.03)  # seconds after a moment


@dataclass(slots=True)
class Outcome:
    """What a run of chaos did and found; `differences` empty is what it is for. `settled` counts
    the orders whose fate a restart had to find out, by what it found."""

    seed: int
    kills: int = 0
    days: int = 0
    orders: int = 0
    at_moments: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        moments = ", ".join(f"{name} {count}" for name, count in self.at_moments.items())
        settled = ", ".join(f"{name} {count}" for name, count in self.settled.items())
        summary = (
            f"seed {self.seed}: {self.kills} kills ({moments}), {self.days} days,"
            f" {self.orders} orders (found out: {settled}), {len(self.differences)} differences"
        )
        return "\n".join([summary, *self.differences])


def chaos(directory: Path, *, kills: int, seed: int, database_url: str | None = None) -> Outcome:
    """Trade and be killed `kills` times, then trade the day to its end, and compare."""
    outcome = Outcome(seed=seed)
    dice = random.Random(seed)
    with market_in(directory, seed=8) as market:
        variables = market.variables()
        if database_url is not None:
            variables["DATABASE_URL"] = database_url
        while outcome.kills < kills:
            moment = _IN_FLIGHT if not outcome.kills else dice.choice((None, _IN_FLIGHT, *_MOMENTS))
            if moment == _IN_FLIGHT:
                market.hold_next_order()
            app = busy_app(directory, variables)
            before = outcome.kills
            _kill_at(moment, app, dice, outcome)
            if outcome.kills % _PROGRESS == 0 and outcome.kills > before:
                print(f"kills: {outcome.kills} of {kills}", file=sys.stderr, flush=True)
        code = busy_app(directory, variables).wait(within_s=DAY_S)
        if code:
            outcome.differences.append(f"the last run ended with {code}")
        ledger = market.ledger()
    outcome.orders = len(sent(ledger))
    outcome.days = len({order["date"] for order in sent(ledger)})
    database = database_url or default_database(directory)
    for kind in (OrderEventKind.ADOPTED, OrderEventKind.NOT_RECEIVED, OrderEventKind.NOT_SENT):
        found = rows(database, f"SELECT id FROM order_events WHERE kind = '{kind}'")
        outcome.settled[kind.value] = len(found)
    outcome.differences += differences(ledger, database)
    return outcome


def _kill_at(moment: str | None, app: App, dice: random.Random, outcome: Outcome) -> None:
    times, soon, later = dice.randint(1, 3), dice.uniform(*_CLOSE), dice.uniform(*_LOOSE)
    if moment is None:
        has_come = not _ends_within(app, later)
    elif moment == _IN_FLIGHT:
        has_come = app.wait_for(TITLES[EventKind.ORDER_CREATED], within_s=START_S)
        time.sleep(3 * soon)
    else:
        has_come = app.wait_for(TITLES[EventKind(moment)], within_s=10 * later, times=times)
        time.sleep(soon)
    if app.process.poll() is None:
        app.kill()
        outcome.kills += 1
        outcome.at_moments[str(moment) if moment and has_come else "any"] += 1
    elif app.process.returncode:
        outcome.differences.append(f"a run ended with {app.process.returncode}: {app.output}")
        outcome.kills += 1  # so that it ends


def _ends_within(app: App, seconds: float) -> bool:
    try:
        app.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--database-url", default=None, help="an empty database; else SQLite")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="kis-chaos-") as directory:
        outcome = chaos(
            Path(directory), kills=options.kills, seed=seed, database_url=options.database_url
        )
    print(outcome)
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
