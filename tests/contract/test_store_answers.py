"""The Store port: in which order things come back, what replaces what, who sees what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.store import Store

OpenStore = Callable[[Namespace], Store]

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")
DAY = date(2026, 3, 3)
AT = datetime(2026, 3, 3, 9, 0, 0, 1, tzinfo=KST)
SECOND = timedelta(seconds=1)
SAMSUNG, HYNIX = Symbol("005930"), Symbol("000660")
BIG = 9_007_199_254_740_993  # 2**53 + 1: no float holds it


def write(store: Store, method: str, *arguments: Any, **named: Any) -> None:
    with store.unit_of_work() as unit:
        getattr(unit, method)(*arguments, **named)


def read(store: Store, method: str, *arguments: Any) -> Any:
    with store.unit_of_work() as unit:
        return getattr(unit, method)(*arguments)


# -- order in which things come back


def test_orders_come_back_oldest_first(store: Store, maker: Any) -> None:
    later, later_events = maker.order(intent=maker.intent("000660", order_id="0000000000000000"))
    maker.at -= SECOND
    earlier, earlier_events = maker.order(
        intent=maker.intent("005930", order_id="ffffffffffffffff")
    )

    write(store, "append_order_events", later, later_events)
    write(store, "append_order_events", earlier, earlier_events)

    assert read(store, "orders_of", DAY) == (earlier, later)
    assert read(store, "live_orders") == (earlier, later)


@pytest.mark.req("P-03")
def test_live_orders_are_pending_submitted_and_partial_ones_of_any_day(
    store: Store, maker: Any
) -> None:
    sent = (Kind.SENDING, Kind.ACCEPTED)
    live = [
        maker.order(intent=maker.intent("000001")),
        maker.order(*sent, intent=maker.intent("000002")),
        maker.order(*sent, Kind.FILLED, intent=maker.intent("000003")),
    ]
    over = [
        maker.order(Kind.NOT_SENT, intent=maker.intent("000004")),
        maker.order(*sent, Kind.CANCELLED, intent=maker.intent("000005")),
        maker.order(*sent, Kind.FILLED, intent=maker.intent("000006", quantity=3)),
    ]
    old = maker.order(intent=replace(maker.intent("000007"), session_date=date(2026, 1, 2)))
    for order, events in [*live, *over, old]:
        write(store, "append_order_events", order, events)

    found = read(store, "live_orders")

    assert {order.intent.symbol for order in found} == {"000001", "000002", "000003", "000007"}
    assert len(read(store, "orders_of", DAY)) == 6


def test_all_events_come_back_in_the_order_of_appending(store: Store, maker: Any) -> None:
    first, first_events = maker.order(Kind.SENDING, intent=maker.intent("000660", order_id="ff"))
    second, second_events = maker.order(intent=maker.intent("005930", order_id="aa"))
    half, _ = maker.order(intent=first.intent)

    write(store, "append_order_events", half, first_events[:1])
    write(store, "append_order_events", second, second_events)
    write(store, "append_order_events", first, first_events[1:])

    assert read(store, "all_events") == (first_events[0], second_events[0], first_events[1])


def test_fills_come_back_in_the_order_of_recording(store: Store, facts: Any) -> None:
    fills = [replace(facts.fill, sequence=n, at=AT - n * SECOND) for n in (5, 3, 4)]

    for fill in fills:
        write(store, "add_fill", fill)
    write(store, "add_fill", replace(facts.fill, sequence=9, session_date=date(2026, 3, 4)))

    assert read(store, "fills_of", DAY) == tuple(fills)


def test_trades_come_back_in_the_order_of_their_last_fill(store: Store, facts: Any) -> None:
    one, two, three = (
        replace(facts.trade, order_id=text, idempotency_key=text * 32)
        for text in ("aa", "bb", "cc")
    )

    for trade in (one, two, three, replace(one, quantity=5)):
        write(store, "put_trade", trade)
    write(store, "put_trade", replace(two, at=AT + SECOND))

    expected = (three, replace(one, quantity=5), replace(two, at=AT + SECOND))
    assert read(store, "trades_of", DAY) == expected


def test_positions_exits_and_halts_come_back_by_symbol(store: Store, facts: Any) -> None:
    for symbol in (SAMSUNG, HYNIX):
        write(store, "put_position", replace(facts.position, symbol=symbol))
        write(store, "put_pending_exit", replace(facts.pending, symbol=symbol))
        write(store, "put_halted_symbol", symbol, why="후보가 둘", at=AT)

    assert [p.symbol for p in read(store, "positions")] == [HYNIX, SAMSUNG]
    assert [p.symbol for p in read(store, "pending_exits")] == [HYNIX, SAMSUNG]
    assert list(read(store, "halted_symbols")) == [HYNIX, SAMSUNG]


def test_decisions_come_back_in_the_order_of_adding(store: Store, facts: Any) -> None:
    decisions = [
        replace(facts.decision, reason=reason, order_id=None) for reason in ("b", "a", "c")
    ]

    for decision in decisions:
        write(store, "add_decision", decision)

    assert read(store, "decisions_of", DAY) == tuple(decisions)
    assert read(store, "decisions_of", date(2026, 3, 4)) == ()


# -- replacing and forgetting


@pytest.mark.req("O-08")
def test_the_same_fill_is_recorded_once(store: Store, facts: Any) -> None:
    write(store, "add_fill", facts.fill)
    write(store, "add_fill", replace(facts.fill, at=AT + SECOND, quantity=99))

    assert read(store, "fills_of", DAY) == (facts.fill,)


def test_the_newest_of_what_is_replaced_counts(store: Store, facts: Any) -> None:
    raised = replace(facts.position, highest=Won(80_000))
    parked = replace(facts.pending, reason="stop_loss", attempts=3)
    summed = replace(facts.summary, trades=4)
    risked = replace(facts.risk, kill_switch=None, kill_switch_at=None, api_error_times=())

    with store.unit_of_work() as unit:
        unit.put_position(facts.position)
        unit.put_position(raised)
        unit.put_pending_exit(facts.pending)
        unit.put_pending_exit(parked)
        unit.put_summary(facts.summary)
        unit.put_summary(summed)
        unit.put_risk(facts.risk)
        unit.put_risk(risked)
        unit.put_halted_symbol(SAMSUNG, why="하나", at=AT)
        unit.put_halted_symbol(SAMSUNG, why="둘", at=AT)

    assert read(store, "positions") == (raised,)
    assert read(store, "pending_exits") == (parked,)
    assert read(store, "summary_of", DAY) == summed
    assert read(store, "risk") == risked
    assert read(store, "halted_symbols") == {SAMSUNG: "둘"}


def test_the_risk_record_of_the_newest_session_counts(store: Store, facts: Any) -> None:
    tomorrow = replace(facts.risk, session_date=date(2026, 3, 4))

    write(store, "put_risk", tomorrow)
    write(store, "put_risk", facts.risk)

    assert read(store, "risk") == tomorrow


def test_the_newest_snapshot_is_the_last_of_the_latest_instant(store: Store, facts: Any) -> None:
    last = replace(facts.snapshot, cash=2)

    for snapshot in (
        replace(facts.snapshot, cash=1),
        last,
        replace(facts.snapshot, at=AT - SECOND, cash=3),
    ):
        write(store, "add_snapshot", snapshot)

    assert read(store, "latest_snapshot") == last


def test_a_closed_position_is_not_open_and_can_be_opened_again(store: Store, facts: Any) -> None:
    again = replace(facts.position, quantity=1, cost=70_000)

    write(store, "put_position", facts.position)
    write(store, "close_position", SAMSUNG, at=AT, why="stop_loss")

    assert read(store, "positions") == ()
    write(store, "put_position", again)
    assert read(store, "positions") == (again,)


def test_forgetting_what_is_not_there_is_no_error(store: Store) -> None:
    with store.unit_of_work() as unit:
        unit.clear_pending_exit(SAMSUNG)
        unit.clear_halted_symbol(SAMSUNG)
        unit.put_names({}, at=AT)


def test_cleared_exits_and_halts_are_gone_and_others_stay(store: Store, facts: Any) -> None:
    for symbol in (SAMSUNG, HYNIX):
        write(store, "put_pending_exit", replace(facts.pending, symbol=symbol))
        write(store, "put_halted_symbol", symbol, why="확인 필요", at=AT)

    write(store, "clear_pending_exit", SAMSUNG)
    write(store, "clear_halted_symbol", SAMSUNG)

    assert [p.symbol for p in read(store, "pending_exits")] == [HYNIX]
    assert list(read(store, "halted_symbols")) == [HYNIX]


def test_names_are_remembered_with_their_last_confirmation(store: Store) -> None:
    write(store, "put_names", {SAMSUNG: "삼성전자", HYNIX: "하이닉스 🚀"}, at=AT)
    write(store, "put_names", {SAMSUNG: "삼성전자(주)"}, at=AT + SECOND)

    assert read(store, "names") == {
        HYNIX: ("하이닉스 🚀", AT),
        SAMSUNG: ("삼성전자(주)", AT + SECOND),
    }


# -- namespaces


@pytest.mark.req("P-10", "F-083", "F-084")
@pytest.mark.parametrize(
    "other",
    [
        Namespace(mode=TradingMode.REAL, account="50000000-01"),
        Namespace(mode=TradingMode.PAPER, account="50000000-02"),
        Namespace(mode=TradingMode.VIRTUAL, account="50000000-01"),
    ],
)
def test_one_namespace_never_sees_another(
    open_store: OpenStore, maker: Any, other: Namespace, facts: Any
) -> None:
    mine, theirs = open_store(PAPER), open_store(other)
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, intent=maker.intent())
    for store in (mine, theirs):
        with store.unit_of_work() as unit:  # the same keys in both: no conflict
            unit.append_order_events(order, events)
            unit.add_fill(facts.fill)
            unit.put_trade(facts.trade)
            unit.put_position(facts.position)
            unit.put_pending_exit(facts.pending)
            unit.put_risk(facts.risk)
            unit.add_decision(facts.decision)
            unit.add_snapshot(facts.snapshot)
            unit.put_summary(facts.summary)
            unit.put_halted_symbol(SAMSUNG, why="확인", at=AT)

    with mine.unit_of_work() as unit:
        unit.close_position(SAMSUNG, at=AT, why="stop_loss")
        unit.clear_pending_exit(SAMSUNG)
        unit.clear_halted_symbol(SAMSUNG)
        unit.put_risk(replace(facts.risk, start_equity=1))
        unit.put_trade(replace(facts.trade, quantity=9))
        unit.add_decision(facts.decision)

    with theirs.unit_of_work() as unit:
        assert unit.live_orders() == unit.orders_of(DAY) == (order,)
        assert unit.order(order.order_id) == order
        assert unit.events_of(order.order_id) == unit.all_events() == tuple(events)
        assert unit.fills_of(DAY) == (facts.fill,)
        assert unit.trades_of(DAY) == (unit.trade(facts.trade.order_id),) == (facts.trade,)
        assert unit.positions() == (facts.position,)
        assert unit.pending_exits() == (facts.pending,)
        assert unit.risk() == facts.risk
        assert unit.decisions_of(DAY) == (facts.decision,)
        assert unit.latest_snapshot() == facts.snapshot
        assert unit.summary_of(DAY) == facts.summary
        assert unit.halted_symbols() == {SAMSUNG: "확인"}


def test_names_of_symbols_are_shared_by_namespaces(open_store: OpenStore) -> None:
    real = open_store(Namespace(mode=TradingMode.REAL, account="60000000-01"))

    write(open_store(PAPER), "put_names", {SAMSUNG: "삼성전자"}, at=AT)

    assert read(real, "names") == {SAMSUNG: ("삼성전자", AT)}
