"""When the virtual account says no: what a broker checks before it takes an order."""

from kis_adapters.virtual.ledger import VirtualOrder, reserved
from kis_core.market.cost import Commission
from kis_core.market.quote import Quote
from kis_core.market.tick import is_on_tick
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import RefusalKind, Rejected


def refusal_of(
    order: VirtualOrder, quote: Quote, *, sellable: int, orderable: int, commission: Commission
) -> Rejected | None:
    """Why `order` is not taken; None when it is. `sellable` is shares, `orderable` won."""
    if quote.is_halted:
        return _no(RefusalKind.NOT_TRADABLE, "HALTED", "거래가 정지된 종목입니다.")
    if order.order_type is OrderType.LIMIT:
        if not is_on_tick(order.price, order.instrument.product, order.session_date):
            return _no(RefusalKind.PRICE, "TICK", f"호가 단위가 아닌 가격입니다: {order.price:,}")
        if not quote.lower_limit <= order.price <= quote.upper_limit:
            return _no(RefusalKind.PRICE, "LIMIT", f"가격 제한폭을 벗어났습니다: {order.price:,}")
    if order.side is Side.SELL and order.quantity > sellable:
        return _no(RefusalKind.INSUFFICIENT_QUANTITY, "QUANTITY", "매도 가능 수량이 부족합니다.")
    if order.side is Side.BUY and reserved(order, commission) > orderable:
        return _no(RefusalKind.INSUFFICIENT_CASH, "CASH", "주문 가능 금액이 부족합니다.")
    return None


def _no(kind: RefusalKind, code: str, why: str) -> Rejected:
    return Rejected(kind=kind, code=f"VIRTUAL-{code}", why=why)
