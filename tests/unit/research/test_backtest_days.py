"""What a backtest makes of one day's bar, worked out by hand.

A symbol rises 500 won a day from 100,000 won: each day opens at the last close, falls 100, ends
500 higher with its high 100 above the close. The true range is 700 won, so its mean is too. The
first day that is traded, day 30, closes at 115,000 won and has the previous high at 114,600: an
entry there pays one tick more, 114,700 won, and has its stop at 113,300 (two ranges lower) and its
target at 116,800 (three ranges higher). What the next bars bring is each test's own.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from kis_core.market.cost import Commission
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.research.backtest import run
from kis_core.research.bars import BarMatrix
from kis_core.research.setting import BacktestResult, BacktestSettings, EventKind, Slippage
from kis_core.strategy.parameters import StrategyParameters

_DAYS_BEFORE = 30
_ENTRY, _STOP, _TAKE = 114_700, 113_300, 116_800
_SAMSUNG = Symbol("005930")
_HALTED = (0, 0, 0, 0)

Prices = tuple[int, int, int, int]  # open, high, low, close

_PARAMETERS = StrategyParameters(
    ma_period=5,
    adx_period=5,
    adx_window=20,
    atr_period=5,
    atr_average_period=5,
    gap_threshold_pct=None,
    trend_exit_enabled=False,
    trailing_enabled=False,
)


def rising(day: int) -> Prices:
    close = 100_000 + 500 * day
    return close - 500, close + 100, close - 600, close


def sessions(count: int) -> tuple[date, ...]:
    """Weekdays from 2025-01-02 on."""
    days = (date(2025, 1, 2) + timedelta(days=n) for n in range(2 * count))
    return tuple([day for day in days if day.weekday() < 5][:count])


def traded(*later: Prices, entry: Prices | None = None, **settings: object) -> BacktestResult:
    """The run that starts on day 30 with `entry` (or the rising bar) and goes on with `later`."""
    rows = [rising(day) for day in range(_DAYS_BEFORE)]
    rows += [entry or rising(_DAYS_BEFORE), *later]
    asked: dict[str, object] = {
        "parameters": _PARAMETERS,
        "commission": Commission(ppm=0),
        "slippage": Slippage(ticks=0),
        "is_taxed": False,
    }
    return run(bars_of(rows), BacktestSettings(first=_first(), **(asked | settings)))  # type: ignore[arg-type]


def _first() -> date:
    return sessions(_DAYS_BEFORE + 1)[-1]


def bars_of(rows: Sequence[Prices]) -> BarMatrix:
    prices = np.array(rows, dtype=np.int32).T[:, np.newaxis, :]
    volume = np.where(prices[3] > 0, 1_000_000, 0).astype(np.int32)
    names = ("open", "high", "low", "close")
    columns = {name: np.ascontiguousarray(prices[place]) for place, name in enumerate(names)}
    return BarMatrix(symbols=(_SAMSUNG,), dates=sessions(len(rows)), volume=volume, **columns)


def sales(result: BacktestResult) -> list[tuple[int, str]]:
    return [(fill.price, fill.reason) for fill in result.fills if fill.side is Side.SELL]


@pytest.mark.req("C-05", "F-103")
def test_an_entry_within_the_day_pays_the_first_price_above_the_previous_high() -> None:
    result = traded()

    assert [(fill.price, fill.side) for fill in result.fills] == [(_ENTRY, Side.BUY)]


@pytest.mark.req("C-05", "F-103")
def test_an_open_above_the_previous_high_is_entered_at_the_open_and_not_below_it() -> None:
    result = traded(entry=(115_200, 115_900, 115_100, 115_500))

    assert [fill.price for fill in result.fills] == [115_200]


@pytest.mark.req("C-05", "F-103")
def test_a_stop_within_the_day_is_sold_at_the_stop() -> None:
    result = traded((115_000, 115_100, 112_000, 112_500))

    assert sales(result) == [(_STOP, "stop_loss")]


@pytest.mark.req("C-05", "F-103")
def test_an_open_below_the_stop_is_sold_at_the_open_not_at_the_stop() -> None:
    result = traded((112_800, 115_000, 112_700, 114_900))

    assert sales(result) == [(112_800, "stop_loss")]


@pytest.mark.req("C-05", "T-05")
def test_of_a_day_that_touched_stop_and_target_the_stop_is_believed() -> None:
    result = traded((115_000, 118_000, 113_000, 117_000))

    assert sales(result) == [(_STOP, "stop_loss")]


@pytest.mark.req("C-05")
def test_a_target_within_the_day_is_sold_at_the_target() -> None:
    result = traded((115_000, 118_000, 114_000, 117_000))

    assert sales(result) == [(_TAKE, "take_profit")]


@pytest.mark.req("C-05")
def test_an_open_above_the_target_is_sold_at_the_open() -> None:
    result = traded((117_500, 118_000, 117_000, 117_200))

    assert sales(result) == [(117_500, "take_profit")]


@pytest.mark.req("C-05")
def test_an_opening_gap_is_sold_at_the_open_by_the_gap_rule() -> None:
    # 2 % below the entry of 114,700 is 112,406: an open of 112,400 gaps by 2.005 %.
    parameters = StrategyParameters(
        **{
            **{name: getattr(_PARAMETERS, name) for name in _PARAMETERS.__slots__},
            "gap_threshold_pct": 2.0,
        }
    )

    result = traded((112_400, 115_000, 112_300, 114_900), parameters=parameters)

    assert sales(result) == [(112_400, "gap_protection")]


@pytest.mark.req("C-05")
def test_a_halted_day_decides_nothing_and_the_next_one_does() -> None:
    result = traded(_HALTED, (112_800, 115_000, 112_700, 114_900))

    assert [fill.session_date for fill in result.fills if fill.side is Side.SELL] == [
        result.dates[2]
    ]
    assert sales(result) == [(112_800, "stop_loss")]


@pytest.mark.req("C-05")
def test_nobody_buys_at_the_lower_limit_so_the_sale_waits_for_the_next_price() -> None:
    # 30 % below 115,000 is 80,500, on the 100-won tick.
    locked = (80_500, 80_500, 80_500, 80_500)

    result = traded(locked, (79_000, 79_500, 78_000, 78_500))

    assert [event.kind for event in result.events] == [EventKind.EXIT_BLOCKED]
    assert [fill.session_date for fill in result.fills if fill.side is Side.SELL] == [
        result.dates[2]
    ]
    assert sales(result) == [(79_000, "stop_loss")]


@pytest.mark.req("C-05")
def test_nothing_is_bought_at_the_upper_limit() -> None:
    # 30 % above 114,500 is 148,850, on the 100-won tick 148,800.
    locked = (148_800, 148_800, 148_800, 148_800)

    result = traded(entry=locked)

    assert result.fills == ()


@pytest.mark.req("C-05")
def test_a_symbol_without_bars_to_the_end_is_closed_at_its_last_close() -> None:
    rows = [rising(day) for day in range(_DAYS_BEFORE + 1)] + [_HALTED] * 3
    other = [(50_000, 50_000, 50_000, 50_000)] * len(rows)
    one, two = bars_of(rows), bars_of(other)
    both = BarMatrix(
        symbols=(_SAMSUNG, Symbol("000660")),
        dates=one.dates,
        **{
            name: np.concatenate([getattr(one, name), getattr(two, name)])
            for name in ("open", "high", "low", "close", "volume")
        },
    )

    result = run(
        both,
        BacktestSettings(
            parameters=_PARAMETERS,
            commission=Commission(ppm=0),
            slippage=Slippage(ticks=0),
            is_taxed=False,
            first=_first(),
        ),
    )

    assert [event.kind for event in result.events] == [EventKind.DELISTED]
    assert sales(result) == [(115_000, "delisted")]


@pytest.mark.req("C-05", "F-054")
def test_commission_is_paid_on_both_sides_and_tax_on_the_sale() -> None:
    # One share: 114,700 and 116,800 won at 0.015 % are 17 won each, truncated. The sale settles
    # in 2025: 0.15 % of KOSPI sales are 175 won, truncated. 2,100 - 17 - 17 - 175 = 1,891.
    result = traded(
        (115_000, 118_000, 114_000, 117_000), commission=Commission(ppm=150), is_taxed=True
    )

    assert [(fill.commission, fill.tax) for fill in result.fills] == [(17, 0), (17, 175)]
    assert [trade.pnl for trade in result.trades] == [1_891]
    assert result.equity[-1] == 10_000_000 + 1_891


@pytest.mark.req("C-05")
def test_slippage_makes_a_purchase_dearer_and_a_sale_cheaper_by_a_tick() -> None:
    result = traded((115_000, 118_000, 114_000, 117_000), slippage=Slippage(ticks=1))

    # Entered at 114,800 won, so the target stands at 116,900; sold a tick below it.
    assert [fill.price for fill in result.fills] == [114_800, 116_800]


@pytest.mark.req("C-05")
def test_after_an_entry_within_the_day_neither_an_older_low_nor_the_target_is_believed() -> None:
    touched_both = (114_500, 117_000, 113_000, 115_000)

    result = traded(entry=touched_both)

    assert [fill.price for fill in result.fills] == [_ENTRY]
    assert sales(result) == []


@pytest.mark.req("C-05")
def test_what_was_sold_today_is_not_bought_again_today() -> None:
    above_the_target_and_rising = (117_000, 118_000, 116_900, 117_900)

    result = traded(above_the_target_and_rising)

    assert [fill.side for fill in result.fills] == [Side.BUY, Side.SELL]


@pytest.mark.req("C-05")
def test_a_fill_that_slippage_puts_beyond_the_limit_does_not_happen() -> None:
    # 114,700 and half a percent is 115,300 to the tick; ten ticks more are 115,700.
    result = traded(slippage=Slippage(ticks=10))

    assert result.fills == ()
    assert EventKind.ENTRY_MISSED in {event.kind for event in result.events}


@pytest.mark.req("C-05", "C-10")
def test_a_break_of_the_price_basis_closes_at_the_last_close() -> None:
    half = (57_500, 57_600, 57_400, 57_500)

    result = traded(half)

    assert sales(result) == [(115_000, EventKind.BASIS_CHANGED)]
