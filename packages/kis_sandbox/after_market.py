"""The KRX after-market as quotes see it: the figures of an evening are not the day's.

Since 2026-09-14 KRX trades on from 16:00 to 20:00, and the quote endpoints follow it: last price,
high, low, volume and the day's own bar move after the close and return to the regular session's
only in the early morning (measured between 23:12 and 05:28; 05:00 here). About six issues in ten
close elsewhere in the evening. The ledger does not follow, and nothing matches against it.
Source: kis-wire sections 4.1, 4.5 and 5.7. ETF and ETN are not traded there.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from kis_core.market.session import KST
from kis_core.market.symbol import Product
from kis_sandbox.history import on_tick_within
from kis_sandbox.path import SECOND_US
from kis_sandbox.tape import State

_SINCE = date(2026, 9, 14)
_OPENS_AFTER_CLOSE = timedelta(minutes=30)
_FINAL_AT = time(5)
_STEP_US = 600 * SECOND_US  # one invented trade per ten minutes
_STEPS = 24  # 16:00 to 20:00
_MOVE = 0.002  # of the price, the size of one step
_VOLUME_PCT = 2


def as_quoted(state: State, *, closes_at: datetime, now: datetime, seed: int) -> State:
    """`state` as a quote endpoint gives it at `now`; `closes_at` ends its regular session."""
    day = state.day
    if day.session_date < _SINCE or not _is_evening(day.session_date, closes_at, now):
        return state
    if not state.count or state.is_halted:
        return state
    if day.issue.instrument.product is not Product.STOCK:
        return state
    prices = _prices(state, closes_at=closes_at, now=now, seed=seed)
    volume = state.volume * _VOLUME_PCT * len(prices) // (100 * _STEPS)
    if not prices:
        return state
    return replace(
        state,
        last=prices[-1],
        high=max(state.high, *prices),
        low=min(state.low, *prices),
        volume=state.volume + volume,
        turnover=state.turnover + volume * prices[-1],
    )


def _is_evening(session_date: date, closes_at: datetime, now: datetime) -> bool:
    final_at = datetime.combine(session_date + timedelta(days=1), _FINAL_AT, KST)
    return closes_at + _OPENS_AFTER_CLOSE <= now < final_at


def _prices(state: State, *, closes_at: datetime, now: datetime, seed: int) -> list[int]:
    """The after-market's trades up to `now`, from the seed; none in four issues of ten."""
    day = state.day
    random = Random(f"{seed}:{day.issue.symbol}:{day.session_date}:after-market")
    if random.random() < 0.4:
        return []
    passed = (now - closes_at - _OPENS_AFTER_CLOSE) // timedelta(microseconds=_STEP_US)
    price = float(state.last)
    prices = []
    for _ in range(min(passed + 1, _STEPS)):
        price *= 1 + random.uniform(-_MOVE, _MOVE)
        prices.append(
            on_tick_within(
                price, day.limits.lower, day.limits.upper, day.issue.instrument, day.session_date
            )
        )
    return prices
