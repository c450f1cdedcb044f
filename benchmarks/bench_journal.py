"""L2: what a journal commit costs, against writing the same bytes and fdatasync on the same disk.

    python -m benchmarks.bench_journal [--orders 500] [--directory DIR]

One sample is one unit of work: one event appended and its `order_state` row written, committed
durably. The anchor is the least that is durable: the same values as text, written to the end of a
file, then fdatasync. Samples of both alternate, so that a busy disk is busy for both. A ratio is
p50 to p50, and p99 to p99, of one run. Everything, MariaDB's data too, lies in DIR (the working
directory); without an installed MariaDB that row is left out.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.private_mariadb import is_installed, mariadb_in
from benchmarks.row import Row, hand_over
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Namespace, Side, TradingMode, idempotency_key, order_id_of
from kis_core.orders.order import Order, born

_DAY = date(2026, 3, 3)
_AT = datetime(2026, 3, 3, 9, 0, tzinfo=KST)
_WARM_UP = 200
Sample = tuple[Order, OrderEvent]


def main() -> None:
    """Measure what the arguments ask for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=500, help="four commits each")
    parser.add_argument("--directory", type=Path, default=Path.cwd())
    arguments = parser.parse_args()
    samples = [sample for number in range(arguments.orders) for sample in _life(number)]
    print("L2 on SQLite ...", flush=True)
    with _directory(arguments.directory) as directory:
        figures = _compare(f"sqlite:///{directory}/journal.db", samples, directory / "anchor")
        rows = [_row("SQLite", figures, aim=(1.2, 1.5), least=(2.0, 2.5))]
    if not is_installed():
        hand_over(rows, ["MariaDB is not installed here: its row of L2 is missing."])
        return
    print("L2 on MariaDB ...", flush=True)
    with _directory(arguments.directory) as directory, mariadb_in(directory) as url:
        figures = _compare(url, samples, directory / "anchor")
        rows.append(_row("MariaDB", figures, aim=(1.2, 1.5), least=(6.0, 5.0)))
    hand_over(rows)


@contextmanager
def _directory(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=parent) as directory:
        yield Path(directory)


def _life(number: int) -> list[Sample]:
    """An order from CREATED to FILLED; its symbol is free again afterwards."""
    symbol = Symbol(f"{number % 900_000:06d}")
    signal = f"{_DAY}:trend_atr:{symbol}:buy:breakout:{number}"
    key = idempotency_key(
        mode=TradingMode.PAPER, side=Side.BUY, symbol=symbol, quantity=10, signal=signal
    )
    intent = OrderIntent(
        order_id=order_id_of(key),
        idempotency_key=key,
        signal_id=signal,
        session_date=_DAY,
        symbol=symbol,
        side=Side.BUY,
        quantity=10,
        order_type=OrderType.LIMIT,
        price=Won(70_100),
        reference=Won(70_000),
        reason="breakout",
        leg=0,
        atr=1_234.5,
        evidence={"close": 70_000, "sma": 68_123.4, "adx": 27.5, "atr": 1_234.5, "high": 69_900},
    )
    at = _AT + timedelta(seconds=4 * number)
    events = [
        OrderEvent(
            order_id=intent.order_id, sequence=0, kind=OrderEventKind.CREATED, at=at, intent=intent
        ),
        OrderEvent(order_id=intent.order_id, sequence=1, kind=OrderEventKind.SENDING, at=at),
        OrderEvent(
            order_id=intent.order_id,
            sequence=2,
            kind=OrderEventKind.ACCEPTED,
            at=at,
            broker_order_no=f"{number:010d}",
            broker_branch="91252",
        ),
        OrderEvent(
            order_id=intent.order_id,
            sequence=3,
            kind=OrderEventKind.FILLED,
            at=at,
            filled_quantity=10,
            filled_amount=701_000,
            commission=105,
            tax=0,
        ),
    ]
    order = born(events[0])
    samples = [(order, events[0])]
    for event in events[1:]:
        order = order.after(event)
        samples.append((order, event))
    return samples


def _compare(url: str, samples: list[Sample], anchor: Path) -> dict[str, float]:
    engine = open_database(url)
    initialize_schema(engine)
    store = SqlStore(engine, Namespace(mode=TradingMode.PAPER, account="50000000-01"))
    file = os.open(anchor, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    journal_us, anchor_us = [], []

    def commit(sample: Sample) -> None:
        with store.unit_of_work() as unit:
            unit.append_order_events(sample[0], [sample[1]])

    def write(data: bytes) -> None:
        os.write(file, data)
        os.fdatasync(file)

    for sample in samples:
        data = json.dumps([asdict(sample[1]), asdict(sample[0])], default=str).encode()
        journal_us.append(_time_us(commit, sample))
        anchor_us.append(_time_us(write, data))
    os.close(file)
    engine.dispose()
    return _summary(journal_us[_WARM_UP:], anchor_us[_WARM_UP:])


def _time_us(action: Callable[[Any], None], argument: Any) -> float:
    started = time.perf_counter_ns()
    action(argument)
    return (time.perf_counter_ns() - started) / 1_000


def _summary(journal_us: list[float], anchor_us: list[float]) -> dict[str, float]:
    journal, anchor = (statistics.quantiles(values, n=100) for values in (journal_us, anchor_us))
    return {
        "commits": len(journal_us),
        "journal_p50_us": round(journal[49], 1),
        "journal_p99_us": round(journal[98], 1),
        "anchor_p50_us": round(anchor[49], 1),
        "anchor_p99_us": round(anchor[98], 1),
        "p50_ratio": round(journal[49] / anchor[49], 2),
        "p99_ratio": round(journal[98] / anchor[98], 2),
    }


def _row(
    name: str, figures: dict[str, float], *, aim: tuple[float, ...], least: tuple[float, ...]
) -> Row:
    shown = {key: f"{value:.0f}" for key, value in figures.items()}
    return Row(
        name=f"L2 · {name}",
        what=f"journal commit, p50 and p99 of {shown['commits']}",
        anchor=f"write + fdatasync {shown['anchor_p50_us']} / {shown['anchor_p99_us']} µs",
        measured=f"{shown['journal_p50_us']} / {shown['journal_p99_us']} µs",
        p50=figures["p50_ratio"],
        p99=figures["p99_ratio"],
        aim=aim,
        least=least,
    )


if __name__ == "__main__":
    main()
