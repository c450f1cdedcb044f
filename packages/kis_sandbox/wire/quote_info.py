"""Facts about days and issues: chk-holiday, search-stock-info, search-info, inquire-vi-status.

Source: kis-wire sections 4.10, 4.11, 4.12 and 4.17.
"""

from datetime import date, datetime, timedelta

from kis_core.market.session import KST
from kis_core.market.symbol import Market, Product
from kis_sandbox.path import Interruption, microseconds
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted, rejected, told
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import face_value, find_state, yes

HOLIDAY_FIELDS = ("BASS_DT", "CTX_AREA_NK", "CTX_AREA_FK")
PRODUCT_FIELDS = ("PDNO", "PRDT_TYPE_CD")
VI_FIELDS = (
    "FID_DIV_CLS_CODE",
    "FID_COND_SCR_DIV_CODE",
    "FID_MRKT_CLS_CODE",
    "FID_INPUT_ISCD",
    "FID_RANK_SORT_CLS_CODE",
    "FID_INPUT_DATE_1",
    "FID_TRGT_CLS_CODE",
    "FID_TRGT_EXLS_CLS_CODE",
)

_HOLIDAY_ROWS = 24
_CONTEXT_WIDTH = 20
_KRX_STOCK = "300"
_BOARDS = {Market.KOSPI: ("STK", "02"), Market.KOSDAQ: ("KSQ", "03"), Market.KONEX: ("KNX", "04")}
_BLANK = (
    "scts_mket_lstg_abol_dt",
    "kosdaq_mket_lstg_abol_dt",
    "frbd_mket_lstg_dt",
    "frbd_mket_lstg_abol_dt",
    "reits_kind_cd",
    "idx_bztp_lcls_cd_name",
    "mfnd_opng_dt",
    "mfnd_end_dt",
    "dpsi_erlm_cncl_dt",
    "etf_txtn_type_cd",
    "etf_type_cd",
    "lstg_abol_dt",
    "nwst_odst_dvsn_cd",
    "thco_sbst_pric_chng_dt",
    "std_idst_clsf_cd",
    "ocr_no",
    "issu_istt_cd",
    "lstg_rqsr_issu_istt_cd",
    "lstg_rqsr_item_cd",
    "trst_istt_issu_istt_cd",
)
_ZERO_OR_NO = {
    "lstg_cptl_amt": "0",
    "issu_pric": "0",
    "oilf_fund_yn": "N",
    "etf_cu_qty": "0",
    "dpsi_aptm_erlm_yn": "Y",
    "crfd_item_yn": "N",
    "elec_scty_yn": "Y",
    "etf_chas_erng_rt_dbnb": "0",
    "etf_etn_ivst_heed_item_yn": "N",
    "stln_int_rt_dvsn_cd": "01",
    "frnr_psnl_lmt_rt": "0.00000000",
    "cptt_trad_tr_psbl_yn": "N",
    "nxt_tr_stop_yn": "N",
}
_NO_DATA = ("KIOK0560", "조회할 내용이 없습니다.")


def holidays(sandbox: Sandbox, call: Call) -> Answer:
    """Calendar days from a date on, and what is open on them; the next page goes on after them."""
    first = call.day("BASS_DT")
    if call.wants_next_page and call.field("CTX_AREA_NK"):
        first = call.day("CTX_AREA_NK")
    end = sandbox.calendar.last_day
    days = [first + timedelta(days=n) for n in range(_HOLIDAY_ROWS)]
    rows = [_holiday_row(sandbox, day) for day in days if day <= end]
    following = first + timedelta(days=_HOLIDAY_ROWS)
    more = following <= end
    words = (
        ("KIOK0500", "조회가 계속됩니다..다음버튼을 Click 하십시오.")
        if more
        else ("KIOK0460", "조회 되었습니다. (마지막 자료)")
    )
    tr_cont = "E"
    if more:
        tr_cont = "M" if call.wants_next_page else "F"
    return told(
        *words,
        tr_cont=tr_cont,
        ctx_area_nk=(f"{following:%Y%m%d}" if more else "").ljust(_CONTEXT_WIDTH),
        ctx_area_fk=f"{first:%Y%m%d}".ljust(_CONTEXT_WIDTH),
        output=rows,
    )


def stock_info(sandbox: Sandbox, call: Call) -> Answer:
    """The master record of an issue."""
    state = find_state(sandbox, call.field("PDNO"))
    if state is None or call.field("PRDT_TYPE_CD") != _KRX_STOCK:
        return rejected(*_NO_DATA, rt_cd="7")
    return told("KIOK0530", "조회되었습니다", output=_stock_row(state))


def product_info(sandbox: Sandbox, call: Call) -> Answer:
    """The product record of an issue: mostly its names."""
    state = find_state(sandbox, call.field("PDNO"))
    if state is None or call.field("PRDT_TYPE_CD") != _KRX_STOCK:
        return rejected(*_NO_DATA, rt_cd="7")
    return told("KIOK0530", "조회되었습니다", output=_product_row(state))


def vi_status(sandbox: Sandbox, call: Call) -> Answer:
    """The VIs of the shown day that have started by now, newest first."""
    asked = call.field("FID_INPUT_ISCD")
    market = {"K": Market.KOSPI, "Q": Market.KOSDAQ}.get(call.field("FID_MRKT_CLS_CODE"))
    rows: list[tuple[str, Row]] = []
    for issue in sandbox.listing:
        if asked and asked != issue.symbol:
            continue
        if market is not None and issue.instrument.market is not market:
            continue
        state = find_state(sandbox, issue.symbol)
        if state is not None:
            rows += [(row["cntg_vi_hour"], row) for row in _vi_rows(sandbox, state)]
    rows.sort(key=lambda one: one[0], reverse=True)
    return quoted(output=[row for _, row in rows])


def _holiday_row(sandbox: Sandbox, day: date) -> Row:
    is_open = sandbox.calendar.is_session(day)
    return {
        "bass_dt": f"{day:%Y%m%d}",
        "wday_dvsn_cd": f"{day.isoweekday() % 7 + 1:02d}",  # 01 is Sunday
        "bzdy_yn": yes(sandbox.calendar.is_business_day(day)),
        "tr_day_yn": yes(is_open),
        "opnd_yn": yes(is_open),
        "sttl_day_yn": yes(is_open),
    }


def _names(state: State) -> Row:
    instrument = state.issue.instrument
    is_share = instrument.product is Product.STOCK
    full = f"{instrument.name}보통주" if is_share else instrument.name
    english = f"SANDBOX {instrument.symbol}"
    return {
        "pdno": f"00000A{instrument.symbol}",
        "prdt_type_cd": _KRX_STOCK,
        "prdt_name": full,
        "prdt_name120": full,
        "prdt_abrv_name": instrument.name,
        "prdt_eng_name": english,
        "prdt_eng_name120": english,
        "prdt_eng_abrv_name": english,
    }


def _isin(symbol: str) -> str:
    return f"KR7{symbol}003"


def _product_row(state: State) -> Row:
    return {
        **_names(state),
        "std_pdno": _isin(state.issue.symbol),
        "shtn_pdno": state.issue.symbol,
        "prdt_sale_stat_cd": "",
        "prdt_risk_grad_cd": "",
        "prdt_clsf_cd": "101001",
        "prdt_clsf_name": "주권",
        "sale_strt_dt": "",
        "sale_end_dt": "",
        "wrap_asst_type_cd": "",
        "ivst_prdt_type_cd": "",
        "ivst_prdt_type_cd_name": "",
        "frst_erlm_dt": "",
    }


def _stock_row(state: State) -> Row:
    return {
        **_names(state),
        **_listing_fields(state),
        **_sector_fields(state),
        **dict.fromkeys(_BLANK, ""),
        **_ZERO_OR_NO,
        "std_pdno": _isin(state.issue.symbol),
        "sbst_pric": str(state.day.base * 7 // 10),
        "thco_sbst_pric": str(state.day.base * 7 // 10),
        "tr_stop_yn": yes(state.is_halted),
        "admn_item_yn": yes(state.is_managed),
        "thdt_clpr": str(state.last),
        "bfdy_clpr": str(state.day.prior.close if state.day.prior else 0),
        "clpr_chng_dt": f"{state.day.session_date:%Y%m%d}",
    }


def _listing_fields(state: State) -> Row:
    issue = state.issue
    market_id, exchange_code = _BOARDS[issue.instrument.market]
    is_fund = issue.instrument.product is Product.ETF
    is_kospi = issue.instrument.market is Market.KOSPI
    listed = f"{issue.listed_on:%Y%m%d}" if issue.listed_on else "20100104"
    return {
        "mket_id_cd": market_id,
        "scty_grp_id_cd": "EF" if is_fund else "ST",
        "excg_dvsn_cd": exchange_code,
        "setl_mmdd": "12",
        "lstg_stqt": str(issue.shares),
        "cpta": str(issue.shares * face_value(state)),
        "papr": str(face_value(state)),
        "kospi200_item_yn": yes(issue.is_index_member and is_kospi),
        "scts_mket_lstg_dt": listed if is_kospi else "",
        "kosdaq_mket_lstg_dt": "" if is_kospi else listed,
        "etf_dvsn_cd": "1" if is_fund else "0",
        "stck_kind_cd": "" if is_fund else "101",
    }


def _sector_fields(state: State) -> Row:
    sector = state.issue.sector
    return {
        "idx_bztp_lcls_cd": "002",
        "idx_bztp_mcls_cd": "013",
        "idx_bztp_scls_cd": "013",
        "idx_bztp_mcls_cd_name": sector,
        "idx_bztp_scls_cd_name": sector,
        "std_idst_clsf_cd_name": sector,
    }


def _vi_rows(sandbox: Sandbox, state: State) -> list[Row]:
    now = sandbox.exchange.now
    today = now.date() == state.day.session_date
    now_us = microseconds(now) if today else 10**15
    started = [one for one in state.day.path.interruptions if one.start_us <= now_us]
    return [
        _vi_row(state, one, count, is_over=one.end_us <= now_us)
        for count, one in enumerate(started, start=1)
    ]


def _vi_row(state: State, one: Interruption, count: int, *, is_over: bool) -> Row:
    def hour(at_us: int) -> str:
        midnight = datetime.combine(state.day.session_date, datetime.min.time(), KST)
        return f"{midnight + timedelta(microseconds=at_us):%H%M%S}"

    return {
        "hts_kor_isnm": state.issue.instrument.name,
        "mksc_shrn_iscd": state.issue.symbol,
        "vi_cls_code": "N" if is_over else "Y",
        "bsop_date": f"{state.day.session_date:%Y%m%d}",
        "cntg_vi_hour": hour(one.start_us),
        "vi_cncl_hour": hour(one.end_us) if is_over else "000000",
        "vi_kind_code": "1",
        "vi_prc": str(one.price),
        "vi_stnd_prc": str(one.reference),
        "vi_dprt": percent(one.price - one.reference, one.reference),
        "vi_dmc_stnd_prc": "0",
        "vi_dmc_dprt": "0.00",
        "vi_count": str(count),
    }
