"""B1 and B2: the backtest against one compiled pass over the same arrays, and against vectorbt.

    python -m benchmarks.bench_backtest w1|w2 [--repeat 3] [--rounds 2] [--sizes 50,2600]

W2 (B1) is one account that ranks signals and shares its cash; W1 (B2) every symbol for itself.
Rules: `kis_core/research/benchmark_rules.py`. Each peer is a process of its own, the peers take
turns, medians are compared, and nothing is told unless all trades are equal, bar for bar and price
for price. The budgets are of 2,600 symbols; of the smaller markets the ratio is shown and not
judged.
"""

import argparse

from benchmarks.backtest.peers import DAYS, FULL, SIZES, Told, compare
from benchmarks.row import Row, hand_over

_NAME = {"w2": "B1", "w1": "B2"}
_WHAT = {
    "w2": "portfolio backtest (ranking, shared cash, 20 places)",
    "w1": "independent symbols",
}
_AIM = {"w2": (4.0,), "w1": (15.0,)}
_LEAST = {"w2": (6.0,), "w1": (60.0,)}
# Its usual way of ranking is what the budget is about; its flexible one is shown beside it.
_VECTORBT = {"w1": ("vectorbt",), "w2": ("vectorbt in turn", "vectorbt")}
_JUDGED = "vectorbt in turn"
_FASTER_THAN_VECTORBT = 12.0


def main() -> None:
    """Measure and hand the rows over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=sorted(_NAME))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    given = parser.parse_args()
    rows = []
    for symbols in map(int, given.sizes.split(",")):
        told = compare(given.case, symbols, repeat=given.repeat, rounds=given.rounds)
        rows += _rows(given.case, symbols, told)
    hand_over(rows)


def _rows(case: str, symbols: int, told: dict[str, Told]) -> list[Row]:
    ours, anchor = told["ours"], told["pass"]
    is_judged = symbols == FULL
    what = f"{_WHAT[case]}, {symbols:,} symbols × {DAYS:,} days; {ours.trades:,} trades, all equal"
    against_pass = Row(
        name=f"{_NAME[case]} · {symbols:,}",
        what=what,
        anchor=f"compiled pass {_ms(anchor)}, peak {anchor.rss_peak_mb:,.0f} MB",
        measured=f"{_ms(ours)}, peak {ours.rss_peak_mb:,.0f} MB",
        p50=ours.median_s / anchor.median_s,
        aim=_AIM[case] if is_judged else (),
        least=_LEAST[case] if is_judged else (),
    )
    return [against_pass, *(_against(case, symbols, ours, told[name]) for name in _VECTORBT[case])]


def _against(case: str, symbols: int, ours: Told, vectorbt: Told) -> Row:
    is_judged = symbols == FULL and vectorbt.peer == _JUDGED
    bound = (1 / _FASTER_THAN_VECTORBT,) if is_judged else ()
    return Row(
        name=f"{_NAME[case]} · {symbols:,}, {vectorbt.peer}",
        what="the same",
        anchor=f"{vectorbt.peer} {_ms(vectorbt)}, peak {vectorbt.rss_peak_mb:,.0f} MB",
        measured=f"{_ms(ours)}, peak {ours.rss_peak_mb:,.0f} MB",
        p50=ours.median_s / vectorbt.median_s,
        aim=bound,
        least=bound,
    )


def _ms(told: Told) -> str:
    milliseconds = told.median_s * 1_000
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2f} ms"


if __name__ == "__main__":
    main()
