"""KIS's answers as types: strings on the wire, integers and dates here (K-07).

Every number in a REST body is a string; one that is missing, blank or not a whole number is a
KisFieldError naming endpoint and field, never a zero. Keys are read in either case; keys we do
not use are ignored here and counted in `drift.py`. Source: kis-wire sections 2.2, 4, 5.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kis_adapters.kis.errors import KisFieldError, KisUnreadable

Body = dict[str, Any]

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")  # amounts are sometimes sent as 1737500.0000
_DAY = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{6}")


def _whole(value: object) -> int:
    text = _text(value)
    if not _WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    return int(text.partition(".")[0])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value.strip()


def _day(value: object) -> date:
    text = _text(value)
    if not _DAY.fullmatch(text):
        raise ValueError("not a date YYYYMMDD")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _time_of_day(value: object) -> time:
    text = _text(value)
    if not _TIME.fullmatch(text):
        raise ValueError("not a time HHMMSS")
    return time(int(text[:2]), int(text[2:4]), int(text[4:]))


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Signed = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
Day = Annotated[date, BeforeValidator(_day)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class Wire(BaseModel):
    """An object on the wire; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TokenAnswer(Wire):
    """oauth2/tokenP. `access_token_token_expired` is KST wall time; `expires_in` seconds."""

    access_token: str = Field(pattern=r"^[!-~]+$")
    expires_in: int | None = Field(default=None, gt=0)
    access_token_token_expired: datetime | None = None


class PriceAnswer(Wire):
    """inquire-price: prices in won, `acml_tr_pbmn` won. Flags are blank where not told."""

    stck_shrn_iscd: Name
    stck_prpr: Count
    stck_oprc: Count
    stck_hgpr: Count
    stck_lwpr: Count
    stck_sdpr: Count
    stck_mxpr: Count
    stck_llam: Count
    acml_vol: Count
    acml_tr_pbmn: Count
    iscd_stat_cls_code: Text = ""
    temp_stop_yn: Text = ""
    mang_issu_cls_code: Text = ""
    mrkt_warn_cls_code: Text = ""
    vi_cls_code: Text = ""
    rprs_mrkt_kor_name: Text = ""
    bstp_kor_isnm: Text = ""
    aspr_unit: Text = ""


class MultiPriceRow(Wire):
    """One issue of intstock-multprice; it tells nothing of halts and warnings."""

    inter_shrn_iscd: Name
    inter2_prpr: Count
    inter2_oprc: Count
    inter2_hgpr: Count
    inter2_lwpr: Count
    inter2_sdpr: Count
    inter2_mxpr: Count
    inter2_llam: Count
    inter2_askp: Count
    inter2_bidp: Count
    acml_vol: Count
    acml_tr_pbmn: Count


class ChartHeader(Wire):
    """inquire-daily-itemchartprice, `output1`."""

    stck_shrn_iscd: Name
    hts_kor_isnm: Text = ""


class ChartRow(Wire):
    """inquire-daily-itemchartprice, one day of `output2`."""

    stck_bsop_date: Day
    stck_oprc: Count
    stck_hgpr: Count
    stck_lwpr: Count
    stck_clpr: Count
    acml_vol: Count


class StockInfo(Wire):
    """search-stock-info. `pdno` has 12 characters, the last six are the short code."""

    pdno: Name
    prdt_abrv_name: Name
    mket_id_cd: Name
    scty_grp_id_cd: Name
    etf_chas_erng_rt_dbnb: Text = ""


class OrderAnswer(Wire):
    """order-cash and order-rvsecncl: who owns the number, and the number."""

    krx_fwdg_ord_orgno: Name
    odno: Annotated[int, BeforeValidator(_whole), Field(gt=0)]


class OrderRow(Wire):
    """inquire-daily-ccld, one row: an order, or a cancel or amend of one. Cumulative."""

    ord_dt: Day
    ord_tmd: TimeOfDay
    ord_gno_brno: Text
    odno: Annotated[int, BeforeValidator(_whole), Field(gt=0)]
    orgn_odno: Text = ""
    ord_dvsn_cd: Name
    sll_buy_dvsn_cd: Name
    sll_buy_dvsn_cd_name: Text = ""
    pdno: Name
    ord_qty: Count
    ord_unpr: Count
    tot_ccld_qty: Count
    tot_ccld_amt: Count
    rmn_qty: Count
    cncl_yn: Text
    cncl_cfrm_qty: Count
    rjct_qty: Count
    excg_id_dvsn_cd: Text = ""


class BalanceRow(Wire):
    """inquire-balance, one holding. Amounts are won."""

    pdno: Name
    prdt_name: Text = ""
    trad_dvsn_name: Text = ""
    loan_dt: Text = ""
    hldg_qty: Count
    ord_psbl_qty: Count
    pchs_amt: Count
    prpr: Count
    evlu_amt: Count


class BalanceTotals(Wire):
    """inquire-balance, `output2`. Cash may be negative on a margin account."""

    dnca_tot_amt: Signed
    prvs_rcdl_excc_amt: Signed
    scts_evlu_amt: Count
    tot_evlu_amt: Signed
    pchs_amt_smtl_amt: Count
    evlu_pfls_smtl_amt: Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One answer: the broker's word on it and the body, keys in lower case."""

    status: int
    rt_cd: str
    msg_cd: str
    msg1: str
    tr_cont: str
    body: Body


_W = TypeVar("_W", bound=Wire)


def parsed(endpoint: str, content: bytes) -> Body:
    """The JSON object in `content`, all keys in lower case.

    Raises KisUnreadable for anything that is not one (empty, HTML, truncated, a list).
    """
    if not content.strip():
        raise KisUnreadable(endpoint, "empty body")
    try:
        body = _lowered(json.loads(content))
    except (ValueError, RecursionError):
        # `from None`: the decoder's error carries the whole body, and with it maybe a token.
        raise KisUnreadable(endpoint, "body is not JSON") from None
    if not isinstance(body, dict):
        raise KisUnreadable(endpoint, f"body is a JSON {type(body).__name__}, not an object")
    return body


def enveloped(endpoint: str, *, status: int, tr_cont: str, content: bytes) -> Envelope:
    """The answer's envelope. Raises KisUnreadable where there is none."""
    body = parsed(endpoint, content)
    words = {key: body.get(key, "") for key in ("rt_cd", "msg_cd", "msg1")}
    if not all(isinstance(word, str) for word in words.values()) or not words["rt_cd"].strip():
        raise KisUnreadable(endpoint, f"no rt_cd (HTTP {status})")
    return Envelope(
        status=status,
        rt_cd=words["rt_cd"].strip(),
        msg_cd=words["msg_cd"].strip(),
        msg1=words["msg1"].strip(),
        tr_cont=tr_cont.strip(),
        body=body,
    )


def read(model: type[_W], data: object, *, endpoint: str, at: str = "output") -> _W:
    """`data` as `model`. Raises KisFieldError naming `endpoint` and the first bad field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join([at, *(str(part) for part in first["loc"])])
        # `from None`: pydantic's error quotes the value, which may be anything.
        raise KisFieldError(endpoint, field=field, why=first["msg"]) from None


def object_at(body: Body, key: str, *, endpoint: str) -> Mapping[str, Any]:
    """The object under `key`; a list of exactly one counts. Raises KisFieldError."""
    value = body.get(key)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise KisFieldError(endpoint, field=key, why="missing or not an object")
    return value


def rows_at(body: Body, key: str, *, endpoint: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects under `key`. Raises KisFieldError."""
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise KisFieldError(endpoint, field=key, why="missing or not a list of objects")
    return value


def _lowered(value: object) -> object:
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    if not isinstance(value, dict):
        return value
    lowered: dict[str, object] = {}
    for key, item in value.items():
        name = key.lower()
        if name in lowered and lowered[name] != item:
            raise ValueError(f"{name} twice with different values")
        lowered[name] = _lowered(item)
    return lowered
