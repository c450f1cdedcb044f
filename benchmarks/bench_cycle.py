"""L4: one look at 200 symbols in REAL, against what the rate limit alone would take.

    python -m benchmarks.bench_cycle [--cycles 15] [--delays-ms 20,60,150]

A cycle is the quotes of 200 symbols, the account and the order list: ceil(200/30) + 2 = 9 calls,
counted at the server, and ten with an order. The anchor is (calls - 1) / rate + one round trip,
the round trip being measured on the same server. Each cycle is measured two ways: *in turn*, as a
thread that asks one port after the other does it, and *at once*, the three ports asked side by
side. The budget is idle before each cycle.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.row import Row, hand_over
from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.market_data import KisMarketData
from kis_adapters.kis.trading import KisRestBroker
from kis_adapters.system.wall_clock import WallClock
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import OrderTicket

SYMBOLS = [Symbol(f"{number:06d}") for number in range(800_010, 802_010, 10)]
RATE_PER_S = 18.0
IN_FLIGHT = 4
CREDENTIALS = KisCredentials(
    app_key="BENCHMARK-NOT-A-KEY",
    app_secret="BENCHMARK-NOT-A-SECRET",
    account_no="00000000",
)
_PER_CALL = 30
_IDLE_S = 1.2  # after which the budget remembers no call
_AIM, _LEAST = (1.02,), (1.05,)

_Cycle = Callable[[], object]


def main() -> None:
    """Measure each delay and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=15)
    parser.add_argument("--delays-ms", default="20,60,150")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for delay_ms in [int(text) for text in arguments.delays_ms.split(",")]:
        print(f"L4 at {delay_ms} ms ...", flush=True)
        rows += _at(delay_ms, cycles=arguments.cycles)
    hand_over(rows)


def _at(delay_ms: int, *, cycles: int) -> list[Row]:
    with (
        tempfile.TemporaryDirectory() as directory,
        canned_server(delay_ms=delay_ms, held=SYMBOLS[:5]) as server,
        ThreadPoolExecutor(max_workers=3) as pool,
    ):
        client = _client(server.base_url, Path(directory))
        market_data, broker = KisMarketData(client), KisRestBroker(client)
        today = client.clock.now().date()

        def in_turn() -> None:
            market_data.quotes(SYMBOLS)
            broker.account()
            broker.orders_of(today)

        def at_once() -> None:
            ports: list[_Cycle] = [
                lambda: market_data.quotes(SYMBOLS),
                broker.account,
                lambda: broker.orders_of(today),
            ]
            for one in [pool.submit(ask) for ask in ports]:
                one.result()

        calls = _counted(server, in_turn, broker)
        anchor_s = (calls - 1) / RATE_PER_S + server.round_trip_s()
        rows = [
            _row(f"L4 · {delay_ms} ms, {way}", _timed(cycle, cycles), calls, anchor_s)
            for way, cycle in (("in turn", in_turn), ("at once", at_once))
        ]
        client.close()
    return rows


def _client(base_url: str, token_dir: Path) -> KisClient:
    clock = WallClock()
    return KisClient(
        credentials=CREDENTIALS,
        mode=TradingMode.REAL,
        clock=clock,
        token_dir=token_dir,
        budget=RateBudget(RATE_PER_S, clock),
        base_url=base_url,
        max_in_flight=IN_FLIGHT,
    )


def _counted(server: CannedServer, cycle: _Cycle, broker: KisRestBroker) -> int:
    """The calls of a cycle without orders, after a first one that gets the token.

    Raises ValueError unless they are as many as promised, with an order and without.
    """
    promised = math.ceil(len(SYMBOLS) / _PER_CALL) + 2
    cycle()
    server.take_calls()
    cycle()
    calls = Counter(name for name, _ in server.take_calls())
    cycle()
    broker.place(_ticket())
    with_order = len(server.take_calls())
    if (calls.total(), with_order) != (promised, promised + 1):
        raise ValueError(f"{promised} calls were promised, there were {calls}, {with_order}")
    return promised


def _ticket() -> OrderTicket:
    return OrderTicket(
        order_id="benchmark",
        symbol=SYMBOLS[0],
        side=Side.BUY,
        quantity=1,
        order_type=OrderType.LIMIT,
        price=Won(70_500),
    )


def _timed(cycle: _Cycle, cycles: int) -> list[float]:
    taken = []
    for _ in range(cycles):
        time.sleep(_IDLE_S)
        started = time.perf_counter()
        cycle()
        taken.append(time.perf_counter() - started)
    return taken


def _row(name: str, taken_s: list[float], calls: int, anchor_s: float) -> Row:
    median = statistics.median(taken_s)
    return Row(
        name=name,
        what=f"quotes of {len(SYMBOLS)} symbols, account, order list: {calls} calls",
        anchor=f"({calls} − 1)/{RATE_PER_S:.0f} s + round trip = {anchor_s * 1_000:.0f} ms",
        measured=f"{median * 1_000:.0f} ms (slowest of {len(taken_s)}: {max(taken_s):.3f} s)",
        p50=median / anchor_s,
        p99=max(taken_s) / anchor_s,
        aim=_AIM,
        least=_LEAST,
    )


if __name__ == "__main__":
    main()
