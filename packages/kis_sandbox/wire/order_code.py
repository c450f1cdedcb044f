"""ORD_DVSN and its neighbours: the wire's codes for how an order trades. kis-wire section 5.1."""

from kis_sandbox.order import Kind, Order, OrderType, Side

ORDER_TYPES = {
    "00": OrderType.LIMIT,
    "01": OrderType.MARKET,
    "02": OrderType.LIMIT_THEN_MARKET,
    "03": OrderType.BEST_OPPOSITE,
    "04": OrderType.BEST_OWN,
    "11": OrderType.LIMIT_IOC,
    "12": OrderType.LIMIT_FOK,
    "13": OrderType.MARKET_IOC,
    "14": OrderType.MARKET_FOK,
    "15": OrderType.BEST_IOC,
    "16": OrderType.BEST_FOK,
}
ON_PAPER = frozenset({"00", "01", "02", "03", "04"})
CODES = {order_type: code for code, order_type in ORDER_TYPES.items()}
SIDE_CODES = {Side.SELL: "01", Side.BUY: "02"}

_NAMES = {
    OrderType.LIMIT: "지정가",
    OrderType.MARKET: "시장가",
    OrderType.LIMIT_THEN_MARKET: "조건부지정가",
    OrderType.BEST_OPPOSITE: "최유리지정가",
    OrderType.BEST_OWN: "최우선지정가",
    OrderType.LIMIT_IOC: "IOC지정가",
    OrderType.LIMIT_FOK: "FOK지정가",
    OrderType.MARKET_IOC: "IOC시장가",
    OrderType.MARKET_FOK: "FOK시장가",
    OrderType.BEST_IOC: "IOC최유리",
    OrderType.BEST_FOK: "FOK최유리",
}
_SIDE_NAMES = {Side.BUY: "매수", Side.SELL: "매도"}


def order_type_name(order: Order) -> str:
    """ord_dvsn_name."""
    return _NAMES[order.order_type]


def side_name(order: Order) -> str:
    """sll_buy_dvsn_cd_name: 현금매수, 매수정정*, 매수취소*, 매수거부 and the same for sells."""
    side = _SIDE_NAMES[order.side]
    if order.rejected_quantity:
        return f"{side}거부"
    if order.kind is Kind.AMEND:
        return f"{side}정정*"
    if order.kind is Kind.CANCEL:
        return f"{side}취소*"
    return f"현금{side}"


def revision_name(order: Order) -> str:
    """rvse_cncl_dvsn_name: blank on an original."""
    return "" if order.kind is Kind.NEW else side_name(order)


def condition_name(order: Order) -> str:
    """ccld_cndt_name."""
    if order.order_type.is_all_or_none:
        return "FOK"
    return "IOC" if order.order_type.is_immediate else "없음"
