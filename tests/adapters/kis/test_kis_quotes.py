"""Quotes: believed, or unavailable; never a zero, never another symbol's."""

from typing import Any

import pytest

from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.market_data import KisMarketData
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import TradingMode
from kis_core.ports.market_data import MarketDataUnavailable

PRICE = "/inquire-price"
MULTI = "/intstock-multprice"
SAMSUNG, HYNIX = Symbol("005930"), Symbol("000660")


def _priced(wire: Any, **changes: Any) -> Any:
    """A server that answers every symbol with the sample's prices."""

    def answer(request: Any) -> Any:
        body = wire.sample("inquire-price")
        body["output"] |= {"stck_shrn_iscd": request.query["FID_INPUT_ISCD"], **changes}
        return wire.Reply(body=body)

    return answer


def _multi(wire: Any) -> Any:
    def answer(request: Any) -> Any:
        (row, _) = wire.sample("intstock-multprice")["output"]
        asked = [value for key, value in request.query.items() if "INPUT_ISCD" in key]
        body = wire.sample("intstock-multprice")
        body["output"] = [{**row, "inter_shrn_iscd": symbol} for symbol in asked]
        return wire.Reply(body=body)

    return answer


def test_a_paper_quote_is_the_current_price_with_its_flags(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(PRICE, wire.ok("inquire-price"))

    quotes = KisMarketData(client).quotes([SAMSUNG])

    assert quotes == {
        SAMSUNG: Quote(
            symbol=SAMSUNG,
            at=clock.now(),
            last=Won(70_500),
            open=Won(70_100),
            high=Won(70_900),
            low=Won(69_800),
            base=Won(70_000),
            upper_limit=Won(91_000),
            lower_limit=Won(49_000),
            volume=10_012_345,
            turnover=704_512_345_600,
            is_halted=False,
            is_managed=False,
            is_warned=False,
            is_vi=False,
        )
    }
    (asked,) = kis.asked(PRICE)
    assert asked.query == {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
    assert asked.headers["tr_id"] == "FHKST01010100"


def test_a_halted_issue_has_its_last_price_and_says_so(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(PRICE, wire.ok("inquire-price-halted"))

    quote = KisMarketData(client).quotes([Symbol("999990")])[Symbol("999990")]

    assert isinstance(quote, Quote)
    assert (quote.last, quote.open, quote.volume) == (3_120, 0, 0)
    assert (quote.is_halted, quote.is_managed) == (True, True)


@pytest.mark.parametrize(
    ("changes", "flag", "value"),
    [
        ({"iscd_stat_cls_code": "58"}, "is_halted", True),
        ({"temp_stop_yn": "Y"}, "is_halted", True),
        ({"iscd_stat_cls_code": "", "temp_stop_yn": ""}, "is_halted", None),
        ({"iscd_stat_cls_code": "51"}, "is_managed", True),
        ({"mang_issu_cls_code": "Y"}, "is_managed", True),
        ({"iscd_stat_cls_code": "53"}, "is_warned", True),
        ({"mrkt_warn_cls_code": "02"}, "is_warned", True),
        ({"iscd_stat_cls_code": "", "mrkt_warn_cls_code": ""}, "is_warned", None),
        ({"vi_cls_code": "Y"}, "is_vi", True),
        ({"vi_cls_code": "1"}, "is_vi", True),
        ({"vi_cls_code": "0"}, "is_vi", False),
        ({"vi_cls_code": ""}, "is_vi", None),
    ],
)
def test_a_flag_is_true_when_any_code_says_so_and_none_when_none_does(
    changes: dict[str, str], flag: str, value: bool | None, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(PRICE, _priced(wire, **changes))

    quote = KisMarketData(client).quotes([SAMSUNG])[SAMSUNG]

    assert getattr(quote, flag) is value


@pytest.mark.req("K-07")
@pytest.mark.parametrize(
    "changes",
    [
        {"stck_prpr": "0"},
        {"stck_prpr": ""},
        {"stck_prpr": "-70500"},
        {"stck_prpr": "NaN"},
        {"stck_prpr": 70500},
        {"stck_prpr": None},
        {"stck_prpr": ["70500"]},
        {"stck_prpr": "91100"},
        {"stck_prpr": "48900"},
        {"stck_sdpr": "0"},
        {"stck_mxpr": "0"},
        {"stck_llam": "0"},
        {"stck_mxpr": "49000"},
        {"stck_hgpr": "69000"},
        {"stck_lwpr": "0"},
        {"stck_hgpr": "91100"},
        {"acml_vol": ""},
        {"stck_shrn_iscd": "000660"},
        {"stck_shrn_iscd": ""},
    ],
)
def test_a_price_that_cannot_be_is_unavailable_and_hides_no_other(
    changes: dict[str, Any], kis: Any, client: KisClient, wire: Any
) -> None:
    good, bad = _priced(wire), _priced(wire, **changes)
    kis.script(PRICE, lambda r: (bad if r.query["FID_INPUT_ISCD"] == SAMSUNG else good)(r))

    quotes = KisMarketData(client).quotes([SAMSUNG, HYNIX])

    assert isinstance(quotes[SAMSUNG], QuoteUnavailable)
    assert isinstance(quotes[HYNIX], Quote)


def test_an_unknown_symbol_is_unavailable_not_zero(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(PRICE, wire.ok("inquire-price-unknown-symbol"))

    quotes = KisMarketData(client).quotes([Symbol("000001")])

    assert isinstance(quotes[Symbol("000001")], QuoteUnavailable)


@pytest.mark.req("K-07")
@pytest.mark.parametrize("field", ["stck_prpr", "stck_mxpr", "stck_sdpr", "stck_shrn_iscd"])
def test_a_missing_field_is_named(field: str, kis: Any, client: KisClient, wire: Any) -> None:
    body = wire.sample("inquire-price")
    del body["output"][field]
    kis.script(PRICE, wire.Reply(body=body))

    quote = KisMarketData(client).quotes([SAMSUNG])[SAMSUNG]

    assert isinstance(quote, QuoteUnavailable)
    assert f"inquire-price: field output.{field}" in quote.why


@pytest.mark.req("K-07")
@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>", b'{"rt_cd":"0","output":{'])
def test_a_source_that_answers_nothing_of_use_is_unavailable(
    body: bytes, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(PRICE, wire.Reply(body=body))

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(client).quotes([SAMSUNG, HYNIX])


def test_a_dead_source_is_not_asked_for_every_symbol(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(PRICE, wire.Reply(closes="read"))
    symbols = [Symbol(f"{number:06}") for number in range(10, 60)]

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(client).quotes(symbols)

    assert kis.count(PRICE) == 5  # three tries of the first, one of the next two


def test_one_symbols_failing_call_hides_no_other(kis: Any, client: KisClient, wire: Any) -> None:
    good = _priced(wire)
    kis.script(
        PRICE,
        lambda r: good(r) if r.query["FID_INPUT_ISCD"] != SAMSUNG else wire.Reply(closes="read"),
    )
    others = [Symbol(f"{number:06}") for number in range(10, 15)]

    quotes = KisMarketData(client).quotes([SAMSUNG, *others])

    assert isinstance(quotes[SAMSUNG], QuoteUnavailable)
    assert all(isinstance(quotes[symbol], Quote) for symbol in others)


@pytest.mark.req("K-02")
def test_without_a_token_no_symbol_is_asked_for(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(
        "/oauth2/tokenP",
        wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00103")),
    )

    with pytest.raises(MarketDataUnavailable):
        KisMarketData(client).quotes([SAMSUNG, HYNIX])

    assert kis.count("/oauth2/tokenP") == 1
    assert kis.count(PRICE) == 0


@pytest.mark.req("K-05")
def test_held_symbols_are_asked_first(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(PRICE, _priced(wire))
    market = KisMarketData(client, is_held=lambda symbol: symbol == HYNIX)

    market.quotes([SAMSUNG, HYNIX, SAMSUNG])

    assert [r.query["FID_INPUT_ISCD"] for r in kis.asked(PRICE)] == [HYNIX, SAMSUNG]


def test_no_symbols_cost_no_call(kis: Any, client: KisClient) -> None:
    assert KisMarketData(client).quotes([]) == {}
    assert kis.requests == []


@pytest.mark.req("K-06")
def test_a_real_cycle_over_n_symbols_costs_a_thirtieth_of_the_calls(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    kis.script(MULTI, _multi(wire))
    client = make_client(TradingMode.REAL, max_in_flight=4, budget=RateBudget(1000, clock))
    symbols = [Symbol(f"{number:06}") for number in range(10, 141)]

    quotes = KisMarketData(client).quotes(symbols)

    sizes = sorted(len(request.query) // 2 for request in kis.asked(MULTI))
    assert sizes == [11, 30, 30, 30, 30]  # 131 symbols
    assert set(quotes) == set(symbols)
    assert all(isinstance(quote, Quote) for quote in quotes.values())


def test_a_real_quote_tells_the_book_and_no_flags(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    kis.script(MULTI, wire.ok("intstock-multprice"))

    quotes = KisMarketData(make_client(TradingMode.REAL)).quotes([HYNIX, SAMSUNG])

    # Rows come in another order than asked: they are matched by symbol.
    assert quotes[HYNIX] == Quote(
        symbol=HYNIX,
        at=clock.now(),
        last=Won(210_500),
        open=Won(208_500),
        high=Won(211_500),
        low=Won(207_500),
        base=Won(208_000),
        upper_limit=Won(270_000),
        lower_limit=Won(146_000),
        volume=10_012_345,
        turnover=704_512_345_600,
        ask=Won(211_000),
        bid=Won(210_500),
    )
    (asked,) = kis.asked(MULTI)
    assert asked.query == {
        "FID_COND_MRKT_DIV_CODE_1": "J",
        "FID_INPUT_ISCD_1": "000660",
        "FID_COND_MRKT_DIV_CODE_2": "J",
        "FID_INPUT_ISCD_2": "005930",
    }


@pytest.mark.req("O-14", "K-06")
def test_one_symbol_is_asked_in_real_by_the_call_that_tells_halts_and_warnings(
    kis: Any, make_client: Any, wire: Any
) -> None:
    kis.script("/inquire-price", wire.ok("inquire-price"))

    quote = KisMarketData(make_client(TradingMode.REAL)).quotes([SAMSUNG])[SAMSUNG]

    assert isinstance(quote, Quote)
    assert quote.is_halted is False
    assert kis.count(MULTI) == 0


@pytest.mark.req("K-07")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: {**row, "inter2_prpr": "0"},
        lambda row: {**row, "inter2_prpr": ""},
        lambda row: {k: v for k, v in row.items() if k != "inter2_mxpr"},
        lambda row: {**row, "inter_shrn_iscd": "035720"},
        lambda row: {**row, "inter_shrn_iscd": None},
    ],
)
def test_a_bad_row_of_a_bulk_answer_hides_no_other(
    spoil: Any, kis: Any, make_client: Any, wire: Any
) -> None:
    body = wire.sample("intstock-multprice")
    body["output"][0] = spoil(body["output"][0])
    kis.script(MULTI, wire.Reply(body=body))

    quotes = KisMarketData(make_client(TradingMode.REAL)).quotes([SAMSUNG, HYNIX])

    assert set(quotes) == {SAMSUNG, HYNIX}
    assert isinstance(quotes[SAMSUNG], QuoteUnavailable)
    assert isinstance(quotes[HYNIX], Quote)


@pytest.mark.req("K-07")
def test_a_symbol_told_twice_with_different_prices_is_unavailable(
    kis: Any, make_client: Any, wire: Any
) -> None:
    body = wire.sample("intstock-multprice")
    row = body["output"][0]
    body["output"] += [{**row, "inter2_prpr": "70400"}, row]
    kis.script(MULTI, wire.Reply(body=body))

    quotes = KisMarketData(make_client(TradingMode.REAL)).quotes([SAMSUNG, HYNIX])

    assert isinstance(quotes[SAMSUNG], QuoteUnavailable)
    assert isinstance(quotes[HYNIX], Quote)


def test_a_failing_bulk_call_hides_no_other(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    good = _multi(wire)
    kis.script(
        MULTI,
        lambda r: wire.Reply(status=500) if r.query["FID_INPUT_ISCD_1"] == "000010" else good(r),
    )
    client = make_client(TradingMode.REAL, budget=RateBudget(1000, clock))
    symbols = [Symbol(f"{number:06}") for number in range(10, 50)]

    quotes = KisMarketData(client).quotes(symbols)

    kinds = [isinstance(quotes[symbol], Quote) for symbol in symbols]
    assert kinds == [False] * 30 + [True] * 10
