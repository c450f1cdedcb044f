"""The gateway's checks: keys, tokens, TR ids, rate, fields, account, and the simulator's mark."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.sandbox.conftest import Serve, WireClient

EXAMPLES = Path(__file__).parents[1] / "data" / "kis-wire"
PRICE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
PRICE_PATH = "/uapi/domestic-stock/v1/quotations/inquire-price"


def expected(name: str, *, file: str = "errors-gateway") -> tuple[int, dict[str, str]]:
    case = json.loads((EXAMPLES / f"{file}.json").read_text(encoding="utf-8"))[name]
    return case["http_status"], case["body"]


def given(answer: "httpx.Response") -> tuple[int, dict[str, str]]:
    body = answer.json()
    body["msg1"] = body["msg1"].strip()
    return answer.status_code, body


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    "route",
    [
        "inquire-price-2",
        "volume-rank",
        "market-cap",
        "chk-holiday",
        "search-stock-info",
        "search-info",
        "intstock-multprice",
        "inquire-vi-status",
        "inquire-index-price",
        "inquire-psbl-sell",
        "inquire-psbl-rvsecncl",
        "inquire-balance-rlz-pl",
        "inquire-account-balance",
    ],
)
def test_a_tr_that_paper_lacks_is_refused_there(paper: "WireClient", route: str) -> None:
    answer = paper.call(route)

    assert given(answer) == expected("tr_not_on_paper")


@pytest.mark.req("X-01")
def test_a_real_trading_tr_is_refused_on_paper(paper: "WireClient") -> None:
    answer = paper.call("inquire-balance", tr_id="TTTC8434R")

    assert given(answer) == expected("tr_not_on_paper")


@pytest.mark.req("X-01")
def test_a_paper_trading_tr_is_refused_on_real(real: "WireClient") -> None:
    answer = real.call("inquire-balance", tr_id="VTTC8434R")

    assert given(answer) == expected("paper_tr_on_real")


@pytest.mark.req("X-01")
def test_an_unknown_tr_is_refused(paper: "WireClient") -> None:
    answer = paper.call("inquire-price", tr_id="FHKST99999999", **PRICE)

    assert given(answer) == expected("unknown_tr")


@pytest.mark.req("X-01")
def test_a_real_key_gets_a_token_on_paper_and_fails_at_the_first_call(
    serve: "Serve",
) -> None:
    paper, real = serve(), serve(mode="real")
    keys = {k: str(real.info[k]) for k in ("app_key", "app_secret")}

    issued = paper.http.post(
        "/oauth2/tokenP",
        json={
            "grant_type": "client_credentials",
            "appkey": keys["app_key"],
            "appsecret": keys["app_secret"],
        },
    )
    paper.token = issued.json()["access_token"]
    paper.info = paper.info | keys
    answer = paper.call("inquire-price", **PRICE)

    assert issued.status_code == 200
    assert given(answer) == expected("real_key_on_paper_host")


@pytest.mark.req("X-01")
def test_a_token_without_the_word_bearer_is_refused(paper: "WireClient") -> None:
    headers = paper.headers("FHKST01010100") | {"authorization": paper.token}

    answer = paper.http.get(PRICE_PATH, params=PRICE, headers=headers)

    assert given(answer) == expected("bearer_missing")


@pytest.mark.req("X-01")
def test_an_unknown_token_is_refused(paper: "WireClient") -> None:
    paper.token = "never-issued"

    answer = paper.call("inquire-price", **PRICE)

    assert given(answer) == expected("token_invalid")


@pytest.mark.req("X-01")
def test_query_names_are_read_in_either_case(paper: "WireClient") -> None:
    upper = paper.call("inquire-price", **PRICE)

    lower = paper.call("inquire-price", **{k.lower(): v for k, v in PRICE.items()})

    assert lower.json()["output"]["stck_prpr"] == upper.json()["output"]["stck_prpr"] != "0"


@pytest.mark.req("X-01")
def test_body_names_are_read_in_upper_case_only(paper: "WireClient") -> None:
    fields = {"pdno": "005930", "ord_dvsn": "01", "ord_qty": "1", "ord_unpr": "0"}

    answer = paper.call("order-buy", **fields)

    assert (answer.status_code, answer.json()["rt_cd"]) == (200, "2")
    assert paper.ledger()["orders"] == []


@pytest.mark.req("X-01")
def test_a_missing_field_is_named_under_rt_cd_2(paper: "WireClient") -> None:
    fields = PRICE | {"FID_INPUT_HOUR_1": "101500", "FID_PW_DATA_INCU_YN": "N"}

    answer = paper.call("inquire-time-itemchartprice", **fields)

    assert given(answer) == expected("missing_field")


@pytest.mark.req("X-01")
def test_another_account_is_not_bound_to_the_key(paper: "WireClient") -> None:
    answer = paper.balance(CANO="99100001")

    assert given(answer) == expected("account_not_bound")


@pytest.mark.req("X-01")
def test_an_answer_echoes_the_tr_id_and_has_the_paging_header(paper: "WireClient") -> None:
    answer = paper.balance()

    assert answer.headers["tr_id"] == "VTTC8434R"
    assert answer.headers["tr_cont"] == "D"
    assert "gt_uid" in answer.headers


@pytest.mark.req("X-01")
def test_account_inquiries_pad_their_message_and_quotes_do_not(paper: "WireClient") -> None:
    inquired, quoted = paper.balance().json(), paper.call("inquire-price", **PRICE).json()

    assert inquired["msg1"].endswith(" ")
    assert not quoted["msg1"].endswith(" ")


@pytest.mark.req("X-06")
@pytest.mark.parametrize("path", ["/sandbox/info", "/sandbox/clock", PRICE_PATH, "/nowhere"])
def test_every_answer_says_that_it_is_the_simulators(paper: "WireClient", path: str) -> None:
    answer = paper.http.get(path)

    assert answer.headers["X-KIS-Sandbox"] == "1"


@pytest.mark.req("X-03", "E-08")
def test_the_date_of_an_answer_is_of_the_virtual_clock(paper: "WireClient") -> None:
    answer = paper.call("inquire-price", **PRICE)

    assert answer.headers["X-KIS-Sandbox-Time"].startswith("2026-11-24T08:50:00")
    assert answer.headers.get_list("date") == ["Mon, 23 Nov 2026 23:50:00 GMT"]


@pytest.mark.req("X-06")
@pytest.mark.parametrize("mode", ["paper", "real"])
def test_the_keys_have_real_lengths_and_say_that_they_are_not_real(
    serve: "Serve", mode: str
) -> None:
    info = serve(mode=mode).info

    assert len(str(info["app_key"])) == 36
    assert len(str(info["app_secret"])) == 180
    assert str(info["app_key"]).startswith("SANDBOX")
    assert str(info["account_no"]).startswith("99")


@pytest.mark.req("X-01")
def test_paper_admits_one_call_a_virtual_second(serve: "Serve") -> None:
    client = serve(rate_per_second=None)
    client.advance("2026-11-24T10:00:00+09:00")

    first = client.call("inquire-price", **PRICE)
    second = client.call("inquire-price", **PRICE)
    client.advance("2026-11-24T10:00:01.020000+09:00")
    third = client.call("inquire-price", **PRICE)

    assert first.status_code == third.status_code == 200
    assert given(second) == expected("tps_per_key")


@pytest.mark.req("X-01")
def test_real_admits_eighteen_calls_in_any_second(serve: "Serve") -> None:
    client = serve(mode="real", rate_per_second=None, latency_ms=0)
    client.advance("2026-11-24T10:00:00+09:00")

    codes = [client.call("inquire-price", **PRICE).status_code for _ in range(19)]

    assert codes == [200] * 18 + [500]


@pytest.mark.req("X-01")
def test_a_refused_call_does_not_count_against_the_limit(serve: "Serve") -> None:
    client = serve(rate_per_second=None, latency_ms=0)
    client.advance("2026-11-24T10:00:00+09:00")
    client.call("inquire-price", **PRICE)
    client.advance("2026-11-24T10:00:00.900000+09:00")
    refused = client.call("inquire-price", **PRICE)

    client.advance("2026-11-24T10:00:01+09:00")
    answer = client.call("inquire-price", **PRICE)

    assert (refused.status_code, answer.status_code) == (500, 200)


@pytest.mark.req("X-01")
def test_an_order_over_the_rate_limit_is_not_processed(serve: "Serve") -> None:
    client = serve(rate_per_second=None, latency_ms=0)
    client.advance("2026-11-24T10:00:00+09:00")
    client.call("inquire-price", **PRICE)

    answer = client.order("buy", "005930", 1, 0, kind="01")

    assert answer.json()["msg_cd"] == "EGW00201"
    assert client.ledger()["orders"] == []


@pytest.mark.req("X-01")
def test_a_path_with_a_doubled_slash_is_the_same_path(paper: "WireClient") -> None:
    url = f"{paper.server.base_url}/{PRICE_PATH}"

    answer = paper.http.get(url, params=PRICE, headers=paper.headers("FHKST01010100"))

    assert "//uapi" in str(answer.request.url)
    assert answer.json()["rt_cd"] == "0"
