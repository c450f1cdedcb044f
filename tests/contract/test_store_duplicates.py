"""What only one order may hold, also when several programs reach for it at once."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, Side
from kis_core.ports.store import DuplicateOrder, Store, StoreMisfit

OpenStore = Callable[[Namespace], Store]

OTHER_ID = "ffffffffffffffff"


def append(store: Store, order: Any, events: Any) -> None:
    with store.unit_of_work() as unit:
        unit.append_order_events(order, events)


def orders(store: Store, maker: Any) -> Any:
    with store.unit_of_work() as unit:
        return unit.orders_of(maker.session_date)


@pytest.mark.req("O-02", "O-03", "D-05")
@pytest.mark.parametrize(
    "kinds",
    [
        (),
        (Kind.SENDING, Kind.ACCEPTED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED, Kind.FILLED),
    ],
    ids=["pending", "submitted", "partial", "filled"],
)
def test_an_order_of_the_same_key_is_refused(
    store: Store, maker: Any, kinds: tuple[Kind, ...]
) -> None:
    first, events = maker.order(*kinds, intent=maker.intent(quantity=6))
    second, again = maker.order(intent=replace(first.intent, order_id=OTHER_ID))
    append(store, first, events)

    with pytest.raises(DuplicateOrder):
        append(store, second, again)

    assert orders(store, maker) == (first,)


@pytest.mark.req("D-05")
def test_an_order_of_the_same_signal_is_refused_whatever_its_quantity(
    store: Store, maker: Any
) -> None:
    kinds = (Kind.SENDING, Kind.REJECTED)
    first, events = maker.order(*kinds, intent=maker.intent(quantity=10))
    second, again = maker.order(intent=maker.intent(quantity=9))
    assert second.intent.idempotency_key != first.intent.idempotency_key
    append(store, first, events)

    with pytest.raises(DuplicateOrder):
        append(store, second, again)

    assert orders(store, maker) == (first,)


@pytest.mark.req("O-06", "O-15")
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
@pytest.mark.parametrize(
    "kinds",
    [
        (),
        (Kind.SENDING,),
        (Kind.SENDING, Kind.OUTCOME_LOST),
        (Kind.SENDING, Kind.ACCEPTED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.CANCEL_REQUESTED),
    ],
    ids=lambda kinds: kinds[-1] if kinds else "created",
)
def test_a_second_live_order_of_a_symbol_is_refused_on_either_side(
    store: Store, maker: Any, kinds: tuple[Kind, ...], side: Side
) -> None:
    first, events = maker.order(*kinds, intent=maker.intent(signal="trend:1"))
    second, more = maker.order(intent=maker.intent(signal="trend:2", side=side))
    append(store, first, events)

    with pytest.raises(DuplicateOrder):
        append(store, second, more)

    assert orders(store, maker) == (first,)


@pytest.mark.parametrize(
    "kinds",
    [
        (Kind.NOT_SENT,),
        (Kind.SENDING, Kind.REJECTED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.CANCELLED),
        (Kind.SENDING, Kind.ACCEPTED, Kind.FILLED),
    ],
    ids=lambda kinds: kinds[-1],
)
def test_a_symbol_is_free_again_when_its_order_is_over(
    store: Store, maker: Any, kinds: tuple[Kind, ...]
) -> None:
    intent = maker.intent(signal="trend:1", quantity=3)
    events = maker.history(intent, *kinds)
    for count in range(1, len(events) + 1):
        order, _ = maker.order(*kinds[: count - 1], intent=intent)
        append(store, order, events[count - 1 : count])
    second, more = maker.order(intent=maker.intent(signal="trend:2"))

    append(store, second, more)

    assert {order.intent.signal_id for order in orders(store, maker)} == {
        intent.signal_id,
        second.intent.signal_id,
    }


def test_an_order_that_comes_back_to_life_is_refused_while_another_lives(
    store: Store, maker: Any
) -> None:
    lost = (Kind.SENDING, Kind.OUTCOME_LOST, Kind.NOT_RECEIVED)
    first, events = maker.order(*lost, intent=maker.intent(signal="trend:1"))
    second, more = maker.order(intent=maker.intent(signal="trend:2"))
    adopted, history = maker.order(*lost, Kind.ADOPTED, intent=first.intent)
    append(store, first, events)
    append(store, second, more)

    with pytest.raises(DuplicateOrder):
        append(store, adopted, history[-1:])

    found = {order.order_id: order for order in orders(store, maker)}
    assert found == {first.order_id: first, second.order_id: second}


def test_an_event_whose_place_is_taken_is_refused(store: Store, maker: Any) -> None:
    order, events = maker.order(Kind.SENDING, intent=maker.intent())
    other, rivals = maker.order(Kind.NOT_SENT, intent=order.intent)
    append(store, order, events)

    with pytest.raises(DuplicateOrder):
        append(store, other, rivals[1:])

    with store.unit_of_work() as unit:
        assert unit.events_of(order.order_id) == tuple(events)
        assert unit.order(order.order_id) == order


def test_an_event_without_its_predecessor_is_a_misfit(store: Store, maker: Any) -> None:
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent())
    born, first = maker.order(intent=order.intent)
    append(store, born, first)

    with pytest.raises(StoreMisfit):
        append(store, order, events[2:])

    with store.unit_of_work() as unit:
        assert unit.all_events() == tuple(first)


@pytest.mark.parametrize("taken", [[], [0], [1, 0]], ids=["none", "older", "backwards"])
def test_events_that_are_not_the_newest_of_the_order_are_refused(
    store: Store, maker: Any, taken: list[int]
) -> None:
    order, events = maker.order(Kind.SENDING, intent=maker.intent())

    with pytest.raises(ValueError, match="history"):
        append(store, order, [events[place] for place in taken])


def test_the_whole_unit_of_a_duplicate_is_rolled_back(store: Store, maker: Any, facts: Any) -> None:
    first, events = maker.order(intent=maker.intent())
    second, more = maker.order(intent=maker.intent("000660"))
    append(store, first, events)

    def repeat() -> None:
        with store.unit_of_work() as unit:
            unit.put_position(facts.position)
            unit.append_order_events(second, more)
            unit.append_order_events(first, events)

    with pytest.raises(DuplicateOrder):
        repeat()

    with store.unit_of_work() as unit:
        assert unit.positions() == ()
        assert unit.all_events() == tuple(events)


@pytest.mark.req("O-02")
def test_a_second_trade_of_the_same_key_is_refused(store: Store, facts: Any) -> None:
    with store.unit_of_work() as unit:
        unit.put_trade(facts.trade)

    def repeat() -> None:
        with store.unit_of_work() as unit:
            unit.put_trade(replace(facts.trade, order_id=OTHER_ID))

    with pytest.raises(DuplicateOrder):
        repeat()

    with store.unit_of_work() as unit:
        assert unit.trades_of(facts.trade.session_date) == (facts.trade,)


def test_ids_that_differ_in_case_are_different(store: Store, maker: Any) -> None:
    pairs = [
        maker.order(intent=replace(maker.intent(symbol, signal=text), order_id=f"o-{text}"))
        for symbol, text in (("0126Z0", "a1"), ("0126z0", "A1"))
    ]
    lower, upper = [
        replace(order.intent, idempotency_key=key, signal_id=key)
        for (order, _), key in zip(pairs, ("key-a", "key-A"), strict=True)
    ]

    for intent in (lower, upper):
        append(store, *maker.order(intent=intent))

    with store.unit_of_work() as unit:
        assert unit.order("o-a1") is not None
        assert unit.order("o-A1") is not None
        assert unit.order("O-a1") is None
        assert {o.intent.symbol for o in unit.live_orders()} == {"0126Z0", "0126z0"}


# -- at once


@pytest.mark.req("D-05", "F-014")
@pytest.mark.parametrize("same", ["key", "signal", "symbol"])
def test_of_threads_with_the_same_intention_one_wins(
    open_store: OpenStore, maker: Any, same: str
) -> None:
    intents = [_rival(maker, number, same) for number in range(6)]
    rivals = [maker.order(intent=intent) for intent in intents]
    barrier = threading.Barrier(len(rivals))
    outcomes: list[str] = []

    def compete(order: Any, events: Any) -> None:
        store = open_store(maker.namespace)
        barrier.wait()
        try:
            append(store, order, events)
        except DuplicateOrder:
            outcomes.append("refused")
        else:
            outcomes.append("won")

    threads = [threading.Thread(target=compete, args=rival) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(outcomes) == ["refused"] * 5 + ["won"]
    assert len(orders(open_store(maker.namespace), maker)) == 1


def _rival(maker: Any, number: int, same: str) -> Any:
    if same == "key":
        return maker.intent()
    if same == "signal":
        return maker.intent(quantity=number + 1)
    return maker.intent(signal=f"trend:{number}")


_RIVAL = textwrap.dedent("""
    import importlib.util, sys
    from kis_adapters.sql.database import open_database
    from kis_adapters.sql.store import SqlStore
    from kis_core.ports.store import DuplicateOrder

    specification = importlib.util.spec_from_file_location("facts", sys.argv[1])
    facts = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(facts)
    maker = facts.OrderMaker()
    order, events = maker.order(intent=maker.intent())
    store = SqlStore(open_database(sys.argv[2]), maker.namespace)
    with store.unit_of_work() as unit:
        unit.live_orders()
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with store.unit_of_work() as unit:
            unit.append_order_events(order, events)
    except DuplicateOrder:
        print("refused")
    else:
        print("won")
""")


@pytest.mark.req("D-05", "F-014")
def test_of_processes_with_the_same_intention_one_wins(store_url: str) -> None:
    engine = open_database(store_url)
    initialize_schema(engine)
    engine.dispose()
    arguments = [sys.executable, "-c", _RIVAL, str(Path(__file__).parent / "conftest.py")]
    rivals = [
        subprocess.Popen(
            [*arguments, store_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"

    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()

    outcomes = sorted(rival.communicate(timeout=60)[0] for rival in rivals)
    assert outcomes == ["refused\n", "refused\n", "won\n"]
