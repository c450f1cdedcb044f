"""Orders whose answer was lost: only the broker's own list decides what became of them (O-05).

One row that fits: it is the order. None, once the list had its time to show it: the broker never
had it, and the signal may be ordered again. Several, or one whose time does not fit: a person
must look. A list can settle later than we waited, so what was given up is looked for as long as
its day's list is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kis_core.orders.event import OrderEventKind
from kis_core.orders.fingerprint import candidates
from kis_core.orders.identity import Side
from kis_core.orders.order import Order, OrderStatus
from kis_core.ports.broker import BrokerOrder
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.journal import OrderJournal, numbered
from kis_core.session.ledger import Ledger
from kis_core.session.settings import OrderSettings

NOT_RECEIVED = "not_received"
STALE = "stale"

_SECOND = timedelta(seconds=1)  # the broker's times have whole seconds
_ALL_DAY = timedelta(days=1)
_ON_ITS_WAY = timedelta(seconds=60)  # longer than any request of ours can be under way


@dataclass(slots=True)
class _Search:
    """How long an order whose answer was lost has been looked for, in this process."""

    lookups: int = 0
    last_at: datetime | None = None


@dataclass(slots=True)
class LostAnswers:
    """Finds orders in the broker's list, or concludes that it never had them."""

    journal: OrderJournal
    ledger: Ledger
    settings: OrderSettings
    _searches: dict[str, _Search] = field(default_factory=dict)

    def search(
        self, order: Order, listed: Sequence[BrokerOrder], *, claimed: frozenset[str]
    ) -> None:
        """Decide about one order. `claimed`: numbers that are other orders' for certain."""
        found = candidates(order, listed, claimed=claimed, skew=self.settings.skew)
        if len(found) == 1:
            self._searches.pop(order.order_id, None)
            self._adopt(order, found[0])
        elif found:
            numbers = ", ".join(row.broker_order_no for row in found)
            self.journal.halt(order, f"같은 모양의 주문이 여럿입니다: {numbers}")
        elif self._is_settled(order):
            self._give_up(order, listed, claimed)

    def find_late(
        self, ours: Sequence[Order], listed: Sequence[BrokerOrder], *, claimed: frozenset[str]
    ) -> frozenset[str]:
        """Take back those of our orders that were given up and are in the list after all.

        Returns the numbers that such orders account for, those included that must wait because
        the symbol has another live order.
        """
        taken = set[str]()
        for order in filter(is_given_up, ours):
            known = claimed | frozenset(taken)
            rows = candidates(order, listed, claimed=known, skew=self.settings.skew)
            latest = _latest_acceptance(order, ours)
            rows = tuple(row for row in rows if row.accepted_at <= latest)
            if not rows:
                continue
            taken.add(rows[0].broker_order_no)
            other = self.journal.books.live_order_of(order.intent.symbol)
            if not (rows[0].is_live and other is not None):
                self._adopt(order, rows[0])
        return frozenset(taken)

    def _adopt(self, order: Order, row: BrokerOrder) -> None:
        adopted = numbered(order, OrderEventKind.ADOPTED, row, self.journal.now())
        self.ledger.absorb(order, row, adopted=adopted)

    def _is_settled(self, order: Order) -> bool:
        """Whether the list had its time to show the order. Looks too close together count once."""
        limits, now = self.settings, self.journal.now()
        search = self._searches.setdefault(order.order_id, _Search())
        if search.last_at is None or not timedelta(0) <= now - search.last_at < (
            limits.settle_interval
        ):
            search.lookups, search.last_at = search.lookups + 1, now
        settle = limits.settle_buy if order.intent.side is Side.BUY else limits.settle_sell
        waited = now - (order.sent_at or now)
        return search.lookups >= limits.settle_lookups and waited >= settle

    def _give_up(
        self, order: Order, listed: Sequence[BrokerOrder], claimed: frozenset[str]
    ) -> None:
        """The broker never had it, unless a row fits in all but its time: then a clock is wrong,
        and ordering again could be ordering twice."""
        doubtful = candidates(order, listed, claimed=claimed, skew=_ALL_DAY)
        if doubtful:
            number = doubtful[0].broker_order_no
            self.journal.halt(order, f"접수 시각이 맞지 않는 같은 모양의 주문이 있습니다: {number}")
            return
        self._searches.pop(order.order_id, None)
        age = self.journal.now() - order.updated_at
        if age >= self.settings.stale_without_number:
            order = self.journal.append(order, OrderEventKind.CANCELLED, code=STALE)
            self.journal.tell(EventKind.ORDER_CANCELLED, order, Level.WARNING, code=STALE)
        else:
            order = self.journal.append(order, OrderEventKind.NOT_RECEIVED, code=NOT_RECEIVED)
            self.journal.tell(EventKind.ORDER_FAILED, order, Level.WARNING, code=NOT_RECEIVED)


def _latest_acceptance(order: Order, ours: Sequence[Order]) -> datetime:
    """What the broker took later than this is something else: a later order of ours, or one that
    was given by hand."""
    sent_at = order.sent_at or order.created_at
    later = [
        other.sent_at - _SECOND
        for other in ours
        if other.sent_at is not None
        and other.sent_at > sent_at
        and (other.intent.symbol, other.intent.side) == (order.intent.symbol, order.intent.side)
    ]
    return min([sent_at + _ON_ITS_WAY, *later])


def is_given_up(order: Order) -> bool:
    """Whether it ended because the list did not show it."""
    return order.status is OrderStatus.FAILED and order.code == NOT_RECEIVED
