"""What each ledger turns away, and in which words (kis-wire sections 3.4, 5.1 and 7)."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kis_sandbox.config import Preload

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

EXAMPLES = Path(__file__).parents[1] / "data" / "kis-wire"
OPEN = "2026-11-24T09:30:00+09:00"


def words(name: str) -> tuple[str, str]:
    text = (EXAMPLES / "errors-business.json").read_text(encoding="utf-8")
    body = json.loads(text)[name]["body"]
    return body["msg_cd"], body["msg1"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _preload(symbol: str, quantity: int) -> Preload:
    return Preload(symbol=symbol, quantity=quantity, price=60_000)


def said(client: "WireClient", side: str, symbol: str, quantity: int, price: int) -> object:
    answer = client.order(side, symbol, quantity, price, kind="00" if price else "01")
    body = answer.json()
    assert (answer.status_code, body["rt_cd"]) == (200, "1")
    assert "output" not in body
    assert client.ledger()["orders"] == []
    return body["msg_cd"], body["msg1"]


@pytest.mark.req("X-01", "X-02")
@pytest.mark.parametrize(
    ("mode", "start", "name"),
    [
        ("paper", "2026-11-24T08:29:59+09:00", "paper_before_open"),
        ("paper", "2026-11-24T15:30:00+09:00", "paper_after_close"),
        ("paper", "2026-11-28T10:00:00+09:00", "paper_not_business_day"),  # a Saturday
        ("paper", "2026-12-25T10:00:00+09:00", "paper_not_business_day"),
        ("real", "2026-11-24T08:29:59+09:00", "real_market_closed"),
        ("real", "2026-11-24T15:30:00+09:00", "real_market_closed"),
        ("real", "2026-12-31T10:00:00+09:00", "real_wrong_business_day"),  # KRX's own holiday
    ],
)
def test_an_order_out_of_hours_is_refused(serve: "Serve", mode: str, start: str, name: str) -> None:
    client = serve(mode=mode, start=_instant(start), latency_ms=0)

    assert said(client, "buy", "005930", 1, 0) == words(name)


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("day", "hour", "is_open"),
    [
        ("2026-11-19", "09:20", False),  # college entrance exam: an hour later
        ("2026-11-19", "09:30", True),
        ("2026-11-19", "16:20", True),
        ("2027-01-04", "09:20", False),  # first session of the year opens at ten
        ("2027-01-04", "15:40", False),
    ],
)
def test_late_opening_days_keep_their_hours(
    serve: "Serve", day: str, hour: str, is_open: bool
) -> None:
    client = serve(start=_instant(f"{day}T{hour}:00+09:00"), latency_ms=0)

    answer = client.order("buy", "005930", 1, 0, kind="01")

    assert (answer.json()["rt_cd"] == "0") is is_open


@pytest.mark.req("X-02")
def test_an_order_off_the_tick_is_refused(paper: "WireClient") -> None:
    paper.advance(OPEN)
    price = int(paper.quote("069500")["stck_prpr"]) + 1  # the ETF's tick is 5 won

    assert said(paper, "buy", "069500", 1, price) == words("paper_tick_error")


@pytest.mark.req("X-02")
@pytest.mark.parametrize("field", ["stck_mxpr", "stck_llam"])
def test_an_order_beyond_the_days_limits_is_refused(paper: "WireClient", field: str) -> None:
    paper.advance(OPEN)
    limit = int(paper.quote("005930")[field])
    beyond = limit + 1_000 if field == "stck_mxpr" else limit - 1_000

    assert said(paper, "buy", "005930", 1, beyond) == words("paper_price_limit")


@pytest.mark.req("X-02")
@pytest.mark.parametrize("field", ["stck_mxpr", "stck_llam"])
def test_an_order_at_the_days_limit_is_taken(paper: "WireClient", field: str) -> None:
    paper.advance(OPEN)
    limit = int(paper.quote("005930")[field])

    assert paper.order("buy", "005930", 1, limit).json()["rt_cd"] == "0"


@pytest.mark.req("X-02")
def test_a_market_buy_needs_cash_at_the_upper_limit_with_commission(serve: "Serve") -> None:
    upper = int(serve().quote("005930")["stck_mxpr"])
    needed = upper * 2 + upper * 2 * 150 // 1_000_000
    short, enough = serve(cash=needed - 1), serve(cash=needed)

    refused = said(short, "buy", "005930", 2, 0)
    taken = enough.order("buy", "005930", 2, 0, kind="01").json()

    assert refused == words("paper_insufficient_cash")
    assert taken["rt_cd"] == "0"


@pytest.mark.req("X-02")
def test_cash_held_by_an_open_buy_is_not_spent_twice(serve: "Serve") -> None:
    client = serve(mode="real", cash=1_000_000)
    lower = int(client.quote("005930")["stck_llam"])
    most = 1_000_000 // (lower + lower * 150 // 1_000_000 + 1)
    client.order("buy", "005930", most, lower)

    body = client.order("buy", "005930", 1, lower).json()

    assert (body["msg_cd"], body["msg1"]) == words("real_insufficient_cash")


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("mode", "name"), [("paper", "paper_no_holding"), ("real", "real_sell_qty_exceeded")]
)
def test_more_than_is_held_cannot_be_sold(serve: "Serve", mode: str, name: str) -> None:
    client = serve(mode=mode, holdings=(_preload("005930", 10),))

    assert said(client, "sell", "005930", 11, 0) == words(name)


@pytest.mark.req("X-02")
def test_an_open_sell_lowers_what_can_be_sold(serve: "Serve") -> None:
    client = serve(mode="real", holdings=(_preload("005930", 10),))
    upper = int(client.quote("005930")["stck_mxpr"])
    client.order("sell", "005930", 6, upper)

    row = client.balance().json()["output1"][0]
    refused = client.order("sell", "005930", 5, upper).json()
    taken = client.order("sell", "005930", 4, upper).json()

    assert (row["hldg_qty"], row["ord_psbl_qty"]) == ("10", "4")
    assert (refused["msg_cd"], refused["msg1"]) == words("real_sell_qty_exceeded")
    assert taken["rt_cd"] == "0"


@pytest.mark.req("X-02")
@pytest.mark.parametrize("symbol", ["990010", "000001"])
def test_a_halted_or_unknown_symbol_is_untradable(paper: "WireClient", symbol: str) -> None:
    assert said(paper, "buy", symbol, 1, 0) == words("paper_untradable")


@pytest.mark.req("X-01")
@pytest.mark.parametrize("kind", ["05", "06", "11", "13", "22", "41"])
def test_paper_does_not_offer_the_special_order_types(paper: "WireClient", kind: str) -> None:
    body = paper.order("buy", "005930", 1, 0, kind=kind).json()

    assert (body["rt_cd"], body["msg_cd"]) == ("1", words("paper_not_offered")[0])


@pytest.mark.req("X-01")
def test_paper_trades_on_krx_only(paper: "WireClient") -> None:
    body = paper.call(
        "order-buy",
        PDNO="005930",
        ORD_DVSN="01",
        ORD_QTY="1",
        ORD_UNPR="0",
        EXCG_ID_DVSN_CD="NXT",
    ).json()

    assert body["rt_cd"] == "1"


@pytest.mark.req("X-01")
@pytest.mark.parametrize("code", ["VTTC0802U", "VTTC0012U"])
def test_old_and_new_order_ids_are_served(paper: "WireClient", code: str) -> None:
    body = paper.call(
        "order-buy", tr_id=code, PDNO="005930", ORD_DVSN="01", ORD_QTY="1", ORD_UNPR="0"
    ).json()

    assert body["msg_cd"] == "40600000"


@pytest.mark.req("X-01")
def test_the_old_order_list_answers_without_rows(paper: "WireClient") -> None:
    paper.order("buy", "005930", 1, 0, kind="01")

    body = paper.orders("20261124").json()
    old = paper.orders("20261124", tr_id="VTTC8001R").json()

    assert len(body["output1"]) == 1
    assert (old["rt_cd"], old["output1"]) == ("0", [])


@pytest.mark.req("X-02")
def test_order_numbers_have_ten_digits_and_start_again_each_day(paper: "WireClient") -> None:
    lower = int(paper.quote("005930")["stck_llam"])
    today = [paper.order("buy", "005930", 1, lower).json() for _ in range(2)]
    paper.advance("2026-11-25T08:40:00+09:00")
    lower = int(paper.quote("005930")["stck_llam"])

    tomorrow = paper.order("buy", "005930", 1, lower).json()

    numbers = [answer["output"]["ODNO"] for answer in (*today, tomorrow)]
    assert numbers == ["0000000001", "0000000002", "0000000001"]
