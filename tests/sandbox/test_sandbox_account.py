"""Cash, holdings, fees and tax: every figure computed by hand on a market that prints 10,000."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Market, Product
from kis_sandbox.exchange import Exchange
from kis_sandbox.order import OrderType, Side

if TYPE_CHECKING:
    from tests.sandbox.conftest import WireClient

MakeMarket = Callable[..., Exchange]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def trade(exchange: Exchange, side: Side, quantity: int) -> None:
    exchange.place(
        symbol="000010", side=side, order_type=OrderType.MARKET, quantity=quantity, price=0
    )


@pytest.mark.req("X-02")
def test_a_buy_costs_its_amount_and_commission_and_settles_after_two_sessions(
    market: MakeMarket,
) -> None:
    exchange = market(start=at("2026-11-24T09:30"))
    trade(exchange, Side.BUY, 100)

    exchange.advance(at("2026-11-24T10:00"))
    traded = (exchange.account.cash, exchange.account.cash_d2)
    exchange.advance(at("2026-11-25T23:59"))
    next_day = exchange.account.cash
    exchange.advance(at("2026-11-26T00:00"))

    # 100 x 10,000 = 1,000,000; commission 0.015 % = 150
    assert traded == (10_000_000, 8_999_850)
    assert next_day == 10_000_000
    assert exchange.account.cash == exchange.account.cash_d2 == 8_999_850


@pytest.mark.req("X-02")
def test_settlement_skips_days_without_a_session(market: MakeMarket) -> None:
    exchange = market(start=at("2026-12-23T09:30"))  # Wednesday; Friday is Christmas
    trade(exchange, Side.BUY, 100)

    exchange.advance(at("2026-12-27T23:00"))
    before = exchange.account.cash
    exchange.advance(at("2026-12-28T00:00"))

    assert (before, exchange.account.cash) == (10_000_000, 8_999_850)


@pytest.mark.req("X-02")
def test_a_sale_pays_commission_and_tax_and_its_proceeds_buy_at_once(market: MakeMarket) -> None:
    exchange = market(start=at("2026-11-24T09:30"), cash=0, held=100)
    trade(exchange, Side.SELL, 100)

    exchange.advance(at("2026-11-24T10:00"))
    account = exchange.account

    # 1,000,000 - 150 commission - 2,000 tax (0.20 % in 2026)
    assert (account.cash, account.cash_d2, exchange.orderable_cash) == (0, 997_850, 997_850)
    assert (account.fees_total, account.taxes_total) == (150, 2_000)
    # 100 shares that cost 9,000: 1,000,000 - 900,000 - 2,150
    assert account.realised == {date(2026, 11, 24): 97_850}


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("day", "tax"),
    [
        ("2025-12-26", 1_500),  # settles on 2025-12-30: 0.15 %
        ("2025-12-29", 2_000),  # settles on 2026-01-02: 0.20 %
        ("2025-12-30", 2_000),
    ],
)
def test_the_tax_is_that_of_the_settlements_year(market: MakeMarket, day: str, tax: int) -> None:
    exchange = market(start=at(f"{day}T09:30"), held=100)
    trade(exchange, Side.SELL, 100)

    exchange.advance(at(f"{day}T11:00"))

    assert exchange.account.taxes_total == tax


@pytest.mark.req("X-02")
@pytest.mark.parametrize(
    ("settings", "tax"),
    [
        ({"board": Market.KOSDAQ}, 2_000),
        ({"board": Market.KONEX}, 1_000),
        ({"product": Product.ETF}, 0),
    ],
)
def test_the_tax_depends_on_the_board_and_the_product(
    market: MakeMarket, settings: dict[str, object], tax: int
) -> None:
    exchange = market(start=at("2026-11-24T09:30"), held=100, **settings)
    trade(exchange, Side.SELL, 100)

    exchange.advance(at("2026-11-24T11:00"))

    assert exchange.account.taxes_total == tax


@pytest.mark.req("X-02")
def test_an_order_costs_the_same_however_many_fills_it_came_in(market: MakeMarket) -> None:
    thin = (10_000, 10_000, 10_000, 10_000, 100_000)  # about 22 shares a print, 5 to be had
    exchange = market((thin,) * 4, start=at("2026-11-24T09:30"), held=101)
    trade(exchange, Side.SELL, 101)

    exchange.advance(at("2026-11-24T15:00"))
    fills = exchange.account.fills

    assert len(fills) > 5
    assert sum(fill.quantity for fill in fills) == 101
    # 1,010,000: commission 151.5, tax 2,020
    assert sum(fill.commission for fill in fills) == fills[-1].commission_cumulative == 151
    assert sum(fill.tax for fill in fills) == 2_020


@pytest.mark.req("X-02")
def test_a_partial_sale_releases_its_share_of_the_cost(market: MakeMarket) -> None:
    exchange = market(start=at("2026-11-24T09:30"), held=100)  # 100 shares, 900,000
    trade(exchange, Side.BUY, 100)  # and 100 for 1,000,000
    exchange.advance(at("2026-11-24T10:00"))
    trade(exchange, Side.SELL, 50)
    exchange.advance(at("2026-11-24T11:00"))

    holding = exchange.account.holdings["000010"]

    # 1,900,000 x 50/200 leaves
    assert (holding.quantity, holding.cost) == (150, 1_425_000)


@pytest.mark.req("X-02")
def test_the_rest_of_a_day_order_is_cancelled_after_the_close(market: MakeMarket) -> None:
    exchange = market(start=at("2026-11-24T09:30"))
    order = exchange.place(
        symbol="000010", side=Side.BUY, order_type=OrderType.LIMIT, quantity=10, price=9_000
    )
    held = exchange.orderable_cash

    exchange.advance(at("2026-11-24T15:29:59"))
    before = order.remaining
    exchange.advance(at("2026-11-24T15:30:00"))

    assert held == 10_000_000 - 90_000 - 13  # commission on 90,000 is 13.5
    assert (before, order.remaining, order.cancelled_quantity) == (10, 0, 10)
    assert exchange.orderable_cash == 10_000_000


@pytest.mark.req("X-02")
def test_an_order_before_the_open_trades_in_the_opening_auction(market: MakeMarket) -> None:
    exchange = market(start=at("2026-11-24T08:45"))
    trade(exchange, Side.BUY, 10)

    exchange.advance(at("2026-11-24T08:59:59"))
    before = len(exchange.account.fills)
    exchange.advance(at("2026-11-24T09:00:00"))

    assert before == 0
    assert [(f.quantity, f.at) for f in exchange.account.fills] == [(10, at("2026-11-24T09:00"))]


@pytest.mark.req("X-02")
def test_an_order_of_the_closing_auction_trades_at_its_end(market: MakeMarket) -> None:
    exchange = market(start=at("2026-11-24T15:25"))
    trade(exchange, Side.BUY, 10)

    exchange.advance(at("2026-11-24T16:00"))

    assert [f.at for f in exchange.account.fills] == [at("2026-11-24T15:30")]


@pytest.mark.req("X-01", "X-02")
def test_the_balance_shows_cash_by_settlement_day(paper: "WireClient") -> None:
    paper.advance("2026-11-24T09:30:00+09:00")
    paper.order("buy", "005930", 10, 0, kind="01")
    paper.advance("2026-11-24T10:00:00+09:00")
    fills = paper.ledger()["fills"]
    amount = sum(fill["quantity"] * fill["price"] for fill in fills)
    cost = amount + amount * 150 // 1_000_000

    days = []
    for day in ("24", "25", "26"):
        paper.advance(f"2026-11-{day}T12:00:00+09:00")
        paper.token = paper.issue_token().json()["access_token"]
        total = paper.balance().json()["output2"][0]
        keys = ("dnca_tot_amt", "nxdy_excc_amt", "prvs_rcdl_excc_amt")
        days.append(tuple(10_000_000 - int(total[key]) for key in keys))

    assert days == [(0, 0, cost), (0, cost, cost), (cost, cost, cost)]


@pytest.mark.req("X-01", "X-02")
def test_the_balance_adds_up(paper: "WireClient") -> None:
    paper.advance("2026-11-24T09:30:00+09:00")
    for symbol in ("005930", "035720"):
        paper.order("buy", symbol, 3, 0, kind="01")
    paper.advance("2026-11-24T13:00:00+09:00")

    body = paper.balance().json()
    rows, total = body["output1"], body["output2"][0]

    value = sum(int(row["hldg_qty"]) * int(row["prpr"]) for row in rows)
    cost = sum(int(row["pchs_amt"]) for row in rows)
    assert [row["hldg_qty"] for row in rows] == ["3", "3"]
    assert int(total["scts_evlu_amt"]) == value
    assert int(total["tot_evlu_amt"]) == value + int(total["prvs_rcdl_excc_amt"])
    assert int(total["evlu_pfls_smtl_amt"]) == value - cost
    assert int(total["thdt_buy_amt"]) == cost
    fees = sum(int(row["pchs_amt"]) * 150 // 1_000_000 for row in rows)
    assert int(total["thdt_tlex_amt"]) == fees
    for row in rows:
        assert float(row["pchs_avg_pric"]) == pytest.approx(int(row["pchs_amt"]) / 3, abs=1e-4)


@pytest.mark.req("X-01", "X-02")
def test_a_sold_issue_stays_with_no_shares_until_its_sale_settles(paper: "WireClient") -> None:
    paper.advance("2026-11-24T09:30:00+09:00")
    paper.order("buy", "005930", 3, 0, kind="01")
    paper.advance("2026-11-24T10:00:00+09:00")
    paper.order("sell", "005930", 3, 0, kind="01")

    quantities = []
    for day in ("24", "25", "26"):
        paper.advance(f"2026-11-{day}T12:00:00+09:00")
        paper.token = paper.issue_token().json()["access_token"]
        quantities.append([row["hldg_qty"] for row in paper.balance().json()["output1"]])

    assert quantities == [["0"], ["0"], []]


@pytest.mark.req("X-01")
def test_buying_power_is_counted_at_the_upper_limit_for_a_market_order(
    paper: "WireClient",
) -> None:
    upper = int(paper.quote("005930")["stck_mxpr"])

    output = paper.call(
        "inquire-psbl-order",
        PDNO="005930",
        ORD_UNPR="",
        ORD_DVSN="01",
        CMA_EVLU_AMT_ICLD_YN="N",
        OVRS_ICLD_YN="N",
    ).json()["output"]

    # 10,000,000 / 1.00015 leaves the commission
    assert output["nrcvb_buy_amt"] == "9998500"
    assert output["psbl_qty_calc_unpr"] == str(upper)
    assert output["nrcvb_buy_qty"] == str(9_998_500 // upper)
