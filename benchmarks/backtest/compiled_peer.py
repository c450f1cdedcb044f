"""The compiled pass as a peer: `python -m benchmarks.backtest.compiled_peer FOLDER w1|w2 N`."""

import sys
import time

_STARTED = time.perf_counter()

import numba  # noqa: E402

from benchmarks.backtest import compiled_pass  # noqa: E402
from benchmarks.backtest.peer_case import Answer, Market, main  # noqa: E402

_IMPORT_S = time.perf_counter() - _STARTED


def independent(market: Market) -> Answer:
    """W1."""
    rows = compiled_pass.independent(market.open, market.high, market.low, market.close)
    return rows, None


def one_account(market: Market) -> Answer:
    """W2."""
    rows, equity = compiled_pass.one_account(market.open, market.high, market.low, market.close)
    return rows, float(equity)


if __name__ == "__main__":
    cases = {"w1": independent, "w2": one_account}
    sys.exit(main("pass", f"numba {numba.__version__}", cases, import_s=_IMPORT_S))
