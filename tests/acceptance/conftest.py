"""kr_trade as its user meets it: a process with its own home, working directory and environment.

Nothing of the test run's environment reaches it but the way to Python. The simulator that it
starts runs at full speed.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

_INHERITED = ("PATH", "PYTHONPATH", "LANG", "TMPDIR", "VIRTUAL_ENV")
_WITHIN_S = 240.0

FAST = "market_data: {feed: rest}\nsimulator: {day_seconds: 0}\n"
# Of the shipped symbols, one that enters and is stopped out on the simulator's first day, and
# one that enters and is kept.
TWO_SYMBOLS = ("--stock", "068270", "--stock", "005490")
FAKE_KEYS = {
    "KIS_APP_KEY": "FAKE-APP-KEY-OF-A-TEST",
    "KIS_APP_SECRET": "FAKE-APP-SECRET-OF-A-TEST",
    "KIS_ACCOUNT_NO": "99000001",
    "KIS_ACCOUNT_PRODUCT_CODE": "01",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended. `out` and `err` are what a person at the terminal would have seen."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Desk:
    """A new user's directory, and the commands typed in it."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)
    fake_keys: dict[str, str] = field(default_factory=lambda: dict(FAKE_KEYS))

    @property
    def database(self) -> Path:
        return self.directory / "data" / "kis.db"

    @property
    def log(self) -> str:
        """All log lines so far."""
        files = sorted((self.directory / "logs").glob("kr_trade_*.log"))
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def write(self, name: str, content: str) -> str:
        (self.directory / name).write_text(content, encoding="utf-8")
        return name

    def launch(
        self,
        *arguments: str,
        variables: Mapping[str, str] = MappingProxyType({}),
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        """`python` with `arguments`, running."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=self.environment(variables),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """`python -m apps.kr_trade` with `arguments`, running."""
        return self.launch("-m", "apps.kr_trade", *arguments, variables=variables)

    def run(self, *arguments: str, **variables: str) -> Ended:
        """The same, until it ends."""
        process = self.start(*arguments, **variables)
        return self.end_of(process)

    def python(self, *arguments: str, **variables: str) -> Ended:
        """Another program of the product here, until it ends."""
        return self.end_of(self.launch(*arguments, variables=variables))

    def trade(self, *arguments: str, **variables: str) -> Ended:
        """A session at full speed, until it ends."""
        return self.run("--mode", "trade", "--config", "fast.yaml", *arguments, **variables)

    def start_trading(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A session at full speed, running, at a time when it trades."""
        process = self.start(
            "--mode", "trade", "--config", "fast.yaml", *TWO_SYMBOLS, *arguments, **variables
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "거래일 시작" in line:
                return process
        raise AssertionError(f"never traded: {self.end_of(process)}")

    @staticmethod
    def end_of(
        process: subprocess.Popen[str], *, typed: str | None = None, within_s: float = _WITHIN_S
    ) -> Ended:
        """Wait for the end; a run that does not end is killed and the test fails. `typed` is what
        somebody types into one that listens."""
        try:
            out, err = process.communicate(typed, timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"it did not end within {within_s} s:\n{out}\n{err}")
        return Ended(code=process.returncode, out=out, err=err)

    def rows(self, statement: str) -> list[sqlite3.Row]:
        """What is in the SQLite database."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(statement).fetchall()

    def environment(self, variables: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "HOME": str(self.directory / "home"),
            "AUTO_TRADE_LOG_DIR": str(self.directory / "logs"),
            "PYTHONUTF8": "1",
            **self.variables,
            **variables,
        }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty directory with nothing in it but a configuration for full speed."""
    return new_desk(tmp_path)


def new_desk(directory: Path) -> Desk:
    """The same for fixtures of a wider scope."""
    made = Desk(directory)
    made.write("fast.yaml", FAST)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoDays:
    """Two sessions in a row in one directory, each followed by `--mode status --json`."""

    desk: Desk
    first: Ended
    status_after_first: Ended
    text_after_first: Ended
    second: Ended


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> TwoDays:
    """What a new user sees who types the README's command twice (two symbols, full speed)."""
    desk = new_desk(tmp_path_factory.mktemp("two-days"))
    command = ("--feed", "rest", "--exit-after-close", *TWO_SYMBOLS)
    first = desk.trade(*command)
    status = desk.run("--mode", "status", "--json")
    shown = desk.run("--mode", "status")
    second = desk.trade(*command)
    return TwoDays(
        desk=desk,
        first=first,
        status_after_first=status,
        text_after_first=shown,
        second=second,
    )
