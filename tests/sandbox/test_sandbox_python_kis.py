"""Somebody else's KIS client, unchanged, against the simulator.

python-kis compares token times with the wall clock, so the simulated day is the next session
after today, whenever the tests run.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pykis
import pytest

from kis_core.market.session import KST
from kis_sandbox.calendar import TradingCalendar

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient


@pytest.fixture
def session_date() -> date:
    today = datetime.now(KST).date()
    return TradingCalendar(until=today).after(today)


@pytest.fixture
def server(serve: "Serve", session_date: date) -> "WireClient":
    begin = datetime.combine(session_date, time(9, 30), KST)
    client = serve(mode="real", start=begin - timedelta(minutes=10))
    client.server.sandbox.advance(begin)
    return client


@pytest.fixture
def kis(server: "WireClient", monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("pykis.kis.REAL_DOMAIN", server.server.base_url)
    client = pykis.PyKis(
        id="sandbox",
        account=f"{server.info['account_no']}-{server.info['product_code']}",
        appkey=str(server.info["app_key"]),
        secretkey=str(server.info["app_secret"]),
        keep_token=False,
        use_websocket=False,
    )
    yield client
    client.close()


@pytest.mark.req("X-01")
def test_it_gets_a_token_and_a_quote(kis: Any, server: "WireClient") -> None:
    quote = kis.stock("005930").quote()

    state = server.server.exchange.state("005930")
    assert state is not None
    assert quote.name == "삼성전자"
    assert int(quote.price) == state.last
    assert int(quote.high_limit) == state.day.limits.upper
    assert int(quote.volume) == state.volume


@pytest.mark.req("X-01")
def test_it_reads_a_daily_chart_over_several_pages(kis: Any, session_date: date) -> None:
    chart = kis.stock("005930").daily_chart(
        start=session_date - timedelta(days=300), end=session_date
    )

    dates = [bar.time.date() for bar in chart.bars]
    expected = TradingCalendar(until=session_date).between(
        session_date - timedelta(days=300), session_date
    )
    assert dates == expected
    assert all(bar.low <= bar.open <= bar.high for bar in chart.bars)


@pytest.mark.req("X-01")
def test_it_reads_minutes_and_the_order_book(kis: Any) -> None:
    minutes = kis.stock("000660").day_chart()
    book = kis.stock("000660").orderbook()

    first, last = minutes.bars[0].time.time(), minutes.bars[-1].time.time()
    assert {first, last} == {time(9, 0), time(9, 29)}  # half an hour has passed
    assert len(minutes.bars) == 30
    assert book.ask_price.price > book.bid_price.price > 0


@pytest.mark.req("X-01")
def test_it_buys_holds_and_sells(kis: Any, server: "WireClient") -> None:
    stock = kis.stock("005930")
    bought = stock.buy(qty=3)
    advance(server, minutes=10)
    held = kis.account().balance(country="KR")
    sold = stock.sell(qty=3)
    advance(server, minutes=10)
    empty = kis.account().balance(country="KR")

    fills = server.ledger()["fills"]
    assert held.stocks[0].symbol == "005930"
    assert (int(held.stocks[0].qty), int(held.stocks[0].orderable)) == (3, 3)
    assert [int(stock.qty) for stock in empty.stocks] in ([], [0])
    assert {int(fill["order_no"]) for fill in fills} == {int(bought.number), int(sold.number)}


@pytest.mark.req("X-01")
def test_it_lists_amends_and_cancels_open_orders(kis: Any, server: "WireClient") -> None:
    lower = int(kis.stock("035720").quote().low_limit)

    order = kis.stock("035720").buy(price=lower, qty=2)
    listed = kis.account().pending_orders(country="KR")
    amended = order.modify(price=lower + 50)
    amended.cancel()

    assert [int(one.number) for one in listed] == [int(order.number)]
    assert list(kis.account().pending_orders(country="KR")) == []
    assert [one["kind"] for one in server.ledger()["orders"]] == ["new", "amend", "cancel"]


@pytest.mark.req("X-01")
def test_its_old_order_list_comes_back_empty_as_measured(kis: Any, session_date: date) -> None:
    kis.stock("005930").buy(qty=1)

    assert (
        list(kis.account().daily_orders(start=session_date, end=session_date, country="KR")) == []
    )


@pytest.mark.req("X-01")
def test_it_counts_what_can_be_bought(kis: Any) -> None:
    stock = kis.stock("005930")
    limit = int(stock.quote().high_limit)

    assert int(stock.orderable_amount().qty) == 9_998_500 // limit


@pytest.mark.req("X-01")
def test_a_refusal_becomes_its_own_error(kis: Any) -> None:
    with pytest.raises(pykis.KisAPIError):
        kis.stock("005930").sell(qty=1)


def advance(server: "WireClient", *, minutes: int) -> None:
    sandbox = server.server.sandbox
    with sandbox.lock:
        sandbox.advance(sandbox.exchange.now + timedelta(minutes=minutes))
