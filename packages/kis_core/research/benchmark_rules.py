"""The rules by which backtesting libraries are compared, as parameters of our own strategy.

W1: every symbol for itself, ten shares a signal. W2: one account, twenty places, the best signals
by close over SMA. Signals are of the close and are filled at the next open, with costs as flat
rates. Here an array scan finds the bars worth asking about; `benchmark_bar_by_bar` asks at every
bar of every symbol. Trades must be equal bit for bit.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from kis_core.research.bars import BarMatrix, Bools, Floats, Int64s
from kis_core.research.closing import CloseJudge, Holding
from kis_core.research.scan import CloseScan, HeldScan, scan_closes
from kis_core.strategy.parameters import StrategyParameters

# Neither ADX nor a spike of ATR, a loss limit, a gap or a broken trend has a say in these rules.
PARAMETERS = StrategyParameters(
    adx_threshold=0.0,
    adx_exit_threshold=0.0,
    atr_spike_threshold=1e9,
    max_loss_pct=100.0,
    trend_exit_enabled=False,
    gap_threshold_pct=None,
)
SHARES = 10
CASH = 100_000_000.0
PLACES = 20
_BUY_RATE = 1.00015  # commission 0.015 %
_SELL_RATE = 1 - 0.00015 - 0.0018  # and tax 0.18 %

TradeRow = tuple[int, int, int, int, int]  # symbol index, entry bar, exit bar, entry, exit price


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseResult:
    """Closed trades as int64 rows, by symbol and entry bar; `final_equity` only of one account."""

    trades: Int64s
    final_equity: float | None = None


def independent(bars: BarMatrix) -> CaseResult:
    """W1 by scan: all symbols side by side, day by day."""
    scan = scan_closes(bars.high, bars.low, bars.close, PARAMETERS)
    count = len(bars.symbols)
    high, close = np.ascontiguousarray(bars.high.T), np.ascontiguousarray(bars.close.T)
    held = HeldScan(high=high, close=close, slots=count, parameters=PARAMETERS)
    judge = CloseJudge(PARAMETERS)
    holdings: dict[int, Holding] = {}
    is_flat = np.ones(count, np.bool_)
    trades: list[TradeRow] = []
    buying: list[int] = []
    atr_sums: list[int] = []
    selling: list[int] = []
    for day in range(bars.days):
        if selling:
            opens = bars.open[selling, day].tolist()
            trades += [
                trade_row(holdings.pop(row), day, price)
                for row, price in zip(selling, opens, strict=True)
            ]
            held.drop(selling)
            is_flat[selling] = True
        if buying:
            opens = bars.open[buying, day].tolist()
            bought = [
                Holding(row, day, price, SHARES, judge.levels(price=price, atr_sum=atr_sum))
                for row, price, atr_sum in zip(buying, opens, atr_sums, strict=True)
            ]
            holdings.update(zip(buying, bought, strict=True))
            held.put(buying, bought)
        due = held.due(day)
        selling = _agreed_sales(bars, judge, held, day, [(slot, holdings[slot]) for slot in due])
        agreed = _agreed_buys(scan, judge, scan.places(day, is_flat))
        buying, atr_sums = scan.row[agreed].tolist(), scan.atr_sum[agreed].tolist()
        is_flat[buying] = False
    return CaseResult(trades=sorted_rows(trades))


def one_account(bars: BarMatrix) -> CaseResult:
    """W2 by scan."""
    scan = scan_closes(bars.high, bars.low, bars.close, PARAMETERS)
    judge = CloseJudge(PARAMETERS)
    held = HeldScan(high=bars.high.T, close=bars.close.T, slots=PLACES, parameters=PARAMETERS)
    account = Account(bars, judge)
    is_flat = np.ones(len(bars.symbols), np.bool_)
    for day in range(bars.days):
        sold = account.fill_sales(day)
        held.drop([slot for slot, _ in sold])
        for _, row in sold:
            is_flat[row] = True
        bought = account.fill_buys(day)
        held.put([slot for slot, _ in bought], [holding for _, holding in bought])
        for _, holding in bought:
            is_flat[holding.row] = False
        due = [(slot, account.at(slot)) for slot in held.due(day)]
        account.selling = _agreed_sales(bars, judge, held, day, due)
        if account.free:
            best = _best_agreed(scan, judge, scan.places(day, is_flat), account.free)
            rows, atr_sums = scan.row[best].tolist(), scan.atr_sum[best].tolist()
            account.queue(list(zip(rows, atr_sums, strict=True)), day)
    return account.result()


class Account:
    """W2's account: twenty places and the cash they share.

    `selling` are the places to be emptied at the next open, `buying` the rows, quantities and sums
    of true ranges of what is to be bought there.
    """

    def __init__(self, bars: BarMatrix, judge: CloseJudge) -> None:
        self._bars, self._judge = bars, judge
        self._cash = CASH
        self._trades: list[TradeRow] = []
        self.holdings: dict[int, Holding] = {}
        self.selling: list[int] = []
        self.buying: list[tuple[int, int, int]] = []

    @property
    def free(self) -> int:
        """Places that the next open finds empty."""
        return PLACES - len(self.holdings) + len(self.selling)

    def at(self, slot: int) -> Holding:
        """What is held in a place."""
        return self.holdings[slot]

    def fill_sales(self, day: int) -> list[tuple[int, int]]:
        """Sell what was queued, at the open; the places and rows, in order of the place."""
        sold = []
        for slot in sorted(self.selling):
            holding = self.holdings.pop(slot)
            price = int(self._bars.open[holding.row, day])
            self._cash += holding.quantity * price * _SELL_RATE
            self._trades.append(trade_row(holding, day, price))
            sold.append((slot, holding.row))
        self.selling = []
        return sold

    def fill_buys(self, day: int) -> list[tuple[int, Holding]]:
        """Buy what was queued, at the open, in rank order, as far as the cash goes."""
        bought = []
        for row, wanted, atr_sum in self.buying:
            price = int(self._bars.open[row, day])
            quantity = min(wanted, int(self._cash / (price * _BUY_RATE)))
            if quantity < 1:
                continue
            self._cash -= quantity * price * _BUY_RATE
            levels = self._judge.levels(price=price, atr_sum=atr_sum)
            holding = Holding(row, day, price, quantity, levels)
            slot = min(set(range(PLACES)) - self.holdings.keys())
            self.holdings[slot] = holding
            bought.append((slot, holding))
        self.buying = []
        return bought

    def queue(self, signals: list[tuple[int, int]], day: int) -> None:
        """Queue purchases of equal parts of the equity at this close, for rows and their sums of
        true ranges; nothing of nothing."""
        if not signals:
            return
        part = self._equity(day) / PLACES
        wanted = [
            (row, int(part / int(self._bars.close[row, day])), atr_sum) for row, atr_sum in signals
        ]
        self.buying = [each for each in wanted if each[1]]

    def result(self) -> CaseResult:
        """The closed trades, and the equity at the last close."""
        return CaseResult(
            trades=sorted_rows(self._trades), final_equity=float(self._equity(self._bars.days - 1))
        )

    def _equity(self, day: int) -> float:
        total = self._cash
        for slot in sorted(self.holdings):
            holding = self.holdings[slot]
            total += holding.quantity * int(self._bars.close[holding.row, day])
        return total


def _agreed_sales(
    bars: BarMatrix,
    judge: CloseJudge,
    held: HeldScan,
    day: int,
    due: list[tuple[int, Holding]],
) -> list[int]:
    """The slots that the strategy sells, of those that the scan points at."""
    if not due:
        return []
    closes = bars.close[[holding.row for _, holding in due], day].tolist()
    highest = held.highest[[slot for slot, _ in due]].tolist()
    return [
        slot
        for (slot, holding), last, high in zip(due, closes, highest, strict=True)
        if judge.sells(holding, last=last, highest=high)
    ]


def _agreed_buys(scan: CloseScan, judge: CloseJudge, places: Int64s) -> list[int]:
    """The places of the scan that the strategy buys, of those given."""
    asked = zip(
        places.tolist(),
        scan.close[places].tolist(),
        scan.previous_high[places].tolist(),
        scan.sma_sum[places].tolist(),
        scan.atr_sum[places].tolist(),
        strict=True,
    )
    return [
        place
        for place, last, high, sma_sum, atr_sum in asked
        if judge.buys(last, previous_high=high, sma_sum=sma_sum, atr_sum=atr_sum)
    ]


def _best_agreed(scan: CloseScan, judge: CloseJudge, places: Int64s, most: int) -> list[int]:
    """The `most` best places of the scan that the strategy buys, by close over SMA; equal ones by
    row."""
    score: Floats = scan.close[places] / (scan.sma_sum[places] / PARAMETERS.ma_period)
    agreed: list[int] = []
    while len(places) and len(agreed) < most:
        is_best = _is_among_best(score, most)
        best = places[is_best][np.argsort(-score[is_best], kind="stable")]
        agreed += _agreed_buys(scan, judge, best)
        places, score = places[~is_best], score[~is_best]
    return agreed[:most]


def _is_among_best(score: Floats, most: int) -> Bools:
    """The `most` highest, and whatever equals the last of them."""
    if len(score) <= most:
        return np.ones(len(score), np.bool_)
    least = np.partition(score, len(score) - most)[len(score) - most]
    among: Bools = score >= least
    return among


def trade_row(holding: Holding, day: int, price: int) -> TradeRow:
    """The row of a holding sold at the open of `day`."""
    return holding.row, holding.entry_day, day, holding.price, price


def sorted_rows(trades: list[TradeRow]) -> Int64s:
    """By symbol, then entry bar."""
    # Six times as fast as an array of the tuples.
    rows = np.fromiter(chain.from_iterable(trades), np.int64, 5 * len(trades)).reshape(-1, 5)
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]
