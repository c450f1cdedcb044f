"""The projection rebuilt from the truth: `order_state` is the fold of `order_events`."""

from sqlalchemy import Engine

from kis_adapters.sql.order_tables import last_fill_id
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEvent
from kis_core.orders.identity import Namespace
from kis_core.orders.order import fold


def rebuild_order_state(engine: Engine, namespace: Namespace) -> int:
    """Replace the namespace's `order_state` rows by the fold of its events; how many there are.

    One transaction: other readers see the old rows or the new ones. Raises IllegalTransition for
    a history that no order can have, and the errors of the Store port.
    """
    with SqlStore(engine, namespace).unit_of_work() as unit:
        histories: dict[str, list[OrderEvent]] = {}
        for event in unit.all_events():
            histories.setdefault(event.order_id, []).append(event)
        unit.replace_all_orders(
            [(fold(events), last_fill_id(events)) for events in histories.values()]
        )
    return len(histories)
