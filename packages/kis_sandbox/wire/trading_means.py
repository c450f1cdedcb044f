"""What may be ordered: inquire-psbl-order and inquire-psbl-sell. Source: kis-wire 5.3 and 5.4."""

from kis_sandbox.account import Holding
from kis_sandbox.order import Side
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import wording
from kis_sandbox.wire.answer import Answer, percent, told
from kis_sandbox.wire.call import Call

BUYABLE_FIELDS = ("PDNO", "ORD_UNPR", "ORD_DVSN", "CMA_EVLU_AMT_ICLD_YN", "OVRS_ICLD_YN")
SELLABLE_FIELDS = ("PDNO",)

_PPM = 1_000_000
_PRICED = ("00", "02", "11", "12")


def buyable(sandbox: Sandbox, call: Call) -> Answer:
    """Cash, and how many shares it buys at the asked price (market: at the upper limit)."""
    account = sandbox.exchange.account
    orderable = max(0, sandbox.exchange.orderable_cash)
    reusable = min(orderable, max(0, account.unsettled_proceeds))
    amount = orderable * _PPM // (_PPM + sandbox.config.commission_ppm)
    price = _price(sandbox, call)
    quantity = str(amount // price if price else 0)
    words = wording.INQUIRED_PAPER if sandbox.is_paper else wording.INQUIRED_REAL
    output = {
        "ord_psbl_cash": str(orderable - reusable),
        "ord_psbl_sbst": "0",
        "ruse_psbl_amt": str(reusable),
        "fund_rpch_chgs": "0",
        "psbl_qty_calc_unpr": str(price),
        "nrcvb_buy_amt": str(amount),
        "nrcvb_buy_qty": quantity,
        "max_buy_amt": str(amount),
        "max_buy_qty": quantity,
        "cma_evlu_amt": "0",
        "ovrs_re_use_amt_wcrc": "0",
        "ord_psbl_frcr_amt_wcrc": "0",
    }
    return told(*words, output=output)


def sellable(sandbox: Sandbox, call: Call) -> Answer:
    """Shares of one symbol that an order may sell."""
    symbol = call.field("PDNO")[-6:]
    exchange = sandbox.exchange
    holding = exchange.account.holdings.get(symbol, Holding())
    price = exchange.price_at(symbol, exchange.now)
    value = holding.quantity * price
    issue = sandbox.listing.find(symbol)
    average = holding.cost / holding.quantity if holding.quantity else 0.0
    traded = dict.fromkeys(Side, 0)
    for fill in exchange.account.fills:
        if fill.symbol == symbol:
            traded[fill.side] += fill.quantity
    output = {
        "pdno": symbol,
        "prdt_name": issue.instrument.name if issue else "",
        "buy_qty": str(traded[Side.BUY]),
        "sll_qty": str(traded[Side.SELL]),
        "cblc_qty": str(holding.quantity),
        "nsvg_qty": "0",
        "ord_psbl_qty": str(exchange.sellable(symbol)),
        "pchs_avg_pric": f"{average:.4f}",
        "pchs_amt": str(holding.cost),
        "now_pric": str(price),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(value - holding.cost),
        "evlu_pfls_rt": percent(value - holding.cost, holding.cost),
    }
    return told("KIOK0420", "정상적으로 조회되었습니다", output=output)


def _price(sandbox: Sandbox, call: Call) -> int:
    """psbl_qty_calc_unpr: the asked price, the upper limit for a market order, 0 if unknown."""
    state = sandbox.exchange.state(call.field("PDNO")[-6:])
    if state is None:
        return 0
    asked = call.field("ORD_UNPR")
    if call.field("ORD_DVSN") in _PRICED and asked.isdigit() and int(asked):
        return int(asked)
    return int(state.day.limits.upper)
