"""The comparison rules without a scan: the strategy is asked at every close of every symbol.

It feeds the strategy's own indicators one bar at a time, as a live session would, and is what the
fast way is checked against.
"""

from kis_core.market.bar import Bar
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
    judge = CloseJudge(symbols=bars.symbols, dates=bars.dates, parameters=PARAMETERS)
    trades: list[TradeRow] = []
    for row in range(len(bars.symbols)):
        watch = _Watch(judge, row)
        for day, bar in enumerate(bars.series(row)):
            sold = watch.open(day, bar.open)
            if sold is not None:
                trades.append(sold)
            watch.close(day, bar)
            watch.wants_buy = watch.is_signal
    return CaseResult(trades=sorted_rows(trades))


def one_account_bar_by_bar(bars: BarMatrix) -> CaseResult:
    """W2 without a scan."""
    judge = CloseJudge(symbols=bars.symbols, dates=bars.dates, parameters=PARAMETERS)
    watches = [_Watch(judge, row) for row in range(len(bars.symbols))]
    series = [bars.series(row) for row in range(len(bars.symbols))]
    account = Account(bars, judge, atr_sum_of=lambda row, _: watches[row].atr_sum)
    for day in range(bars.days):
        for _, row in account.fill_sales(day):
            watches[row].holding = None
        for _, holding in account.fill_buys(day):
            watches[holding.row].take(holding)
        for row, watch in enumerate(watches):
            watch.close(day, series[row][day])
        account.selling = [
            slot for slot, holding in account.holdings.items() if watches[holding.row].wants_sale
        ]
        signals = [watch for watch in watches if watch.is_signal]
        signals.sort(key=lambda watch: (-watch.score, watch.row))
        account.queue([watch.row for watch in signals[: account.free]], day)
    return account.result()


class _Watch:
    """One symbol, bar by bar: its sums, what is held of it, and what the strategy says."""

    def __init__(self, judge: CloseJudge, row: int) -> None:
        self._judge = judge
        self.row = row
        self._closes, self._ranges = (
            RollingSum(PARAMETERS.ma_period),
            RollingSum(PARAMETERS.atr_period),
        )
        self._true_range = TrueRange()
        self._previous_high, self._highest, self._last, self._sma_sum = 0, 0, 0, 0
        self.atr_sum = 0
        self.holding: Holding | None = None
        self.is_signal = self.wants_buy = self.wants_sale = False

    @property
    def score(self) -> float:
        """Close over SMA."""
        return self._last / (self._sma_sum / PARAMETERS.ma_period)

    def open(self, day: int, price: int) -> TradeRow | None:
        """Fill what the last close asked for; the trade that ends here, if one does."""
        trade = None
        if self.wants_sale and self.holding is not None:
            trade, self.holding = trade_row(self.holding, day, price), None
        elif self.wants_buy:
            levels = self._judge.levels(price=price, atr_sum=self.atr_sum)
            self.take(
                Holding(row=self.row, entry_day=day, price=price, quantity=SHARES, levels=levels)
            )
        self.wants_buy = self.wants_sale = False
        return trade

    def take(self, holding: Holding) -> None:
        """Hold what was bought at this bar's open."""
        self.holding, self._highest = holding, holding.price

    def close(self, day: int, bar: Bar) -> None:
        """Take the bar in and ask the strategy."""
        self._last = bar.close
        self._sma_sum = self._closes.push(bar.close) or 0
        self.atr_sum = self._ranges.push(self._true_range.push(bar)) or 0
        self.is_signal = self.wants_sale = False
        if self.holding is not None:
            self.wants_sale = self._judge.sells(
                self.holding, day, last=bar.close, high=bar.high, highest=self._highest
            )
            self._highest = max(self._highest, bar.high)
        elif day >= PARAMETERS.ma_period:
            self.is_signal = self._judge.buys(
                self.row,
                day,
                last=bar.close,
                previous_high=self._previous_high,
                sma_sum=self._sma_sum,
                atr_sum=self.atr_sum,
            )
        self._previous_high = bar.high
