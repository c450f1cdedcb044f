"""Answers of a broker that never changes but by orders: every price the same, all orders filled.

They have every documented field, so that reading them costs what reading KIS's own costs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from kis_adapters.kis.documented import DOCUMENTED

PRICE = 70_500
BASE = 70_000
COST = 69_500
HELD_QUANTITY = 25
_CASH = 10_000_000
_OPEN, _HIGH, _LOW = 70_100, 70_900, 60_000
_HOLIDAY_ROWS = 25
_BRANCH = "91252"
_RISING, _FALLING = "2", "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that was accepted at `at` and filled at once."""

    number: int
    at: datetime
    side: str
    symbol: str
    quantity: int


def multi_price(symbols: Sequence[str]) -> bytes:
    """intstock-multprice for `symbols`."""
    rows = b",".join(_multi_price_row(symbol) for symbol in symbols)
    return b'{"output":[' + rows + b"]," + _WORDS


def balance(symbols: Sequence[str]) -> bytes:
    """inquire-balance with `symbols` held; amounts add up, as the client demands."""
    count, quantity = len(symbols), HELD_QUANTITY
    rows = [
        _filled("inquire-balance", "output1", pdno=symbol, prdt_name=f"종목{symbol}")
        | {"trad_dvsn_name": "현금", "loan_dt": "", "hldg_qty": str(quantity)}
        | {"ord_psbl_qty": str(quantity), "pchs_amt": str(COST * quantity), "prpr": str(PRICE)}
        | {"evlu_amt": str(PRICE * quantity)}
        for symbol in symbols
    ]
    totals = _filled("inquire-balance", "output2") | {
        "dnca_tot_amt": str(_CASH),
        "prvs_rcdl_excc_amt": str(_CASH),
        "scts_evlu_amt": str(PRICE * quantity * count),
        "tot_evlu_amt": str(_CASH + PRICE * quantity * count),
        "pchs_amt_smtl_amt": str(COST * quantity * count),
        "evlu_pfls_smtl_amt": str((PRICE - COST) * quantity * count),
    }
    return _body({"output1": rows, "output2": [totals]})


def orders(placed: Sequence[Order]) -> bytes:
    """inquire-daily-ccld of a day on which `placed` were filled."""
    rows = [
        _filled("inquire-daily-ccld", "output1")
        | {"ord_dt": f"{order.at:%Y%m%d}", "ord_tmd": f"{order.at:%H%M%S}", "orgn_odno": ""}
        | {"ord_gno_brno": _BRANCH, "odno": f"{order.number:010d}", "cncl_yn": "N"}
        | {"ord_dvsn_cd": "01", "sll_buy_dvsn_cd": order.side, "pdno": order.symbol}
        | {"ord_qty": str(order.quantity), "tot_ccld_qty": str(order.quantity)}
        | {"tot_ccld_amt": str(order.quantity * PRICE), "excg_id_dvsn_cd": "KRX"}
        for order in placed
    ]
    return _body({"output1": rows, "output2": {}})


def accepted_order(order: Order) -> bytes:
    """order-cash: accepted."""
    told = {"ODNO": f"{order.number:010d}", "ORD_TMD": f"{order.at:%H%M%S}"}
    return _body({"output": {"KRX_FWDG_ORD_ORGNO": _BRANCH, **told}})


def price(symbol: str) -> bytes:
    """inquire-price: nothing is halted."""
    told = _filled("inquire-price", "output", stck_shrn_iscd=symbol) | {
        "stck_prpr": str(PRICE),
        "stck_oprc": str(_OPEN),
        "stck_hgpr": str(_HIGH),
        "stck_lwpr": str(_LOW),
        "stck_sdpr": str(BASE),
        "stck_mxpr": "91000",
        "stck_llam": "49000",
        "iscd_stat_cls_code": "55",
        "temp_stop_yn": "N",
        "mang_issu_cls_code": "N",
        "vi_cls_code": "N",
        "acml_vol": "10012345",
        "acml_tr_pbmn": "704512345600",
    }
    return _body({"output": told})


def trade_frame(symbol: str, *, at: datetime, last: int, volume: int, count: int = 1) -> str:
    """A frame of the realtime stream with `count` trades of 47 fields; `volume` is the day's after
    the last of them. Source: kis-wire 6.4."""
    fields = ["0"] * 47
    fields[0:4] = symbol, f"{at:%H%M%S}", str(last), _RISING if last >= BASE else _FALLING
    fields[4] = str(last - BASE)
    fields[7:10] = str(_OPEN), str(_HIGH), str(_LOW)
    fields[12], fields[33], fields[35] = "1", f"{at:%Y%m%d}", "N"
    records = []
    for so_far in range(volume - count + 1, volume + 1):
        fields[13:15] = str(so_far), str(so_far * BASE)
        records.append("^".join(fields))
    return f"0|H0STCNT0|{count:03}|{'^'.join(records)}"


def holidays(first: date) -> bytes:
    """chk-holiday from `first` on: every weekday is open."""
    days = [first + timedelta(days=n) for n in range(_HOLIDAY_ROWS)]
    rows = [
        dict.fromkeys(("bzdy_yn", "tr_day_yn", "opnd_yn", "sttl_day_yn"), _yes(day.weekday() < 5))
        | {"bass_dt": f"{day:%Y%m%d}", "wday_dvsn_cd": f"{(day.weekday() + 1) % 7 + 1:02}"}
        for day in days
    ]
    return _body({"output": rows})


def approval() -> bytes:
    """oauth2/Approval; opens nothing anywhere."""
    return b'{"approval_key":"CANNED-NOT-A-KEY"}'


def token() -> bytes:
    """oauth2/tokenP; opens nothing anywhere."""
    return json.dumps(
        {"access_token": "CANNED-NOT-A-TOKEN", "token_type": "Bearer", "expires_in": 86_400}
    ).encode()


@cache
def _multi_price_row(symbol: str) -> bytes:
    row = _filled("intstock-multprice", "output", inter_shrn_iscd=symbol) | {
        "inter2_prpr": str(PRICE),
        "inter2_oprc": str(_OPEN),
        "inter2_hgpr": str(_HIGH),
        "inter2_lwpr": str(_LOW),
        "inter2_sdpr": str(BASE),
        "inter2_mxpr": "91000",
        "inter2_llam": "49000",
        "inter2_askp": "70600",
        "inter2_bidp": "70500",
        "acml_vol": "10012345",
        "acml_tr_pbmn": "704512345600",
    }
    return json.dumps(row).encode()


def _filled(endpoint: str, at: str, **values: str) -> dict[str, str]:
    return dict.fromkeys(sorted(DOCUMENTED[endpoint, at]), "0") | values


def _yes(is_so: bool) -> str:
    return "Y" if is_so else "N"


_WORDS = b'"rt_cd":"0","msg_cd":"MCA00000","msg1":"OK"}'


def _body(parts: Mapping[str, object]) -> bytes:
    return json.dumps(parts, ensure_ascii=False).encode()[:-1] + b"," + _WORDS
