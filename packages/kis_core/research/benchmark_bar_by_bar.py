"""The comparison rules without a scan: the strategy is asked at every close of every symbol.

It feeds the strategy's own indicators one bar at a time, as a live session would, and is what the
fast way is checked against.
"""

from kis_core.research.bars import BarMatrix
from kis_core.research.benchmark_rules import (
    PARAMETERS,
    SHARES,
    Account,
    CaseResult,
    TradeRow,
    sorted_rows,
    trade_row,
)
from kis_core.research.closing import CloseJudge, Holding
from kis_core.strategy.indicators import RollingSum, TrueRange


def independent_bar_by_bar(bars: BarMatrix) -> CaseResult:
    """W1 without a scan: the strategy is asked at every close."""
    judge = CloseJudge(PARAMETERS)
    trades: list[TradeRow] = []
    for row in range(len(bars.symbols)):
        watch = _Watch(judge, row)
        opens = bars.open[row].tolist()
        wants_buy = False
        for day, (high, low, close) in enumerate(_prices(bars, row)):
            if watch.wants_sale and watch.holding is not None:
                trades.append(trade_row(watch.holding, day, opens[day]))
                watch.holding = None
            elif wants_buy:
                levels = judge.levels(price=opens[day], atr_sum=watch.atr_sum)
                watch.take(Holding(row, day, opens[day], SHARES, levels))
            wants_buy = watch.close(day, high, low, close)
    return CaseResult(trades=sorted_rows(trades))


def one_account_bar_by_bar(bars: BarMatrix) -> CaseResult:
    """W2 without a scan."""
    judge = CloseJudge(PARAMETERS)
    watches = [_Watch(judge, row) for row in range(len(bars.symbols))]
    prices = [_prices(bars, row) for row in range(len(bars.symbols))]
    account = Account(bars, judge)
    for day, market in enumerate(zip(*prices, strict=True)):
        for _, row in account.fill_sales(day):
            watches[row].holding = None
        for _, holding in account.fill_buys(day):
            watches[holding.row].take(holding)
        signals = [
            watch
            for watch, (high, low, close) in zip(watches, market, strict=True)
            if watch.close(day, high, low, close)
        ]
        account.selling = [
            slot for slot, holding in account.holdings.items() if watches[holding.row].wants_sale
        ]
        signals.sort(key=lambda watch: (-watch.score, watch.row))
        account.queue([(each.row, each.atr_sum) for each in signals[: account.free]], day)
    return account.result()


def _prices(bars: BarMatrix, row: int) -> list[tuple[int, int, int]]:
    """High, low and close of each bar of a row."""
    columns = (bars.high[row].tolist(), bars.low[row].tolist(), bars.close[row].tolist())
    return list(zip(*columns, strict=True))


class _Watch:
    """One symbol, bar by bar: its sums, what is held of it, and what the strategy says."""

    __slots__ = (
        "_closes",
        "_highest",
        "_judge",
        "_last",
        "_previous_high",
        "_ranges",
        "_sma_sum",
        "_true_range",
        "atr_sum",
        "holding",
        "row",
        "wants_sale",
    )

    def __init__(self, judge: CloseJudge, row: int) -> None:
        self._judge = judge
        self.row = row
        self._closes = RollingSum(PARAMETERS.ma_period)
        self._ranges = RollingSum(PARAMETERS.atr_period)
        self._true_range = TrueRange()
        self._previous_high, self._highest, self._last, self._sma_sum = 0, 0, 0, 0
        self.atr_sum = 0
        self.holding: Holding | None = None
        self.wants_sale = False

    @property
    def score(self) -> float:
        """Close over SMA."""
        return self._last / (self._sma_sum / PARAMETERS.ma_period)

    def take(self, holding: Holding) -> None:
        """Hold what was bought at this bar's open."""
        self.holding, self._highest = holding, holding.price

    def close(self, day: int, high: int, low: int, close: int) -> bool:
        """Take the bar in and ask the strategy; whether it says to buy."""
        self._last = close
        self._sma_sum = self._closes.push(close) or 0
        self.atr_sum = self._ranges.push(self._true_range.push_prices(high, low, close)) or 0
        previous_high, self._previous_high = self._previous_high, high
        holding, self.wants_sale = self.holding, False
        if holding is not None:
            self._highest = max(self._highest, high)
            self.wants_sale = self._judge.sells(holding, last=close, highest=self._highest)
            return False
        return day >= PARAMETERS.ma_period and self._judge.buys(
            close, previous_high=previous_high, sma_sum=self._sma_sum, atr_sum=self.atr_sum
        )
