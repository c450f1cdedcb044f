"""Order lists: inquire-daily-ccld and inquire-psbl-rvsecncl. Source: kis-wire 5.5 and 5.6."""

from datetime import timedelta

from kis_core.market.symbol import Market
from kis_sandbox.faults import FaultKind
from kis_sandbox.order import Kind, Order, Side
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire.answer import Answer, Row, told
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.order_code import (
    CODES,
    SIDE_CODES,
    condition_name,
    order_type_name,
    revision_name,
    side_name,
)
from kis_sandbox.wire.paging import page_of

DAILY_FIELDS = (
    "INQR_STRT_DT",
    "INQR_END_DT",
    "SLL_BUY_DVSN_CD",
    "PDNO",
    "CCLD_DVSN",
    "INQR_DVSN",
    "INQR_DVSN_3",
    "ORD_GNO_BRNO",
    "ODNO",
    "CTX_AREA_FK100",
    "CTX_AREA_NK100",
)
OPEN_FIELDS = ("INQR_DVSN_1", "INQR_DVSN_2", "CTX_AREA_FK100", "CTX_AREA_NK100")

_EMPTY_SINCE_NXT = frozenset({"TTTC8001R", "VTTC8001R"})  # measured 2026-06-05
_DAILY_PAGE = {True: 15, False: 100}  # by is_paper
_OPEN_PAGE = 50
_FILLED, _UNFILLED = "01", "02"
_OLDEST_FIRST = "01"
_MS = timedelta(milliseconds=1)


def daily_orders(sandbox: Sandbox, call: Call) -> Answer:
    """Every order row of a range of dates, with what filled so far."""
    first, last = call.day("INQR_STRT_DT"), call.day("INQR_END_DT")
    orders: list[Order] = []
    if call.tr_id not in _EMPTY_SINCE_NXT:
        orders = [o for o in sandbox.exchange.orders_on(first, last) if _asked(sandbox, call, o)]
    if call.field("INQR_DVSN") != _OLDEST_FIRST:
        orders.reverse()
    search = (sandbox.credentials.account_no, "01", f"{first:%Y%m%d}", f"{last:%Y%m%d}")
    page = page_of(
        orders,
        key=_key,
        size=_DAILY_PAGE[sandbox.is_paper],
        sandbox=sandbox,
        call=call,
        search=search,
    )
    return told(
        *page.message,
        tr_cont=page.tr_cont,
        ctx_area_fk100=page.search,
        ctx_area_nk100=page.next_key,
        output1=[_daily_row(sandbox, order) for order in page.rows],
        output2=_totals(sandbox, orders),
    )


def open_orders(sandbox: Sandbox, call: Call) -> Answer:
    """Orders of today that can still be amended or cancelled."""
    today = sandbox.exchange.today
    wanted = {"1": Side.SELL, "2": Side.BUY}.get(call.field("INQR_DVSN_2"))
    orders = [
        order
        for order in sandbox.exchange.orders_on(today, today)
        if order.is_live and wanted in (None, order.side)
    ]
    page = page_of(
        orders,
        key=_key,
        size=_OPEN_PAGE,
        sandbox=sandbox,
        call=call,
        search=(sandbox.credentials.account_no, "01"),
    )
    return told(
        *page.message,
        tr_cont=page.tr_cont,
        ctx_area_fk100=page.search,
        ctx_area_nk100=page.next_key,
        output=[_open_row(sandbox, order) for order in page.rows],
    )


def _asked(sandbox: Sandbox, call: Call, order: Order) -> bool:
    side = call.field("SLL_BUY_DVSN_CD")
    if side in ("01", "02") and side != SIDE_CODES[order.side]:
        return False
    symbol = call.field("PDNO")
    if symbol and symbol[-6:] != order.symbol:
        return False
    number = call.field("ODNO")
    if number and (not number.isdigit() or int(number) != order.number):
        return False
    done = call.field("CCLD_DVSN")
    if done == _FILLED and order.filled_quantity == 0:
        return False
    if done == _UNFILLED and not order.is_live:
        return False
    return _is_visible(sandbox, call, order)


def _is_visible(sandbox: Sandbox, call: Call, order: Order) -> bool:
    """Whether the row is already in the list; both the order and the inquiry can be late."""
    hidden = timedelta(microseconds=order.mishap.hidden_us)
    lag = call.faults.get(FaultKind.ROWS_LAG)
    if lag is not None:
        hidden = max(hidden, lag.number_param("ms", 5_000) * _MS)
    return not hidden or sandbox.exchange.now >= order.accepted_at + hidden


def _key(order: Order) -> str:
    return f"{order.session_date:%Y%m%d}{order.order_no}"


def _board(sandbox: Sandbox, order: Order) -> str:
    issue = sandbox.listing.find(order.symbol)
    return "03" if issue and issue.instrument.market is Market.KOSDAQ else "02"


def _name(sandbox: Sandbox, order: Order) -> str:
    issue = sandbox.listing.find(order.symbol)
    return issue.instrument.name if issue else ""


def _average(order: Order) -> str:
    if not order.filled_quantity:
        return "0"
    average = order.filled_amount / order.filled_quantity
    return f"{average:.0f}" if average.is_integer() else f"{average:.4f}"


def _original(order: Order) -> str:
    return "" if order.original_number is None else f"{order.original_number:010d}"


def _daily_row(sandbox: Sandbox, order: Order) -> Row:
    return {
        "ord_dt": f"{order.session_date:%Y%m%d}",
        "ord_gno_brno": sandbox.branch,
        "odno": order.order_no,
        "orgn_odno": _original(order),
        "ord_dvsn_name": order_type_name(order),
        "sll_buy_dvsn_cd": SIDE_CODES[order.side],
        "sll_buy_dvsn_cd_name": side_name(order),
        "pdno": order.symbol,
        "prdt_name": _name(sandbox, order),
        "ord_qty": str(order.quantity),
        "ord_unpr": str(order.price),
        "ord_tmd": f"{order.accepted_at:%H%M%S}",
        "tot_ccld_qty": str(order.filled_quantity),
        "avg_prvs": _average(order),
        "cncl_yn": "Y" if order.kind is Kind.CANCEL else "N",
        "tot_ccld_amt": str(order.filled_amount),
        "loan_dt": "",
        "ordr_empno": "OpnAPI",
        "ord_dvsn_cd": CODES[order.order_type],
        "cncl_cfrm_qty": str(order.cancelled_quantity),
        "rmn_qty": str(order.remaining),
        "rjct_qty": str(order.rejected_quantity),
        "ccld_cndt_name": condition_name(order),
        "inqr_ip_addr": "000.000.000.000",
        "cpbc_ordp_ord_rcit_dvsn_cd": "",
        "cpbc_ordp_infm_mthd_dvsn_cd": "",
        "infm_tmd": f"{order.last_fill_at:%H%M%S}" if order.last_fill_at else "",
        "ctac_tlno": "",
        "prdt_type_cd": "300",
        "excg_dvsn_cd": _board(sandbox, order),
        "cpbc_ordp_mtrl_dvsn_cd": "",
        "ord_orgno": "00000",
        "rsvn_ord_end_dt": "",
        "excg_id_dvsn_cd": "KRX",
        "stpm_cndt_pric": "0",
        "stpm_efct_occr_dtmd": "",
    }


def _totals(sandbox: Sandbox, orders: list[Order]) -> Row:
    numbers = {(order.session_date, order.number) for order in orders}
    fills = [f for f in sandbox.exchange.account.fills if (f.session_date, f.number) in numbers]
    quantity = sum(fill.quantity for fill in fills)
    amount = sum(fill.quantity * fill.price for fill in fills)
    return {
        "tot_ord_qty": str(sum(order.quantity for order in orders)),
        "tot_ccld_qty": str(quantity),
        "tot_ccld_amt": str(amount),
        "prsm_tlex_smtl": str(sum(fill.commission + fill.tax for fill in fills)),
        "pchs_avg_pric": f"{amount / quantity:.4f}" if quantity else "0.0000",
    }


def _open_row(sandbox: Sandbox, order: Order) -> Row:
    return {
        "ord_gno_brno": sandbox.branch,
        "odno": order.order_no,
        "orgn_odno": _original(order),
        "ord_dvsn_name": order_type_name(order),
        "pdno": order.symbol,
        "prdt_name": _name(sandbox, order),
        "rvse_cncl_dvsn_name": revision_name(order),
        "ord_qty": str(order.quantity),
        "ord_unpr": str(order.price),
        "ord_tmd": f"{order.accepted_at:%H%M%S}",
        "tot_ccld_qty": str(order.filled_quantity),
        "tot_ccld_amt": str(order.filled_amount),
        "psbl_qty": str(order.remaining),
        "sll_buy_dvsn_cd": SIDE_CODES[order.side],
        "ord_dvsn_cd": CODES[order.order_type],
        "mgco_aptm_odno": "",
        "excg_dvsn_cd": _board(sandbox, order),
        "excg_id_dvsn_cd": "KRX",
        "excg_id_dvsn_name": "한국거래소",
        "stpm_cndt_pric": "0",
        "stpm_efct_occr_yn": "N",
    }
