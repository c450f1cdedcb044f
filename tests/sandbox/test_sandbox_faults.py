"""Every kind of fault: what the caller sees, and what the ledger knows."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from kis_sandbox.faults import FaultKind

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

DAY = "20261124"
PRICE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}


@pytest.fixture
def client(paper: "WireClient") -> "WireClient":
    paper.advance("2026-11-24T10:00:00+09:00")
    return paper


def price(client: "WireClient") -> httpx.Response:
    return client.call("inquire-price", **PRICE)


def buy(client: "WireClient") -> httpx.Response:
    return client.order("buy", "005930", 10, 0, kind="01")


def orders(client: "WireClient") -> int:
    return len(client.ledger()["orders"])


@pytest.mark.req("X-05")
def test_refuse_resets_the_connection_and_nothing_is_processed(client: "WireClient") -> None:
    client.server.faults.add("order-cash", "refuse", count=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        buy(client)

    assert orders(client) == 0


@pytest.mark.req("X-05")
@pytest.mark.parametrize(("kind", "processed"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_answer_may_or_may_not_have_been_processed(
    client: "WireClient", kind: str, processed: int
) -> None:
    client.server.faults.add("order-cash", kind, count=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        buy(client)

    assert orders(client) == processed


@pytest.mark.req("X-05")
def test_a_delay_can_be_real(client: "WireClient") -> None:
    client.server.faults.add("inquire-price", "delay", count=1, params={"ms": 200})

    begun = time.monotonic()
    answer = price(client)

    assert time.monotonic() - begun >= 0.2
    assert answer.status_code == 200


@pytest.mark.req("X-05")
def test_a_delay_can_be_virtual(client: "WireClient") -> None:
    client.server.faults.add(
        "inquire-price", "delay", count=1, params={"ms": 60_000, "clock": "virtual"}
    )

    price(client)

    now = client.http.get("/sandbox/clock").json()["now"]
    assert now == "2026-11-24T10:01:00.020000+09:00"


@pytest.mark.req("X-05")
@pytest.mark.parametrize(("params", "processed"), [({}, 0), ({"processed": True}, 1)])
def test_http_500_has_empty_codes(
    client: "WireClient", params: dict[str, object], processed: int
) -> None:
    client.server.faults.add("order-cash", "http_500", count=1, params=params)

    answer = buy(client)

    assert answer.status_code == 500
    assert answer.json() == {"rt_cd": "1", "msg_cd": "", "msg1": ""}
    assert orders(client) == processed


@pytest.mark.req("X-05")
@pytest.mark.parametrize(("params", "processed"), [({}, 1), ({"processed": False}, 0)])
def test_an_unknown_outcome_asks_to_check_the_last_trade(
    client: "WireClient", params: dict[str, object], processed: int
) -> None:
    client.server.faults.add("order-cash", "outcome_unknown", count=1, params=params)

    answer = buy(client)

    assert (answer.status_code, answer.json()["msg_cd"]) == (500, "EGW00302")
    assert orders(client) == processed


@pytest.mark.req("X-05")
def test_the_unknown_outcome_goes_by_its_code_too() -> None:
    assert FaultKind("EGW00302") is FaultKind.OUTCOME_UNKNOWN


@pytest.mark.req("X-05")
@pytest.mark.parametrize("kind", ["malformed_json", "truncated", "empty_body", "html"])
def test_a_garbled_body_is_not_json(client: "WireClient", kind: str) -> None:
    client.server.faults.add("inquire-price", kind, count=1)

    answer = price(client)

    with pytest.raises(ValueError):
        answer.json()
    assert price(client).json()["rt_cd"] == "0"


@pytest.mark.req("X-05")
def test_a_field_can_be_missing(client: "WireClient") -> None:
    client.server.faults.add(
        "inquire-price", "missing_field", count=1, params={"field": "stck_prpr"}
    )

    damaged, whole = price(client).json()["output"], price(client).json()["output"]

    assert set(whole) - set(damaged) == {"stck_prpr"}


@pytest.mark.req("X-05")
def test_a_price_can_be_zero(client: "WireClient") -> None:
    client.server.faults.add("inquire-price", "zero_price", count=1)

    assert price(client).json()["output"]["stck_prpr"] == "0"


@pytest.mark.req("X-05")
def test_an_answer_can_be_stale(client: "WireClient") -> None:
    before = price(client).json()
    client.advance("2026-11-24T11:00:00+09:00")
    client.server.faults.add("inquire-price", "stale", count=1)

    stale, fresh = price(client).json(), price(client).json()

    assert stale == before
    assert fresh["output"]["acml_vol"] != before["output"]["acml_vol"]


@pytest.mark.req("X-05")
def test_rows_can_be_doubled_but_not_the_total(client: "WireClient") -> None:
    buy(client)
    client.advance("2026-11-24T10:10:00+09:00")
    client.server.faults.add("inquire-balance", "duplicate_rows", count=1)

    body = client.balance().json()

    assert [row["pdno"] for row in body["output1"]] == ["005930", "005930"]
    assert len(body["output2"]) == 1


@pytest.mark.req("X-05")
def test_a_page_can_be_missing(client: "WireClient") -> None:
    client.server.faults.add("inquire-balance", "missing_page", count=1)

    answer = client.balance()

    assert answer.headers["tr_cont"] == "F"
    assert answer.json()["ctx_area_nk100"].strip() == ""


@pytest.mark.req("X-05")
@pytest.mark.parametrize(
    ("kind", "code"), [("rate_limit", "EGW00201"), ("ledger_limit", "EGW00215")]
)
def test_a_limit_error_is_not_processed(client: "WireClient", kind: str, code: str) -> None:
    client.server.faults.add("order-cash", kind, count=1)

    answer = buy(client)

    assert (answer.status_code, answer.json()["msg_cd"]) == (500, code)
    assert orders(client) == 0


@pytest.mark.req("X-05")
def test_a_token_can_be_revoked_in_mid_session(client: "WireClient") -> None:
    client.server.faults.add("inquire-price", "token_revoked", count=1)

    first, second = price(client), price(client)
    client.log_in()
    third = price(client)

    assert first.json()["msg_cd"] == second.json()["msg_cd"] == "EGW00121"
    assert third.status_code == 200


@pytest.mark.req("X-05")
def test_the_broker_can_reject_an_order(client: "WireClient") -> None:
    client.server.faults.add(
        "order-cash", "order_rejected", count=1, params={"code": "APBK1943", "msg": "시험"}
    )

    body = buy(client).json()

    assert (body["rt_cd"], body["msg_cd"], body["msg1"]) == ("1", "APBK1943", "시험")
    assert orders(client) == 0


@pytest.mark.req("X-05")
def test_the_exchange_can_reject_what_the_broker_took(client: "WireClient") -> None:
    client.server.faults.add("order-cash", "exchange_rejected", count=1)

    taken = buy(client).json()
    client.advance("2026-11-24T11:00:00+09:00")
    row = client.orders(DAY).json()["output1"][0]

    assert taken["rt_cd"] == "0"
    assert (row["rjct_qty"], row["rmn_qty"], row["tot_ccld_qty"]) == ("10", "0", "0")
    assert row["sll_buy_dvsn_cd_name"] == "매수거부"
    assert client.ledger()["orderable_cash"] == 10_000_000


@pytest.mark.req("X-05")
def test_an_order_can_fill_in_part_only(client: "WireClient") -> None:
    client.server.faults.add("order-cash", "partial_fill", count=1, params={"quantity": 3})

    buy(client)
    client.advance("2026-11-24T11:00:00+09:00")
    row = client.orders(DAY).json()["output1"][0]

    assert (row["tot_ccld_qty"], row["rmn_qty"]) == ("3", "7")


@pytest.mark.req("X-05")
def test_a_fill_can_be_late(client: "WireClient") -> None:
    client.server.faults.add("order-cash", "delayed_fill", count=1, params={"ms": 600_000})

    buy(client)
    client.advance("2026-11-24T10:09:00+09:00")
    early = client.orders(DAY).json()["output1"][0]["tot_ccld_qty"]
    client.advance("2026-11-24T10:12:00+09:00")
    late = client.orders(DAY).json()["output1"][0]["tot_ccld_qty"]

    assert (early, late) == ("0", "10")


@pytest.mark.req("X-05")
@pytest.mark.parametrize("route", ["order-cash", "inquire-daily-ccld"])
def test_order_rows_can_come_late(client: "WireClient", route: str) -> None:
    client.server.faults.add(route, "rows_lag", params={"ms": 30_000})

    buy(client)
    early = client.orders(DAY).json()["output1"]
    known = orders(client)
    client.advance("2026-11-24T10:00:31+09:00")
    late = client.orders(DAY).json()["output1"]

    assert (early, known, len(late)) == ([], 1, 1)


@pytest.mark.req("X-05")
def test_a_fault_strikes_as_often_as_it_was_asked_to(client: "WireClient") -> None:
    client.server.faults.add("inquire-price", "rate_limit", count=2)

    assert [price(client).status_code for _ in range(4)] == [500, 500, 200, 200]


@pytest.mark.req("X-05")
def test_a_fault_keeps_to_its_route_unless_it_is_for_all(client: "WireClient") -> None:
    client.server.faults.add("inquire-balance", "rate_limit", count=1)
    untouched = price(client).status_code
    client.server.faults.clear()
    client.server.faults.add("*", "rate_limit", count=1)

    assert (untouched, price(client).status_code) == (200, 500)


@pytest.mark.req("X-04", "X-05")
def test_a_probable_fault_strikes_the_same_calls_again(serve: "Serve") -> None:
    def struck() -> list[int]:
        client = serve()
        client.server.faults.add("inquire-price", "http_500", probability=0.5)
        return [price(client).status_code for _ in range(40)]

    first = struck()

    assert first == struck()
    assert 10 <= first.count(500) <= 30


@pytest.mark.req("X-05")
def test_faults_are_set_listed_and_cleared_over_the_admin_interface(
    client: "WireClient",
) -> None:
    asked = {"route": "inquire-price", "kind": "http_500", "count": 5, "params": {}}

    added = client.http.post("/sandbox/faults", json=asked)
    price(client)
    listed = client.http.get("/sandbox/faults").json()["faults"]
    client.http.delete("/sandbox/faults")

    assert added.status_code == 200
    assert [(one["kind"], one["struck"]) for one in listed] == [("http_500", 1)]
    assert price(client).status_code == 200


@pytest.mark.req("X-05")
@pytest.mark.parametrize(
    "asked",
    [
        {"route": "*", "kind": "no-such-fault"},
        {"route": "*", "kind": "http_500", "count": 0},
        {"route": "*", "kind": "http_500", "probability": 1.5},
        {"route": "*", "kind": "http_500", "params": 5},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    client: "WireClient", asked: dict[str, object]
) -> None:
    assert client.http.post("/sandbox/faults", json=asked).status_code == 400


@pytest.mark.req("X-05")
def test_every_kind_of_fault_is_tried_here_or_on_the_stream() -> None:
    here = Path(__file__)
    files = (here, here.with_name("test_ws_faults.py"))
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    elsewhere = {FaultKind.CANCEL_RACE}  # test_sandbox_revision

    assert [k for k in FaultKind if f'"{k.value}"' not in source and k not in elsewhere] == []
