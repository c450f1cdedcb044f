"""What the books keep of a day in memory is what the store has of it, and it is asked for once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from kis_core.orders.event import OrderEventKind as Kind
from kis_core.ports.store import Store, UnitOfWork
from kis_core.session.books import Books

pytestmark = pytest.mark.req("R-07")


class _Counted(Store):
    """A store whose units of work are counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.units = 0

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        self.units += 1
        with self._store.unit_of_work() as unit:
            yield unit


@pytest.mark.parametrize("is_asked_first", [True, False])
def test_the_books_of_a_day_are_the_stores_after_every_commit(
    store: Store, maker: Any, facts: Any, is_asked_first: bool
) -> None:
    books, day = Books(store), maker.session_date
    trade = replace(facts.trade, session_date=day)
    if is_asked_first:
        assert (books.orders_of(day), books.trades_of(day)) == ((), ())
    intents = [maker.intent(), maker.intent("000660", signal="trend:2")]
    histories = [maker.order(Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, intent=i) for i in intents]

    for place in range(4):
        for _, events in histories:
            order, _ = maker.order(
                *(event.kind for event in events[1 : place + 1]), intent=events[0].intent
            )
            with books.writing() as unit:
                unit.append_order_events(order, [events[place]])
            books.keep_order(order)
        grown = replace(trade, quantity=trade.quantity + place)
        with books.writing() as unit:
            unit.put_trade(grown)
        books.keep_trade(grown)

        with store.unit_of_work() as unit:
            orders, trades = unit.orders_of(day), unit.trades_of(day)
        assert len(orders) == 2
        assert {o.order_id: o for o in books.orders_of(day)} == {o.order_id: o for o in orders}
        assert books.trades_of(day) == trades == (grown,)
        if not is_asked_first:
            books = Books(store)  # as after a restart


def test_a_day_is_read_once_and_what_another_wrote_after_a_reload(store: Store, maker: Any) -> None:
    counted, day = _Counted(store), maker.session_date
    books = Books(counted)
    for _ in range(3):
        books.orders_of(day)
        books.trades_of(day)
    read = counted.units

    order, events = maker.order(Kind.SENDING, intent=maker.intent())
    with store.unit_of_work() as unit:
        unit.append_order_events(order, events)
    before = books.orders_of(day)
    books.reload()

    assert read == 1
    assert before == ()
    assert books.orders_of(day) == (order,)


def test_no_more_than_two_days_are_kept_and_the_newest_stays(store: Store) -> None:
    counted = _Counted(store)
    books = Books(counted)
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(5)]
    for day in days:
        books.orders_of(day)
    read = counted.units

    for day in days[-2:]:
        books.orders_of(day)
    kept = counted.units
    books.orders_of(days[0])
    books.orders_of(days[-1])

    assert (read, kept, counted.units) == (5, 5, 6)
