"""Where a day of the rehearsal is played: a simulator, `kr_trade` on it, and its measures."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from kis_adapters.console.words import TITLES
from kis_core.ports.notifier import EventKind
from scripts.ledger_comparison import differences
from scripts.market_stage import App, Market, default_database, market_in

_LOGGED_WITHIN_S = 30.0
_DAY_S = 240.0  # real time that a simulated day may take on a busy machine
_SOON_S = 60.0
_SEED = 8  # a market whose first day has entries
_LOOK_S = 0.1
_MEGABYTE = 1024 * 1024
_CONFIG = "market_data: {feed: rest}\nsimulator: {day_seconds: 0}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured, and what it must be."""

    what: str
    measured: str
    wanted: str
    holds: bool

    @property
    def row(self) -> tuple[str, str, str, str]:
        """As a row of the report."""
        return self.what, self.measured, self.wanted, "통과" if self.holds else "실패"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a running `kr_trade` takes at one instant of virtual time."""

    at: datetime
    rss_mb: float
    log_bytes: int
    connections: int


class Stage:
    """A simulator, and `kr_trade` on it, in one directory."""

    def __init__(self, directory: Path, market: Market) -> None:
        self.directory, self.market = directory, market

    def trade(self, *arguments: str) -> App:
        """Start `kr_trade` until the close of the next session."""
        fixed = ("--mode", "trade", "--config", "rehearsal.yaml", "--exit-after-close")
        return App(self.directory, [*fixed, *arguments], self.market.variables())

    def await_events(self, count: int, kind: EventKind, **fields: object) -> None:
        """Wait until the log has so many: it is written behind the console, each by its own
        thread, and what is killed writes no more. Raises RuntimeError."""
        deadline = time.monotonic() + _LOGGED_WITHIN_S
        while len(self.events(kind, **fields)) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{kind.value} is not in the log {count} times")
            time.sleep(0.05)

    def events(self, kind: EventKind, **fields: object) -> list[dict[str, Any]]:
        """The log's events of `kind` that have these `fields`, oldest first."""
        found = []
        for log in sorted((self.directory / "logs").glob("*.log")):
            for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
                if not line.endswith("\n"):
                    continue  # being written
                event = json.loads(line)
                if event["event"] == kind.value and fields.items() <= event.items():
                    found.append(event)
        return found

    def rows(self, statement: str) -> list[sqlite3.Row]:
        """What the database has."""
        with closing(sqlite3.connect(self.directory / "data" / "kis.db")) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(statement).fetchall()

    def shock(self, symbol: str, percent: float) -> datetime:
        """Move the price of `symbol` at once; returns the virtual time of it."""
        self._post(f"symbols/{symbol}", {"price_shock_pct": percent})
        return datetime.fromisoformat(self.market.now())

    def fail(self, route: str, kind: str, *, count: int | None = None, **params: object) -> None:
        """Let calls of `route` go wrong."""
        self._post("faults", {"route": route, "kind": kind, "count": count, "params": params})

    def heal(self) -> None:
        """End every fault."""
        url = self.market.info["base_url"] + "/sandbox/faults"
        httpx.delete(url, timeout=_SOON_S, trust_env=False).raise_for_status()

    def first_held(self, app: App) -> str:
        """The first symbol that `app` bought."""
        wait_for(app, EventKind.POSITION_OPENED)
        return str(self.rows("SELECT stock_code FROM positions ORDER BY id")[0]["stock_code"])

    def stops(self, *, also_closed: bool = False) -> dict[str, tuple[int, int, float]]:
        """Stop, take-profit and frozen ATR of each position by its entry order."""
        which = "" if also_closed else " WHERE closed_at IS NULL"
        return {
            row["entry_order_id"]: (row["stop_price"], row["take_price"], row["atr"])
            for row in self.rows(f"SELECT * FROM positions{which}")
        }

    def doubled(self) -> list[str]:
        """Intents with more than one order at the broker."""
        rows = self.rows("SELECT signal_id FROM order_state WHERE order_no IS NOT NULL")
        return [signal for signal, n in Counter(row[0] for row in rows).items() if n > 1]

    def longest_wait(self) -> timedelta | None:
        """From an order's acceptance to its last fill, at the slowest; None without a fill."""
        sent = {e["order_id"]: at(e) for e in self.events(EventKind.ORDER_SUBMITTED)}
        filled = self.events(EventKind.ORDER_FILLED)
        return max((at(e) - sent[e["order_id"]] for e in filled), default=None)

    def samples(self, app: App) -> Iterator[Sample]:
        """What `app` takes of the machine, until it ends."""
        process = psutil.Process(app.process.pid)
        logs = self.directory / "logs"
        while app.process.poll() is None:
            try:
                rss, files = process.memory_info().rss, process.open_files()
            except psutil.NoSuchProcess:
                return
            yield Sample(
                at=datetime.fromisoformat(self.market.now()),
                rss_mb=rss / _MEGABYTE,
                log_bytes=sum(log.stat().st_size for log in logs.rglob("*.log")),
                connections=sum(file.path.endswith("kis.db") for file in files),
            )
            time.sleep(_LOOK_S)

    def restarted_in_s(self) -> float:
        """Real seconds from a start until what was open is resolved; that run is killed."""
        started = time.monotonic()
        app = self.trade()
        wait_for(app, EventKind.RECOVERY_FINISHED)
        took_s = time.monotonic() - started
        app.kill()
        return took_s

    def books_agree(self) -> Figure:
        """The last figure of every day: the database against the simulator's own ledger."""
        found = differences(self.market.ledger(), default_database(self.directory))
        return Figure(
            what="DB와 증권사 원장의 차이 (주문, 체결, 잔고, 비용)",
            measured="; ".join(found) or "0건",
            wanted="0건",
            holds=not found,
        )

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        url = f"{self.market.info['base_url']}/sandbox/{path}"
        httpx.post(url, json=body, timeout=_SOON_S, trust_env=False).raise_for_status()


@contextmanager
def stage_in(directory: Path, *, universe: str | None = None, more: str = "") -> Iterator[Stage]:
    """A fresh simulator and nothing but a configuration for full speed, and `more` of it."""
    (directory / "rehearsal.yaml").write_text(_CONFIG + more, encoding="utf-8")
    with market_in(directory, seed=_SEED) as market:
        if universe is not None:
            (directory / "universe.yaml").write_text(universe, encoding="utf-8")
        yield Stage(directory, market)


def wait_for(app: App, kind: EventKind) -> None:
    """Wait until `app` said this.

    Raises:
        RuntimeError: it ended or went on without it; the message is what it said instead.
    """
    if not app.wait_for(TITLES[kind], within_s=_DAY_S):
        raise RuntimeError(f"{kind.value} never came:\n{app.output}")


def at(event: Mapping[str, Any]) -> datetime:
    """When an event of the log was."""
    return datetime.fromisoformat(event["timestamp"])


def ends_well(app: App) -> Figure:
    """Wait for the end of the day."""
    code = app.wait(within_s=_DAY_S)
    return Figure(what="종료 코드", measured=str(code), wanted="0", holds=code == 0)


def at_least(what: str, found: Sequence[object], wanted: int) -> Figure:
    """How many there were."""
    measured = f"{len(found)}건"
    return Figure(
        what=what, measured=measured, wanted=f"{wanted}건 이상", holds=len(found) >= wanted
    )


def none_of(what: str, count: int) -> Figure:
    """That there was none."""
    return Figure(what=what, measured=f"{count}건", wanted="0건", holds=count == 0)
