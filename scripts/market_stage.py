"""The simulator and kr_trade as processes of their own, for whoever kills one of them.

The simulator outlives the app on one port; its clock moves only while somebody trades.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any
from weakref import WeakSet

import httpx

INITIAL_CASH = 100_000_000
START_S = 30.0
_HELD_MS = 200
_CONFIG = Path(__file__).resolve().parents[1] / "config"
_CONFIRMED = "confirmed_until: 2035-12-31"

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
            raise RuntimeError(f"the simulator ended with {self._process.wait(START_S)}")
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
            self.info["base_url"] + "/sandbox/faults", json=fault, timeout=START_S, trust_env=False
        ).raise_for_status()

    def _get(self, path: str) -> dict[str, Any]:
        answer = httpx.get(self.info["base_url"] + path, timeout=START_S, trust_env=False)
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
        self._reader.join(START_S)
        return code

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.wait()
        self._reader.join(START_S)

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
