"""Amending and cancelling: new numbers, dead originals, and the race with a fill."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import WireClient

DAY = "20261124"


def open_buy(client: "WireClient", quantity: int = 10) -> tuple[str, int]:
    """A buy at the lower limit, which waits; its number and price."""
    price = int(client.quote("005930")["stck_llam"])
    answer = client.order("buy", "005930", quantity, price).json()
    return answer["output"]["ODNO"], price


def row_of(client: "WireClient", number: str) -> dict[str, Any]:
    rows = client.orders(DAY).json()["output1"]
    found: dict[str, Any] = next(row for row in rows if row["odno"] == number)
    return found


@pytest.fixture
def client(paper: "WireClient") -> "WireClient":
    paper.advance("2026-11-24T10:00:00+09:00")
    return paper


@pytest.mark.req("X-01")
def test_a_cancel_has_a_row_of_its_own_and_marks_the_original(client: "WireClient") -> None:
    number, _ = open_buy(client)

    cancelled = client.revise(number, cancels=True).json()["output"]["ODNO"]

    original, cancel = row_of(client, number), row_of(client, cancelled)
    assert (original["rmn_qty"], original["cncl_cfrm_qty"], original["cncl_yn"]) == (
        "0",
        "10",
        "N",
    )
    assert (cancel["orgn_odno"], cancel["cncl_yn"], cancel["cncl_cfrm_qty"]) == (
        number,
        "Y",
        "10",
    )
    assert (cancel["ord_qty"], cancel["ord_unpr"], cancel["rmn_qty"]) == ("10", "0", "0")
    assert cancel["sll_buy_dvsn_cd_name"] == "매수취소*"


@pytest.mark.req("X-02")
def test_a_cancel_gives_the_cash_back(client: "WireClient") -> None:
    number, _ = open_buy(client)
    held = client.ledger()["orderable_cash"]

    client.revise(number, cancels=True)

    assert held < client.ledger()["orderable_cash"] == 10_000_000


@pytest.mark.req("X-01")
def test_a_part_can_be_cancelled(client: "WireClient") -> None:
    number, _ = open_buy(client)

    client.revise(number, cancels=True, quantity=4)

    row = row_of(client, number)
    assert (row["rmn_qty"], row["cncl_cfrm_qty"]) == ("6", "4")


@pytest.mark.req("X-01")
def test_an_amended_order_has_a_new_number_and_its_original_is_dead(
    client: "WireClient",
) -> None:
    number, price = open_buy(client)

    amended = client.revise(number, cancels=False, price=price + 100).json()["output"]["ODNO"]
    again = client.revise(number, cancels=True).json()

    row = row_of(client, amended)
    assert (row["orgn_odno"], row["ord_unpr"], row["rmn_qty"]) == (
        number,
        str(price + 100),
        "10",
    )
    assert row_of(client, number)["rmn_qty"] == "0"
    assert again["msg_cd"] == "40330000"


@pytest.mark.req("X-02")
def test_an_amended_order_can_be_filled(client: "WireClient") -> None:
    number, _ = open_buy(client, 2)
    upper = int(client.quote("005930")["stck_mxpr"])

    amended = client.revise(number, cancels=False, price=upper).json()["output"]["ODNO"]
    client.advance("2026-11-24T11:00:00+09:00")

    assert row_of(client, amended)["tot_ccld_qty"] == "2"
    assert row_of(client, number)["tot_ccld_qty"] == "0"


@pytest.mark.req("X-02")
def test_an_amendment_that_cannot_be_paid_leaves_the_original_alive(
    client: "WireClient",
) -> None:
    state = client.quote("005930")
    lower, upper = int(state["stck_llam"]), int(state["stck_mxpr"])
    most = 9_900_000 // lower
    number = client.order("buy", "005930", most, lower).json()["output"]["ODNO"]

    refused = client.revise(number, cancels=False, price=upper).json()

    assert refused["msg_cd"] == "40250000"
    assert row_of(client, number)["rmn_qty"] == str(most)


@pytest.mark.req("X-01")
def test_a_filled_order_cannot_be_cancelled(client: "WireClient") -> None:
    number = client.order("buy", "005930", 1, 0, kind="01").json()["output"]["ODNO"]
    client.advance("2026-11-24T11:00:00+09:00")

    body = client.revise(number, cancels=True).json()

    assert (body["rt_cd"], body["msg_cd"]) == ("1", "40330000")


@pytest.mark.req("X-01")
def test_an_unknown_original_is_refused(client: "WireClient") -> None:
    body = client.revise("0000099999", cancels=True).json()

    assert (body["rt_cd"], body["msg_cd"]) == ("1", "40320000")


@pytest.mark.req("X-01")
def test_yesterdays_number_is_unknown_today(client: "WireClient") -> None:
    number, _ = open_buy(client)
    client.advance("2026-11-25T08:45:00+09:00")

    body = client.revise(number, cancels=True).json()

    assert body["msg_cd"] == "40320000"


@pytest.mark.req("X-01")
def test_the_branch_may_be_blank_or_right_but_not_wrong(client: "WireClient") -> None:
    number, _ = open_buy(client)

    wrong = client.revise(number, cancels=True, KRX_FWDG_ORD_ORGNO="99999").json()
    right = client.revise(number, cancels=True, KRX_FWDG_ORD_ORGNO="00950").json()

    assert (wrong["msg_cd"], right["msg_cd"]) == ("40320000", "40630000")


@pytest.mark.req("X-05")
def test_an_order_can_fill_just_before_its_cancel_arrives(client: "WireClient") -> None:
    number, price = open_buy(client)
    client.server.faults.add("order-rvsecncl", "cancel_race", count=1)

    body = client.revise(number, cancels=True).json()

    row = row_of(client, number)
    assert body["msg_cd"] == "40330000"
    assert (row["tot_ccld_qty"], row["cncl_cfrm_qty"], row["avg_prvs"]) == ("10", "0", str(price))


@pytest.mark.req("X-01")
def test_open_orders_are_listed_on_real(real: "WireClient") -> None:
    number, price = open_buy(real)
    moved = real.revise(number, cancels=False, price=price + 100, quantity=4).json()
    asked = {
        "INQR_DVSN_1": "0",
        "INQR_DVSN_2": "0",
        "CTX_AREA_FK100": "",
        "CTX_AREA_NK100": "",
    }

    rows = real.call("inquire-psbl-rvsecncl", **asked).json()["output"]

    assert [(r["odno"], r["orgn_odno"], r["psbl_qty"], r["ord_unpr"]) for r in rows] == [
        (number, "", "6", str(price)),
        (moved["output"]["ODNO"], number, "4", str(price + 100)),
    ]
