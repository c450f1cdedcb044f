"""Execution notices H0STCNI0 and H0STCNI9 before encryption, of 23 fields or the 26 of today.

Fields and their order: kis-wire section 6.4. Quantities are padded with zeros to 10 places on a
notice and 9 for the order's, prices to 9.
"""

from collections.abc import Iterator
from datetime import datetime

from kis_core.market.session import KST
from kis_sandbox.order import Fill, Kind, Order
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire.order_code import CODES, SIDE_CODES

OLD_WIDTH = 23  # of 26 now
_RECEIPT, _FILL = "1", "2"
_RECEIVED, _CONFIRMED, _CANCELLED = "1", "2", "3"
_KINDS = {Kind.NEW: "0", Kind.AMEND: "1", Kind.CANCEL: "2"}


def receipt_notices(
    sandbox: Sandbox, order: Order, *, fields: int, is_remainder: bool = False
) -> Iterator[str]:
    """What is told when an order, amendment or cancellation came in: received, then confirmed
    or, where the exchange would not have it, rejected; or that the rest of an immediate order
    (`is_remainder`) was cancelled."""
    at = order.accepted_at
    if is_remainder:
        gone = order.cancelled_quantity
        yield _notice(sandbox, order, fields, at, quantity=gone, price=0, accepted=_CANCELLED)
        return
    price = order.price
    if order.kind is Kind.NEW and not order.rejected_quantity:
        yield _notice(sandbox, order, fields, at, quantity=order.quantity, price=price)
        return
    yield _notice(
        sandbox,
        order,
        fields,
        at,
        quantity=order.quantity,
        price=price,
        accepted=_CONFIRMED,
        is_refused=bool(order.rejected_quantity),
    )


def fill_notice(sandbox: Sandbox, order: Order, fill: Fill, *, fields: int) -> str:
    """What is told of one fill; its quantity is this fill's alone."""
    return _notice(
        sandbox,
        order,
        fields,
        fill.at,
        quantity=fill.quantity,
        price=fill.price,
        accepted=_CONFIRMED,
        is_fill=True,
    )


def _notice(
    sandbox: Sandbox,
    order: Order,
    fields: int,
    at: datetime,
    *,
    quantity: int,
    price: int,
    accepted: str = _RECEIVED,
    is_fill: bool = False,
    is_refused: bool = False,
) -> str:
    own = sandbox.credentials
    original = order.original_number
    issue = sandbox.listing.find(order.symbol)
    name = issue.instrument.name if issue is not None else ""
    condition = "2" if order.order_type.is_all_or_none else "1" if _is_ioc(order) else "0"
    head = [
        own.hts_id,
        own.account_no + own.product_code,
        order.order_no,
        "" if original is None else f"{original:010d}",
        SIDE_CODES[order.side],
        _KINDS[order.kind],
        CODES[order.order_type],
        condition,
        order.symbol,
        f"{quantity:010d}",
        f"{price:09d}",
        f"{at.astimezone(KST):%H%M%S}",
        "1" if is_refused else "0",
        _FILL if is_fill else _RECEIPT,
        accepted,
        sandbox.branch,
        f"{order.quantity:09d}",
        "모의투자",
    ]
    order_price = f"{order.price if is_fill else 0:09d}"
    if fields == OLD_WIDTH:
        return "^".join([*head, name, "10", "", name, order_price])
    return "^".join([*head, "0" * 9, "1", "Y", "", "10", "", name, order_price])


def _is_ioc(order: Order) -> bool:
    return order.order_type.is_immediate and not order.order_type.is_all_or_none
