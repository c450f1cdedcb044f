"""Somebody else's realtime client, unchanged, on the simulator's stream.

It reads the layouts of before 2026-09-14 (46 and 23 fields), and compares token times with the
wall clock, so the simulated day is the next session after today.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pykis
import pytest

from kis_core.market.session import KST
from kis_sandbox.calendar import TradingCalendar

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

A = "005930"
_STEPS = 200


@pytest.fixture
def server(serve: "Serve") -> "WireClient":
    today: date = datetime.now(KST).date()
    session_date = TradingCalendar(until=today).after(today)
    begin = datetime.combine(session_date, time(9, 30), KST)
    client = serve(mode="real", start=begin - timedelta(minutes=10))
    client.server.sandbox.advance(begin)
    client.server.realtime.options.trade_fields = 46
    client.server.realtime.options.notice_fields = 23
    return client


@pytest.fixture
def kis(server: "WireClient", monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    stream = server.server.base_url.replace("http", "ws")
    monkeypatch.setattr("pykis.kis.REAL_DOMAIN", server.server.base_url)
    monkeypatch.setattr("pykis.client.websocket.WEBSOCKET_REAL_DOMAIN", stream)
    client = pykis.PyKis(
        id="sandbox",
        account=f"{server.info['account_no']}-{server.info['product_code']}",
        appkey=str(server.info["app_key"]),
        secretkey=str(server.info["app_secret"]),
        keep_token=False,
    )
    yield client
    client.websocket.reconnect = False
    listening = client.websocket.thread
    client.websocket.disconnect()
    if listening is not None:
        listening.join(10)
    client.close()


def wait_until(server: "WireClient", condition: Callable[[], bool]) -> None:
    """Let the market go on, ten seconds at a time, until it holds."""
    pause = threading.Event()
    for _ in range(_STEPS):
        if condition():
            return
        sandbox = server.server.sandbox
        with sandbox.lock:
            sandbox.advance(sandbox.exchange.now + timedelta(seconds=10))
        pause.wait(0.05)
    raise AssertionError("it did not happen")


@pytest.mark.req("X-01")
def test_it_receives_realtime_prices(kis: Any, server: "WireClient") -> None:
    seen: list[Any] = []
    ticket = kis.stock(A).on("price", lambda _sender, event: seen.append(event.response))

    wait_until(server, lambda: len(seen) >= 5)
    ticket.unsubscribe()

    day = server.server.exchange.tape.day(A, server.server.exchange.today)
    assert day is not None
    tape = dict(zip(day.path.volume_so_far, day.path.prices, strict=True))
    assert {one.symbol for one in seen} == {A}
    assert [tape[int(one.volume)] for one in seen] == [int(one.price) for one in seen]


@pytest.mark.req("X-01", "W-04")
@pytest.mark.filterwarnings(  # its own: a ticket of two events gives one of them back twice
    "ignore:Exception ignored in.*KisEventTicket:pytest.PytestUnraisableExceptionWarning"
)
def test_it_receives_the_notices_of_its_orders(kis: Any, server: "WireClient") -> None:
    seen: list[Any] = []
    ticket = kis.account().on("execution", lambda _sender, event: seen.append(event.response))
    registered = kis.websocket._registered_subscriptions
    wait_until(server, lambda: bool(registered))

    order = kis.stock(A).buy(qty=3)
    wait_until(server, lambda: len(seen) >= 2)
    ticket.unsubscribe()

    done = server.ledger()["fills"][0]
    fill = next(one for one in seen if int(one.executed_quantity) > 0)
    assert {int(one.order_number.number) for one in seen} == {int(order.number)}
    assert (fill.symbol, int(fill.executed_quantity), int(fill.price)) == (A, 3, done["price"])
