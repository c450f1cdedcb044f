"""What becomes of an order: sent once, and named by what is certain."""

from collections.abc import Callable
from typing import Any

import pytest

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.trading import KisRestBroker
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import (
    Accepted,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    RefusalKind,
    Rejected,
)

ORDER = "/order-cash"
CANCEL = "/order-rvsecncl"
TICKET = OrderTicket(
    order_id="0a1b2c3d4e5f6071",
    symbol=Symbol("005930"),
    side=Side.BUY,
    quantity=10,
    order_type=OrderType.LIMIT,
    price=Won(70_100),
)


def _market_sale() -> OrderTicket:
    return OrderTicket(
        order_id="0a1b2c3d4e5f6072",
        symbol=Symbol("0126Z0"),
        side=Side.SELL,
        quantity=3,
        order_type=OrderType.MARKET,
        price=Won(0),
    )


def test_an_accepted_order_is_the_brokers_number_without_leading_zeros(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(ORDER, wire.ok("order-cash-paper-buy"))

    answer = KisRestBroker(client).place(TICKET)

    assert answer == Accepted(broker_order_no="38614", broker_branch="00950")


def test_a_limit_buy_is_written_in_the_brokers_words(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(ORDER, wire.ok("order-cash-paper-buy"))

    KisRestBroker(client).place(TICKET)

    (request,) = kis.asked(ORDER)
    assert request.method == "POST"
    assert request.body == {
        "CANO": wire.ACCOUNT_NO,
        "ACNT_PRDT_CD": "01",
        "PDNO": "005930",
        "ORD_DVSN": "00",
        "ORD_QTY": "10",
        "ORD_UNPR": "70100",
        "EXCG_ID_DVSN_CD": "KRX",
    }
    assert request.headers["tr_id"] == "VTTC0012U"
    assert request.headers["authorization"] == "Bearer fake-token-1"
    assert request.headers["custtype"] == "P"


def test_a_market_sale_is_sent_without_a_price(kis: Any, make_client: Any, wire: Any) -> None:
    kis.script(ORDER, wire.ok("order-cash"))

    KisRestBroker(make_client(TradingMode.REAL)).place(_market_sale())

    (request,) = kis.asked(ORDER)
    assert request.headers["tr_id"] == "TTTC0011U"
    assert (request.body["ORD_DVSN"], request.body["ORD_UNPR"]) == ("01", "0")
    assert request.body["PDNO"] == "0126Z0"


@pytest.mark.req("K-13")
def test_an_answer_in_lower_case_is_read_as_well(kis: Any, client: KisClient, wire: Any) -> None:
    body = wire.sample("order-cash")
    body["output"] = {key.lower(): value for key, value in body["output"].items()}
    kis.script(ORDER, wire.Reply(body=body))

    answer = KisRestBroker(client).place(TICKET)

    assert answer == Accepted(broker_order_no="117057", broker_branch="91252")


def _lost_answers(wire: Any) -> dict[str, Any]:
    reply, ok = wire.Reply, wire.sample("order-cash")
    return {
        "timeout": reply(body=ok, delay_s=1.2),
        "reset before an answer": reply(closes="read"),
        "half an answer": reply(body=ok, closes="half"),
        "empty": reply(body=b""),
        "html": reply(body="<html>502 Bad Gateway</html>", status=502),
        "html with 200": reply(body="<html></html>"),
        "truncated json": reply(body=b'{"rt_cd":"0","msg_cd":"APBK0013","output":{"ODNO":"00'),
        "not an object": reply(body=[ok]),
        "no rt_cd": reply(body={"msg_cd": "APBK0013", "output": ok["output"]}),
        "rt_cd a number": reply(body={**ok, "rt_cd": 0}),
        "no output": reply(body={key: ok[key] for key in ("rt_cd", "msg_cd", "msg1")}),
        "no number": reply(body={**ok, "output": {"KRX_FWDG_ORD_ORGNO": "91252"}}),
        "blank number": reply(body={**ok, "output": {**ok["output"], "ODNO": "   "}}),
        "number zero": reply(body={**ok, "output": {**ok["output"], "ODNO": "0000000000"}}),
        "no branch": reply(body={**ok, "output": {"ODNO": "0000117057"}}),
        "two numbers": reply(body={**ok, "output": {**ok["output"], "odno": "0000000001"}}),
        "accepted with 500": reply(body=ok, status=500),
        "words of acceptance as a no": reply(body={**ok, "rt_cd": "1"}),
        "gateway timeout": wire.refusal("EGW00301", "연결시간이 초과되었습니다.", status=500),
        "check the last trade": wire.gateway("outcome_unknown_check_last_trade"),
        "maintenance": wire.gateway("maintenance_empty"),
        "service delayed": wire.business("paper_service_delay"),
        "routing": wire.refusal("EGW00202", "GW라우팅 중 오류", status=500),
        "unknown code with 500": wire.refusal("ZZZ99999", "?", status=500),
        "business no with 500": wire.refusal("APBK0400", "수량을 초과", status=500),
        "business no without code": wire.refusal("", "?"),
        "redirect": reply(status=307, headers={"Location": "/elsewhere/order-cash"}),
    }


LOST = (
    "timeout",
    "reset before an answer",
    "half an answer",
    "empty",
    "html",
    "html with 200",
    "truncated json",
    "not an object",
    "no rt_cd",
    "rt_cd a number",
    "no output",
    "no number",
    "blank number",
    "number zero",
    "no branch",
    "two numbers",
    "accepted with 500",
    "words of acceptance as a no",
    "gateway timeout",
    "check the last trade",
    "maintenance",
    "service delayed",
    "routing",
    "unknown code with 500",
    "business no with 500",
    "business no without code",
    "redirect",
)


@pytest.mark.req("O-04", "O-05", "F-011")
@pytest.mark.parametrize("case", LOST)
def test_an_order_without_a_clear_answer_is_unknown_and_was_sent_once(
    case: str, kis: Any, make_client: Callable[..., KisClient], wire: Any
) -> None:
    make_client().ensure_token()
    client = make_client(timeout_s=0.5 if case == "timeout" else 5.0)
    kis.script(ORDER, _lost_answers(wire)[case])

    with pytest.raises(OutcomeUnknown):
        KisRestBroker(client).place(TICKET)

    assert kis.count(ORDER) == 1


@pytest.mark.req("O-04", "O-05", "F-011")
@pytest.mark.parametrize("case", LOST)
def test_a_cancel_without_a_clear_answer_is_unknown_and_was_sent_once(
    case: str, kis: Any, make_client: Callable[..., KisClient], wire: Any
) -> None:
    make_client().ensure_token()
    client = make_client(timeout_s=0.5 if case == "timeout" else 5.0)
    kis.script(CANCEL, _lost_answers(wire)[case])

    with pytest.raises(OutcomeUnknown):
        KisRestBroker(client).cancel(
            broker_order_no="117057", broker_branch="91252", symbol=Symbol("005930")
        )

    assert kis.count(CANCEL) == 1


def test_the_cases_of_lost_answers_are_all_tried(wire: Any) -> None:
    assert set(_lost_answers(wire)) == set(LOST)


@pytest.mark.req("O-04")
@pytest.mark.parametrize(
    ("name", "code"), [("tps_per_key", "EGW00201"), ("tps_ledger", "EGW00215")]
)
def test_an_order_turned_away_for_its_rate_was_not_sent(
    name: str, code: str, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(ORDER, wire.gateway(name))

    with pytest.raises(NotSent) as refused:
        KisRestBroker(client).place(TICKET)

    assert refused.value.code == code
    assert kis.count(ORDER) == 1


@pytest.mark.req("O-04", "O-05")
def test_an_order_that_found_no_connection_was_not_sent(
    kis: Any, make_client: Callable[..., KisClient], wire: Any
) -> None:
    make_client().ensure_token()
    kis.stop()

    with pytest.raises(NotSent):
        KisRestBroker(make_client()).place(TICKET)  # with the token that is on disk

    assert kis.count(ORDER) == 0


@pytest.mark.req("K-03", "O-04", "F-025")
@pytest.mark.parametrize("name", ["token_invalid", "token_not_found", "token_expired"])
def test_an_order_with_a_rejected_token_was_not_sent_and_the_next_gets_a_new_one(
    name: str, kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script("/oauth2/tokenP", wire.token_reply(), wire.token_reply("fake-token-2"))
    kis.script(ORDER, wire.gateway(name), wire.ok("order-cash-paper-buy"))
    broker = KisRestBroker(client)
    client.ensure_token()
    clock.set(wire.NOW.replace(hour=11))

    with pytest.raises(NotSent):
        broker.place(TICKET)
    sent_before = kis.count(ORDER)
    answer = broker.place(TICKET)

    assert sent_before == 1
    assert isinstance(answer, Accepted)
    assert kis.asked(ORDER)[1].headers["authorization"] == "Bearer fake-token-2"


@pytest.mark.req("O-05", "K-02")
def test_an_order_does_not_wait_for_a_token(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(
        "/oauth2/tokenP",
        wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00133")),
    )

    with pytest.raises(NotSent) as refused:
        KisRestBroker(client).place(TICKET)

    assert refused.value.code == "EGW00133"
    assert clock.now() == wire.NOW
    assert kis.count(ORDER) == 0


BUSINESS = {
    "real_market_closed": RefusalKind.MARKET_CLOSED,
    "real_wrong_business_day": RefusalKind.MARKET_CLOSED,
    "real_insufficient_cash": RefusalKind.INSUFFICIENT_CASH,
    "real_sell_qty_exceeded": RefusalKind.INSUFFICIENT_QUANTITY,
    "real_market_order_disallowed": RefusalKind.PRICE,
    "real_aftermarket_limit_only": RefusalKind.PRICE,
    "real_auction_limit_only": RefusalKind.PRICE,
    "paper_before_open": RefusalKind.MARKET_CLOSED,
    "paper_after_close": RefusalKind.MARKET_CLOSED,
    "paper_not_business_day": RefusalKind.MARKET_CLOSED,
    "paper_insufficient_cash": RefusalKind.INSUFFICIENT_CASH,
    "paper_no_holding": RefusalKind.INSUFFICIENT_QUANTITY,
    "paper_price_limit": RefusalKind.PRICE,
    "paper_tick_error": RefusalKind.PRICE,
    "paper_untradable": RefusalKind.NOT_TRADABLE,
    "paper_no_original_order": RefusalKind.OTHER,
    "paper_nothing_to_amend": RefusalKind.NOTHING_TO_CANCEL,
    "paper_account_blocked": RefusalKind.ACCOUNT,
    "paper_not_offered": RefusalKind.UNSUPPORTED,
}


@pytest.mark.req("K-09")
@pytest.mark.parametrize(("name", "kind"), BUSINESS.items())
def test_a_business_refusal_is_rejected_with_its_kind(
    name: str, kind: RefusalKind, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(ORDER, wire.business(name))

    answer = KisRestBroker(client).place(TICKET)

    told = wire.sample("errors-business")[name]["body"]
    assert answer == Rejected(kind=kind, code=told["msg_cd"], why=told["msg1"])
    assert kis.count(ORDER) == 1


@pytest.mark.req("K-09")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bearer_missing", RefusalKind.AUTH),
        ("real_key_on_paper_host", RefusalKind.AUTH),
        ("tr_not_on_paper", RefusalKind.UNSUPPORTED),
        ("unknown_tr", RefusalKind.OTHER),
        ("account_not_bound", RefusalKind.ACCOUNT),
    ],
)
def test_a_no_at_the_gateways_door_is_rejected(
    name: str, kind: RefusalKind, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(ORDER, wire.gateway(name))

    answer = KisRestBroker(client).place(TICKET)

    assert isinstance(answer, Rejected)
    assert answer.kind is kind


@pytest.mark.req("F-022")
def test_a_cancel_names_the_orders_number_and_branch(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(CANCEL, wire.ok("order-rvsecncl-paper-cancel"))

    answer = KisRestBroker(client).cancel(
        broker_order_no="38614", broker_branch="00950", symbol=Symbol("005930")
    )

    (request,) = kis.asked(CANCEL)
    assert answer == Accepted(broker_order_no="38621", broker_branch="00950")
    assert request.headers["tr_id"] == "VTTC0013U"
    assert request.body == {
        "CANO": wire.ACCOUNT_NO,
        "ACNT_PRDT_CD": "01",
        "KRX_FWDG_ORD_ORGNO": "00950",
        "ORGN_ODNO": "0000038614",
        "ORD_DVSN": "00",
        "RVSE_CNCL_DVSN_CD": "02",
        "ORD_QTY": "0",
        "ORD_UNPR": "0",
        "QTY_ALL_ORD_YN": "Y",
        "EXCG_ID_DVSN_CD": "KRX",
    }


def test_a_cancel_of_what_is_gone_is_nothing_to_cancel(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(CANCEL, wire.business("paper_nothing_to_amend"))

    answer = KisRestBroker(client).cancel(
        broker_order_no="38614", broker_branch="00950", symbol=Symbol("005930")
    )

    assert isinstance(answer, Rejected)
    assert answer.kind is RefusalKind.NOTHING_TO_CANCEL


def test_an_order_that_contradicts_itself_never_leaves(
    kis: Any, client: KisClient, wire: Any
) -> None:
    ticket = OrderTicket(
        order_id="x",
        symbol=Symbol("005930"),
        side=Side.BUY,
        quantity=1,
        order_type=OrderType.LIMIT,
        price=Won(0),
    )

    with pytest.raises(NotSent):
        KisRestBroker(client).place(ticket)

    assert kis.requests == []
