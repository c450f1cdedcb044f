"""A seeded folder of synthetic bars, of the kind of the benchmark's: prices on KRX ticks.

`python benchmarks/backtest/made_market.py FOLDER --symbols 2600 --days 2520 --seed 1`
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TICKS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))
_TOP_TICK = 1_000


def on_tick(prices: NDArray[np.float64]) -> NDArray[np.int32]:
    """The nearest price on the table of ticks, at least 100 won."""
    bounds = np.array([below for below, _ in _TICKS])
    ticks = np.array([tick for _, tick in _TICKS] + [_TOP_TICK])
    tick = ticks[np.searchsorted(bounds, prices, side="right")]
    rounded: NDArray[np.int32] = np.maximum(100, np.round(prices / tick) * tick).astype(np.int32)
    return rounded


def make(folder: Path, *, symbols: int, days: int, seed: int) -> None:
    """Write the folder. Volatility wanders, so that trends, calm and spikes all occur."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    out = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", mode="w+", dtype=np.int32, shape=(symbols, days)
        )
        for name in ("open", "high", "low", "close", "volume")
    }
    for row in range(symbols):
        sigma = 0.02 * np.exp(0.3 * random.standard_normal() + _wander(random, days))
        drift = 0.0004 * random.standard_normal()
        moves = drift + sigma * random.standard_normal(days)
        start = np.log(random.uniform(2_000, 200_000))
        close = np.exp(np.clip(start + np.cumsum(moves), np.log(300), np.log(900_000)))
        opened = np.concatenate(([close[0]], close[:-1])) * np.exp(
            0.3 * sigma * random.standard_normal(days)
        )
        reach = 0.5 * sigma * np.abs(random.standard_normal((2, days)))
        prices = [opened, np.maximum(opened, close) * np.exp(reach[0])]
        prices += [np.minimum(opened, close) * np.exp(-reach[1]), close]
        for name, values in zip(("open", "high", "low", "close"), prices, strict=True):
            out[name][row] = on_tick(values)
        out["volume"][row] = random.integers(1_000, 3_000_000, days)
    for matrix in out.values():
        matrix.flush()
    first = np.datetime64("2016-01-04")
    dates = np.busday_offset(first, np.arange(days), roll="forward")
    np.save(folder / "dates.npy", dates)
    (folder / "symbols.txt").write_text("".join(f"{row:06d}\n" for row in range(symbols)))


def _wander(random: np.random.Generator, days: int) -> NDArray[np.float64]:
    steps = 0.05 * random.standard_normal(days)
    wander = np.empty(days)
    level = 0.0
    for day, step in enumerate(steps):
        level = 0.98 * level + step
        wander[day] = level
    return wander


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--symbols", type=int, default=2_600)
    parser.add_argument("--days", type=int, default=2_520)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    make(given.folder, symbols=given.symbols, days=given.days, seed=given.seed)
