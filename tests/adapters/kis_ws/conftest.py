"""A feed on the simulator's stream, over a real socket; the market's time is the test's."""

import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from kis_adapters.kis_ws.approval import ApprovalKeys
from kis_adapters.kis_ws.feed import FeedSettings, KisWsFeed
from kis_adapters.kis_ws.session import StreamTiming
from kis_core.market.minute_bar import MinuteBar
from kis_core.market.session import KST, Session
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print
from kis_core.ports.calendar import Calendar, Closed
from kis_core.ports.clock import Clock
from kis_core.ports.feed import FeedChange, FeedProblem, FeedState, OrderHint
from kis_sandbox.config import SandboxConfig
from kis_sandbox.order import OrderType, Side
from kis_sandbox.server import SandboxServer

A, B = Symbol("005930"), Symbol("000660")
WAIT_S = 15.0


class MarketClock(Clock):
    """The simulator's time as the test last moved it."""

    def __init__(self, start: datetime) -> None:
        self.instant = start

    def now(self) -> datetime:
        return self.instant

    def sleep_until(self, instant: datetime) -> None:
        raise AssertionError("the feed does not sleep on the market's clock")

    def wake(self) -> None: ...


class MarketCalendar(Calendar):
    def __init__(self, server: SandboxServer) -> None:
        self._calendar = server.sandbox.calendar

    def session_of(self, session_date: date) -> Session | Closed:
        session = self._calendar.session(session_date)
        return Closed(session_date=session_date, reason="휴장") if session is None else session

    def sessions_after(self, session_date: date, count: int) -> tuple[date, ...]:
        raise AssertionError("not asked by a feed")

    def session_before(self, session_date: date) -> date:
        raise AssertionError("not asked by a feed")

    @property
    def version(self) -> str:
        return "simulator"


class Bench:
    """A simulator, a feed on it, and everything that the feed has told so far."""

    def __init__(self, server: SandboxServer, feed: KisWsFeed, clock: MarketClock) -> None:
        self.server = server
        self.feed = feed
        self.clock = clock
        self.state = FeedState.CONNECTING
        self.live: frozenset[Symbol] = frozenset()
        self.prints: dict[Symbol, Print] = {}
        self.bars: list[MinuteBar] = []
        self.hints: list[OrderHint] = []
        self.changes: list[FeedChange] = []
        self.problems: list[FeedProblem] = []
        self.news = threading.Event()

    def look(self) -> None:
        arrived = self.feed.drain()
        self.state, self.live = arrived.state, arrived.live
        self.prints |= arrived.prints
        self.bars += arrived.bars
        self.hints += arrived.hints
        self.changes += arrived.changes
        self.problems += arrived.problems

    def until(self, condition: Callable[[], bool]) -> None:
        """Look until it holds; time stands still meanwhile."""
        deadline = threading.Event()
        for _ in range(int(WAIT_S / 0.01)):
            self.look()
            if condition():
                return
            deadline.wait(0.01)
        raise AssertionError(
            f"not in {WAIT_S} s: {self.state} {self.changes} {dict(self.feed.counts())}"
        )

    def until_moving(self, condition: Callable[[], bool], *, seconds: float = 5) -> None:
        """Look until it holds, while the market's time passes."""
        pause = threading.Event()
        for _ in range(int(WAIT_S / 0.03)):
            self.look()
            if condition():
                return
            self.advance(seconds)
            pause.wait(0.03)
        raise AssertionError(f"not by {self.clock.instant}: {self.state} {self.changes}")

    def advance(self, seconds: float) -> None:
        """Let the market's time pass, as an app does it: its own clock follows the answer."""
        target = self.clock.instant + timedelta(seconds=seconds)
        with httpx.Client(base_url=self.server.base_url, timeout=10) as http:
            http.post("/sandbox/clock/advance", json={"to": target.isoformat()}).raise_for_status()
        self.clock.instant = target

    def buy(self, quantity: int, *, symbol: str = A) -> int:
        sandbox = self.server.sandbox
        with sandbox.lock:
            order = sandbox.place(
                symbol=symbol,
                side=Side.BUY,
                order_type=OrderType.MARKET,
                quantity=quantity,
                price=0,
            )
        return order.number

    def last_price(self, symbol: str = A) -> int:
        state = self.server.exchange.state(symbol)
        assert state is not None
        return state.last


MakeBench = Callable[..., Bench]


@pytest.fixture
def bench() -> Iterator[MakeBench]:
    """A feed of A (held) and B on a simulator at 09:30 of 2026-11-24; not started."""
    started: list[tuple[SandboxServer, KisWsFeed, httpx.Client]] = []

    def make(
        *, hts_id: str = "sandbox", url: str = "", timing: StreamTiming | None = None, **config: Any
    ) -> Bench:
        start = config.pop("start", datetime(2026, 11, 24, 9, 30, tzinfo=KST))
        server = SandboxServer(SandboxConfig(start=start, **config)).__enter__()
        clock, http = MarketClock(start), httpx.Client(timeout=5, trust_env=False)
        credentials = server.sandbox.credentials
        approval = ApprovalKeys(
            http,
            base_url=server.base_url,
            app_key=credentials.app_key,
            app_secret=credentials.app_secret,
        )
        settings = FeedSettings(
            url=url or server.base_url.replace("http", "ws") + "/tryitout",
            notice_tr_id="H0STCNI9" if server.sandbox.is_paper else "H0STCNI0",
            hts_id=hts_id,
            account=credentials.account_no + credentials.product_code,
            tick_s=0.01,
            timing=timing or StreamTiming(),
        )
        box: list[Bench] = []
        feed = KisWsFeed(
            settings,
            approval=approval,
            clock=clock,
            calendar=MarketCalendar(server),
            on_news=lambda: box[0].news.set() if box else None,
            seconds=lambda: clock.now().timestamp(),
        )
        feed.desire([A], [B])
        started.append((server, feed, http))
        box.append(Bench(server, feed, clock))
        return box[0]

    yield make
    for server, feed, http in started:
        feed.stop()
        http.close()
        server.__exit__(None, None, None)
