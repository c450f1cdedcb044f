"""A strategy can gain nothing on prices that go nowhere; a backtest that says otherwise looked
ahead.

The prices are fair coin tosses: 36 steps a day of one tick (500 won between 200,000 and 500,000
won) up or down, the open at the last close. So every fill can be had at the very price that
decided it, and whatever is bought is worth in the mean what was paid for it, whenever it is sold.
Without costs the mean result is zero within its error. What is still held at the end counts at
its last price: left out, the slow losers and winners would be missing from the mean.
"""

from datetime import date, timedelta

import numpy as np
import pytest

from kis_core.market.cost import Commission
from kis_core.market.symbol import Symbol
from kis_core.research.backtest import run
from kis_core.research.bars import BarMatrix
from kis_core.research.lookahead import check_lookahead
from kis_core.research.setting import BacktestResult, BacktestSettings, Slippage
from kis_core.risk.limits import RiskLimits
from kis_core.strategy.parameters import StrategyParameters

_TICK, _START = 500, 330_000
_STEPS, _DAYS = 36, 200
_NO_LIMIT = 1_000_000

_UNBOUND = BacktestSettings(
    # Short averages: many trades from few bars, by the rules that trade.
    parameters=StrategyParameters(
        ma_period=5,
        atr_period=5,
        atr_average_period=5,
        adx_period=3,
        adx_window=12,
        max_loss_pct=30.0,
    ),
    limits=RiskLimits(
        daily_max_loss_pct=100.0,
        daily_max_trades=_NO_LIMIT,
        max_consecutive_losses=_NO_LIMIT,
        max_positions=_NO_LIMIT,
        drawdown_warn_pct=99.0,
        drawdown_stop_pct=100.0,
        max_orders_per_minute=_NO_LIMIT,
    ),
    commission=Commission(ppm=0),
    slippage=Slippage(ticks=0),
    cash=10**12,
    is_taxed=False,
)


def tosses(*, symbols: int, seed: int) -> BarMatrix:
    """Bars of `symbols` independent walks."""
    random = np.random.default_rng(seed)
    close = np.full(symbols, _START, dtype=np.int64)
    columns = {
        name: np.empty((symbols, _DAYS), dtype=np.int32)
        for name in ("open", "high", "low", "close")
    }
    for day in range(_DAYS):
        steps = random.integers(0, 2, (symbols, _STEPS), dtype=np.int8) * 2 - 1
        path = close[:, np.newaxis] + _TICK * np.cumsum(steps, axis=1, dtype=np.int64)
        columns["open"][:, day] = close
        columns["high"][:, day] = np.maximum(path.max(axis=1), close)
        columns["low"][:, day] = np.minimum(path.min(axis=1), close)
        close = path[:, -1]
        columns["close"][:, day] = close
    weekdays = (date(2024, 1, 2) + timedelta(days=n) for n in range(2 * _DAYS))
    return BarMatrix(
        symbols=tuple(Symbol(f"{number:05d}0") for number in range(symbols)),
        dates=tuple([day for day in weekdays if day.weekday() < 5][:_DAYS]),
        volume=np.full((symbols, _DAYS), 1_000, dtype=np.int32),
        **columns,
    )


def results(result: BacktestResult) -> list[int]:
    """Won of each purchase: of the closed ones, and of what is held at its last price."""
    held = [each.quantity * each.last - each.cost for each in result.holdings]
    return [*(trade.pnl for trade in result.trades), *held]


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@pytest.mark.req("F-103", "C-05", "T-08")
def test_a_hundred_thousand_trades_of_fair_tosses_gain_nothing_and_lose_nothing() -> None:
    found: list[int] = []
    trades = batch = 0
    while trades < 100_000:
        result = run(tosses(symbols=400, seed=20260_000 + batch), _UNBOUND)
        found += results(result)
        trades += len(result.trades)
        batch += 1

    won = np.array(found, dtype=np.float64)
    error = won.std(ddof=1) / len(won) ** 0.5
    print(f"{trades:,} trades: mean {won.mean():+.1f} won, error {error:.1f} won")
    assert trades >= 100_000
    assert abs(won.mean()) < 3 * error


@pytest.mark.req("F-103", "C-05")
def test_the_detector_finds_nothing_in_the_backtest() -> None:
    assert check_lookahead(tosses(symbols=12, seed=3), _UNBOUND, cuts=3) is None


@pytest.mark.req("F-103", "C-05")
def test_the_detector_finds_a_run_that_looks_one_day_ahead() -> None:
    """The defect of the replaced system: today is decided with what only its end will show."""

    def looking(bars: BarMatrix, settings: BacktestSettings) -> BacktestResult:
        rises = np.roll(bars.close, -1, axis=1) > bars.close
        rises[:, -1] = False
        chosen = [int(row) for row in np.flatnonzero(rises[:, _DAYS // 2])]
        return run(bars.only([bars.symbols[row] for row in chosen]), settings)

    found = check_lookahead(tosses(symbols=12, seed=3), _UNBOUND, cuts=3, runner=looking)

    assert found is not None
    assert found.session_date <= found.today
