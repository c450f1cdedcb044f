"""Answers of a broker that never changes: five holdings, every price the same, no orders.

They have every documented field, so that reading them costs what reading KIS's own costs.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache

from kis_adapters.kis.documented import DOCUMENTED

PRICE = 70_500
COST = 69_500
HELD_QUANTITY = 25
_CASH = 10_000_000


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


def no_orders() -> bytes:
    """inquire-daily-ccld of a day without orders."""
    return _body({"output1": [], "output2": {}})


def accepted_order() -> bytes:
    """order-cash: accepted under number 1."""
    return _body(
        {"output": {"KRX_FWDG_ORD_ORGNO": "91252", "ODNO": "0000000001", "ORD_TMD": "100000"}}
    )


def token() -> bytes:
    """oauth2/tokenP; opens nothing anywhere."""
    return json.dumps(
        {"access_token": "CANNED-NOT-A-TOKEN", "token_type": "Bearer", "expires_in": 86_400}
    ).encode()


@cache
def _multi_price_row(symbol: str) -> bytes:
    row = _filled("intstock-multprice", "output", inter_shrn_iscd=symbol) | {
        "inter2_prpr": str(PRICE),
        "inter2_oprc": "70100",
        "inter2_hgpr": "70900",
        "inter2_lwpr": "69800",
        "inter2_sdpr": "70000",
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


_WORDS = b'"rt_cd":"0","msg_cd":"MCA00000","msg1":"OK"}'


def _body(parts: Mapping[str, object]) -> bytes:
    return json.dumps(parts, ensure_ascii=False).encode()[:-1] + b"," + _WORDS
