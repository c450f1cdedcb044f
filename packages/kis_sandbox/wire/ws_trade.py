"""Records of the realtime trade stream H0STCNT0, of 46 fields or the 47 since 2026-09-14.

Fields and their order: kis-wire section 6.4.
"""

from kis_sandbox.order_price import best_prices
from kis_sandbox.tape import Day
from kis_sandbox.wire.answer import percent, sign_of

NARROW, WIDE = 46, 47
_CLOSING, _REGULAR = "5", "2"


def trade_record(day: Day, index: int, *, fields: int) -> str:
    """The record of the print `index` of `day`."""
    values = [*_price_fields(day, index), *_count_fields(day, index)]
    values += [*_extreme_fields(day, index), *_state_fields(day)]
    if fields == WIDE:
        is_last = index == len(day.path) - 1
        values.append(_CLOSING if is_last else _REGULAR)
    return "^".join(values)


def _price_fields(day: Day, index: int) -> list[str]:
    """0-14: symbol, time, price, change, VWAP, open, high, low, book, volumes."""
    path = day.path
    price, volume = path.prices[index], path.volume_so_far[index]
    turnover = path.turnover_so_far[index]
    bid, ask = best_prices(day, price)
    change = price - day.base
    return [
        str(day.issue.symbol),
        clock_text(path.times_us[index]),
        str(price),
        _sign(day, price),
        str(change),
        f"{100 * change / day.base:.2f}",
        f"{turnover / volume if volume else 0:.2f}",
        str(path.prices[0]),
        str(path.high_so_far[index]),
        str(path.low_so_far[index]),
        str(ask),
        str(bid),
        str(path.volumes[index]),
        str(volume),
        str(turnover),
    ]


def _count_fields(day: Day, index: int) -> list[str]:
    """15-23: how many and how much was sold and bought; half each, nobody trades on them here."""
    path = day.path
    volume, before = path.volume_so_far[index], day.prior.volume if day.prior else 0
    falls = index > 0 and path.prices[index] < path.prices[index - 1]
    return [
        str(index // 2),
        str(index - index // 2),
        str(index % 2),
        "100.00",
        str(volume // 2),
        str(volume - volume // 2),
        "5" if falls else "1",
        "0.50",
        percent(volume - before, before),
    ]


def _extreme_fields(day: Day, index: int) -> list[str]:
    """24-32: when open, high and low printed, and how the price compares with them."""
    path = day.path
    price = path.prices[index]
    values: list[str] = []
    for extreme in (path.prices[0], path.high_so_far[index], path.low_so_far[index]):
        first = path.prices.index(extreme)
        values += [clock_text(path.times_us[first]), sign_of(price - extreme), str(price - extreme)]
    return values


def _state_fields(day: Day) -> list[str]:
    """33-45: date, phase, halt, the book's sizes, turnover rate, codes, VI reference."""
    return [
        f"{day.session_date:%Y%m%d}",
        "20",
        "N",
        *("1000", "1000", "10000", "10000"),
        "0.10",
        *("0", "0.00"),
        "0",
        "",
        str(day.base),
    ]


def _sign(day: Day, price: int) -> str:
    limits = day.limits
    return sign_of(price - day.base, at_upper=price == limits.upper, at_lower=price == limits.lower)


def clock_text(at_us: int) -> str:
    """HHMMSS of microseconds after midnight."""
    seconds = at_us // 1_000_000
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
