"""Balance, balance with realised P&L, account assets. Source: kis-wire sections 5.7 to 5.9."""

from dataclasses import dataclass
from datetime import date

from kis_sandbox.order import Fill, Side
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import wording
from kis_sandbox.wire.answer import Answer, Row, percent, told
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.paging import page_of

BALANCE_FIELDS = (
    "AFHR_FLPR_YN",
    "OFL_YN",
    "INQR_DVSN",
    "UNPR_DVSN",
    "FUND_STTL_ICLD_YN",
    "FNCG_AMT_AUTO_RDPT_YN",
    "PRCS_DVSN",
    "CTX_AREA_FK100",
    "CTX_AREA_NK100",
)
REALISED_FIELDS = (*BALANCE_FIELDS[:-3], "PRCS_DVSN", "COST_ICLD_YN", *BALANCE_FIELDS[-2:])
ASSET_FIELDS = ("INQR_DVSN_1", "BSPR_BF_DT_APLY_YN")

_PAGE = {True: 20, False: 50}  # by is_paper
_ASSET_ROWS, _STOCKS, _DEPOSIT, _TOTAL = 20, 0, 17, 19


@dataclass(slots=True, kw_only=True)
class _Traded:
    """Shares and won that traded on one day."""

    bought: int = 0
    sold: int = 0
    bought_won: int = 0
    sold_won: int = 0
    costs: int = 0

    def add(self, fill: Fill) -> None:
        amount = fill.quantity * fill.price
        if fill.side is Side.BUY:
            self.bought += fill.quantity
            self.bought_won += amount
        else:
            self.sold += fill.quantity
            self.sold_won += amount
        self.costs += fill.commission + fill.tax


def balance(sandbox: Sandbox, call: Call) -> Answer:
    """Holdings and cash."""
    return _balance(sandbox, call, is_realised=False)


def balance_realised(sandbox: Sandbox, call: Call) -> Answer:
    """Holdings and cash, with the day's realised P&L."""
    return _balance(sandbox, call, is_realised=True)


def account_balance(sandbox: Sandbox, _call: Call) -> Answer:
    """The account's assets by kind: stocks in row 1, deposit in row 18, the total in row 20."""
    account = sandbox.exchange.account
    cost = sum(holding.cost for holding in account.holdings.values())
    value = _value(sandbox)
    cash = account.cash_d2
    total = value + cash
    rows = [_asset(0, 0, total) for _ in range(_ASSET_ROWS)]
    rows[_STOCKS] = _asset(cost, value, total)
    rows[_DEPOSIT] = _asset(cash, cash, total)
    rows[_TOTAL] = _asset(cost + cash, total, total)
    zeros = dict.fromkeys(_ASSET_ZEROS, "0")
    output2 = {
        "pchs_amt_smtl": str(cost),
        "nass_tot_amt": str(total),
        "loan_amt_smtl": "0",
        "evlu_pfls_amt_smtl": str(value - cost),
        "evlu_amt_smtl": str(value),
        "tot_asst_amt": str(total),
        "tot_dncl_amt": str(cash),
        "dncl_amt": str(cash),
        **zeros,
    }
    return told(*wording.INQUIRED_REAL, output1=rows, output2=output2)


_ASSET_ZEROS = (
    "tot_lnda_tot_ulst_lnda",
    "cma_auto_loan_amt",
    "tot_mgln_amt",
    "stln_evlu_amt",
    "crdt_fncg_amt",
    "ocl_apl_loan_amt",
    "pldg_stup_amt",
    "frcr_evlu_tota",
    "cma_evlu_amt",
    "tot_sbst_amt",
    "thdt_rcvb_amt",
    "ovrs_stck_evlu_amt1",
    "ovrs_bond_evlu_amt",
    "mmf_cma_mgge_loan_amt",
    "sbsc_dncl_amt",
    "pbst_sbsc_fnds_loan_use_amt",
    "etpr_crdt_grnt_loan_amt",
)


def _balance(sandbox: Sandbox, call: Call, *, is_realised: bool) -> Answer:
    symbols = _shown(sandbox)
    page = page_of(
        symbols,
        key=lambda symbol: f"00000A{symbol}",
        size=_PAGE[sandbox.is_paper],
        sandbox=sandbox,
        call=call,
        search=(sandbox.credentials.account_no, "01", "N", "N", "01", "02", "N"),
    )
    # An account without holdings is no empty answer: its cash is one.
    words = wording.INQUIRED_PAPER if sandbox.is_paper else page.message
    total = _total(sandbox)
    if is_realised:
        total |= _realised(sandbox)
    return told(
        *words,
        tr_cont=page.tr_cont,
        ctx_area_fk100=page.search,
        ctx_area_nk100=page.next_key,
        output1=[_row(sandbox, symbol, is_realised=is_realised) for symbol in page.rows],
        output2=[total],
    )


def _shown(sandbox: Sandbox) -> list[str]:
    """Held symbols, and sold ones until their sale has settled."""
    exchange = sandbox.exchange
    unsettled = {
        fill.symbol
        for fill in exchange.account.fills
        if exchange.calendar.after(fill.session_date, 2) > exchange.today
    }
    keeps = unsettled if sandbox.config.keeps_sold_rows else set()
    return [s for s, h in exchange.account.holdings.items() if h.quantity or s in keeps]


def _traded(sandbox: Sandbox, day: date, symbol: str | None = None) -> _Traded:
    traded = _Traded()
    for fill in sandbox.exchange.account.filled_on(day):
        if symbol in (None, fill.symbol):
            traded.add(fill)
    return traded


def _days(sandbox: Sandbox) -> tuple[date, date]:
    """The last session before today, and today."""
    today = sandbox.exchange.today
    return sandbox.exchange.calendar.before(today), today


def _value(sandbox: Sandbox) -> int:
    exchange = sandbox.exchange
    return sum(
        holding.quantity * exchange.price_at(symbol, exchange.now)
        for symbol, holding in exchange.account.holdings.items()
        if holding.quantity
    )


def _row(sandbox: Sandbox, symbol: str, *, is_realised: bool) -> Row:
    exchange = sandbox.exchange
    holding = exchange.account.holdings[symbol]
    issue, state = sandbox.listing.find(symbol), exchange.state(symbol)
    assert issue is not None, symbol
    assert state is not None, symbol
    before, today = (_traded(sandbox, day, symbol) for day in _days(sandbox))
    average = holding.cost / holding.quantity if holding.quantity else 0.0
    value = holding.quantity * state.last
    profit = value - holding.cost
    rate = 100 * profit / holding.cost if holding.cost else 0.0
    row = {
        "pdno": symbol,
        "prdt_name": issue.instrument.name,
        "trad_dvsn_name": "현금",
        "bfdy_buy_qty": str(before.bought),
        "bfdy_sll_qty": str(before.sold),
        "thdt_buyqty": str(today.bought),
        "thdt_sll_qty": str(today.sold),
        "hldg_qty": str(holding.quantity),
        "ord_psbl_qty": str(exchange.sellable(symbol)),
        "pchs_avg_pric": f"{average:.4f}",
        "pchs_amt": str(holding.cost),
        "prpr": str(state.last),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(profit),
        "evlu_pfls_rt": f"{rate:.2f}",
        "evlu_erng_rt": f"{rate:.8f}",
        "loan_dt": "",
        "loan_amt": "0",
        "stln_slng_chgs": "0",
        "expd_dt": "",
        "fltt_rt": f"{state.change_pct:.8f}",
        "bfdy_cprs_icdc": str(state.change),
        "stck_loan_unpr": "0.0000",
    }
    if not is_realised:
        row |= {
            "item_mgna_rt_name": "100%",
            "grta_rt_name": "",
            "sbst_pric": str(state.day.base * 7 // 10),
        }
    return row


def _total(sandbox: Sandbox) -> Row:
    exchange = sandbox.exchange
    account = exchange.account
    before, today = (_traded(sandbox, day) for day in _days(sandbox))
    value = _value(sandbox)
    cost = sum(holding.cost for holding in account.holdings.values())
    assets = value + account.cash_d2
    return {
        "dnca_tot_amt": str(account.cash),
        "nxdy_excc_amt": str(account.cash_on(exchange.calendar.after(exchange.today))),
        "prvs_rcdl_excc_amt": str(account.cash_d2),
        "cma_evlu_amt": "0",
        "bfdy_buy_amt": str(before.bought_won),
        "thdt_buy_amt": str(today.bought_won),
        "nxdy_auto_rdpt_amt": "0",
        "bfdy_sll_amt": str(before.sold_won),
        "thdt_sll_amt": str(today.sold_won),
        "d2_auto_rdpt_amt": "0",
        "bfdy_tlex_amt": str(before.costs),
        "thdt_tlex_amt": str(today.costs),
        "tot_loan_amt": "0",
        "scts_evlu_amt": str(value),
        "tot_evlu_amt": str(assets),
        "nass_amt": str(assets),
        "fncg_gld_auto_rdpt_yn": "",
        "pchs_amt_smtl_amt": str(cost),
        "evlu_amt_smtl_amt": str(value),
        "evlu_pfls_smtl_amt": str(value - cost),
        "tot_stln_slng_chgs": "0",
        "bfdy_tot_asst_evlu_amt": str(exchange.opening_equity),
        "asst_icdc_amt": str(assets - exchange.opening_equity),
        "asst_icdc_erng_rt": "0.00000000",
    }


def _realised(sandbox: Sandbox) -> Row:
    exchange = sandbox.exchange
    earned = exchange.account.realised.get(exchange.today, 0)
    cost = sum(holding.cost for holding in exchange.account.holdings.values())
    profit = _value(sandbox) - cost
    sold = _traded(sandbox, exchange.today).sold_won
    return {
        "rlzt_pfls": str(earned),
        "rlzt_erng_rt": f"{100 * earned / sold:.8f}" if sold else "0.00000000",
        "real_evlu_pfls": str(profit),
        "real_evlu_pfls_erng_rt": f"{100 * profit / cost:.8f}" if cost else "0.00000000",
    }


def _asset(cost: int, value: int, total: int) -> Row:
    return {
        "pchs_amt": str(cost),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(value - cost),
        "crdt_lnd_amt": "0",
        "real_nass_amt": str(value),
        "whol_weit_rt": percent(value, total),
    }
