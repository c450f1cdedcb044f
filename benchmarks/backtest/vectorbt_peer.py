"""The same rules for vectorbt: `python -m benchmarks.backtest.vectorbt_peer FOLDER CASE N`.

Signals are exits of the close and are filled at the next open, which neither its signals nor its
own stops express: its order functions, compiled, are its way that gives these trades. W2 is there
twice: `w2-in-turn` calls every column at every bar in the order of its rank, as its documentation
shows it; `w2` is its flexible simulation, asked only as often as there are orders, and faster.
Sums are of integers, so that equal closes and averages are seen as equal.
"""

# Numba infers the types of what it compiles; annotations would be ignored.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"
import sys
import time

_STARTED = time.perf_counter()

import numpy as np  # noqa: E402
import vectorbt as vbt  # noqa: E402
from numba import njit  # noqa: E402
from vectorbt.portfolio import nb  # noqa: E402

from benchmarks.backtest.peer_case import Answer, Market, main  # noqa: E402

_IMPORT_S = time.perf_counter() - _STARTED

_MA, _ATR = 50, 14
_PLENTY = 1e15
_CASH, _PLACES = 100_000_000.0, 20
_BUY_FEE, _SELL_FEE = 0.00015, 0.00015 + 0.0018


def signals(high, low, close):
    """Buy signals, ATR sums and closing sums, `[day, symbol]`."""
    before = np.vstack((close[:1], close[:-1]))
    ranges = np.maximum(high, before) - np.minimum(low, before)
    ranges[0] = high[0] - low[0]
    sums, spreads = _windows(close, _MA), _windows(ranges, _ATR)
    buy = close * _MA > sums
    buy[1:] &= close[1:] > high[:-1]
    buy &= spreads > 0
    buy[:_MA] = False
    return buy, spreads, sums


def _windows(values, period):
    total = np.cumsum(values, axis=0)
    total[period:] -= total[:-period].copy()
    return total


@njit(cache=True)
def _levels(state, col, price, spread):
    """Entry, highest, twice the ATR, stop, target."""
    atr2 = 2.0 * (spread / _ATR)
    state[col, 0], state[col, 1], state[col, 2] = price, price, atr2
    state[col, 3], state[col, 4] = price - atr2, price + 1.5 * atr2


@njit(cache=True)
def _leaves(state, col, high, close):
    state[col, 1] = max(state[col, 1], high)
    level = state[col, 3]
    if state[col, 1] * 100 >= state[col, 0] * 101:
        level = max(level, state[col, 1] - state[col, 2])
    return close <= level or close >= state[col, 4]


@njit(cache=True)
def _order_of_one(c, opens, high, close, buy, spreads, state):
    """W1: what the last close decided, filled at this open."""
    i, col = c.i, c.col
    if i == 0:
        return nb.order_nothing_nb()
    if c.position_now == 0:
        if not buy[i - 1, col]:
            return nb.order_nothing_nb()
        _levels(state, col, opens[i, col], spreads[i - 1, col])
        return nb.order_nb(size=10.0, price=opens[i, col], fees=_BUY_FEE)
    if _leaves(state, col, high[i - 1, col], close[i - 1, col]):
        return nb.order_nb(size=-10.0, price=opens[i, col], fees=_SELL_FEE)
    return nb.order_nothing_nb()


def independent(market: Market) -> Answer:
    """W1."""
    opens, high, low, close = (
        np.ascontiguousarray(matrix.T).astype(np.int64)
        for matrix in (market.open, market.high, market.low, market.close)
    )
    buy, spreads, _ = signals(high, low, close)
    state = np.zeros((close.shape[1], 5))
    portfolio = vbt.Portfolio.from_order_func(
        close.astype(np.float64),
        _order_of_one,
        opens,
        high,
        close,
        buy,
        spreads,
        state,
        init_cash=_PLENTY,
        fill_pos_record=False,
        max_orders=int(buy.sum()) * 2 + 1,
        freq="D",
    )
    return _rows(portfolio), None


@njit(cache=True)
def _order_of_all(c, opens, high, close, buy, spreads, score, state, plan):
    """W2: at the first call of a bar everything that its predecessor's close decided is put into
    `plan`; each call then gives one order of it. `plan[0]` counts what is done, then come the
    number of sales, of purchases, the columns sold, the columns bought, their quantities."""
    i = c.i
    if i == 0:
        return -1, nb.order_nothing_nb()
    if c.call_idx == 0:
        _decide(c, high, close, buy, score, state, plan)
    sales, buys = int(plan[1]), int(plan[2])
    while plan[0] < sales + buys:
        k = int(plan[0])
        plan[0] += 1
        if k < sales:
            col = int(plan[3 + k])
            return col, nb.order_nb(size=-c.last_position[col], price=opens[i, col], fees=_SELL_FEE)
        col = int(plan[3 + _PLACES + k - sales])
        price = opens[i, col]
        most = int(c.last_cash[c.group] / (price * (1 + _BUY_FEE)))
        size = min(int(plan[3 + 2 * _PLACES + k - sales]), most)
        if size > 0:
            _levels(state, col, price, spreads[i - 1, col])
            return col, nb.order_nb(size=float(size), price=price, fees=_BUY_FEE)
    return -1, nb.order_nothing_nb()


@njit(cache=True)
def _decide(c, high, close, buy, score, state, plan):
    t = c.i - 1
    plan[0], plan[1], plan[2] = 0, 0, 0
    equity, held = c.last_cash[c.group], 0
    for col in range(c.from_col, c.to_col):
        if c.last_position[col] > 0:
            held += 1
            equity += c.last_position[col] * close[t, col]
            if _leaves(state, col, high[t, col], close[t, col]):
                plan[3 + int(plan[1])] = col
                plan[1] += 1
    free = _PLACES - held + int(plan[1])
    if free == 0:
        return
    best = np.full(free, -1, np.int64)
    for col in range(c.from_col, c.to_col):
        if not buy[t, col] or c.last_position[col] > 0:
            continue
        k = free
        while k > 0 and (best[k - 1] < 0 or score[t, col] > score[t, best[k - 1]]):
            k -= 1
        if k < free:
            for j in range(free - 1, k, -1):
                best[j] = best[j - 1]
            best[k] = col
    for k in range(free):
        if best[k] < 0:
            break
        size = int(equity / _PLACES / close[t, best[k]])
        if size > 0:
            plan[3 + _PLACES + int(plan[2])] = best[k]
            plan[3 + 2 * _PLACES + int(plan[2])] = size
            plan[2] += 1


@njit(cache=True)
def _day_in_turn(c, high, close, buy, score, state, plan, sizes):
    """W2 in turn, before each bar: sales, then purchases by rank, are called first. `sizes` holds
    for each column the shares to buy, −1 to sell everything, 0 for nothing."""
    sizes[:] = 0
    plan[1], plan[2] = 0, 0
    if c.i > 0:
        _decide(c, high, close, buy, score, state, plan)
    sales, buys = int(plan[1]), int(plan[2])
    for k in range(sales):
        c.call_seq_now[k] = int(plan[3 + k])
        sizes[int(plan[3 + k])] = -1
    for k in range(buys):
        c.call_seq_now[sales + k] = int(plan[3 + _PLACES + k])
        sizes[int(plan[3 + _PLACES + k])] = plan[3 + 2 * _PLACES + k]
    place = sales + buys
    for col in range(c.group_len):
        if sizes[col] == 0:
            c.call_seq_now[place] = col
            place += 1
    return (sizes,)


@njit(cache=True)
def _order_in_turn(c, sizes, opens, spreads, state):
    i, col = c.i, c.col
    if sizes[col] == 0:
        return nb.order_nothing_nb()
    price = opens[i, col]
    if sizes[col] < 0:
        return nb.order_nb(size=-c.position_now, price=price, fees=_SELL_FEE)
    size = min(int(sizes[col]), int(c.cash_now / (price * (1 + _BUY_FEE))))
    if size <= 0:
        return nb.order_nothing_nb()
    _levels(state, col, price, spreads[i - 1, col])
    return nb.order_nb(size=float(size), price=price, fees=_BUY_FEE)


def one_account_in_turn(market: Market) -> Answer:
    """W2, every column called at every bar."""
    opens, high, low, close = (
        np.ascontiguousarray(matrix.T).astype(np.int64)
        for matrix in (market.open, market.high, market.low, market.close)
    )
    buy, spreads, sums = signals(high, low, close)
    score = close / (sums / _MA)
    days, symbols = close.shape
    state, plan = np.zeros((symbols, 5)), np.zeros(3 + 3 * _PLACES)
    portfolio = vbt.Portfolio.from_order_func(
        close.astype(np.float64),
        _order_in_turn,
        opens,
        spreads,
        state,
        pre_segment_func_nb=_day_in_turn,
        pre_segment_args=(high, close, buy, score, state, plan, np.zeros(symbols)),
        init_cash=_CASH,
        cash_sharing=True,
        group_by=True,
        fill_pos_record=False,
        max_orders=days * 2 * _PLACES,
        freq="D",
    )
    return _rows(portfolio), _final_equity(portfolio, close)


def one_account(market: Market) -> Answer:
    """W2."""
    opens, high, low, close = (
        np.ascontiguousarray(matrix.T).astype(np.int64)
        for matrix in (market.open, market.high, market.low, market.close)
    )
    buy, spreads, sums = signals(high, low, close)
    score = close / (sums / _MA)
    days, symbols = close.shape
    state, plan = np.zeros((symbols, 5)), np.zeros(3 + 3 * _PLACES)
    portfolio = vbt.Portfolio.from_order_func(
        close.astype(np.float64),
        _order_of_all,
        opens,
        high,
        close,
        buy,
        spreads,
        score,
        state,
        plan,
        flexible=True,
        init_cash=_CASH,
        cash_sharing=True,
        group_by=True,
        fill_pos_record=False,
        max_orders=days * 2 * _PLACES,
        freq="D",
    )
    rows = _rows(portfolio)
    return rows, _final_equity(portfolio, close)


def _rows(portfolio):
    records = portfolio.exit_trades.closed.values
    names = ("col", "entry_idx", "exit_idx", "entry_price", "exit_price")
    return np.column_stack([np.rint(records[name]).astype(np.int64) for name in names])


def _final_equity(portfolio, close) -> float:
    orders = portfolio.orders.values
    sign = np.where(orders["side"] == 0, 1.0, -1.0)
    worth = orders["size"] * orders["price"]
    cash = _CASH - float((sign * worth + orders["fees"]).sum())
    held = np.bincount(orders["col"], sign * orders["size"], minlength=close.shape[1])
    return cash + float(held @ close[-1])


if __name__ == "__main__":
    cases = {"w1": independent, "w2": one_account, "w2-in-turn": one_account_in_turn}
    sys.exit(main("vectorbt", vbt.__version__, cases, import_s=_IMPORT_S))
