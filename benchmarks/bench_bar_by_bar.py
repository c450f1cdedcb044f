"""B4 and B5: the strategy asked at every bar of every symbol, and whether all ways agree.

    python -m benchmarks.bench_bar_by_bar [--symbols 200] [--repeat 1]

Bar by bar is how a live session sees a market; a market of 200 symbols is enough to time it, for
its cost grows with the bars alone. The engine's own agreement is a test, not a benchmark:
`tests/simulation/test_engine_against_backtest.py`.
"""

import argparse

from benchmarks.backtest.peers import DAYS, Told, compare
from benchmarks.row import Row, hand_over

_CASES = ("w1", "w2")


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    rows, trades = [], 0
    for case in _CASES:
        bars = compare(case, given.symbols, repeat=given.repeat, rounds=1, ours="bars")
        scan = compare(case, given.symbols, repeat=given.repeat, rounds=1)
        if bars["ours"].answer != scan["ours"].answer:
            raise ValueError(f"{case}: the scan and the bar-by-bar way differ")
        rows.append(_row(case, given.symbols, bars["ours"], bars["pass"]))
        trades += bars["ours"].trades
    rows.append(
        Row(
            name="B5",
            what="trades of scan = bar by bar = compiled pass = vectorbt, bit for bit",
            anchor="all",
            measured=f"{trades:,} of {trades:,} trades of W1 and W2, {given.symbols:,} symbols",
            p50=1.0,
            aim=(1.0,),
            least=(1.0,),
        )
    )
    hand_over(rows)


def _row(case: str, symbols: int, ours: Told, anchor: Told) -> Row:
    rate = symbols * DAYS / ours.median_s
    return Row(
        name=f"B4 · {case}",
        what=f"bar by bar, no scan, {symbols:,} symbols × {DAYS:,} days",
        anchor=f"compiled pass {anchor.median_s * 1_000:.2f} ms",
        measured=f"{ours.median_s:.2f} s, {rate:,.0f} bars/s, peak {ours.rss_peak_mb:,.0f} MB",
        p50=ours.median_s / anchor.median_s,
        aim=(240.0,),
        least=(350.0,),
    )


if __name__ == "__main__":
    main()
