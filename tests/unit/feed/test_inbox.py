"""The inbox stays small and keeps the newest, whatever comes and whoever reads."""

import threading
from datetime import date, datetime

import pytest

from kis_core.market.minute_bar import MinuteBars
from kis_core.market.session import KST, regular_session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print
from kis_core.ports.feed import FeedChange, FeedProblem, FeedState, OrderHint
from kis_core.session.inbox import Inbox

DAY = date(2026, 11, 24)
A, B = Symbol("005930"), Symbol("000660")
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=KST)


def a_print(hms: int, price: int, volume: int, symbol: Symbol = A) -> Print:
    return Print(symbol, 20261124, hms, price, 0, 0, 0, 0, 1, volume, 0, False)


def a_hint(number: int) -> OrderHint:
    return OrderHint(broker_order_no=str(number), symbol=A, at=NOW)


@pytest.fixture
def inbox() -> Inbox:
    made = Inbox(threading.Lock(), bars=MinuteBars())
    made.begin(regular_session(DAY))
    return made


@pytest.mark.req("F-064")
def test_under_load_the_newest_print_of_a_symbol_is_kept_and_the_others_counted(
    inbox: Inbox,
) -> None:
    inbox.put_prints([a_print(100000, 700 + n, 10 + n) for n in range(1_000)])
    inbox.put_prints([a_print(100000, 5, 1, B)])

    arrived = inbox.drain()

    assert {s: p.price for s, p in arrived.prints.items()} == {A: 1_699, B: 5}
    assert inbox.replaced == 999


@pytest.mark.req("W-02")
def test_an_older_print_never_replaces_a_newer_one_even_when_that_was_taken(inbox: Inbox) -> None:
    inbox.put_prints([a_print(100001, 710, 20)])
    inbox.drain()

    inbox.put_prints([a_print(100000, 700, 10), a_print(100001, 710, 20)])

    assert inbox.drain().prints == {}


def test_what_was_taken_does_not_come_again(inbox: Inbox) -> None:
    inbox.put_prints([a_print(100000, 700, 10)])
    inbox.put_hint(a_hint(1))
    inbox.close_minutes(NOW.replace(minute=2))

    first, second = inbox.drain(), inbox.drain()

    assert (len(first.prints), len(first.bars), len(first.hints)) == (1, 1, 1)
    assert (len(second.prints), len(second.bars), len(second.hints)) == (0, 0, 0)


@pytest.mark.req("F-064")
def test_hints_and_bars_nobody_reads_are_bounded_and_counted(inbox: Inbox) -> None:
    for number in range(1_500):
        inbox.put_hint(a_hint(number))
    symbols = [Symbol(f"{n:06d}") for n in range(300)]
    for minute in range(10):
        inbox.put_prints([a_print(100000 + 100 * minute, 1, 1 + minute, s) for s in symbols])
    inbox.close_minutes(NOW.replace(hour=11))

    arrived = inbox.drain()

    assert len(arrived.hints) == 1_000
    assert arrived.hints[-1].broker_order_no == "1499"
    assert inbox.dropped_hints == 500
    assert len(arrived.bars) == 41 * 60
    assert inbox.dropped_bars == 3_000 - 41 * 60


def test_prints_outside_the_session_are_no_news(inbox: Inbox) -> None:
    inbox.put_prints([a_print(160000, 700, 10)])

    assert inbox.drain().prints == {}


def test_state_and_registrations_stay_until_they_change(inbox: Inbox) -> None:
    inbox.put_change(FeedChange(at=NOW, state=FeedState.LIVE, why="connected"))
    inbox.put_problem(FeedProblem(at=NOW, what="x", why="y"))
    inbox.put_live(frozenset({A}))

    first, second = inbox.drain(), inbox.drain()

    assert [c.state for c in first.changes] == [FeedState.LIVE]
    assert (first.live, first.state, len(first.problems)) == (frozenset({A}), FeedState.LIVE, 1)
    assert (second.live, second.state) == (frozenset({A}), FeedState.LIVE)
    assert (second.changes, second.problems) == ((), ())


@pytest.mark.req("F-064")
def test_a_writer_and_a_reader_of_different_threads_lose_nothing(inbox: Inbox) -> None:
    def write() -> None:
        for number in range(1_000):
            inbox.put_hint(a_hint(number))
            inbox.put_prints([a_print(100000, 1, number)])

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[str] = []
    while writer.is_alive():
        seen += [hint.broker_order_no for hint in inbox.drain().hints]
    writer.join()
    seen += [hint.broker_order_no for hint in inbox.drain().hints]

    assert len(seen) + inbox.dropped_hints == 1_000
    assert seen == sorted(seen, key=int)
