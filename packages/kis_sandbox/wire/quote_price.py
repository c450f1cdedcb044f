"""The current price: inquire-price. Source: kis-wire section 4.1.

An unknown symbol is no error: zeros and blanks.
"""

from datetime import date, timedelta

from kis_core.market.tick import tick_size
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import (
    EOK,
    any_state,
    change_fields,
    earnings,
    extremes,
    face_value,
    find_state,
    market_name,
    market_value,
    prior_volume,
    status_code,
    warning_code,
    yes,
)

SYMBOL_FIELDS = ("FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD")
_BLANK_WHEN_UNKNOWN = (
    "rprs_mrkt_kor_name",
    "bstp_kor_isnm",
    "temp_stop_yn",
    "oprc_rang_cont_yn",
    "clpr_rang_cont_yn",
    "crdt_able_yn",
    "elw_pblc_yn",
    "stac_month",
    "ssts_yn",
    "fcam_cnnm",
    "cpfn_cnnm",
    "vi_cls_code",
    "ovtm_vi_cls_code",
    "invt_caful_yn",
    "short_over_yn",
    "sltr_yn",
    "mang_issu_cls_code",
)
_PIVOTS = (
    "pvt_scnd_dmrs_prc",
    "pvt_frst_dmrs_prc",
    "pvt_pont_val",
    "pvt_frst_dmsp_prc",
    "pvt_scnd_dmsp_prc",
    "dmrs_val",
    "dmsp_val",
)
_ZEROS_WHEN_UNKNOWN = ("iscd_stat_cls_code", "mrkt_warn_cls_code")


def inquire_price(sandbox: Sandbox, call: Call) -> Answer:
    """The current price and everything that comes with it."""
    symbol = call.field("FID_INPUT_ISCD")
    state = find_state(sandbox, symbol)
    if state is None:
        return quoted(output=_unknown_price(sandbox, symbol))
    return quoted(output=_price(sandbox, state))


def _unknown_price(sandbox: Sandbox, symbol: str) -> Row:
    row = dict.fromkeys(_price(sandbox, any_state(sandbox)), "0")
    row |= dict.fromkeys(_BLANK_WHEN_UNKNOWN, "")
    row |= dict.fromkeys(_ZEROS_WHEN_UNKNOWN, "00")
    return row | {"stck_shrn_iscd": symbol}


def _price(sandbox: Sandbox, state: State) -> Row:
    return {
        **_status_fields(state),
        **_trade_fields(state),
        **_pivot_fields(state),
        **_company_fields(state),
        **_extreme_fields(sandbox, state),
        **_flag_fields(state),
    }


def _status_fields(state: State) -> Row:
    is_normal = not (state.is_halted or state.is_managed)
    return {
        "iscd_stat_cls_code": status_code(state),
        "marg_rate": "20.00" if is_normal else "100.00",
        "rprs_mrkt_kor_name": market_name(state),
        "bstp_kor_isnm": state.issue.sector,
        "temp_stop_yn": yes(state.is_halted),
        "oprc_rang_cont_yn": "N",
        "clpr_rang_cont_yn": "N",
        "crdt_able_yn": yes(is_normal),
        "grmn_rate_cls_code": "40",
        "elw_pblc_yn": yes(state.issue.is_index_member),
    }


def _trade_fields(state: State) -> Row:
    limits = state.day.limits
    average = state.turnover / state.volume if state.volume else 0
    return {
        "stck_prpr": str(state.last),
        **change_fields(state),
        "acml_tr_pbmn": str(state.turnover),
        "acml_vol": str(state.volume),
        "prdy_vrss_vol_rate": percent(state.volume, prior_volume(state)),
        "stck_oprc": str(state.open),
        "stck_hgpr": str(state.high),
        "stck_lwpr": str(state.low),
        "stck_mxpr": str(limits.upper),
        "stck_llam": str(limits.lower),
        "stck_sdpr": str(state.day.base),
        "wghn_avrg_stck_prc": f"{average:.2f}",
        "hts_frgn_ehrt": "50.12",
        "frgn_ntby_qty": "0",
        "pgtr_ntby_qty": "0",
    }


def _pivot_fields(state: State) -> Row:
    """Pivot levels; all of them the pivot itself, since nobody trades on them here."""
    prior = state.day.prior
    pivot = (prior.high + prior.low + prior.close) // 3 if prior else state.day.base
    return dict.fromkeys(_PIVOTS, str(pivot))


def _company_fields(state: State) -> Row:
    issue, day = state.issue, state.day
    per, pbr, eps, bps = earnings(state)
    face = face_value(state)
    return {
        "cpfn": str(issue.shares * face // EOK),
        "rstc_wdth_prc": str(day.base - day.limits.lower),
        "stck_fcam": str(face),
        "stck_sspr": str(day.base * 7 // 10),
        "aspr_unit": str(tick_size(state.last, issue.instrument.product, day.session_date)),
        "hts_deal_qty_unit_val": "1",
        "lstn_stcn": str(issue.shares),
        "hts_avls": str(market_value(state)),
        "per": per,
        "pbr": pbr,
        "stac_month": "12",
        "vol_tnrt": percent(state.volume, issue.shares),
        "eps": eps,
        "bps": bps,
    }


def _flag_fields(state: State) -> Row:
    face = face_value(state)
    return {
        "whol_loan_rmnd_rate": "0.18",
        "ssts_yn": "Y",
        "stck_shrn_iscd": state.issue.symbol,
        "fcam_cnnm": str(face),
        "cpfn_cnnm": f"{state.issue.shares * face // EOK:,} 억",
        "frgn_hldn_qty": str(state.issue.shares // 2),
        "vi_cls_code": yes(state.interruption is not None),
        "ovtm_vi_cls_code": "N",
        "last_ssts_cntg_qty": "0",
        "invt_caful_yn": "N",
        "mrkt_warn_cls_code": warning_code(state),
        "short_over_yn": "N",
        "sltr_yn": "N",
        "mang_issu_cls_code": yes(state.is_managed),
    }


def _extreme_fields(sandbox: Sandbox, state: State) -> Row:
    on = state.day.session_date
    calendar = sandbox.calendar
    year_ago = on - timedelta(days=364)
    index = max(0, len(calendar.between(calendar.dates[0], on)) - 250)
    spans = (
        ("d250_hgpr", "d250_lwpr", "rate", calendar.dates[index]),
        ("stck_dryy_hgpr", "stck_dryy_lwpr", "rate", date(on.year, 1, 1)),
        ("w52_hgpr", "w52_lwpr", "ctrt", year_ago),
    )
    row: Row = {}
    for high_key, low_key, suffix, since in spans:
        for key, extreme in zip(
            (high_key, low_key), extremes(sandbox, state, since=since), strict=True
        ):
            stem = key.removeprefix("stck_")
            row[key] = str(extreme.price)
            row[f"{stem}_date"] = f"{extreme.on:%Y%m%d}"
            rate = percent(state.last - extreme.price, extreme.price)
            row[f"{stem}_vrss_prpr_{suffix}"] = rate
    return row
