"""A detector of look-ahead: what is decided today must not depend on tomorrow's bars.

The backtest is run again on bars whose future was scrambled, for several days taken as today.
Everything up to that day must come out the same: fills, their prices, events, equity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from kis_core.research.backtest import run
from kis_core.research.bars import BarMatrix
from kis_core.research.setting import BacktestResult, BacktestSettings

Runner = Callable[[BarMatrix, BacktestSettings], BacktestResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookaheadFound:
    """Something of `session_date`, on or before `today`, changed with the bars after `today`."""

    today: date
    session_date: date
    before: str
    after: str


def check_lookahead(
    bars: BarMatrix,
    settings: BacktestSettings,
    *,
    cuts: int = 8,
    seed: int = 1,
    runner: Runner = run,
) -> LookaheadFound | None:
    """The first difference, or None. `cuts` days are tried, spread over the traded sessions.

    Which days have a bar is left as it is: that an issue is delisted is known from its listing,
    not guessed from bars to come. Raises ValueError for fewer than one cut.
    """
    if cuts < 1:
        raise ValueError(f"cuts must be at least 1, was {cuts}")
    whole = runner(bars, settings)
    sessions = len(whole.dates)
    for cut in range(1, cuts + 1):
        today = whole.dates[(sessions - 1) * cut // (cuts + 1)]
        other = runner(scrambled_after(bars, today, seed=seed + cut), settings)
        found = _difference(whole, other, today)
        if found is not None:
            return found
    return None


def scrambled_after(bars: BarMatrix, today: date, *, seed: int) -> BarMatrix:
    """The same bars up to `today`, and others after it: each symbol's future is dealt out anew
    and scaled, so that highs, lows and trends are not those that came."""
    random = np.random.default_rng(seed)
    start = sum(on <= today for on in bars.dates)
    columns = {
        name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")
    }
    for row in range(len(bars.symbols)):
        days = start + np.flatnonzero(bars.volume[row, start:] > 0)
        dealt, scale = random.permutation(days), random.uniform(0.7, 1.3)
        for name, matrix in columns.items():
            values = getattr(bars, name)[row, dealt]
            factor = 1.0 if name == "volume" else scale
            matrix[row, days] = np.maximum(1, np.round(values * factor)).astype(np.int32)
    return BarMatrix(symbols=bars.symbols, dates=bars.dates, **columns)


def _difference(one: BacktestResult, two: BacktestResult, today: date) -> LookaheadFound | None:
    for (on, before), (_, after) in zip(_facts(one, today), _facts(two, today), strict=False):
        if before != after:
            return LookaheadFound(today=today, session_date=on, before=before, after=after)
    counts = len(_facts(one, today)), len(_facts(two, today))
    if counts[0] == counts[1]:
        return None
    longer = max(_facts(one, today), _facts(two, today), key=len)
    on, fact = longer[min(counts)]
    return LookaheadFound(today=today, session_date=on, before=fact, after="")


def _facts(result: BacktestResult, today: date) -> Sequence[tuple[date, str]]:
    """All that happened up to `today`, a line each, in order."""
    facts = [(fill.session_date, repr(fill)) for fill in result.fills]
    facts += [(event.session_date, repr(event)) for event in result.events]
    marks = zip(result.dates, result.equity, result.invested, strict=True)
    facts += [(on, f"equity {equity} invested {invested}") for on, equity, invested in marks]
    return [(on, text) for on, text in sorted(facts, key=lambda fact: fact[0]) if on <= today]
