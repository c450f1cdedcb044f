"""L2: what a journal commit costs, against writing the same bytes and fdatasync on the same disk.

    python benchmarks/bench_journal.py [--orders 500] [--directory DIR]
        [--mysql-url URL --mysql-directory DIR]

One sample is one unit of work: one event appended and its `order_state` row written, committed
durably. The anchor is the least that is durable: the same values as text, written to the end of a
file, then fdatasync. Samples of both alternate, so that a busy disk is busy for both. The last
line is one JSON object; a ratio is p50 to p50, and p99 to p99, of one run.

MariaDB needs a server whose data lie on the disk of --mysql-directory, with
`innodb_flush_log_at_trx_commit=1` (its default).
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

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
    parser.add_argument("--mysql-url", help="an empty database")
    parser.add_argument("--mysql-directory", type=Path, help="on the disk of the server's data")
    arguments = parser.parse_args()
    samples = [sample for number in range(arguments.orders) for sample in _life(number)]
    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        url = f"sqlite:///{directory}/journal.db"
        results["sqlite"] = _compare(url, samples, Path(directory) / "anchor")
    if arguments.mysql_url:
        with tempfile.TemporaryDirectory(dir=arguments.mysql_directory) as directory:
            anchor = Path(directory) / "anchor"
            results["mariadb"] = _compare(arguments.mysql_url, samples, anchor)
    _show(results)


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


def _show(results: dict[str, dict[str, float]]) -> None:
    print(f"{'':10}{'':>9}{'commit us':>12}{'anchor us':>12}{'ratio':>8}")
    for name, row in results.items():
        for quantile in ("p50", "p99"):
            print(
                f"{name:10}{quantile:>9}{row[f'journal_{quantile}_us']:12.1f}"
                f"{row[f'anchor_{quantile}_us']:12.1f}{row[f'{quantile}_ratio']:8.2f}"
            )
    print(json.dumps({"row": "L2", **results}))


if __name__ == "__main__":
    main()
