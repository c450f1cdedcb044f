"""Every answer has exactly the keys and types of the wire reference's examples."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

EXAMPLES = Path(__file__).parents[1] / "data" / "kis-wire"
DAY, OPEN_ORDER = "20261124", 100
Ask = Callable[["WireClient"], httpx.Response]


def example(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in body.items() if not key.startswith("_")}


def shape(value: object) -> object:
    """Keys and types; of an array, the shape of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def of_symbol(symbol: str) -> dict[str, str]:
    return {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol}


def chart(symbol: str) -> dict[str, str]:
    return {
        **of_symbol(symbol),
        "FID_INPUT_DATE_1": "20260801",
        "FID_INPUT_DATE_2": DAY,
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "0",
    }


def index(**fields: str) -> dict[str, str]:
    return {"FID_COND_MRKT_DIV_CODE": "U", "FID_INPUT_ISCD": "0001", **fields}


def product(symbol: str) -> dict[str, str]:
    return {"PDNO": symbol, "PRDT_TYPE_CD": "300"}


VOLUME_RANK = dict.fromkeys(
    (
        "FID_COND_SCR_DIV_CODE",
        "FID_DIV_CLS_CODE",
        "FID_TRGT_CLS_CODE",
        "FID_TRGT_EXLS_CLS_CODE",
        "FID_INPUT_PRICE_1",
        "FID_INPUT_PRICE_2",
        "FID_VOL_CNT",
        "FID_INPUT_DATE_1",
    ),
    "",
) | {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "0000", "FID_BLNG_CLS_CODE": "3"}
MARKET_CAP = dict.fromkeys(
    (
        "fid_cond_scr_div_code",
        "fid_div_cls_code",
        "fid_trgt_cls_code",
        "fid_trgt_exls_cls_code",
        "fid_input_price_1",
        "fid_input_price_2",
        "fid_vol_cnt",
    ),
    "0",
) | {"fid_cond_mrkt_div_code": "J", "fid_input_iscd": "0000"}
VI_STATUS = dict.fromkeys(
    (
        "FID_DIV_CLS_CODE",
        "FID_COND_SCR_DIV_CODE",
        "FID_MRKT_CLS_CODE",
        "FID_INPUT_ISCD",
        "FID_RANK_SORT_CLS_CODE",
        "FID_INPUT_DATE_1",
        "FID_TRGT_CLS_CODE",
        "FID_TRGT_EXLS_CLS_CODE",
    ),
    "",
)
PSBL_ORDER = {
    "PDNO": "005930",
    "ORD_UNPR": "",
    "ORD_DVSN": "01",
    "CMA_EVLU_AMT_ICLD_YN": "N",
    "OVRS_ICLD_YN": "N",
}
PAGED = {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}
REALISED = {
    "AFHR_FLPR_YN": "N",
    "OFL_YN": "",
    "INQR_DVSN": "00",
    "UNPR_DVSN": "01",
    "FUND_STTL_ICLD_YN": "N",
    "FNCG_AMT_AUTO_RDPT_YN": "N",
    "PRCS_DVSN": "00",
    "COST_ICLD_YN": "N",
    **PAGED,
}
MINUTES = {
    **of_symbol("005930"),
    "FID_INPUT_HOUR_1": "101500",
    "FID_PW_DATA_INCU_YN": "Y",
    "FID_ETC_CLS_CODE": "",
}

ON_REAL: dict[str, tuple[str, dict[str, str]]] = {
    "inquire-price": ("inquire-price", of_symbol("005930")),
    "inquire-price-halted": ("inquire-price", of_symbol("990010")),
    "inquire-price-unknown-symbol": ("inquire-price", of_symbol("000001")),
    "inquire-price-2": ("inquire-price-2", of_symbol("005930")),
    "inquire-asking-price-exp-ccn": ("inquire-asking-price-exp-ccn", of_symbol("005930")),
    "inquire-daily-price": (
        "inquire-daily-price",
        {**of_symbol("005930"), "FID_PERIOD_DIV_CODE": "D", "FID_ORG_ADJ_PRC": "1"},
    ),
    "inquire-daily-itemchartprice": ("inquire-daily-itemchartprice", chart("005930")),
    "inquire-daily-itemchartprice-short-history": (
        "inquire-daily-itemchartprice",
        chart("0990Z0"),
    ),
    "inquire-time-itemchartprice": ("inquire-time-itemchartprice", MINUTES),
    "inquire-time-dailychartprice": (
        "inquire-time-dailychartprice",
        MINUTES | {"FID_INPUT_DATE_1": "20261123"},
    ),
    "volume-rank": ("volume-rank", VOLUME_RANK),
    "market-cap": ("market-cap", MARKET_CAP),
    "chk-holiday": ("chk-holiday", {"BASS_DT": DAY, "CTX_AREA_NK": "", "CTX_AREA_FK": ""}),
    "search-stock-info": ("search-stock-info", product("005930")),
    "search-info": ("search-info", product("005930")),
    "intstock-multprice": (
        "intstock-multprice",
        {
            "FID_COND_MRKT_DIV_CODE_1": "J",
            "FID_INPUT_ISCD_1": "005930",
            "FID_COND_MRKT_DIV_CODE_2": "J",
            "FID_INPUT_ISCD_2": "000660",
        },
    ),
    "inquire-index-price": ("inquire-index-price", index()),
    "inquire-daily-indexchartprice": (
        "inquire-daily-indexchartprice",
        index(FID_INPUT_DATE_1="20261101", FID_INPUT_DATE_2=DAY, FID_PERIOD_DIV_CODE="D"),
    ),
    "inquire-index-daily-price": (
        "inquire-index-daily-price",
        index(FID_INPUT_DATE_1=DAY, FID_PERIOD_DIV_CODE="D"),
    ),
    "inquire-vi-status": ("inquire-vi-status", VI_STATUS),
    "inquire-psbl-order": ("inquire-psbl-order", PSBL_ORDER),
    "inquire-psbl-order-unknown-symbol": (
        "inquire-psbl-order",
        PSBL_ORDER | {"PDNO": "000001"},
    ),
    "inquire-psbl-sell": ("inquire-psbl-sell", {"PDNO": "005930"}),
    "inquire-psbl-rvsecncl": (
        "inquire-psbl-rvsecncl",
        {"INQR_DVSN_1": "0", "INQR_DVSN_2": "0", **PAGED},
    ),
    "inquire-balance-rlz-pl": ("inquire-balance-rlz-pl", REALISED),
    "inquire-account-balance": (
        "inquire-account-balance",
        {"INQR_DVSN_1": " ", "BSPR_BF_DT_APLY_YN": " "},
    ),
}


@pytest.fixture
def traded(serve: "Serve") -> "Serve":
    """A server at 10:15 whose account holds 005930, with one open order and one VI behind it."""

    def start(**settings: Any) -> "WireClient":
        client = serve(**settings)
        client.advance("2026-11-24T09:10:00+09:00")
        client.http.post("/sandbox/symbols/005380", json={"vi": True})
        client.order("buy", "005930", 2, 0, kind="01")
        client.advance("2026-11-24T10:15:00+09:00")
        lower = int(client.quote("005930")["stck_llam"])
        client.order("buy", "005930", 1, lower)
        return client

    return start


@pytest.mark.req("X-01")
@pytest.mark.parametrize("name", sorted(ON_REAL))
def test_an_answer_has_the_keys_and_types_of_its_example(traded: "Serve", name: str) -> None:
    client = traded(mode="real")
    route, fields = ON_REAL[name]

    answer = client.call(route, **fields)

    assert answer.status_code == 200
    assert shape(answer.json()) == shape(example(name))


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    ("mode", "name"), [("paper", "inquire-balance-paper"), ("real", "inquire-balance")]
)
def test_a_balance_has_the_keys_and_types_of_its_example(
    traded: "Serve", mode: str, name: str
) -> None:
    client = traded(mode=mode)

    answer = client.balance()

    assert shape(answer.json()) == shape(example(name))
    assert answer.json()["msg_cd"] == example(name)["msg_cd"]


@pytest.mark.req("X-01")
def test_an_order_list_has_the_keys_and_types_of_its_example(traded: "Serve") -> None:
    client = traded(mode="real")

    answer = client.orders(DAY)

    assert shape(answer.json()) == shape(example("inquire-daily-ccld"))


@pytest.mark.req("X-01")
def test_an_empty_order_list_on_paper_has_the_words_of_its_example(paper: "WireClient") -> None:
    answer = paper.orders(DAY).json()

    expected = example("inquire-daily-ccld-empty-paper")
    assert shape(answer) == shape(expected)
    assert answer["msg_cd"] == expected["msg_cd"]
    assert answer["output2"] == expected["output2"]


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    ("mode", "side", "name"),
    [
        ("paper", "buy", "order-cash-paper-buy"),
        ("paper", "sell", "order-cash-paper-sell"),
        ("real", "buy", "order-cash"),
    ],
)
def test_an_order_is_accepted_in_the_words_of_its_example(
    traded: "Serve", mode: str, side: str, name: str
) -> None:
    client = traded(mode=mode)

    answer = client.order(side, "005930", 1, 0, kind="01").json()

    expected = example(name)
    assert shape(answer) == shape(expected)
    assert (answer["rt_cd"], answer["msg_cd"], answer["msg1"]) == (
        "0",
        expected["msg_cd"],
        expected["msg1"],
    )
    assert answer["output"]["KRX_FWDG_ORD_ORGNO"] == expected["output"]["KRX_FWDG_ORD_ORGNO"]


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    ("mode", "cancels", "name"),
    [
        ("paper", True, "order-rvsecncl-paper-cancel"),
        ("paper", False, "order-rvsecncl-paper-amend"),
        ("real", True, "order-rvsecncl"),
    ],
)
def test_a_revision_is_accepted_in_the_words_of_its_example(
    traded: "Serve", mode: str, cancels: bool, name: str
) -> None:
    client = traded(mode=mode)
    open_order = client.orders(DAY, CCLD_DVSN="02").json()["output1"][0]

    answer = client.revise(
        open_order["odno"], cancels=cancels, price=int(open_order["ord_unpr"])
    ).json()

    expected = example(name)
    assert shape(answer) == shape(expected)
    assert (answer["msg_cd"], answer["msg1"]) == (expected["msg_cd"], expected["msg1"])


@pytest.mark.req("X-01")
def test_every_value_of_a_body_is_text(traded: "Serve") -> None:
    client = traded(mode="real")
    answers = [client.call(route, **fields).json() for route, fields in ON_REAL.values()]

    kinds = {type(leaf) for answer in answers for leaf in leaves(answer)}

    assert kinds == {str}


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]
