"""The anchor: the benchmark rules as one compiled single-thread pass (Numba) over the arrays.

It knows nothing but these rules and is what a specialised program would take; the product's ways
are measured as multiples of it. Numba is a dependency of this comparison alone.
"""

# Numba infers the types of what it compiles; annotations would be ignored.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"
import numpy as np
from numba import njit

_MA, _ATR = 50, 14
_BUY, _SELL = 1.00015, 1 - 0.00015 - 0.0018


@njit(cache=True)
def signals(high, low, close):
    """Buy signals and ATR sums, `[symbol, day]`, and scores where there is a signal."""
    symbols, days = close.shape
    buy = np.zeros((symbols, days), np.bool_)
    ranges = np.zeros((symbols, days), np.int32)
    score = np.zeros((symbols, days), np.float64)
    for s in range(symbols):
        total, spread = 0, 0
        window = np.zeros(_ATR, np.int64)
        for t in range(days):
            h, w, c = high[s, t], low[s, t], close[s, t]
            tr = h - w
            if t > 0:
                p = close[s, t - 1]
                tr = max(h, p) - min(w, p)
            total += c
            if t >= _MA:
                total -= close[s, t - _MA]
            spread += tr - window[t % _ATR]
            window[t % _ATR] = tr
            ranges[s, t] = spread
            if t >= _MA and c * _MA > total and c > high[s, t - 1] and spread > 0:
                buy[s, t] = True
                score[s, t] = c / (total / _MA)
    return buy, ranges, score


@njit(cache=True)
def independent(opens, high, low, close):
    """W1 in one pass, signals computed on the way."""
    symbols, days = close.shape
    out = np.empty((symbols * days // 2 + 1, 5), np.int64)
    n = 0
    for s in range(symbols):
        total, spread = 0, 0
        window = np.zeros(_ATR, np.int64)
        held, entry_day, entry, highest, atr2, stop, take = False, 0, 0, 0, 0.0, 0.0, 0.0
        pending_buy, pending_sell, pending_atr = False, False, 0.0
        for t in range(days):
            if pending_sell:
                out[n, 0], out[n, 1], out[n, 2] = s, entry_day, t
                out[n, 3], out[n, 4] = entry, opens[s, t]
                n += 1
                held, pending_sell = False, False
            if pending_buy:
                held, pending_buy, entry_day, entry = True, False, t, opens[s, t]
                highest, atr2 = entry, 2.0 * pending_atr
                stop, take = entry - atr2, entry + 3.0 * pending_atr
            h, w, c = high[s, t], low[s, t], close[s, t]
            tr = h - w
            if t > 0:
                p = close[s, t - 1]
                tr = max(h, p) - min(w, p)
            total += c
            if t >= _MA:
                total -= close[s, t - _MA]
            spread += tr - window[t % _ATR]
            window[t % _ATR] = tr
            if held:
                highest = max(highest, h)
                level = stop
                if highest * 100 >= entry * 101:
                    level = max(level, highest - atr2)
                pending_sell = c <= level or c >= take
            elif t >= _MA and c * _MA > total and c > high[s, t - 1] and spread > 0:
                pending_buy, pending_atr = True, spread / _ATR
    return out[:n]


@njit(cache=True)
def one_account(opens, high, low, close):
    """W2 in one pass over the days, after the signals."""
    buy, ranges, score = signals(high, low, close)
    symbols, days = close.shape
    out = np.empty((days * 20 + 1, 5), np.int64)
    n, cash, slots = 0, 100_000_000.0, 20
    row = np.full(slots, -1, np.int64)
    held = np.zeros(symbols, np.bool_)
    quantity, entry, entry_day = (
        np.zeros(slots, np.int64),
        np.zeros(slots, np.int64),
        np.zeros(slots, np.int64),
    )
    highest, atr2 = np.zeros(slots, np.int64), np.zeros(slots)
    stop, take = np.zeros(slots), np.zeros(slots)
    leaving = np.zeros(slots, np.bool_)
    queue, wanted, queued = np.zeros(slots, np.int64), np.zeros(slots, np.int64), 0
    for t in range(days):
        for k in range(slots):
            if leaving[k]:
                price = opens[row[k], t]
                cash += quantity[k] * price * _SELL
                out[n, 0], out[n, 1], out[n, 2] = row[k], entry_day[k], t
                out[n, 3], out[n, 4] = entry[k], price
                n += 1
                held[row[k]] = False
                row[k], leaving[k] = -1, False
        for i in range(queued):
            price = opens[queue[i], t]
            q = min(wanted[i], int(cash / (price * 1.00015)))
            if q <= 0:
                continue
            k = 0
            while row[k] >= 0:
                k += 1
            cash -= q * price * _BUY
            atr = ranges[queue[i], t - 1] / _ATR
            row[k], quantity[k], entry[k], entry_day[k], highest[k] = queue[i], q, price, t, price
            atr2[k], stop[k], take[k] = 2.0 * atr, price - 2.0 * atr, price + 3.0 * atr
            held[queue[i]] = True
        queued = 0
        equity, free = cash, 0
        for k in range(slots):
            if row[k] < 0:
                free += 1
                continue
            h, c = high[row[k], t], close[row[k], t]
            highest[k] = max(highest[k], h)
            level = stop[k]
            if highest[k] * 100 >= entry[k] * 101:
                level = max(level, highest[k] - atr2[k])
            leaving[k] = c <= level or c >= take[k]
            free += leaving[k]
            equity += quantity[k] * c
        if free == 0:
            continue
        best = np.full(free, -1, np.int64)
        for s in range(symbols):
            if not buy[s, t] or held[s]:
                continue
            i = free
            while i > 0 and (best[i - 1] < 0 or score[s, t] > score[best[i - 1], t]):
                i -= 1
            if i < free:
                for j in range(free - 1, i, -1):
                    best[j] = best[j - 1]
                best[i] = s
        for i in range(free):
            if best[i] < 0:
                break
            q = int(equity / slots / close[best[i], t])
            if q > 0:
                queue[queued], wanted[queued] = best[i], q
                queued += 1
    equity = cash
    for k in range(slots):
        if row[k] >= 0:
            equity += quantity[k] * close[row[k], days - 1]
    return out[:n], equity
