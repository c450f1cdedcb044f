"""Prices that only the real server gives: inquire-price-2 and intstock-multprice.

Source: kis-wire sections 4.2 and 4.13. An unknown symbol is no error: zeros and blanks.
"""

from kis_core.market.symbol import Market
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted, sign_of
from kis_sandbox.wire.book import book_quantities
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import (
    any_state,
    best,
    change_fields,
    change_sign,
    find_state,
    market_name,
    prior_volume,
    warning_code,
    yes,
)

MULTI_FIELDS = ("FID_COND_MRKT_DIV_CODE_1", "FID_INPUT_ISCD_1")

_MULTI_MAX = 30


def inquire_price_2(sandbox: Sandbox, call: Call) -> Answer:
    """The second set of price fields, with the previous close and the halt flags."""
    state = find_state(sandbox, call.field("FID_INPUT_ISCD"))
    if state is None:
        known = _price_2(any_state(sandbox))
        return quoted(output={k: "" if k.endswith(("_name", "_yn")) else "0" for k in known})
    return quoted(output=_price_2(state))


def multi_price(sandbox: Sandbox, call: Call) -> Answer:
    """Up to thirty symbols at once, in the order they were asked for."""
    rows = []
    for n in range(1, _MULTI_MAX + 1):
        symbol = call.field(f"FID_INPUT_ISCD_{n}")
        if not symbol:
            break
        state = find_state(sandbox, symbol)
        if state is None:
            blank = dict.fromkeys(_multi_row(any_state(sandbox)), "0")
            rows.append(blank | {"inter_shrn_iscd": symbol, "inter_kor_isnm": ""})
        else:
            rows.append(_multi_row(state))
    return quoted(output=rows)


def _against(state: State, price: int, name: str) -> Row:
    """How the last price stands to the day's open, high or low, in price-2's words."""
    change = state.last - price if price else 0
    base = state.day.base
    return {
        f"{name}_vrss_prpr": str(change),
        f"{name}_vrss_prpr_sign": sign_of(change),
        f"prdy_clpr_vrss_{name}_rate": percent(price - base, base) if price else "0.00",
    }


def _price_2(state: State) -> Row:
    day, issue = state.day, state.issue
    at_limit = "1" if state.last == day.limits.upper else "0"
    return {
        "rprs_mrkt_kor_name": market_name(state),
        "new_hgpr_lwpr_cls_code": "",
        "mxpr_llam_cls_code": at_limit,
        "crdt_able_yn": yes(not (state.is_halted or state.is_managed)),
        "stck_mxpr": str(day.limits.upper),
        "elw_pblc_yn": yes(issue.is_index_member),
        **_against(state, state.open, "oprc"),
        "crdt_rate": "45.00",
        "marg_rate": "100.00" if state.is_halted or state.is_managed else "20.00",
        **_against(state, state.low, "lwpr"),
        "stck_lwpr": str(state.low),
        **_against(state, state.high, "hgpr"),
        "stck_hgpr": str(state.high),
        **_market_flags(state),
        "stck_llam": str(day.limits.lower),
        "stck_sdpr": str(day.base),
        "bstp_cls_code": "0027",
        "stck_prdy_clpr": str(day.prior.close if day.prior else 0),
        "insn_pbnt_yn": "N",
        "fcam_mod_cls_name": "",
        "stck_prpr": str(state.last),
        **change_fields(state),
        "acml_tr_pbmn": str(state.turnover),
        "acml_vol": str(state.volume),
        "prdy_vrss_vol_rate": percent(state.volume, prior_volume(state)),
        "bstp_kor_isnm": issue.sector,
        "sltr_yn": "N",
        "trht_yn": yes(state.is_halted),
        "oprc_rang_cont_yn": "N",
        "vlnt_fin_cls_code": "",
        "stck_oprc": str(state.open),
        "prdy_vol": str(prior_volume(state)),
    }


def _market_flags(state: State) -> Row:
    return {
        "mang_issu_yn": yes(state.is_managed),
        "divi_app_cls_code": "",
        "short_over_yn": "N",
        "mrkt_warn_cls_code": warning_code(state),
        "invt_caful_yn": "N",
        "stange_runup_yn": "N",
        "ssts_hot_yn": "N",
        "low_current_yn": "N",
        "vi_cls_code": yes(state.interruption is not None),
        "short_over_cls_code": "0",
        "new_lstn_cls_name": "",
        "vlnt_deal_cls_name": "",
        "flng_cls_name": "",
        "revl_issu_reas_name": "",
        "mrkt_warn_cls_name": "투자경고" if state.is_warned else "",
    }


def _multi_row(state: State) -> Row:
    day, issue = state.day, state.issue
    bid, ask = best(state)
    asks, bids = book_quantities(state)
    expected = state.open - day.base if state.open else 0
    is_kosdaq = issue.instrument.market is Market.KOSDAQ
    return {
        "kospi_kosdaq_cls_name": "KOSDAQ" if is_kosdaq else "KOSPI",
        "mrkt_trtm_cls_name": "거래정지" if state.is_halted else "",
        "hour_cls_code": "0",
        "inter_shrn_iscd": issue.symbol,
        "inter_kor_isnm": issue.instrument.name,
        "inter2_prpr": str(state.last),
        "inter2_prdy_vrss": str(state.change),
        "prdy_vrss_sign": change_sign(state),
        "prdy_ctrt": f"{state.change_pct:.2f}",
        "acml_vol": str(state.volume),
        "inter2_oprc": str(state.open),
        "inter2_hgpr": str(state.high),
        "inter2_lwpr": str(state.low),
        "inter2_llam": str(day.limits.lower),
        "inter2_mxpr": str(day.limits.upper),
        "inter2_askp": str(ask),
        "inter2_bidp": str(bid),
        "seln_rsqn": str(asks[0]),
        "shnu_rsqn": str(bids[0]),
        "total_askp_rsqn": str(sum(asks)),
        "total_bidp_rsqn": str(sum(bids)),
        "acml_tr_pbmn": str(state.turnover),
        "inter2_prdy_clpr": str(day.prior.close if day.prior else 0),
        "oprc_vrss_hgpr_rate": percent(state.high - state.open, state.open),
        "intr_antc_cntg_vrss": str(expected),
        "intr_antc_cntg_vrss_sign": sign_of(expected),
        "intr_antc_cntg_prdy_ctrt": percent(expected, day.base),
        "intr_antc_vol": str(day.path.volumes[0] if state.open else 0),
        "inter2_sdpr": str(day.base),
    }
