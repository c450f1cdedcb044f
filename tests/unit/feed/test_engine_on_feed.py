"""The engine fed by a stream: stops at once, fills at once, and nothing else than by REST."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from kis_adapters.memory.world import SAMSUNG, World
from kis_core.market.minute_bar import MinuteBar
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print, day_number, hms_number
from kis_core.market.won import Won
from kis_core.orders.identity import Side
from kis_core.ports.feed import Arrived, Feed, FeedChange, FeedState, OrderHint
from kis_core.ports.notifier import Event, EventKind


class HandFeed(Feed):
    """A feed that tells what a test puts in."""

    def __init__(self) -> None:
        self.next = Arrived(state=FeedState.LIVE, live=frozenset({SAMSUNG}))
        self.desires: list[tuple[list[Symbol], list[Symbol]]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        self.desires.append((list(held), list(others)))

    def drain(self) -> Arrived:
        told = self.next
        self.next = Arrived(state=told.state, live=told.live)
        return told

    def counts(self) -> Mapping[str, int]:
        return {}


class Fed:
    """A world whose engine is fed, at 09:05 with one share bought at 70,300 (stop 69,500)."""

    def __init__(self, *, buys: bool = True) -> None:
        self.feed = HandFeed()
        self.world = World()
        self.world.list_symbol(SAMSUNG, last_close=70_000)
        self.world.wrap = lambda ports: replace(ports, feed=self.feed)
        self.world.restart()
        self.world.market.set_price(SAMSUNG, 70_050)
        if not buys:
            self.world.run_until(self.world.at(9, 1, 20))
            return
        self.world.run_until(self.world.at(9, 1, 30))
        self.world.market.set_price(SAMSUNG, 70_300)
        self.world.run_until(self.world.at(9, 5))
        assert self.world.engine.books.positions[SAMSUNG].quantity == 1

    def prints(self, price: int, *, trades: bool = True) -> None:
        """Trade at `price`: told by the feed, and where `trades` is set at the market too."""
        if trades:
            self.world.market.set_price(SAMSUNG, price)
        now = self.world.clock.now()
        one = Print(
            SAMSUNG,
            day_number(now.date()),
            hms_number(now),
            price,
            price - 70_000,
            70_050,
            max(70_300, price),
            min(70_050, price),
            1,
            1_000,
            70_000_000,
            False,
        )
        self.feed.next = replace(self.feed.next, prints={SAMSUNG: one})

    def hint(self, number: str) -> None:
        hint = OrderHint(broker_order_no=number, symbol=SAMSUNG, at=self.world.clock.now())
        self.feed.next = replace(self.feed.next, hints=(*self.feed.next.hints, hint))

    def bar(self, price: int) -> None:
        """The minute before this one is over, with a print at `price`."""
        one = MinuteBar(
            symbol=SAMSUNG,
            starts_at=self.world.clock.now().replace(second=0) - timedelta(minutes=1),
            open=Won(price),
            high=Won(price),
            low=Won(price),
            close=Won(price),
            volume=1,
            prints=1,
        )
        self.feed.next = replace(self.feed.next, bars=(*self.feed.next.bars, one))

    def sales(self) -> int:
        return self._orders(Side.SELL)

    def purchases(self) -> int:
        return self._orders(Side.BUY)

    def told(self, kind: EventKind) -> list[Event]:
        return [event for event in self.world.notifier.events if event.kind is kind]

    def _orders(self, side: Side) -> int:
        orders = self.world.broker.orders_of(self.world.clock.now().date())
        return len([order for order in orders if order.side is side])


@pytest.fixture
def fed() -> Fed:
    return Fed()


@pytest.mark.req("W-01", "M-02")
def test_a_print_below_the_stop_sells_in_the_same_instant(fed: Fed) -> None:
    fed.world.clock.set(fed.world.at(9, 5, 17))
    fed.prints(69_400)

    fed.world.engine.step()

    assert fed.sales() == 1
    assert fed.world.clock.now() == fed.world.at(9, 5, 17)


@pytest.mark.req("F-060")
def test_a_stop_is_watched_although_nothing_prints(fed: Fed) -> None:
    fed.world.market.set_price(SAMSUNG, 69_400)

    fed.world.run_until(fed.world.at(9, 6, 1))

    assert fed.sales() == 1


@pytest.mark.req("F-063", "W-06")
def test_an_old_print_above_the_stop_does_not_hide_the_price_below_it(fed: Fed) -> None:
    fed.world.clock.set(fed.world.at(9, 5, 1))
    fed.prints(70_300)
    fed.world.engine.step()
    fed.world.market.set_price(SAMSUNG, 69_400)  # and not a word of it from the feed

    fed.world.run_until(fed.world.at(9, 6, 1))

    assert fed.sales() == 1


@pytest.mark.req("W-05")
def test_a_lost_feed_leaves_the_stop_to_rest_within_one_cycle(fed: Fed) -> None:
    at = fed.world.clock.now()
    change = FeedChange(at=at, state=FeedState.DOWN, why="silence")
    fed.feed.next = Arrived(state=FeedState.DOWN, live=frozenset(), changes=(change,))
    fed.world.market.set_price(SAMSUNG, 69_400)

    fed.world.run_until(fed.world.at(9, 6, 1))

    assert fed.sales() == 1


@pytest.mark.req("W-04", "O-08")
def test_a_notice_brings_the_fill_at_once_and_repeats_of_it_nothing(fed: Fed) -> None:
    fed.world.clock.set(fed.world.at(9, 5, 17))
    fed.prints(69_400)
    fed.world.engine.step()
    live = len(fed.world.engine.books.live_orders)
    fed.world.clock.set(fed.world.clock.now() + timedelta(milliseconds=300))
    for _ in range(5):
        fed.hint("2")

    fed.world.engine.step()
    closed = dict(fed.world.engine.books.positions)
    fed.hint("2")
    fed.world.run_until(fed.world.at(9, 10))

    assert live == 1
    assert closed == {}
    assert fed.sales() == 1
    assert fed.world.broker.account().holding(SAMSUNG) is None


@pytest.mark.req("O-08")
def test_a_notice_of_a_fill_that_never_was_books_nothing(fed: Fed) -> None:
    fed.hint("777")
    fed.hint("1")

    fed.world.engine.step()

    assert fed.world.engine.books.positions[SAMSUNG].quantity == 1
    assert fed.sales() == 0


@pytest.mark.req("W-07")
def test_what_is_held_is_wanted_first(fed: Fed) -> None:
    fed.world.engine.step()

    assert fed.feed.desires == [([], [SAMSUNG]), ([SAMSUNG], [])]


@pytest.fixture
def candidate() -> Fed:
    """The same at 09:01:20, nothing bought: the price has not broken out yet."""
    return Fed(buys=False)


@pytest.mark.req("W-02")
def test_a_completed_minute_is_judged_without_waiting_for_the_interval(candidate: Fed) -> None:
    candidate.prints(70_300)
    candidate.bar(70_300)

    candidate.world.engine.step()

    assert candidate.world.clock.now() == candidate.world.at(9, 1, 20)
    assert candidate.purchases() == 1


@pytest.mark.req("W-02")
def test_a_print_alone_enters_nothing(candidate: Fed) -> None:
    candidate.prints(70_300)

    candidate.world.engine.step()

    assert candidate.purchases() == 0


@pytest.mark.req("W-02", "R-02")
def test_a_completed_minute_enters_nothing_while_entries_are_stopped(candidate: Fed) -> None:
    candidate.world.kill_switch.text = "시험"
    candidate.prints(70_300)
    candidate.bar(70_300)

    candidate.world.engine.step()

    assert candidate.purchases() == 0


@pytest.mark.req("W-02")
def test_without_a_young_price_a_completed_minute_asks_nobody(candidate: Fed) -> None:
    asked = dict(candidate.world.market.calls)
    candidate.world.market.set_price(SAMSUNG, 70_300)
    candidate.bar(70_300)

    candidate.world.engine.step()

    assert (candidate.purchases(), candidate.world.market.calls) == (0, asked)
