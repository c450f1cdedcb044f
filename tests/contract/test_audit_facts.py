"""A fact as it is committed and as it is read back from its line: one and the same."""

from typing import Any

import pytest

from kis_adapters.audit.fact import (
    Fact,
    closed_fact,
    decision_fact,
    fact_of,
    order_event_fact,
    position_fact,
    risk_fact,
    trade_fact,
)
from kis_adapters.audit.known import Known
from kis_adapters.audit.line import ORIGIN, opened, sealed
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import TradingMode
from kis_core.risk.state import RiskRecord
from tests.contract.conftest import AT, SAMSUNG, Facts

_RISK = RiskRecord(session_date=AT.date(), start_equity=10_000_000, high_water_mark=10_500_000)
_FACTS = [
    decision_fact(Facts.decision),
    trade_fact(Facts.trade),
    position_fact(Facts.position, at=AT),
    risk_fact(_RISK, at=AT),
]


def read_back(fact: Fact) -> Fact:
    """Through a line of the trail, as a restart reads it."""
    raw, _ = sealed(fact.record(TradingMode.PAPER), after=ORIGIN)
    return fact_of(opened(raw).record)


@pytest.mark.parametrize("fact", _FACTS, ids=lambda fact: str(fact.kind))
def test_a_fact_that_was_read_back_is_no_news(fact: Fact) -> None:
    known = Known()
    assert known.is_news(fact)

    known.take(read_back(fact))

    assert not known.is_news(fact)


def test_each_event_of_an_order_is_news_once_and_has_the_orders_id(maker: Any) -> None:
    known = Known()
    _, events = maker.order(Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, intent=maker.intent())
    facts = [order_event_fact(event) for event in events]

    for fact in facts:
        assert known.is_news(fact)
        known.take(read_back(fact))

    assert [known.is_news(fact) for fact in facts] == [False] * 4
    assert {fact.record(TradingMode.PAPER)["order_id"] for fact in facts} == {events[0].order_id}


def test_a_position_is_news_again_when_it_changed_and_its_end_once(facts: Any) -> None:
    known = Known()
    held = position_fact(facts.position, at=AT)
    known.take(read_back(held))
    closed = closed_fact(SAMSUNG, at=AT, why="stop_loss")

    assert known.open_symbols == {SAMSUNG}
    assert known.is_news(closed)
    known.take(read_back(closed))
    assert not known.is_news(closed)
    assert known.is_news(held)


def test_memory_is_that_of_two_checkpoints(maker: Any) -> None:
    known = Known()
    fact = order_event_fact(maker.history(maker.intent())[0])
    known.take(fact)

    known.turn()
    assert not known.is_news(fact)  # the checkpoint before it still counts
    known.turn()
    assert known.is_news(fact)
