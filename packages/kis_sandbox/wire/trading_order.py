"""order-cash and order-rvsecncl. Source: kis-wire sections 5.1 and 5.2."""

from datetime import timedelta

from kis_sandbox.faults import Fault, FaultKind
from kis_sandbox.order import Mishap, Order, OrderType, Side
from kis_sandbox.refusal import Refusal, RefusalReason
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import wording
from kis_sandbox.wire.answer import Answer, accepted, rejected
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.order_code import ON_PAPER, ORDER_TYPES

ORDER_FIELDS = ("PDNO", "ORD_DVSN", "ORD_QTY", "ORD_UNPR")
REVISION_FIELDS = (
    "KRX_FWDG_ORD_ORGNO",
    "ORGN_ODNO",
    "ORD_DVSN",
    "RVSE_CNCL_DVSN_CD",
    "ORD_QTY",
    "ORD_UNPR",
    "QTY_ALL_ORD_YN",
)

_SELL_TRS = frozenset(["TTTC0011U", "VTTC0011U", "TTTC0801U", "VTTC0801U"])
_KRX = ("", "KRX")
_AMEND, _CANCEL = "01", "02"
_MS = timedelta(milliseconds=1) // timedelta(microseconds=1)


def order_cash(sandbox: Sandbox, call: Call) -> Answer:
    """A new order. The side is the TR id's."""
    injected = call.faults.get(FaultKind.ORDER_REJECTED)
    if injected is not None:
        return _injected_rejection(injected)
    side = Side.SELL if call.tr_id in _SELL_TRS else Side.BUY
    try:
        order_type = _order_type(sandbox, call)
        order = sandbox.place(
            symbol=call.field("PDNO")[-6:],
            side=side,
            order_type=order_type,
            quantity=call.whole("ORD_QTY"),
            price=call.whole("ORD_UNPR") if order_type.is_priced else 0,
            mishap=_mishap(call),
        )
    except Refusal as refusal:
        return refused(sandbox, refusal)
    return _accepted(sandbox, order)


def order_revise(sandbox: Sandbox, call: Call) -> Answer:
    """Amend or cancel a live order of today."""
    injected = call.faults.get(FaultKind.ORDER_REJECTED)
    if injected is not None:
        return _injected_rejection(injected)
    number = call.whole("ORGN_ODNO")
    quantity = None if call.field("QTY_ALL_ORD_YN") == "Y" else call.whole("ORD_QTY")
    try:
        if call.field("KRX_FWDG_ORD_ORGNO") not in ("", sandbox.branch):
            raise Refusal(RefusalReason.NO_ORIGINAL)
        if FaultKind.CANCEL_RACE in call.faults:
            sandbox.fill_at_once(number)
        if call.field("RVSE_CNCL_DVSN_CD") == _CANCEL:
            return _accepted(sandbox, sandbox.cancel(number, quantity=quantity))
        order_type = _order_type(sandbox, call)
        price = call.whole("ORD_UNPR") if order_type.is_priced else 0
        order = sandbox.amend(number, order_type=order_type, price=price, quantity=quantity)
    except Refusal as refusal:
        return refused(sandbox, refusal)
    return _accepted(sandbox, order)


def refused(sandbox: Sandbox, refusal: Refusal) -> Answer:
    """A refusal in the words of this personality's ledger."""
    words = wording.PAPER_REFUSED if sandbox.is_paper else wording.REAL_REFUSED
    return rejected(*words[refusal.reason])


def _order_type(sandbox: Sandbox, call: Call) -> OrderType:
    code = call.field("ORD_DVSN")
    is_offered = code in ON_PAPER if sandbox.is_paper else code in ORDER_TYPES
    if not is_offered or call.field("EXCG_ID_DVSN_CD") not in (
        _KRX if sandbox.is_paper else (*_KRX, "SOR")
    ):
        raise Refusal(RefusalReason.NOT_OFFERED)
    return ORDER_TYPES[code]


def _mishap(call: Call) -> Mishap:
    partial = call.faults.get(FaultKind.PARTIAL_FILL)
    return Mishap(
        fill_at_most=None if partial is None else partial.number_param("quantity", 1),
        delay_us=_duration_us(call, FaultKind.DELAYED_FILL),
        hidden_us=_duration_us(call, FaultKind.ROWS_LAG),
        is_refused=FaultKind.EXCHANGE_REJECTED in call.faults,
    )


def _duration_us(call: Call, kind: FaultKind) -> int:
    fault = call.faults.get(kind)
    return 0 if fault is None else fault.number_param("ms", 5_000) * _MS


def _injected_rejection(fault: Fault) -> Answer:
    return rejected(
        fault.text_param("code", "APBK0918"), fault.text_param("msg", "장운영시간이 아닙니다.")
    )


def _accepted(sandbox: Sandbox, order: Order) -> Answer:
    words = wording.REAL_ACCEPTED
    if sandbox.is_paper:
        words = wording.PAPER_ACCEPTED[(order.kind, order.side)]
    output = {
        "KRX_FWDG_ORD_ORGNO": sandbox.branch,
        "ODNO": order.order_no,
        "ORD_TMD": f"{order.accepted_at:%H%M%S}",
    }
    return accepted(*words, output)
