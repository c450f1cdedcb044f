"""Daily bars and names: completed, adjusted, ascending, and never short by mistake."""

from datetime import date, timedelta
from typing import Any

import pytest
import structlog

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.market_data import KisMarketData
from kis_core.market.bar import Bar
from kis_core.market.symbol import Instrument, Market, Product, Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import TradingMode
from kis_core.ports.market_data import MarketDataUnavailable

CHART = "/inquire-daily-itemchartprice"
PRICE = "/inquire-price"
INFO = "/search-stock-info"
SAMSUNG = Symbol("005930")
TODAY = date(2026, 11, 20)


def _day(day: date, **changes: Any) -> dict[str, Any]:
    return {
        "stck_bsop_date": f"{day:%Y%m%d}",
        "stck_oprc": "100",
        "stck_hgpr": "110",
        "stck_lwpr": "90",
        "stck_clpr": "105",
        "acml_vol": "7",
        **changes,
    }


def _weekdays(last: date, count: int) -> list[date]:
    days = [last - timedelta(days=back) for back in range(count * 2)]
    return [day for day in days if day.weekday() < 5][:count]


def _history(wire: Any, days: list[date]) -> Any:
    """A server that has a bar for each of `days`, and answers at most a hundred."""

    def answer(request: Any) -> Any:
        start, end = request.query["FID_INPUT_DATE_1"], request.query["FID_INPUT_DATE_2"]
        rows = [_day(day) for day in days if start <= f"{day:%Y%m%d}" <= end]
        return _chart(wire, rows[:100])

    return answer


def _chart(wire: Any, rows: list[dict[str, Any]], **header: str) -> Any:
    body = wire.sample("inquire-daily-itemchartprice")
    return wire.Reply(body={**body, "output1": body["output1"] | header, "output2": rows})


def test_bars_are_ascending_and_before_the_day_asked(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(CHART, wire.ok("inquire-daily-itemchartprice"))

    bars = KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=2)

    # The sample's rows of 2026-11-18 and 19; today's own row is provisional.
    assert bars == (
        Bar(
            session_date=date(2026, 11, 18),
            open=Won(69_800),
            high=Won(70_000),
            low=Won(69_100),
            close=Won(69_300),
            volume=9_821_004,
        ),
        Bar(
            session_date=date(2026, 11, 19),
            open=Won(69_500),
            high=Won(70_300),
            low=Won(69_400),
            close=Won(70_000),
            volume=12_048_550,
        ),
    )
    (asked,) = kis.asked(CHART)
    assert asked.query["FID_INPUT_DATE_2"] == "20261119"
    assert asked.query["FID_ORG_ADJ_PRC"] == "0"
    assert asked.query["FID_PERIOD_DIV_CODE"] == "D"


@pytest.mark.req("F-068")
def test_a_long_history_is_read_page_by_page(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    days = _weekdays(TODAY - timedelta(days=1), 400)
    kis.script(CHART, _history(wire, days))
    client = make_client(budget=RateBudget(1000, clock))

    bars = KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=250)

    assert [bar.session_date for bar in bars] == sorted(days[:250])
    assert kis.count(CHART) == 3
    assert kis.asked(CHART)[1].query["FID_INPUT_DATE_2"] == (
        f"{days[99] - timedelta(days=1):%Y%m%d}"
    )


def test_a_short_history_is_all_there_is(kis: Any, client: KisClient, wire: Any) -> None:
    days = _weekdays(TODAY - timedelta(days=1), 30)
    kis.script(CHART, _history(wire, days))

    bars = KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=120)

    assert [bar.session_date for bar in bars] == sorted(days)


def test_empty_blank_halted_and_contradictory_rows_are_left_out(
    kis: Any, client: KisClient, wire: Any
) -> None:
    d = [TODAY - timedelta(days=back) for back in range(1, 8)]
    rows = [
        _day(d[0]),
        {},
        {"stck_bsop_date": ""},
        _day(d[1], stck_oprc="0", stck_hgpr="0", stck_lwpr="0", acml_vol="0"),
        _day(d[2], acml_vol="0"),
        _day(d[3], stck_hgpr="80"),
        _day(d[4], stck_lwpr="0"),
        _day(d[5]),
    ]
    kis.script(CHART, _chart(wire, rows), _chart(wire, []))

    with structlog.testing.capture_logs() as logs:
        bars = KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=10)

    (dropped,) = [entry for entry in logs if entry["event"] == "kis.bars.dropped"]
    assert [bar.session_date for bar in bars] == [d[5], d[0]]
    assert dropped["days"] == [d[4].isoformat(), d[3].isoformat()]


def test_the_sample_of_a_new_listing_has_no_bar_before_its_first_day(
    kis: Any, client: KisClient, wire: Any
) -> None:
    listed = Symbol("0126Z0")
    later = wire.sample("inquire-daily-itemchartprice-short-history")
    kis.script(CHART, wire.Reply(body=later), wire.Reply(body={**later, "output2": [{}]}))

    bars = KisMarketData(client).daily_bars(listed, before=date(2026, 11, 23), count=60)

    assert [(bar.session_date, bar.close) for bar in bars] == [(TODAY, 37_500)]


@pytest.mark.req("F-068")
@pytest.mark.parametrize("order", [1, -1])
def test_a_server_that_always_returns_the_same_rows_ends_in_an_error(
    order: int, kis: Any, client: KisClient, wire: Any
) -> None:
    rows = [_day(day) for day in _weekdays(TODAY - timedelta(days=1), 100)]
    kis.script(CHART, _chart(wire, rows[::order]))

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=250)

    assert kis.count(CHART) == 2


@pytest.mark.req("F-068")
def test_rows_oldest_first_are_read_as_well(kis: Any, client: KisClient, wire: Any) -> None:
    days = _weekdays(TODAY - timedelta(days=1), 100)
    kis.script(CHART, _chart(wire, [_day(day) for day in reversed(days)]))

    bars = KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=100)

    assert [bar.session_date for bar in bars] == sorted(days)


@pytest.mark.req("F-068")
def test_one_day_a_page_ends_too(kis: Any, make_client: Any, clock: Any, wire: Any) -> None:
    def answer(request: Any) -> Any:
        end = request.query["FID_INPUT_DATE_2"]
        return _chart(wire, [_day(date(int(end[:4]), int(end[4:6]), int(end[6:])))])

    kis.script(CHART, answer)
    client = make_client(budget=RateBudget(1000, clock))

    with pytest.raises(MarketDataUnavailable, match="no end"):
        KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=100)

    assert kis.count(CHART) == 16


@pytest.mark.req("K-07", "K-08")
@pytest.mark.parametrize(
    "rows",
    [
        [_day(TODAY - timedelta(days=1), stck_clpr="abc")],
        [_day(TODAY - timedelta(days=1), acml_vol=None)],
        [_day(TODAY - timedelta(days=1)), _day(TODAY - timedelta(days=1), stck_clpr="91")],
        [{"stck_bsop_date": "2026-11-19"}],
        [_day(TODAY - timedelta(days=90))],  # the days between are missing
        ["20261119"],
        None,
    ],
)
def test_a_chart_that_cannot_be_believed_is_no_chart(
    rows: Any, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(CHART, _chart(wire, rows))

    with pytest.raises(MarketDataUnavailable, match="inquire-daily-itemchartprice"):
        KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=1)


def test_another_symbols_chart_is_refused(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(CHART, wire.ok("inquire-daily-itemchartprice"))

    with pytest.raises(MarketDataUnavailable, match="another symbol"):
        KisMarketData(client).daily_bars(Symbol("000660"), before=TODAY, count=1)


@pytest.mark.req("K-08")
def test_a_second_page_that_fails_is_no_short_history(
    kis: Any, client: KisClient, wire: Any
) -> None:
    first = [_day(day) for day in _weekdays(TODAY - timedelta(days=1), 100)]
    kis.script(CHART, _chart(wire, first), wire.Reply(status=500))

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(client).daily_bars(SAMSUNG, before=TODAY, count=150)


def test_real_is_told_what_an_issue_is(kis: Any, make_client: Any, wire: Any) -> None:
    kis.script(INFO, wire.ok("search-stock-info"))

    instrument = KisMarketData(make_client(TradingMode.REAL)).instrument(SAMSUNG)

    assert instrument == Instrument(
        symbol=SAMSUNG, name="삼성전자", market=Market.KOSPI, product=Product.STOCK, leverage=1
    )
    assert kis.asked(INFO)[0].query == {"PRDT_TYPE_CD": "300", "PDNO": "005930"}


@pytest.mark.parametrize(
    ("changes", "market", "product", "leverage"),
    [
        ({"mket_id_cd": "KSQ"}, "kosdaq", "stock", 1),
        ({"mket_id_cd": "KNX"}, "konex", "stock", 1),
        ({"scty_grp_id_cd": "EF", "etf_chas_erng_rt_dbnb": "-2.00"}, "kospi", "etf", 2),
        ({"scty_grp_id_cd": "EF", "etf_chas_erng_rt_dbnb": "1"}, "kospi", "etf", 1),
        ({"scty_grp_id_cd": "EF", "prdt_abrv_name": "KODEX 레버리지"}, "kospi", "etf", 2),
        ({"scty_grp_id_cd": "EN"}, "kospi", "etn", 1),
    ],
)
def test_the_brokers_codes_become_our_words(
    changes: dict[str, str],
    market: str,
    product: str,
    leverage: int,
    kis: Any,
    make_client: Any,
    wire: Any,
) -> None:
    body = wire.sample("search-stock-info")
    body["output"] |= changes
    kis.script(INFO, wire.Reply(body=body))

    told = KisMarketData(make_client(TradingMode.REAL)).instrument(SAMSUNG)

    assert (told.market, told.product, told.leverage) == (
        Market(market),
        Product(product),
        leverage,
    )


@pytest.mark.req("K-07")
@pytest.mark.parametrize(
    "changes", [{"mket_id_cd": "XXX"}, {"scty_grp_id_cd": "ZZ"}, {"pdno": "00000A000660"}]
)
def test_an_unknown_code_is_an_error_not_a_default(
    changes: dict[str, str], kis: Any, make_client: Any, wire: Any
) -> None:
    body = wire.sample("search-stock-info")
    body["output"] |= changes
    kis.script(INFO, wire.Reply(body=body))

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(make_client(TradingMode.REAL)).instrument(SAMSUNG)


@pytest.mark.req("K-06")
@pytest.mark.parametrize(
    ("name", "price", "market", "product", "leverage"),
    [
        ("삼성전자", {}, "kospi", "stock", 1),
        ("셀트리온제약", {"rprs_mrkt_kor_name": "KSQ150"}, "kosdaq", "stock", 1),
        ("아무ETF", {}, "kospi", "etf", 1),
        ("아무 ETN", {}, "kospi", "etn", 1),
        # 5 won at 70,500 won is a fund's tick, 100 won a share's (kis-wire 7.1).
        ("무명 인덱스", {"aspr_unit": "5"}, "kospi", "etf", 1),
        ("SOL 산업", {"aspr_unit": "100"}, "kospi", "stock", 1),
        # Below 5,000 won the tick says nothing: the brand does.
        ("KODEX 200선물인버스2X", {"aspr_unit": "1", "stck_prpr": "1500"}, "kospi", "etf", 2),
        ("동전주", {"aspr_unit": "1", "stck_prpr": "1500"}, "kospi", "stock", 1),
    ],
)
def test_paper_pieces_together_what_an_issue_is(
    name: str,
    price: dict[str, str],
    market: str,
    product: str,
    leverage: int,
    kis: Any,
    client: KisClient,
    wire: Any,
) -> None:
    body = wire.sample("inquire-price")
    body["output"] |= price
    kis.script(PRICE, wire.Reply(body=body))
    kis.script(CHART, _chart(wire, [], hts_kor_isnm=name))

    told = KisMarketData(client).instrument(SAMSUNG)

    assert told == Instrument(
        symbol=SAMSUNG,
        name=name,
        market=Market(market),
        product=Product(product),
        leverage=leverage,
    )


def test_an_issue_without_a_name_or_board_is_an_error(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(PRICE, wire.ok("inquire-price"))
    kis.script(CHART, _chart(wire, [], hts_kor_isnm=""))

    with pytest.raises(MarketDataUnavailable, match="hts_kor_isnm"):
        KisMarketData(client).instrument(SAMSUNG)
