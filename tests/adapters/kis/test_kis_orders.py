"""The broker's order list, its cancel and amend rows folded into what they change."""

from datetime import date, datetime
from typing import Any

import pytest

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.trading import KisRestBroker
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import BrokerOrder, BrokerUnavailable

LIST = "/inquire-daily-ccld"
DAY = date(2026, 11, 20)


def _row(wire: Any, **changes: str) -> dict[str, str]:
    """An open limit buy of 10 at 70,100, sent at 10:16."""
    row: dict[str, str] = wire.sample("inquire-daily-ccld")["output1"][4]
    row |= {"odno": "0000000100", "orgn_odno": "", "ord_qty": "10", "rmn_qty": "10"}
    row |= {"tot_ccld_qty": "0", "tot_ccld_amt": "0", "cncl_cfrm_qty": "0", "rjct_qty": "0"}
    return {**row, **changes}


def _cancel_row(wire: Any, **changes: str) -> dict[str, str]:
    told = {"odno": "0000000101", "orgn_odno": "0000000100", "sll_buy_dvsn_cd_name": "매수취소*"}
    told |= {"ord_unpr": "0", "rmn_qty": "0", "cncl_yn": "Y", "cncl_cfrm_qty": "10"}
    return _row(wire, **{**told, "ord_tmd": "102400", **changes})


def _amend_row(wire: Any, **changes: str) -> dict[str, str]:
    told = {"odno": "0000000102", "orgn_odno": "0000000100", "sll_buy_dvsn_cd_name": "매수정정*"}
    return _row(wire, **{**told, "ord_unpr": "70500", "ord_tmd": "102300", **changes})


def _orders(
    kis: Any, client: KisClient, wire: Any, *rows: dict[str, str]
) -> tuple[BrokerOrder, ...]:
    body = wire.sample("inquire-daily-ccld")
    kis.script(LIST, wire.Reply(body={**body, "output1": list(rows)}))
    return KisRestBroker(client).orders_of(DAY)


def _fate(order: BrokerOrder) -> tuple[int, int, int, bool]:
    return (
        order.filled_quantity,
        order.cancelled_quantity,
        order.rejected_quantity,
        order.is_live,
    )


def test_the_sample_list_reads_as_kis_wire_says(kis: Any, make_client: Any, wire: Any) -> None:
    kis.script(LIST, wire.ok("inquire-daily-ccld", tr_cont="D"))

    orders = KisRestBroker(make_client(TradingMode.REAL)).orders_of(DAY)

    # Number: (filled, cancelled, rejected, may still fill), from the sample's own figures.
    assert {order.broker_order_no: _fate(order) for order in orders} == {
        "117031": (5, 0, 0, False),
        "117057": (10, 0, 0, False),
        "117060": (3, 0, 0, True),
        "117070": (0, 0, 0, True),
        "117090": (2, 4, 0, False),
        "117201": (0, 0, 10, False),
    }
    assert [order.broker_order_no for order in orders] == sorted(
        order.broker_order_no for order in orders
    )
    assert orders[0] == BrokerOrder(
        broker_order_no="117031",
        broker_branch="91252",
        symbol=Symbol("005930"),
        side=Side.SELL,
        quantity=5,
        order_type=OrderType.MARKET,
        price=Won(0),
        accepted_at=datetime(2026, 11, 20, 9, 0, 3, tzinfo=KST),
        filled_quantity=5,
        filled_amount=350_600,
        cancelled_quantity=0,
        rejected_quantity=0,
        is_live=False,
    )


@pytest.mark.parametrize(
    ("mode", "tr_id", "venue"),
    [(TradingMode.PAPER, "VTTC0081R", "KRX"), (TradingMode.REAL, "TTTC0081R", "ALL")],
)
def test_the_list_is_asked_for_the_day_whoever_sent_the_orders(
    mode: TradingMode, tr_id: str, venue: str, kis: Any, make_client: Any, wire: Any
) -> None:
    kis.script(LIST, wire.ok("inquire-daily-ccld-empty-paper"))

    orders = KisRestBroker(make_client(mode)).orders_of(DAY)

    (asked,) = kis.asked(LIST)
    assert orders == ()
    assert asked.headers["tr_id"] == tr_id
    assert asked.query["EXCG_ID_DVSN_CD"] == venue
    assert (asked.query["INQR_STRT_DT"], asked.query["INQR_END_DT"]) == ("20261120", "20261120")
    assert (asked.query["CCLD_DVSN"], asked.query["SLL_BUY_DVSN_CD"]) == ("00", "00")


def test_a_day_long_past_is_asked_of_the_older_list(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(LIST, wire.ok("inquire-daily-ccld-empty-paper"))

    KisRestBroker(client).orders_of(date(2026, 6, 1))

    assert kis.asked(LIST)[0].headers["tr_id"] == "VTSC9215R"


@pytest.mark.req("F-024")
def test_a_confirmed_cancel_ends_an_original_that_still_looks_open(
    kis: Any, client: KisClient, wire: Any
) -> None:
    original = _row(wire, tot_ccld_qty="3", tot_ccld_amt="210300", rmn_qty="7")

    (order,) = _orders(
        kis, client, wire, _cancel_row(wire, ord_qty="7", cncl_cfrm_qty="7"), original
    )

    assert order.broker_order_no == "100"
    assert _fate(order) == (3, 7, 0, False)


def test_a_confirmed_cancel_of_everything_may_be_listed_without_a_quantity(
    kis: Any, client: KisClient, wire: Any
) -> None:
    cancel = _cancel_row(wire, ord_qty="0", cncl_cfrm_qty="0")

    (order,) = _orders(kis, client, wire, _row(wire), cancel)

    assert _fate(order) == (0, 10, 0, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"cncl_yn": "N", "cncl_cfrm_qty": "0"},  # asked for, not confirmed
        {"rjct_qty": "10"},  # refused: the order may just have filled
    ],
)
def test_a_cancel_that_did_not_happen_leaves_the_order_live(
    changes: dict[str, str], kis: Any, client: KisClient, wire: Any
) -> None:
    (order,) = _orders(kis, client, wire, _row(wire), _cancel_row(wire, **changes))

    assert _fate(order) == (0, 0, 0, True)


def test_a_cancel_of_a_part_leaves_the_rest_live(kis: Any, client: KisClient, wire: Any) -> None:
    cancel = _cancel_row(wire, ord_qty="4", cncl_cfrm_qty="4")

    (order,) = _orders(kis, client, wire, _row(wire), cancel)

    assert _fate(order) == (0, 4, 0, True)


def test_an_order_that_expired_has_its_rest_cancelled(
    kis: Any, client: KisClient, wire: Any
) -> None:
    (order,) = _orders(
        kis, client, wire, _row(wire, tot_ccld_qty="3", tot_ccld_amt="210300", rmn_qty="0")
    )

    assert _fate(order) == (3, 7, 0, False)


def test_fills_under_an_amended_number_belong_to_the_order_it_began_as(
    kis: Any, client: KisClient, wire: Any
) -> None:
    original = _row(wire, tot_ccld_qty="2", tot_ccld_amt="140200", rmn_qty="8")
    amended = _amend_row(wire, ord_qty="8", rmn_qty="5", tot_ccld_qty="3", tot_ccld_amt="211500")

    (order,) = _orders(kis, client, wire, original, amended)

    assert order.broker_order_no == "100"
    assert order.price == 70_500
    assert order.filled_amount == 351_700
    assert _fate(order) == (5, 0, 0, True)


def test_a_cancel_of_the_amended_number_ends_the_order(
    kis: Any, client: KisClient, wire: Any
) -> None:
    amended = _amend_row(wire)
    cancel = _cancel_row(wire, orgn_odno="0000000102")

    (order,) = _orders(kis, client, wire, _row(wire), amended, cancel)

    assert _fate(order) == (0, 10, 0, False)


def test_a_row_repeated_to_the_letter_counts_once(kis: Any, client: KisClient, wire: Any) -> None:
    row = _row(wire, tot_ccld_qty="3", tot_ccld_amt="210300", rmn_qty="7")

    (order,) = _orders(kis, client, wire, row, row)

    assert _fate(order) == (3, 0, 0, True)


def test_the_parts_of_an_order_split_between_exchanges_are_summed(
    kis: Any, client: KisClient, wire: Any
) -> None:
    krx = _row(wire, ord_qty="6", tot_ccld_qty="6", tot_ccld_amt="420600", rmn_qty="0")
    nxt = _row(wire, ord_qty="4", rmn_qty="4", excg_id_dvsn_cd="NXT")

    (order,) = _orders(kis, client, wire, krx, nxt)

    assert order.quantity == 10
    assert _fate(order) == (6, 0, 0, True)


@pytest.mark.parametrize(
    ("code", "order_type"), [("01", "market"), ("13", "market"), ("00", "limit"), ("44", "limit")]
)
def test_every_documented_order_code_has_its_kind(
    code: str, order_type: str, kis: Any, client: KisClient, wire: Any
) -> None:
    (order,) = _orders(kis, client, wire, _row(wire, ord_dvsn_cd=code))

    assert order.order_type is OrderType(order_type)


def test_rows_of_another_day_are_left_out(kis: Any, client: KisClient, wire: Any) -> None:
    assert _orders(kis, client, wire, _row(wire, ord_dt="20261119")) == ()


@pytest.mark.req("K-07", "F-024")
@pytest.mark.parametrize(
    "rows",
    [
        [{"odno": ""}],
        [{"odno": "0000000000"}],
        [{"ord_dvsn_cd": "99"}],
        [{"sll_buy_dvsn_cd": "03"}],
        [{"pdno": ""}],
        [{"ord_tmd": "250000"}],
        [{"ord_dt": "20261131"}],
        [{"tot_ccld_qty": ""}],
        [{"rmn_qty": "7.5"}],
        [{"tot_ccld_qty": "11", "tot_ccld_amt": "771100"}],
        [{"tot_ccld_qty": "3", "rmn_qty": "7"}],  # filled for nothing
        [{"tot_ccld_amt": "70100"}],
        [{"tot_ccld_qty": "6", "tot_ccld_amt": "420600", "rjct_qty": "6"}],
        [{}, {"tot_ccld_qty": "3", "tot_ccld_amt": "210300", "rmn_qty": "7"}],
        [{"orgn_odno": "0000000099"}],  # what it changes is on a page that is missing
        [{"orgn_odno": "0000000100"}],  # itself
        [{"orgn_odno": "abc"}],
    ],
)
def test_a_list_that_contradicts_itself_is_no_list(
    rows: list[dict[str, str]], kis: Any, client: KisClient, wire: Any
) -> None:
    with pytest.raises(BrokerUnavailable, match="inquire-daily-ccld"):
        _orders(kis, client, wire, *(_row(wire, **changes) for changes in rows))


@pytest.mark.req("K-07", "P-08")
@pytest.mark.parametrize("body", [b"", b"<html>", {"rt_cd": "0", "msg_cd": "", "msg1": ""}])
def test_a_list_without_rows_is_not_an_empty_list(
    body: Any, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(LIST, wire.Reply(body=body))

    with pytest.raises(BrokerUnavailable):
        KisRestBroker(client).orders_of(DAY)


@pytest.mark.req("K-08", "F-024", "P-08")
def test_a_page_that_repeats_the_one_before_is_no_list(
    kis: Any, client: KisClient, wire: Any
) -> None:
    body = {**wire.sample("inquire-daily-ccld"), "output1": [_row(wire)]}
    kis.script(
        LIST,
        wire.Reply(body={**body, "ctx_area_nk100": "100"}, headers={"tr_cont": "F"}),
        wire.Reply(body=body, headers={"tr_cont": "D"}),
    )

    with pytest.raises(BrokerUnavailable, match="repeats rows"):
        KisRestBroker(client).orders_of(DAY)
