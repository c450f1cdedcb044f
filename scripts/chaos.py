"""Kill kr_trade at random moments of simulated days, and compare its database with the broker.

The simulator runs in a process of its own that outlives the app; its clock moves only while
somebody trades. Whatever the app was doing when SIGKILL came, after the last start its database
must say what the simulator's ledger says: every order once, every fill, every won.

`python scripts/chaos.py --kills 100` prints the seed and what was found; exit code 0 when the two
agree, 1 when they do not.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any
from weakref import WeakSet

import httpx
from sqlalchemy import NullPool, create_engine, text

from kis_adapters.console.words import TITLES
from kis_core.orders.event import OrderEventKind
from kis_core.ports.notifier import EventKind

INITIAL_CASH = 100_000_000
DAY_S = 240.0
_START_S = 30.0
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
_HELD_MS = 200
_PROGRESS = 10
_CONFIG = Path(__file__).resolve().parents[1] / "config"
_CONFIRMED = "confirmed_until: 2035-12-31"
_LOOSE = (0.6, 3.0)  # seconds after the start, for kills that wait for no particular moment
_CLOSE = (0.0, 0.03)  # seconds after a moment

# Not a strategy: levels so near that orders come all day long.
BUSY_CONFIG = """\
market_data: {feed: rest}
simulator: {day_seconds: 0}
strategy:
  ma_period: 5
  adx_threshold: 1
  adx_exit_threshold: 0
  atr_spike_threshold: 100
  atr_multiplier_sl: 0.15
  atr_multiplier_tp: 0.15
risk:
  daily_max_loss_pct: 90
  daily_max_trades: 500
  max_consecutive_losses: 500
  drawdown_warn_pct: 90
  drawdown_stop_pct: 90
sizing: {method: fixed, shares: 7}
orders: {entry_legs_max: 10}
"""
UNIVERSE = """\
universe:
  selection_method: fixed
  max_stocks: 3
  stocks: [068270, 005490, 035420]
"""


class Market:
    """The simulator as a process of its own, on one port for its whole life."""

    def __init__(self, directory: Path, *, seed: int, clock: Sequence[str] = ()) -> None:
        self._directory, self._seed, self._clock = directory, seed, clock
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.info: dict[str, Any] = {}

    def start(self) -> None:
        """Start it, or start it again on the same port from its state."""
        command = [
            *(sys.executable, "-m", "apps.kis_sandbox", "--port", str(self._port)),
            *("--state", str(self._directory), "--seed", str(self._seed)),
            *("--cash", str(INITIAL_CASH), "--start", "2026-11-24T08:30:00+09:00"),
            *(self._clock or ("--clock", "stepped")),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with {self._process.wait(_START_S)}")
        self.info = json.loads(line)
        self._port = httpx.URL(self.info["base_url"]).port or 0

    def kill(self) -> None:
        """SIGKILL, as a power cut would be."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def freeze(self) -> None:
        """SIGSTOP: connections are taken and nothing is answered; `kill` ends it all the same."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def ledger(self) -> dict[str, Any]:
        """The whole truth about the account."""
        return self._get("/sandbox/ledger")

    def now(self) -> str:
        """The virtual time, ISO 8601."""
        return str(self._get("/sandbox/clock")["now"])

    def variables(self) -> dict[str, str]:
        """The environment that points kr_trade here; the keys open nothing else."""
        return {
            "KIS_BASE_URL": self.info["base_url"],
            "KIS_APP_KEY": self.info["app_key"],
            "KIS_APP_SECRET": self.info["app_secret"],
            "KIS_ACCOUNT_NO": self.info["account_no"],
            "KIS_ACCOUNT_PRODUCT_CODE": self.info["product_code"],
        }

    def hold_next_order(self) -> None:
        """Work on the next order only after a while: whoever sent it can die in between."""
        fault = {"route": "order-cash", "kind": "delay", "count": 1, "params": {"ms": _HELD_MS}}
        httpx.post(
            self.info["base_url"] + "/sandbox/faults", json=fault, timeout=_START_S, trust_env=False
        ).raise_for_status()

    def _get(self, path: str) -> dict[str, Any]:
        answer = httpx.get(self.info["base_url"] + path, timeout=_START_S, trust_env=False)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document


class App:
    """One run of kr_trade in `directory`; what it prints is kept and can be waited for."""

    def __init__(
        self, directory: Path, arguments: Sequence[str], variables: Mapping[str, str]
    ) -> None:
        self.lines: list[str] = []
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.kr_trade", *arguments],
            cwd=directory,
            env=environment(directory, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        _STARTED.add(self)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    def wait_for(self, words: str, *, within_s: float, times: int = 1) -> bool:
        """Wait until `words` were printed on `times` lines; False when they were not in time, or
        the run ended without them."""
        deadline = time.monotonic() + within_s
        with self._said:
            while sum(words in line for line in self.lines) < times:
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    return False
                self._said.wait(min(left, 0.1))
        return True

    def wait(self, *, within_s: float) -> int:
        """The exit code; the run is killed and TimeoutExpired raised when it does not end."""
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._reader.join(_START_S)
        return code

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.wait()
        self._reader.join(_START_S)

    def _read(self) -> None:
        """Collect what is printed until the end."""
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self._said:
                    self.lines.append(line.rstrip("\n"))
                    self._said.notify_all()


_STARTED: WeakSet[App] = WeakSet()


def environment(directory: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """A new user's environment: nothing of ours but `variables`; home and logs in `directory`."""
    kept = ("PATH", "PYTHONPATH", "LANG", "TMPDIR", "VIRTUAL_ENV")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(directory / "home"),
        "AUTO_TRADE_LOG_DIR": str(directory / "logs"),
        "PYTHONUTF8": "1",
        **variables,
    }


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
    outcome.orders = len(_sent(ledger))
    outcome.days = len({order["date"] for order in _sent(ledger)})
    database = database_url or default_database(directory)
    for kind in (OrderEventKind.ADOPTED, OrderEventKind.NOT_RECEIVED, OrderEventKind.NOT_SENT):
        found = _rows(database, f"SELECT id FROM order_events WHERE kind = '{kind}'")
        outcome.settled[kind.value] = len(found)
    outcome.differences += differences(ledger, database)
    return outcome


@contextmanager
def market_in(directory: Path, *, seed: int, clock: Sequence[str] = ()) -> Iterator[Market]:
    """A running simulator with its state in `directory`, killed in the end with whatever traded
    on it; the busy configuration is written beside it."""
    (directory / "busy.yaml").write_text(BUSY_CONFIG, encoding="utf-8")
    (directory / "universe.yaml").write_text(UNIVERSE, encoding="utf-8")
    _confirm_years(directory / "config")
    market = Market(directory / "market", seed=seed, clock=clock)
    market.start()
    try:
        yield market
    finally:
        market.kill()
        for app in list(_STARTED):  # those of a test that failed half way
            app.kill()


def _confirm_years(config: Path) -> None:
    """The shipped configuration, with an exchange calendar that was confirmed for as long as can
    be traded: beyond it nothing is entered, and a kill meets no order."""
    copytree(_CONFIG, config, dirs_exist_ok=True)
    sessions = config / "krx_sessions.yaml"
    shipped = sessions.read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^confirmed_until: .*$", _CONFIRMED, shipped)
    if count != 1:
        raise ValueError(f"{sessions} does not say once until when it is confirmed")
    sessions.write_text(changed, encoding="utf-8")


def busy_app(directory: Path, variables: Mapping[str, str], *, config: str = "busy.yaml") -> App:
    """kr_trade with the busy configuration, until the close of the next session."""
    arguments = ("--mode", "trade", "--feed", "rest", "--exit-after-close")
    files = ("--config", config, "--universe", "universe.yaml")
    return App(directory, [*arguments, *files], variables)


def default_database(directory: Path) -> str:
    """Where kr_trade keeps its database when nothing is configured."""
    return f"sqlite:///{directory / 'data' / 'kis.db'}"


def _kill_at(moment: str | None, app: App, dice: random.Random, outcome: Outcome) -> None:
    times, soon, later = dice.randint(1, 3), dice.uniform(*_CLOSE), dice.uniform(*_LOOSE)
    if moment is None:
        has_come = not _ends_within(app, later)
    elif moment == _IN_FLIGHT:
        has_come = app.wait_for(TITLES[EventKind.ORDER_CREATED], within_s=_START_S)
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


# --- the comparison -------------------------------------------------------------------------


def differences(
    ledger: Mapping[str, Any], database_url: str, *, initial_cash: int = INITIAL_CASH
) -> list[str]:
    """Where the database disagrees with the broker's own ledger; empty when it does nowhere."""
    orders = _rows(database_url, "SELECT * FROM order_state")
    trades = _rows(database_url, "SELECT * FROM trades")
    fills = _rows(database_url, "SELECT * FROM fills")
    open_positions = _rows(database_url, "SELECT * FROM positions WHERE closed_at IS NULL")
    return [
        *_of_orders(ledger, orders),
        *_of_fills(ledger, orders, fills=fills, trades=trades),
        *_of_money(ledger, trades, initial_cash=initial_cash),
        *_of_holdings(ledger, open_positions),
    ]


def _of_orders(ledger: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every order at the broker belongs to one row, and every numbered row to one order."""
    claimed = Counter(
        (str(o["session_date"]), _number(o["order_no"])) for o in orders if o["order_no"]
    )
    sent = {(o["date"], _number(o["order_no"])): o for o in _sent(ledger)}
    for key in sent.keys() - claimed.keys():
        yield f"sent and not in the database: {sent[key]}"
    for key, count in claimed.items():
        if key not in sent:
            yield f"in the database and not at the broker: {key}"
        elif count > 1:
            yield f"claimed {count} times: {key}"
    for order in orders:
        if order["live_symbol"] is not None:
            yield f"still live: {order['order_id']} {order['status']}"
    keys = Counter(order["idempotency_key"] for order in orders)
    yield from (f"{count} rows for the intent {key}" for key, count in keys.items() if count > 1)


def _of_fills(
    ledger: Mapping[str, Any],
    orders: Sequence[Mapping[str, Any]],
    *,
    fills: Sequence[Mapping[str, Any]],
    trades: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """Per order: shares, won, commission and tax in orders, fills and trades."""
    there: dict[tuple[str, int], list[int]] = {}
    for fill in ledger["fills"]:
        figures = there.setdefault((fill["date"], _number(fill["order_no"])), [0, 0, 0, 0])
        amount = fill["quantity"] * fill["price"]
        for place, won in enumerate((fill["quantity"], amount, fill["commission"], fill["tax"])):
            figures[place] += won
    traded = {trade["order_id"]: trade for trade in trades}
    for order in orders:
        key = (str(order["session_date"]), _number(order["order_no"]))
        expected = there.pop(key, [0, 0, 0, 0])
        names = ("filled_quantity", "filled_amount", "commission", "tax")
        booked = {"order_state": [int(order[name]) for name in names]}
        own = [fill for fill in fills if fill["order_id"] == order["order_id"]]
        columns = ("quantity", "amount", "commission", "tax")
        booked["fills"] = [sum(int(fill[name]) for fill in own) for name in columns]
        trade = traded.get(order["order_id"])
        booked["trades"] = [int(trade[name]) if trade else 0 for name in columns]
        for table, figures in booked.items():
            if figures != expected:
                yield f"{table} of {order['order_id']}: {figures}, at the broker {expected}"
    yield from (f"filled and not in the database: {key}" for key in there)


def _of_money(
    ledger: Mapping[str, Any], trades: Sequence[Mapping[str, Any]], *, initial_cash: int
) -> Iterator[str]:
    """The cash that the trades leave, and all fees and taxes."""
    cash = initial_cash
    for trade in trades:
        amount, costs = int(trade["amount"]), int(trade["commission"]) + int(trade["tax"])
        cash += amount - costs if trade["side"] == "sell" else -amount - costs
    for name, here in (
        ("cash_d2", cash),
        ("fees_total", sum(int(trade["commission"]) for trade in trades)),
        ("taxes_total", sum(int(trade["tax"]) for trade in trades)),
    ):
        if here != ledger[name]:
            yield f"{name}: {here} by the database, {ledger[name]} at the broker"


def _of_holdings(
    ledger: Mapping[str, Any], positions: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What is held, and what it cost."""
    here = {p["stock_code"]: (int(p["quantity"]), int(p["cost"])) for p in positions}
    there = {h["symbol"]: (h["quantity"], h["cost"]) for h in ledger["holdings"]}
    for symbol in sorted(here.keys() | there.keys()):
        if here.get(symbol) != there.get(symbol):
            yield f"{symbol}: {here.get(symbol)} in the database, {there.get(symbol)} held"


def _sent(ledger: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [order for order in ledger["orders"] if order["kind"] == "new"]


def _number(order_no: object) -> int:
    """As a number; 0, which the broker never gives, for none."""
    return int(str(order_no or 0))


def _rows(database_url: str, statement: str) -> list[Mapping[str, Any]]:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(statement)).mappings()]


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
