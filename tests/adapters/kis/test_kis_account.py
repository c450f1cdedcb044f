"""The account: complete and plausible, or not at all."""

from typing import Any

import pytest
import structlog

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.trading import KisRestBroker
from kis_core.market.won import Won
from kis_core.orders.identity import TradingMode
from kis_core.ports.broker import BrokerUnavailable, Holding

BALANCE = "/inquire-balance"
SAMSUNG = Holding(
    symbol="005930",  # type: ignore[arg-type]  # a plain string is what the wire gives
    name="삼성전자",
    quantity=25,
    sellable=20,
    cost=1_737_500,
    price=Won(70_500),
)


def test_the_account_is_what_the_balance_says(kis: Any, make_client: Any, wire: Any) -> None:
    kis.script(BALANCE, wire.ok("inquire-balance", tr_cont="D"))

    account = KisRestBroker(make_client(TradingMode.REAL)).account()

    # kis-wire/inquire-balance.json; the issue sold out (000660, 0 shares) is left out.
    assert account.holdings == (SAMSUNG,)
    assert account.cash == 8_950_000
    assert account.deposit == 10_000_000
    assert account.equity == 10_712_500
    assert account.evaluation_pnl == 25_000
    assert kis.asked(BALANCE)[0].headers["tr_id"] == "TTTC8434R"
    assert kis.asked(BALANCE)[0].query["CANO"] == wire.ACCOUNT_NO


@pytest.mark.parametrize(("told", "sellable"), [("30", 25), ("0", 0), ("20", 20)])
def test_what_is_sellable_never_exceeds_what_is_held(
    told: str, sellable: int, kis: Any, client: KisClient, wire: Any
) -> None:
    body = wire.sample("inquire-balance-paper")
    body["output1"][0]["ord_psbl_qty"] = told
    kis.script(BALANCE, wire.Reply(body=body))

    (holding,) = KisRestBroker(client).account().holdings

    assert (holding.quantity, holding.sellable) == (25, sellable)


def test_cash_and_margin_rows_of_an_issue_are_one_holding(
    kis: Any, client: KisClient, wire: Any
) -> None:
    body = wire.sample("inquire-balance-paper")
    margin = {**body["output1"][0], "trad_dvsn_name": "자기융자", "loan_dt": "20261102"}
    margin |= {"pdno": "00000A005930", "hldg_qty": "5", "ord_psbl_qty": "5"}
    margin |= {"pchs_amt": "340000", "evlu_amt": "352500"}
    body["output1"].append(margin)
    body["output2"][0] |= {"scts_evlu_amt": "2115000", "pchs_amt_smtl_amt": "2077500"}
    kis.script(BALANCE, wire.Reply(body=body))

    (holding,) = KisRestBroker(client).account().holdings

    assert (holding.quantity, holding.sellable, holding.cost) == (30, 25, 2_077_500)


@pytest.mark.req("P-13")
@pytest.mark.parametrize("code", ["Q530031", "00000Q530031", "J52A123"])
def test_notes_and_warrants_are_the_operators_own_and_no_holdings(
    code: str, kis: Any, client: KisClient, wire: Any
) -> None:
    body = wire.sample("inquire-balance-paper")
    note = {**body["output1"][0], "pdno": code, "pchs_amt": "340000", "evlu_amt": "352500"}
    body["output1"].append(note)
    body["output2"][0] |= {"scts_evlu_amt": "2115000", "pchs_amt_smtl_amt": "2077500"}
    kis.script(BALANCE, wire.Reply(body=body))

    (holding,) = KisRestBroker(client).account().holdings

    assert (holding.symbol, holding.quantity) == ("005930", 25)


def test_an_account_without_holdings_is_one(kis: Any, client: KisClient, wire: Any) -> None:
    body = wire.sample("inquire-balance-paper")
    body["output1"] = []
    body["output2"][0] |= {"scts_evlu_amt": "0", "pchs_amt_smtl_amt": "0"}
    body["output2"][0] |= {"tot_evlu_amt": "8950000", "evlu_pfls_smtl_amt": "0"}
    kis.script(BALANCE, wire.Reply(body=body))

    account = KisRestBroker(client).account()

    assert account.holdings == ()
    assert account.equity == account.cash == 8_950_000


def _bad(wire: Any, case: str) -> Any:
    body = wire.sample("inquire-balance-paper")
    (row,), (totals,) = body["output1"], body["output2"]
    nothing = dict.fromkeys(totals, "0")
    changed: dict[str, Any] = {
        "rows gone, value left": {"output1": []},
        "account of nothing": {"output1": [], "output2": [nothing]},
        "row twice": {"output1": [row, row]},
        "row twice, totals too": {
            "output1": [row, row],
            "output2": [{**totals, "pchs_amt_smtl_amt": "3475000", "scts_evlu_amt": "3525000"}],
        },
        "row twice, other figures": {"output1": [row, {**row, "hldg_qty": "1"}]},
        "cost contradicts": {"output2": [{**totals, "pchs_amt_smtl_amt": "1737502"}]},
        "value contradicts": {"output2": [{**totals, "scts_evlu_amt": "1762502"}]},
        "no output1": {"output1": None},
        "output1 an object": {"output1": row},
        "rows not objects": {"output1": ["005930"]},
        "no output2": {"output2": None},
        "output2 empty": {"output2": []},
        "output2 twice": {"output2": [totals, totals]},
        "no quantity": {"output1": [{k: v for k, v in row.items() if k != "hldg_qty"}]},
        "quantity blank": {"output1": [{**row, "hldg_qty": ""}]},
        "quantity a number": {"output1": [{**row, "hldg_qty": 25}]},
        "quantity negative": {"output1": [{**row, "hldg_qty": "-25"}]},
        "quantity a fraction": {"output1": [{**row, "hldg_qty": "25.5"}]},
        "quantity in words": {"output1": [{**row, "hldg_qty": "스물다섯"}]},
        "quantity full width": {"output1": [{**row, "hldg_qty": "２５"}]},
        "quantity null": {"output1": [{**row, "hldg_qty": None}]},
        "symbol blank": {"output1": [{**row, "pdno": ""}]},
        "symbol not a code": {"output1": [{**row, "pdno": "삼성전자"}]},
        "symbol too long": {"output1": [{**row, "pdno": "0000000005930"}]},
        "symbol an ISIN": {"output1": [{**row, "pdno": "KR7005930003"}]},
        "cash blank": {"output2": [{**totals, "prvs_rcdl_excc_amt": ""}]},
    }
    return wire.Reply(body={**body, **changed[case]})


BAD = (
    "rows gone, value left",
    "account of nothing",
    "row twice",
    "row twice, totals too",
    "row twice, other figures",
    "cost contradicts",
    "value contradicts",
    "no output1",
    "output1 an object",
    "rows not objects",
    "no output2",
    "output2 empty",
    "output2 twice",
    "no quantity",
    "quantity blank",
    "quantity a number",
    "quantity negative",
    "quantity a fraction",
    "quantity in words",
    "quantity full width",
    "quantity null",
    "symbol blank",
    "symbol not a code",
    "symbol too long",
    "symbol an ISIN",
    "cash blank",
)


@pytest.mark.req("K-07", "F-110")
@pytest.mark.parametrize("case", BAD)
def test_an_implausible_balance_is_no_balance(
    case: str, kis: Any, client: KisClient, wire: Any, api_errors: list[Any]
) -> None:
    kis.script(BALANCE, _bad(wire, case))

    with pytest.raises(BrokerUnavailable, match="inquire-balance"):
        KisRestBroker(client).account()

    assert kis.count(BALANCE) == 1
    assert len(api_errors) == 1


@pytest.mark.req("K-07")
def test_a_bad_field_is_named_without_its_value(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(BALANCE, _bad(wire, "quantity in words"))

    with pytest.raises(BrokerUnavailable) as refused:
        KisRestBroker(client).account()

    assert "inquire-balance: field output1.hldg_qty" in str(refused.value)
    assert "스물다섯" not in str(refused.value)


def test_rounding_of_a_won_a_row_is_no_contradiction(
    kis: Any, client: KisClient, wire: Any
) -> None:
    body = wire.sample("inquire-balance-paper")
    body["output2"][0] |= {"pchs_amt_smtl_amt": "1737501", "scts_evlu_amt": "1762499"}
    kis.script(BALANCE, wire.Reply(body=body))

    assert len(KisRestBroker(client).account().holdings) == 1


@pytest.mark.req("K-13")
def test_unknown_fields_are_ignored_and_told_once_a_day(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    body = wire.sample("inquire-balance-paper")
    body["output1"][0]["brand_new_key"] = "1"
    kis.script(BALANCE, wire.Reply(body=body))
    broker = KisRestBroker(client)

    with structlog.testing.capture_logs() as logs:
        broker.account()
        broker.account()
        clock.set(wire.NOW.replace(day=21))
        broker.account()

    told = [entry for entry in logs if entry["event"] == "kis.fields.unknown"]
    assert [entry["names"] for entry in told] == [["brand_new_key"], ["brand_new_key"]]
    assert client.drift.counts["inquire-balance.output1.brand_new_key"] == 3


@pytest.mark.req("K-13")
def test_upper_case_keys_are_read_as_well(kis: Any, client: KisClient, wire: Any) -> None:
    body = wire.sample("inquire-balance-paper")
    upper = {key.upper(): value for key, value in body["output1"][0].items()}
    kis.script(BALANCE, wire.Reply(body={**body, "output1": [upper]}))

    (holding,) = KisRestBroker(client).account().holdings

    assert holding == SAMSUNG
