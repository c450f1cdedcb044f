"""The Store port, sentence by sentence, in memory, on SQLite and on MariaDB."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.event import Evidence
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, Side, TradingMode
from kis_core.ports.store import Store
from kis_core.positions.position import PositionSource
from kis_core.risk.state import RiskRecord

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


# -- the empty database


@pytest.mark.parametrize(
    ("question", "arguments", "answer"),
    [
        ("order", ["0a1b"], None),
        ("live_orders", [], ()),
        ("orders_of", [DAY], ()),
        ("events_of", ["0a1b"], ()),
        ("all_events", [], ()),
        ("fills_of", [DAY], ()),
        ("trade", ["0a1b"], None),
        ("trades_of", [DAY], ()),
        ("positions", [], ()),
        ("pending_exits", [], ()),
        ("risk", [], None),
        ("decisions_of", [DAY], ()),
        ("latest_snapshot", [], None),
        ("summary_of", [DAY], None),
        ("names", [], {}),
        ("halted_symbols", [], {}),
    ],
)
def test_an_empty_database_answers_with_nothing(
    open_store: OpenStore, question: str, arguments: list[Any], answer: object
) -> None:
    store = open_store(PAPER)

    assert read(store, question, *arguments) == answer


# -- what is written comes back


HISTORIES = [
    (),
    (Kind.SENDING,),
    (Kind.SENDING, Kind.OUTCOME_LOST),
    (Kind.SENDING, Kind.REJECTED),
    (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, Kind.CANCEL_REQUESTED),
    (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, Kind.FILLED, Kind.CANCEL_REQUESTED, Kind.CANCELLED),
    (Kind.SENDING, Kind.OUTCOME_LOST, Kind.ADOPTED, Kind.FILLED),
]


@pytest.mark.req("F-089", "F-016")
@pytest.mark.parametrize("kinds", HISTORIES, ids=lambda kinds: "-".join(kinds) or "created")
def test_an_order_and_its_history_come_back_as_they_were(
    open_store: OpenStore, maker: Any, kinds: tuple[Kind, ...]
) -> None:
    order, events = maker.order(*kinds, intent=maker.intent())

    write(open_store(PAPER), "append_order_events", order, events)

    after_restart = open_store(PAPER)
    assert read(after_restart, "order", order.order_id) == order
    assert read(after_restart, "events_of", order.order_id) == tuple(events)


@pytest.mark.parametrize("kinds", HISTORIES, ids=lambda kinds: "-".join(kinds) or "created")
def test_events_appended_one_by_one_leave_the_order_of_their_fold(
    store: Store, maker: Any, kinds: tuple[Kind, ...]
) -> None:
    intent = maker.intent()
    _, events = maker.order(*kinds, intent=intent)

    for count in range(len(events)):
        order, _ = maker.order(*kinds[:count], intent=intent)
        write(store, "append_order_events", order, events[count : count + 1])

        assert read(store, "order", intent.order_id) == order
    assert read(store, "events_of", intent.order_id) == tuple(events)


@pytest.mark.req("P-09")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gap_checked_on": None, "gap_triggered_on": None, "entry_order_id": None},
        {"is_trailing": False, "source": PositionSource.STRATEGY},
    ],
)
def test_a_position_comes_back_exactly(
    open_store: OpenStore, changes: dict[str, Any], facts: Any
) -> None:
    position = replace(facts.position, **changes)

    write(open_store(PAPER), "put_position", position)

    assert read(open_store(PAPER), "positions") == (position,)


@pytest.mark.parametrize(
    ("put", "fact", "get", "arguments"),
    [
        ("add_fill", "fill", "fills_of", [DAY]),
        ("put_trade", "trade", "trades_of", [DAY]),
        ("put_pending_exit", "pending", "pending_exits", []),
        ("put_risk", "risk", "risk", []),
        ("add_decision", "decision", "decisions_of", [DAY]),
        ("add_snapshot", "snapshot", "latest_snapshot", []),
        ("put_summary", "summary", "summary_of", [DAY]),
    ],
)
def test_a_fact_comes_back_exactly(
    open_store: OpenStore, put: str, fact: str, get: str, arguments: list[Any], facts: Any
) -> None:
    value = getattr(facts, fact)

    write(open_store(PAPER), put, value)

    assert read(open_store(PAPER), get, *arguments) in (value, (value,))


def test_the_trade_of_an_order_is_found_by_the_order(store: Store, facts: Any) -> None:
    bought = replace(facts.trade, side=Side.BUY, round_trip_pnl=None)

    write(store, "put_trade", bought)

    assert read(store, "trade", facts.trade.order_id) == bought
    assert read(store, "trade", "ffffffffffffffff") is None


def test_a_risk_record_without_its_optional_parts_comes_back(store: Store) -> None:
    record = RiskRecord(session_date=DAY, start_equity=1, high_water_mark=2)

    write(store, "put_risk", record)

    assert read(store, "risk") == record


def test_the_kinds_of_evidence_values_are_kept(store: Store, facts: Any) -> None:
    evidence: Evidence = {"b": True, "i": 1, "f": 1.0, "s": "1", "n": None}

    write(store, "add_decision", replace(facts.decision, evidence=evidence))

    (decision,) = read(store, "decisions_of", DAY)
    assert [(k, type(v)) for k, v in decision.evidence.items()] == [
        (k, type(v)) for k, v in evidence.items()
    ]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    atr=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    entered_at=st.datetimes(
        min_value=datetime.fromisoformat("2000-01-02"),
        max_value=datetime.fromisoformat("2099-01-01"),
        timezones=st.just(KST),
    ),
)
def test_every_float_and_every_microsecond_comes_back(
    store: Store, atr: float, entered_at: datetime, facts: Any
) -> None:
    levels = replace(facts.position.levels, atr=atr)
    position = replace(facts.position, levels=levels, entered_at=entered_at)

    write(store, "put_position", position)

    (found,) = read(store, "positions")
    assert found.levels.atr.hex() == atr.hex()
    assert found.entered_at == entered_at


def test_an_instant_of_another_zone_comes_back_in_kst(store: Store, facts: Any) -> None:
    utc = datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC)

    write(store, "add_snapshot", replace(facts.snapshot, at=utc))

    at = read(store, "latest_snapshot").at
    assert at == utc
    if type(store).__name__ == "SqlStore":
        assert at.isoformat() == "2026-03-03T08:59:59.999999+09:00"


def test_a_naive_instant_is_refused(store: Store, facts: Any) -> None:
    with pytest.raises(ValueError, match="naive"):
        write(store, "add_snapshot", replace(facts.snapshot, at=AT.replace(tzinfo=None)))

    assert read(store, "latest_snapshot") is None


# -- units of work


@pytest.mark.req("O-09")
def test_a_unit_that_raises_leaves_nothing(store: Store, maker: Any, facts: Any) -> None:
    order, events = maker.order(intent=maker.intent())

    def die_half_way() -> None:
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
            unit.add_fill(facts.fill)
            unit.put_trade(facts.trade)
            unit.put_position(facts.position)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_half_way()

    assert read(store, "all_events") == ()
    assert read(store, "order", order.order_id) is None
    assert read(store, "fills_of", DAY) == ()
    assert read(store, "trades_of", DAY) == ()
    assert read(store, "positions") == ()


def test_a_unit_sees_its_own_writes(store: Store, facts: Any) -> None:
    with store.unit_of_work() as unit:
        unit.put_position(facts.position)
        unit.add_fill(facts.fill)

        assert unit.positions() == (facts.position,)
        assert unit.fills_of(DAY) == (facts.fill,)


def test_a_unit_whose_error_was_swallowed_does_not_look_committed(store: Store, facts: Any) -> None:
    def swallow() -> None:
        with store.unit_of_work() as unit:
            unit.put_position(facts.position)
            with suppress(ValueError):  # what a careless caller does
                unit.add_snapshot(replace(facts.snapshot, at=AT.replace(tzinfo=None)))
            with pytest.raises(ValueError, match="naive"):
                unit.positions()

    with pytest.raises(ValueError, match="naive"):
        swallow()

    assert read(store, "positions") == ()
