"""How inquiries are repeated, classified and paged."""

from datetime import timedelta
from typing import Any

import pytest

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.errors import ErrorClass, classify
from kis_adapters.kis.trading import KisRestBroker
from kis_core.orders.identity import TradingMode
from kis_core.ports.broker import BrokerUnavailable, RefusalKind

BALANCE = "/inquire-balance"


@pytest.mark.req("K-01")
@pytest.mark.parametrize("failure", ["reset", "html", "empty", "half", "500", "EGW00316", "delay"])
def test_an_inquiry_is_tried_three_times_with_growing_pauses(
    failure: str, kis: Any, make_client: Any, clock: Any, wire: Any, api_errors: list[Any]
) -> None:
    make_client().ensure_token()
    client = make_client(timeout_s=0.5 if failure == "delay" else 5.0)
    kis.script(
        BALANCE,
        {
            "reset": wire.Reply(closes="read"),
            "html": wire.Reply(body=b"<html>", status=502),
            "empty": wire.Reply(body=b""),
            "half": wire.Reply(body=wire.sample("inquire-balance"), closes="half"),
            "500": wire.gateway("maintenance_empty"),
            "EGW00316": wire.gateway("retry_asked"),
            "delay": wire.Reply(body=wire.sample("inquire-balance"), delay_s=0.8),
        }[failure],
    )

    with pytest.raises(BrokerUnavailable):
        KisRestBroker(client).account()

    assert kis.count(BALANCE) == 3
    # 1 s and 2 s, each with up to a quarter of a second of jitter.
    assert timedelta(seconds=3) <= clock.now() - wire.NOW <= timedelta(seconds=3.5)
    assert len(api_errors) == 1


@pytest.mark.req("K-01")
def test_an_inquiry_that_works_again_is_answered(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(
        BALANCE,
        wire.Reply(closes="read"),
        wire.gateway("session_error"),
        wire.ok("inquire-balance-paper"),
    )

    account = KisRestBroker(client).account()

    assert account.cash == 8_950_000


@pytest.mark.req("K-01")
@pytest.mark.parametrize("name", ["unknown_tr", "bearer_missing", "tr_not_on_paper"])
def test_a_refusal_that_will_not_change_is_not_repeated(
    name: str, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(BALANCE, wire.gateway(name))

    with pytest.raises(BrokerUnavailable):
        KisRestBroker(client).account()

    assert kis.count(BALANCE) == 1


@pytest.mark.req("K-09")
@pytest.mark.parametrize(("mode", "tries"), [(TradingMode.PAPER, 3), (TradingMode.REAL, 1)])
def test_an_unbound_account_is_asked_again_on_paper_only(
    mode: TradingMode, tries: int, kis: Any, make_client: Any, wire: Any
) -> None:
    kis.script(BALANCE, wire.gateway("account_not_bound"))

    with pytest.raises(BrokerUnavailable):
        KisRestBroker(make_client(mode)).account()

    assert kis.count(BALANCE) == tries


@pytest.mark.req("K-05")
def test_the_brokers_rate_limit_slows_the_budget_and_the_inquiry_succeeds(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    budget = RateBudget(1, clock)
    kis.script(BALANCE, wire.gateway("tps_per_key"), wire.ok("inquire-balance-paper"))
    client = make_client(budget=budget)
    client.ensure_token()

    KisRestBroker(client).account()

    # The token at 0 s, the first try at 1.05 s, the second twice the spacing later.
    assert clock.now() == wire.NOW + timedelta(seconds=1.05 + 2.1)


@pytest.mark.req("K-09")
@pytest.mark.parametrize(
    ("code", "text", "error_class", "kind"),
    [
        ("APBK0918", "장운영시간이 아닙니다.", "market_closed", "market_closed"),
        (
            "APBK0918",
            "장운영시간이 아닙니다.([프리마켓] 시장가 매매 불가 시간)",
            "market_closed",
            "market_closed",
        ),
        ("APBK0918", "주문가능금액을 초과 했습니다", "insufficient_cash", "insufficient_cash"),
        ("APBK0918", "최소 주문수량 미만입니다", "rejected", "insufficient_quantity"),
        (
            "APBK0919",
            "장운영일자가 주문일과 상이합니다",
            "market_closed",
            "market_closed",
        ),
        ("APBK0919", "주문가능금액이 부족합니다", "insufficient_cash", "insufficient_cash"),
        ("APBK0656", "해당종목정보가 없습니다", "rejected", "not_tradable"),
        ("ZZZZ", "주식주문호가단위 오류입니다.", "rejected", "price"),
        ("ZZZZ", "주문수량을 확인 하여 주십시요.", "rejected", "insufficient_quantity"),
        ("ZZZZ", "정정/취소할 수량이 없습니다.", "rejected", "nothing_to_cancel"),
        ("ZZZZ", "?", "unknown", "other"),
        ("", "장종료", "unknown", "other"),
        ("EGW00123", "", "token", "auth"),
        ("EGW00103", "", "auth", "auth"),
        ("EGW00201", "", "rate_limit", "other"),
        ("EGW00215", "", "rate_limit", "other"),
        ("EGW00302", "", "outcome_unknown", "other"),
        ("EGW02006", "", "unsupported", "unsupported"),
        ("OPSQ1002", "", "retryable", "other"),
        ("40320000", "원주문번호가 존재하지 않습니다.", "rejected", "other"),
        ("40330000", "", "rejected", "nothing_to_cancel"),
    ],
)
def test_a_code_has_one_class(code: str, text: str, error_class: str, kind: str) -> None:
    classified = classify(code, text)

    assert classified.error_class is ErrorClass(error_class)
    assert classified.kind is RefusalKind(kind)


def _second_page(wire: Any) -> dict[str, Any]:
    body: dict[str, Any] = wire.sample("inquire-balance")
    page = wire.sample("inquire-balance-page1-of-2")
    row = {**page["output1"][0], "pdno": "000660", "hldg_qty": "2", "ord_psbl_qty": "2"}
    row |= {"pchs_amt": "400000", "evlu_amt": "421000", "prpr": "210500"}
    body["output1"] = [row]
    body["output2"][0] |= {"scts_evlu_amt": "2183500", "pchs_amt_smtl_amt": "2137500"}
    return body


@pytest.mark.req("K-08", "F-028")
def test_pages_are_read_to_the_end(kis: Any, make_client: Any, wire: Any) -> None:
    second = _second_page(wire)
    kis.script(
        BALANCE,
        wire.ok("inquire-balance-page1-of-2", tr_cont="F"),
        wire.Reply(body=second, headers={"tr_cont": "D"}),
    )

    account = KisRestBroker(make_client(TradingMode.REAL)).account()

    first, following = kis.asked(BALANCE)
    told = wire.sample("inquire-balance-page1-of-2")
    assert [(h.symbol, h.quantity) for h in account.holdings] == [("005930", 25), ("000660", 2)]
    assert first.headers["tr_cont"] == ""
    assert following.headers["tr_cont"] == "N"
    assert following.query["CTX_AREA_FK100"] == told["ctx_area_fk100"]
    assert following.query["CTX_AREA_NK100"] == told["ctx_area_nk100"]


def _pages(wire: Any, case: str) -> list[Any]:
    page = wire.sample("inquire-balance-page1-of-2")
    blank = {**page, "ctx_area_nk100": " " * 100}
    missing = {key: value for key, value in page.items() if key != "ctx_area_nk100"}
    other_row = {**page, "output1": [{**page["output1"][0], "pdno": "000660"}]}
    more = {"tr_cont": "M"}
    return {
        "context blank": [wire.Reply(body=blank, headers=more)],
        "context missing": [wire.Reply(body=missing, headers=more)],
        "context repeats": [
            wire.Reply(body=page, headers=more),
            wire.Reply(body=other_row, headers=more),
        ],
        "rows repeat": [
            wire.Reply(body=page, headers=more),
            wire.Reply(body={**page, "ctx_area_nk100": "another"}, headers={"tr_cont": "D"}),
        ],
        "second page fails": [wire.Reply(body=page, headers=more), wire.Reply(status=500)],
        "unknown tr_cont": [wire.Reply(body=page, headers={"tr_cont": "X"})],
        "more in the text alone": [wire.Reply(body=page, headers={"tr_cont": ""})],
    }[case]


@pytest.mark.req("K-08", "F-028", "F-110")
@pytest.mark.parametrize(
    "case",
    [
        "context blank",
        "context missing",
        "context repeats",
        "rows repeat",
        "second page fails",
        "unknown tr_cont",
        "more in the text alone",
    ],
)
def test_pages_without_a_proper_end_are_an_error_not_a_short_list(
    case: str, kis: Any, make_client: Any, wire: Any
) -> None:
    kis.script(BALANCE, *_pages(wire, case))

    with pytest.raises(BrokerUnavailable):
        KisRestBroker(make_client(TradingMode.REAL)).account()

    assert kis.count(BALANCE) <= 4


@pytest.mark.req("K-08")
def test_a_context_that_repeats_is_noticed_at_once(kis: Any, make_client: Any, wire: Any) -> None:
    page = wire.sample("inquire-balance-page1-of-2")

    def another(request: Any) -> Any:
        row = {**page["output1"][0], "pdno": f"{kis.count(BALANCE):06}"}
        return wire.Reply(body={**page, "output1": [row]}, headers={"tr_cont": "M"})

    kis.script(BALANCE, another)

    with pytest.raises(BrokerUnavailable, match="context repeats"):
        KisRestBroker(make_client(TradingMode.REAL)).account()

    assert kis.count(BALANCE) == 2


@pytest.mark.req("K-08")
def test_pages_that_go_on_for_ever_are_ended(kis: Any, make_client: Any, wire: Any) -> None:
    page = wire.sample("inquire-balance-page1-of-2")

    def another(request: Any) -> Any:
        number = kis.count(BALANCE)
        row = {**page["output1"][0], "pdno": f"{number:06}"}
        body = {**page, "output1": [row], "ctx_area_nk100": f"{number}"}
        return wire.Reply(body=body, headers={"tr_cont": "M"})

    kis.script(BALANCE, another)

    with pytest.raises(BrokerUnavailable, match="no end"):
        KisRestBroker(make_client(TradingMode.REAL)).account()

    assert kis.count(BALANCE) == 200


@pytest.mark.req("E-08")
def test_the_clock_skew_is_read_from_the_brokers_date(
    kis: Any, client: KisClient, wire: Any
) -> None:
    before = client.clock_skew()
    kis.date = wire.NOW - timedelta(seconds=3)
    kis.script(BALANCE, wire.ok("inquire-balance-paper"))

    KisRestBroker(client).account()

    skew = client.clock_skew()
    assert before is None
    # Ours is 3 s ahead; the header is cut to seconds, so half a second is taken off.
    assert skew == pytest.approx(2.5, abs=0.1)


@pytest.mark.req("M-07", "K-11", "F-007")
def test_paper_cannot_be_pointed_at_the_real_server(make_client: Any) -> None:
    with pytest.raises(ValueError, match="PAPER"):
        make_client(base_url="https://openapi.koreainvestment.com:9443")


@pytest.mark.req("K-06", "M-07")
def test_a_real_account_tr_is_never_sent_on_paper(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script("", wire.Reply(status=500))
    broker = KisRestBroker(client)

    for ask in (broker.account, lambda: broker.orders_of(wire.NOW.date())):
        with pytest.raises(BrokerUnavailable):
            ask()

    sent = {request.headers["tr_id"] for request in kis.requests if "tr_id" in request.headers}
    assert sent == {"VTTC8434R", "VTTC0081R"}
