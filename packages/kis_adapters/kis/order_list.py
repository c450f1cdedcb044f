"""The broker's order list from the rows of inquire-daily-ccld, or KisImplausible.

The list has one row an order number, cumulative; a cancel or an amend is a further row with its
own number and `orgn_odno` naming what it changes, and gets folded into the order it began with.
An original may still look open after its cancel was confirmed (seen on paper), so an order is
over when its own row says so or when an accepted row points at it. Source: kis-wire 5.6.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kis_adapters.kis.errors import KisFieldError, KisImplausible
from kis_adapters.kis.holdings import short_code
from kis_adapters.kis.wire import OrderRow
from kis_core.market.session import KST
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerOrder

ENDPOINT = "inquire-daily-ccld"

_Key = tuple[str, int]  # branch and number: unique within one day

_SIDES = {"01": Side.SELL, "02": Side.BUY}
# People's own orders are in the list too, so every documented ORD_DVSN has its kind; those that
# take the book's price are limit orders without a price of their own, and match none of ours.
_MARKET_CODES = frozenset({"01", "13", "14"})
_LIMIT_CODES = frozenset(
    f"{code:02}"
    for code in (0, *range(2, 8), 11, 12, 15, 16, *range(21, 25), *range(27, 30), *range(41, 48))
)
_CANCEL_WORD = "취소"
_AMEND_WORD = "정정"


@dataclass(frozen=True, slots=True)
class _Change:
    """An accepted cancel or amend row and how many shares it took off what it points at."""

    row: OrderRow
    is_cancel: bool

    @property
    def quantity(self) -> int | None:
        """None: all that remained (a cancel of everything may be listed with quantity 0)."""
        return self.row.cncl_cfrm_qty or self.row.ord_qty or None


def orders_from(rows: Sequence[OrderRow], *, session_date: date) -> tuple[BrokerOrder, ...]:
    """The orders accepted on `session_date`, in order of acceptance.

    Raises KisImplausible where rows contradict each other, KisFieldError for an unknown code.
    """
    merged = _merged([row for row in rows if row.ord_dt == session_date])
    changes: dict[_Key, list[_Change]] = defaultdict(list)
    originals: list[OrderRow] = []
    for row in merged.values():
        original = _original_of(row, merged)
        if original is None:
            originals.append(row)
        elif _is_accepted(row):
            changes[original].append(_Change(row, _is_cancel(row)))
    orders = [_order(row, changes) for row in originals]
    return tuple(sorted(orders, key=lambda order: (order.accepted_at, int(order.broker_order_no))))


def _key(row: OrderRow) -> _Key:
    return row.ord_gno_brno, row.odno


def _original_of(row: OrderRow, merged: dict[_Key, OrderRow]) -> _Key | None:
    """What a cancel or amend row changes; None for a row that is an order of its own."""
    if not row.orgn_odno.strip("0"):
        return None
    if not (row.orgn_odno.isascii() and row.orgn_odno.isdigit()):
        raise KisFieldError(ENDPOINT, field="output1.orgn_odno", why="not an order number")
    number = int(row.orgn_odno)
    if (row.ord_gno_brno, number) in merged:
        found = [(row.ord_gno_brno, number)]
    else:  # cancelled elsewhere, at another branch: the number must then say it alone
        found = [key for key in merged if key[1] == number]
    if len(found) != 1 or found[0] == _key(row):
        raise KisImplausible(ENDPOINT, f"a row points at order {number}, not in the list")
    return found[0]


def _is_cancel(row: OrderRow) -> bool:
    if _CANCEL_WORD in row.sll_buy_dvsn_cd_name:
        return True
    return row.cncl_yn == "Y" and _AMEND_WORD not in row.sll_buy_dvsn_cd_name


def _is_accepted(row: OrderRow) -> bool:
    """Whether a cancel or amend took effect; a cancel only asked for is still on its way."""
    if row.rjct_qty:
        return False
    return not _is_cancel(row) or row.cncl_yn == "Y" or row.cncl_cfrm_qty > 0


def _merged(rows: Sequence[OrderRow]) -> dict[_Key, OrderRow]:
    """One row a number. A row repeated to the letter counts once; the parts of an order that the
    broker split between exchanges are summed; anything else is a contradiction.
    """
    by_key: dict[_Key, list[OrderRow]] = defaultdict(list)
    for row in rows:
        if row not in by_key[_key(row)]:
            by_key[_key(row)].append(row)
    return {key: _summed(parts) for key, parts in by_key.items()}


def _summed(parts: Sequence[OrderRow]) -> OrderRow:
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    exchanges = {part.excg_id_dvsn_cd for part in parts}
    is_split = "SOR" in exchanges or len(exchanges) == len(parts)
    same = {(part.pdno, part.sll_buy_dvsn_cd, part.ord_dvsn_cd, part.orgn_odno) for part in parts}
    if not is_split or len(same) != 1:
        raise KisImplausible(ENDPOINT, f"order {first.odno} comes twice with different figures")
    return first.model_copy(
        update={
            name: sum(getattr(part, name) for part in parts)
            for name in (
                "ord_qty",
                "tot_ccld_qty",
                "tot_ccld_amt",
                "rmn_qty",
                "cncl_cfrm_qty",
                "rjct_qty",
            )
        }
    )


def _order(row: OrderRow, changes: dict[_Key, list[_Change]]) -> BrokerOrder:
    """The order that began with `row`, with all that became of it under later numbers."""
    lives = _lives(row, changes)
    filled = sum(life.tot_ccld_qty for life in lives)
    amount = sum(life.tot_ccld_amt for life in lives)
    rejected = row.rjct_qty
    remaining = sum(_open_quantity(life, changes[_key(life)]) for life in lives)
    cancelled = row.ord_qty - filled - rejected - remaining
    if cancelled < 0 or (filled > 0) != (amount > 0):
        raise KisImplausible(ENDPOINT, f"order {row.odno}: its quantities contradict each other")
    last = lives[-1]
    return BrokerOrder(
        broker_order_no=str(row.odno),
        broker_branch=row.ord_gno_brno,
        symbol=short_code(row.pdno, endpoint=ENDPOINT),
        side=_side(row),
        quantity=row.ord_qty,
        order_type=_order_type(last),
        price=Won(last.ord_unpr),
        accepted_at=datetime.combine(row.ord_dt, row.ord_tmd, KST),
        filled_quantity=filled,
        filled_amount=amount,
        cancelled_quantity=cancelled,
        rejected_quantity=rejected,
        is_live=remaining > 0,
    )


def _lives(row: OrderRow, changes: dict[_Key, list[_Change]]) -> list[OrderRow]:
    """`row` and the rows it was amended into, in order of time.

    It ends: rows form no circle, because an original's row is reached only from a row that
    points at nothing.
    """
    lives = [row]
    for change in sorted(changes[_key(row)], key=lambda change: change.row.ord_tmd):
        if not change.is_cancel:
            lives.extend(_lives(change.row, changes))
    return lives


def _open_quantity(row: OrderRow, changes: Sequence[_Change]) -> int:
    """Shares of `row` that may still fill under its own number."""
    if row.rmn_qty == 0:
        return 0
    taken = 0
    for change in changes:
        if change.quantity is None:
            return 0
        taken += change.quantity
    own = row.ord_qty - row.tot_ccld_qty - row.rjct_qty - row.cncl_cfrm_qty
    # The original may or may not count the confirmed cancel itself: the smaller figure holds.
    return max(0, min(own, row.ord_qty - row.tot_ccld_qty - row.rjct_qty - taken))


def _side(row: OrderRow) -> Side:
    if row.sll_buy_dvsn_cd not in _SIDES:
        raise KisFieldError(ENDPOINT, field="output1.sll_buy_dvsn_cd", why="unknown code")
    return _SIDES[row.sll_buy_dvsn_cd]


def _order_type(row: OrderRow) -> OrderType:
    if row.ord_dvsn_cd in _MARKET_CODES:
        return OrderType.MARKET
    if row.ord_dvsn_cd in _LIMIT_CODES:
        return OrderType.LIMIT
    raise KisFieldError(ENDPOINT, field="output1.ord_dvsn_cd", why="unknown code")
