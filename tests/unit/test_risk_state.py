"""The risk state: a new session, drawdown, errors, the kill switch, and what a restart finds."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.booking import Trade
from kis_core.orders.event import OrderIntent, OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.risk.drawdown import DrawdownSignal, after_equity, drawdown_pct
from kis_core.risk.kill_switch import after_api_error, clear, engage, with_outside_switch
from kis_core.risk.limits import RiskLimits
from kis_core.risk.state import RiskRecord, RiskState, risk_state, roll_session

_TODAY = date(2026, 3, 3)
_YESTERDAY = date(2026, 3, 2)
_AT = datetime(2026, 3, 3, 10, 0, tzinfo=KST)
_LIMITS = RiskLimits()
_RECORD = RiskRecord(session_date=_TODAY, start_equity=10_000_000, high_water_mark=10_000_000)


def _trade(
    number: int,
    *,
    realised: int = 0,
    round_trip: int | None = None,
    session_date: date = _TODAY,
    minute: int = 0,
    symbol: str = "005930",
) -> Trade:
    return Trade(
        order_id=f"{number:016x}",
        idempotency_key=f"{number:064x}",
        session_date=session_date,
        at=_AT + timedelta(minutes=minute),
        symbol=Symbol(symbol),
        side=Side.SELL,
        reason="stop_loss",
        quantity=1,
        amount=10_000,
        commission=1,
        tax=20,
        realised_pnl=realised,
        round_trip_pnl=round_trip,
    )


def _order(
    status: OrderStatus,
    *,
    filled: int = 0,
    side: Side = Side.BUY,
    session_date: date = _TODAY,
) -> Order:
    intent = OrderIntent(
        order_id="a" * 16,
        idempotency_key="a" * 64,
        signal_id="s",
        session_date=session_date,
        symbol=Symbol("005930"),
        side=side,
        quantity=10,
        order_type=OrderType.MARKET,
        price=Won(0),
        reference=Won(10_000),
        reason="breakout",
        leg=0,
        atr=200.0,
    )
    return Order(
        intent=intent,
        status=status,
        sequence=1,
        created_at=_AT,
        updated_at=_AT,
        filled_quantity=filled,
        filled_amount=filled * 10_000,
    )


def _rebuilt(trades: list[Trade], orders: list[Order], *, open_positions: int = 0) -> RiskState:
    return risk_state(
        _RECORD, trades=trades, orders=orders, open_positions=open_positions, equity=9_900_000
    )


@pytest.mark.req("R-01", "R-07", "F-053", "F-054")
def test_the_days_result_is_rebuilt_from_every_sale_of_the_day_whatever_the_symbol() -> None:
    trades = [
        _trade(1, realised=-150_000),  # part of a position
        _trade(2, realised=-60_000, round_trip=-210_000),
        _trade(4, realised=10_000, round_trip=10_000, symbol="000660"),
        _trade(3, realised=-999_999, round_trip=-999_999, session_date=_YESTERDAY),
    ]

    state = _rebuilt(trades, [])

    assert state.realised_pnl == -200_000
    assert state.equity == 9_900_000


@pytest.mark.req("R-04", "R-07")
@pytest.mark.parametrize(
    ("results", "run"),
    [
        ([], 0),
        ([-1], 1),
        ([-1, -1], 2),
        ([-1, 1, -1], 1),
        ([-1, 0], 0),  # no loss
        ([-1, None, -1], 2),  # a partial sale closes nothing
        ([1, -1, -1, -1], 3),
    ],
)
def test_a_run_of_losses_counts_closed_round_trips_since_the_last_that_did_not_lose(
    results: list[int | None], run: int
) -> None:
    trades = [_trade(n, round_trip=r, minute=n) for n, r in enumerate(results)]

    assert _rebuilt(list(reversed(trades)), []).consecutive_losses == run


@pytest.mark.req("R-04")
def test_a_run_of_losses_begins_anew_each_session() -> None:
    trades = [_trade(1, round_trip=-1, session_date=_YESTERDAY), _trade(2, round_trip=-1)]

    assert _rebuilt(trades, []).consecutive_losses == 1


@pytest.mark.req("R-04", "R-07", "F-055")
def test_an_entry_counts_when_it_filled_or_still_may() -> None:
    orders = [
        _order(OrderStatus.FILLED, filled=10),
        _order(OrderStatus.CANCELLED, filled=1),
        _order(OrderStatus.SUBMITTED),
        _order(OrderStatus.PENDING),
        _order(OrderStatus.CANCELLED),
        _order(OrderStatus.FAILED),
        _order(OrderStatus.FILLED, filled=10, side=Side.SELL),
        _order(OrderStatus.FILLED, filled=10, session_date=_YESTERDAY),
    ]

    assert _rebuilt([], orders).entries == 4


@pytest.mark.req("R-04", "F-032")
def test_entries_on_their_way_count_as_positions_once() -> None:
    orders = [
        _order(OrderStatus.PENDING),
        _order(OrderStatus.SUBMITTED, session_date=_YESTERDAY),
        _order(OrderStatus.PARTIAL, filled=3),  # an open position already
        _order(OrderStatus.SUBMITTED, side=Side.SELL),
        _order(OrderStatus.CANCELLED),
    ]

    assert _rebuilt([], orders, open_positions=3).holdings == 5


@pytest.mark.req("R-07")
def test_an_account_that_never_traded_starts_from_what_it_has() -> None:
    record = roll_session(None, session_date=_TODAY, equity=7_000_000)

    assert (record.start_equity, record.high_water_mark) == (7_000_000, 7_000_000)
    assert record.kill_switch is None


@pytest.mark.req("R-07", "F-053")
def test_a_restart_within_the_session_resets_nothing() -> None:
    record = replace(_RECORD, is_drawdown_warned=True, api_error_times=(_AT,))

    assert roll_session(record, session_date=_TODAY, equity=8_000_000) == record


@pytest.mark.req("R-02", "R-03", "R-07")
def test_a_new_session_has_a_new_start_and_keeps_switch_and_mark() -> None:
    record = replace(_RECORD, session_date=_YESTERDAY, kill_switch="점검", kill_switch_at=_AT)

    lower = roll_session(record, session_date=_TODAY, equity=9_000_000)
    higher = roll_session(record, session_date=_TODAY, equity=11_000_000)

    assert (lower.session_date, lower.start_equity) == (_TODAY, 9_000_000)
    assert lower.high_water_mark == 10_000_000
    assert higher.high_water_mark == 11_000_000
    assert (lower.kill_switch, lower.kill_switch_at) == ("점검", _AT)


@pytest.mark.req("R-05", "F-055")
@pytest.mark.parametrize(
    ("equity", "signal", "is_killed"),
    [
        (9_000_001, None, False),
        (9_000_000, DrawdownSignal.WARN, False),
        (8_500_001, DrawdownSignal.WARN, False),
        (8_500_000, DrawdownSignal.STOP, True),
        (1, DrawdownSignal.STOP, True),
    ],
)
def test_drawdown_warns_at_ten_percent_and_stops_at_fifteen(
    equity: int, signal: DrawdownSignal | None, is_killed: bool
) -> None:
    record, told = after_equity(_RECORD, equity=equity, limits=_LIMITS, at=_AT)

    assert told is signal
    assert (record.kill_switch is not None) is is_killed
    assert record.kill_switch_at == (_AT if is_killed else None)
    assert record.high_water_mark == 10_000_000


@pytest.mark.req("R-05", "F-056")
def test_a_drawdown_warns_once_until_there_is_a_new_high() -> None:
    told = []
    record = _RECORD

    for equity in (9_000_000, 9_100_000, 8_900_000, 10_000_001, 9_000_000):
        record, signal = after_equity(record, equity=equity, limits=_LIMITS)
        told.append(signal)

    assert told == [DrawdownSignal.WARN, None, None, None, DrawdownSignal.WARN]
    assert record.high_water_mark == 10_000_001


@pytest.mark.req("R-05")
def test_a_drawdown_stop_signals_once_and_keeps_an_earlier_switch() -> None:
    killed = engage(_RECORD, reason="점검", at=_AT)

    record, signal = after_equity(killed, equity=8_000_000, limits=_LIMITS)

    assert (record, signal) == (killed, None)


def test_a_drawdown_is_shown_in_percent_of_the_mark() -> None:
    assert drawdown_pct(_RECORD, equity=8_750_000) == pytest.approx(12.5)
    assert drawdown_pct(_RECORD, equity=11_000_000) == 0.0
    assert drawdown_pct(replace(_RECORD, high_water_mark=0), equity=0) == 0.0


def _errors_at(*seconds: float) -> RiskRecord:
    record = _RECORD
    for second in seconds:
        record = after_api_error(record, at=_AT + timedelta(seconds=second), limits=_LIMITS)
    return record


@pytest.mark.req("R-02", "F-055")
@pytest.mark.parametrize(
    ("seconds", "is_killed"),
    [
        ((0, 1, 2, 3), False),
        ((0, 1, 2, 3, 4), True),
        ((0, 150, 300, 450, 600), True),
        ((0, 150, 300, 450, 600.001), False),
        ((0, 1, 2, 3, 700, 701, 702, 703), False),
    ],
)
def test_five_api_errors_within_ten_minutes_switch_entries_off(
    seconds: tuple[float, ...], is_killed: bool
) -> None:
    record = _errors_at(*seconds)

    assert (record.kill_switch is not None) is is_killed
    if is_killed:
        assert record.kill_switch == "API 오류 5회 (10분 이내)"
        assert record.kill_switch_at == _AT + timedelta(seconds=seconds[-1])


def test_remembered_errors_are_bounded() -> None:
    assert len(_errors_at(*range(50)).api_error_times) == 5


@pytest.mark.req("R-02")
def test_a_switch_keeps_its_first_reason_and_needs_one() -> None:
    first = engage(_RECORD, reason="점검", at=_AT)

    assert engage(first, reason="다른 이유", at=None) == first
    with pytest.raises(ValueError):
        engage(_RECORD, reason="", at=_AT)


@pytest.mark.req("R-02")
def test_a_cleared_switch_does_not_come_back_from_what_was_forgiven() -> None:
    by_errors = _errors_at(0, 1, 2, 3, 4)
    by_drawdown, _ = after_equity(_RECORD, equity=8_000_000, limits=_LIMITS)

    cleared = clear(by_errors, equity=9_900_000, limits=_LIMITS)
    restarted = clear(by_drawdown, equity=8_000_000, limits=_LIMITS)

    again = after_api_error(cleared, at=_AT + timedelta(seconds=5), limits=_LIMITS)
    assert again.kill_switch is None
    assert cleared.high_water_mark == 10_000_000
    assert restarted.high_water_mark == 8_000_000
    assert after_equity(restarted, equity=8_000_000, limits=_LIMITS) == (restarted, None)


@pytest.mark.req("R-05")
def test_clearing_another_switch_does_not_forget_a_warned_drawdown() -> None:
    warned, _ = after_equity(_RECORD, equity=9_000_000, limits=_LIMITS)

    cleared = clear(engage(warned, reason="점검", at=_AT), equity=9_000_000, limits=_LIMITS)

    assert (cleared.high_water_mark, cleared.is_drawdown_warned) == (10_000_000, True)
    assert (cleared.kill_switch, cleared.kill_switch_at) == (None, None)


@pytest.mark.req("R-02", "F-048")
def test_a_switch_from_outside_holds_only_while_it_is_there() -> None:
    assert with_outside_switch(_RECORD, reason="파일").kill_switch == "파일"
    assert with_outside_switch(_RECORD, reason=None) == _RECORD
    own = engage(_RECORD, reason="점검", at=_AT)
    assert with_outside_switch(own, reason="파일") == own
