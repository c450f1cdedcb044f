"""The comparison rules on markets of our own making, against the rules' page read literally.

The oracle below knows no array, no scan and no float: every comparison is one of whole numbers
(an ATR is a sum over fourteen), and cash is a fraction. It is slow, which is why it is here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from kis_core.market.symbol import Symbol
from kis_core.research.bars import BarMatrix
from kis_core.research.benchmark_bar_by_bar import independent_bar_by_bar, one_account_bar_by_bar
from kis_core.research.benchmark_rules import CaseResult, independent, one_account
from kis_core.research.closing import CloseJudge
from kis_core.strategy.parameters import StrategyParameters

_MA, _ATR = 50, 14
_PLACES, _CASH = 20, Fraction(100_000_000)
_BUY, _SELL = 1 + Fraction(15, 100_000), 1 - Fraction(15, 100_000) - Fraction(180, 100_000)
_START = date(2020, 1, 1)

_Row = tuple[int, int, int, int, int]


def _market(seed: int, *, symbols: int, days: int, drift: float = 0.0, tick: int = 1) -> BarMatrix:
    """Random walks on multiples of `tick`; opens gap, highs and lows enclose. A coarse tick makes
    a close meet its level exactly, again and again."""
    random, columns = Random(seed), np.zeros((4, symbols, days), np.int32)
    for row in range(symbols):
        price = random.randrange(2_000, 200_000)
        for day in range(days):
            opened = max(100, round(price * (1 + random.gauss(0, 0.01))))
            closed = max(100, round(opened * (1 + random.gauss(drift, 0.025))))
            top, bottom = max(opened, closed), min(opened, closed)
            high = round(top * (1 + abs(random.gauss(0, 0.008))))
            low = max(1, round(bottom * (1 - abs(random.gauss(0, 0.008)))))
            bar = [max(1, round(value / tick)) * tick for value in (opened, high, low, closed)]
            columns[:, row, day] = bar
            price = bar[-1]
    return BarMatrix(
        symbols=tuple(Symbol(f"{n:06d}") for n in range(symbols)),
        dates=tuple(_START + timedelta(days=n) for n in range(days)),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.ones((symbols, days), np.int32),
    )


@dataclass(slots=True)
class _Held:
    row: int
    since: int
    price: int
    atr_sum: int
    quantity: int
    highest: int

    def wants_out(self, close: int) -> bool:
        stop = self.price * _ATR - 2 * self.atr_sum
        take = self.price * _ATR + 3 * self.atr_sum
        trail = self.highest * _ATR - 2 * self.atr_sum
        is_trailing = self.highest * 100 >= self.price * 101
        floor = max(stop, trail) if is_trailing else stop
        return close * _ATR <= floor or close * _ATR >= take


class _Oracle:
    """Whole numbers of one market, as lists."""

    def __init__(self, bars: BarMatrix) -> None:
        self.count, self.days = bars.close.shape
        self.open, self.high = bars.open.tolist(), bars.high.tolist()
        self.low, self.close = bars.low.tolist(), bars.close.tolist()

    def sma_sum(self, row: int, day: int) -> int:
        return sum(self.close[row][day - _MA + 1 : day + 1])

    def atr_sum(self, row: int, day: int) -> int:
        return sum(self._range(row, at) for at in range(day - _ATR + 1, day + 1))

    def wants_in(self, row: int, day: int) -> bool:
        close = self.close[row][day]
        return (
            day >= _MA
            and close * _MA > self.sma_sum(row, day)
            and close > self.high[row][day - 1]
            and self.atr_sum(row, day) > 0
        )

    def _range(self, row: int, day: int) -> int:
        high, low = self.high[row][day], self.low[row][day]
        if day == 0:
            return int(high - low)
        before = self.close[row][day - 1]
        return int(max(high - low, abs(high - before), abs(low - before)))

    def independent(self) -> list[_Row]:
        trades: list[_Row] = []
        for row in range(self.count):
            held: _Held | None = None
            buying = selling = False
            for day in range(self.days):
                opened = self.open[row][day]
                if selling and held is not None:
                    trades.append((row, held.since, day, held.price, opened))
                    held = None
                elif buying:
                    held = _Held(row, day, opened, self.atr_sum(row, day - 1), 10, opened)
                buying = selling = False
                if held is None:
                    buying = self.wants_in(row, day)
                else:
                    held.highest = max(held.highest, self.high[row][day])
                    selling = held.wants_out(self.close[row][day])
        return trades

    def one_account(self) -> tuple[list[_Row], Fraction]:
        cash, holdings, trades = _CASH, dict[int, _Held](), list[_Row]()
        selling, buying = list[int](), list[tuple[int, int]]()
        for day in range(self.days):
            for row in selling:
                held, price = holdings.pop(row), self.open[row][day]
                cash += held.quantity * price * _SELL
                trades.append((row, held.since, day, held.price, price))
            for row, wanted in buying:
                price = self.open[row][day]
                quantity = min(wanted, int(cash / (price * _BUY)))
                if quantity:
                    cash -= quantity * price * _BUY
                    atr_sum = self.atr_sum(row, day - 1)
                    holdings[row] = _Held(row, day, price, atr_sum, quantity, price)
            for row, held in holdings.items():
                held.highest = max(held.highest, self.high[row][day])
            selling = [r for r, held in holdings.items() if held.wants_out(self.close[r][day])]
            free = _PLACES - len(holdings) + len(selling)
            flat = [row for row in range(self.count) if row not in holdings]
            best = sorted(
                (row for row in flat if self.wants_in(row, day)),
                key=lambda row: (-Fraction(self.close[row][day], self.sma_sum(row, day)), row),
            )
            part = self._equity(cash, holdings, day) / _PLACES
            queued = [(row, int(part / self.close[row][day])) for row in best[:free]]
            buying = [(row, quantity) for row, quantity in queued if quantity]
        return sorted(trades), self._equity(cash, holdings, self.days - 1)

    def _equity(self, cash: Fraction, holdings: dict[int, _Held], day: int) -> Fraction:
        shares = sum(held.quantity * self.close[held.row][day] for held in holdings.values())
        return cash + int(shares)


def _rows(result: CaseResult) -> list[_Row]:
    return [tuple(row) for row in result.trades.tolist()]


@pytest.mark.parametrize("way", [independent, independent_bar_by_bar])
@pytest.mark.parametrize(("seed", "tick"), [(1, 1), (2, 100), (3, 700)])
def test_each_symbol_for_itself_trades_as_the_page_says(
    seed: int, tick: int, way: Callable[[BarMatrix], CaseResult]
) -> None:
    market = _market(seed, symbols=30, days=260, tick=tick)

    trades = _Oracle(market).independent()

    assert len(trades) > 50
    assert _rows(way(market)) == trades


@pytest.mark.parametrize("way", [one_account, one_account_bar_by_bar])
@pytest.mark.parametrize(("seed", "drift"), [(1, 0.0), (2, 0.003), (3, -0.003)])
def test_one_account_trades_as_the_page_says(
    seed: int, drift: float, way: Callable[[BarMatrix], CaseResult]
) -> None:
    """More symbols than places, so that the ranking and the cash decide."""
    market = _market(seed, symbols=45, days=160, drift=drift)
    trades, equity = _Oracle(market).one_account()

    result = way(market)

    assert len(trades) > 100
    assert _rows(result) == trades
    assert result.final_equity == pytest.approx(float(equity), abs=0.01)


@pytest.mark.parametrize("way", [independent, independent_bar_by_bar])
def test_a_market_shorter_than_its_averages_trades_nothing(
    way: Callable[[BarMatrix], CaseResult],
) -> None:
    assert _rows(way(_market(1, symbols=3, days=51))) == []


@pytest.mark.parametrize(
    "parameters",
    [
        StrategyParameters(gap_threshold_pct=2.0, trend_exit_enabled=False),
        StrategyParameters(gap_threshold_pct=None, trend_exit_enabled=True),
    ],
)
def test_what_a_close_cannot_judge_is_refused(parameters: StrategyParameters) -> None:
    with pytest.raises(ValueError, match="neither the gap nor the trend"):
        CloseJudge(parameters)

    allowed = replace(parameters, gap_threshold_pct=None, trend_exit_enabled=False)
    assert CloseJudge(allowed) is not None
