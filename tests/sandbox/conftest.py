"""A raw client of the wire, servers to point it at, and markets written by hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from typing import Any

import httpx
import pytest

from kis_core.market.bar import Bar
from kis_core.market.cost import Commission
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Market, Product, Symbol
from kis_core.market.won import Won
from kis_sandbox.account import Account
from kis_sandbox.calendar import TradingCalendar
from kis_sandbox.config import Personality, SandboxConfig
from kis_sandbox.exchange import Exchange
from kis_sandbox.history import DailyBars
from kis_sandbox.listing import Issue, Listing
from kis_sandbox.server import SandboxServer
from kis_sandbox.tape import Tape

QUOTES = "/uapi/domestic-stock/v1/quotations/"
TRADING = "/uapi/domestic-stock/v1/trading/"

# Route -> (method, path, real TR id), from the wire reference.
ROUTES: dict[str, tuple[str, str, str]] = {
    "inquire-price": ("GET", QUOTES, "FHKST01010100"),
    "inquire-price-2": ("GET", QUOTES, "FHPST01010000"),
    "inquire-asking-price-exp-ccn": ("GET", QUOTES, "FHKST01010200"),
    "inquire-daily-price": ("GET", QUOTES, "FHKST01010400"),
    "inquire-daily-itemchartprice": ("GET", QUOTES, "FHKST03010100"),
    "inquire-time-itemchartprice": ("GET", QUOTES, "FHKST03010200"),
    "inquire-time-dailychartprice": ("GET", QUOTES, "FHKST03010230"),
    "volume-rank": ("GET", QUOTES, "FHPST01710000"),
    "market-cap": ("GET", "/uapi/domestic-stock/v1/ranking/", "FHPST01740000"),
    "chk-holiday": ("GET", QUOTES, "CTCA0903R"),
    "search-stock-info": ("GET", QUOTES, "CTPF1002R"),
    "search-info": ("GET", QUOTES, "CTPF1604R"),
    "intstock-multprice": ("GET", QUOTES, "FHKST11300006"),
    "inquire-index-price": ("GET", QUOTES, "FHPUP02100000"),
    "inquire-daily-indexchartprice": ("GET", QUOTES, "FHKUP03500100"),
    "inquire-index-daily-price": ("GET", QUOTES, "FHPUP02120000"),
    "inquire-vi-status": ("GET", QUOTES, "FHPST01390000"),
    "order-sell": ("POST", TRADING + "order-cash", "TTTC0011U"),
    "order-buy": ("POST", TRADING + "order-cash", "TTTC0012U"),
    "order-rvsecncl": ("POST", TRADING, "TTTC0013U"),
    "inquire-psbl-order": ("GET", TRADING, "TTTC8908R"),
    "inquire-psbl-sell": ("GET", TRADING, "TTTC8408R"),
    "inquire-psbl-rvsecncl": ("GET", TRADING, "TTTC0084R"),
    "inquire-daily-ccld": ("GET", TRADING, "TTTC0081R"),
    "inquire-balance": ("GET", TRADING, "TTTC8434R"),
    "inquire-balance-rlz-pl": ("GET", TRADING, "TTTC8494R"),
    "inquire-account-balance": ("GET", TRADING, "CTRP6548R"),
}

BALANCE = {
    "AFHR_FLPR_YN": "N",
    "OFL_YN": "",
    "INQR_DVSN": "02",
    "UNPR_DVSN": "01",
    "FUND_STTL_ICLD_YN": "N",
    "FNCG_AMT_AUTO_RDPT_YN": "N",
    "PRCS_DVSN": "00",
    "CTX_AREA_FK100": "",
    "CTX_AREA_NK100": "",
}
DAILY_ORDERS = {
    "SLL_BUY_DVSN_CD": "00",
    "PDNO": "",
    "CCLD_DVSN": "00",
    "INQR_DVSN": "00",
    "INQR_DVSN_1": "",
    "INQR_DVSN_3": "00",
    "ORD_GNO_BRNO": "",
    "ODNO": "",
    "CTX_AREA_FK100": "",
    "CTX_AREA_NK100": "",
}


class WireClient:
    """Speaks the wire as the reference describes it, and nothing of it by itself."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.info = server.info
        self.http = httpx.Client(base_url=server.base_url, timeout=10)
        self.token = ""

    @property
    def is_paper(self) -> bool:
        return self.info["mode"] == "paper"

    @property
    def account(self) -> dict[str, str]:
        return {
            "CANO": str(self.info["account_no"]),
            "ACNT_PRDT_CD": str(self.info["product_code"]),
        }

    def issue_token(self) -> httpx.Response:
        return self.http.post(
            "/oauth2/tokenP",
            json={
                "grant_type": "client_credentials",
                "appkey": self.info["app_key"],
                "appsecret": self.info["app_secret"],
            },
        )

    def log_in(self) -> None:
        self.token = self.issue_token().json()["access_token"]

    def tr_id(self, route: str) -> str:
        tr_id = ROUTES[route][2]
        return "V" + tr_id[1:] if self.is_paper and tr_id[0] in "TJC" else tr_id

    def headers(self, tr_id: str, *, tr_cont: str = "") -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token}",
            "appkey": str(self.info["app_key"]),
            "appsecret": str(self.info["app_secret"]),
            "tr_id": tr_id,
            "tr_cont": tr_cont,
            "custtype": "P",
        }

    def call(
        self, route: str, *, tr_id: str | None = None, tr_cont: str = "", **fields: str
    ) -> httpx.Response:
        method, path, _ = ROUTES[route]
        url = path + route if path.endswith("/") else path
        headers = self.headers(tr_id or self.tr_id(route), tr_cont=tr_cont)
        if TRADING in url:
            fields = self.account | fields
        if method == "GET":
            return self.http.get(url, params=fields, headers=headers)
        return self.http.post(url, json=fields, headers=headers)

    def quote(self, symbol: str) -> dict[str, str]:
        answer = self.call("inquire-price", FID_COND_MRKT_DIV_CODE="J", FID_INPUT_ISCD=symbol)
        output: dict[str, str] = answer.json()["output"]
        return output

    def chart(self, symbol: str, first: str, last: str, **fields: str) -> dict[str, Any]:
        asked = {
            "FID_COND_MRKT_DIV_CODE": "J",
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": first,
            "FID_INPUT_DATE_2": last,
            "FID_PERIOD_DIV_CODE": "D",
            "FID_ORG_ADJ_PRC": "0",
        }
        answer: dict[str, Any] = self.call(
            "inquire-daily-itemchartprice", **(asked | fields)
        ).json()
        return answer

    def order(
        self, side: str, symbol: str, quantity: int, price: int, *, kind: str = "00"
    ) -> httpx.Response:
        return self.call(
            f"order-{side}",
            PDNO=symbol,
            ORD_DVSN=kind,
            ORD_QTY=str(quantity),
            ORD_UNPR=str(price),
        )

    def revise(
        self, number: str, *, cancels: bool, quantity: int = 0, price: int = 0, **fields: str
    ) -> httpx.Response:
        body = {
            "KRX_FWDG_ORD_ORGNO": "",
            "ORGN_ODNO": number,
            "ORD_DVSN": "00",
            "RVSE_CNCL_DVSN_CD": "02" if cancels else "01",
            "ORD_QTY": str(quantity),
            "ORD_UNPR": str(price),
            "QTY_ALL_ORD_YN": "N" if quantity else "Y",
        }
        return self.call("order-rvsecncl", **(body | fields))

    def orders(
        self, day: str, *, tr_id: str | None = None, tr_cont: str = "", **fields: str
    ) -> httpx.Response:
        asked = {"INQR_STRT_DT": day, "INQR_END_DT": day, **DAILY_ORDERS, **fields}
        return self.call("inquire-daily-ccld", tr_id=tr_id, tr_cont=tr_cont, **asked)

    def balance(self, *, tr_cont: str = "", **fields: str) -> httpx.Response:
        return self.call("inquire-balance", tr_cont=tr_cont, **(BALANCE | fields))

    def advance(self, to: str) -> httpx.Response:
        return self.http.post("/sandbox/clock/advance", json={"to": to})

    def ledger(self) -> dict[str, Any]:
        document: dict[str, Any] = self.http.get("/sandbox/ledger").json()
        return document


Serve = Callable[..., WireClient]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a simulator on 2026-11-24 (a Tuesday) at 08:50, log in, and hand out the client."""
    with ExitStack() as stack:

        def start(**settings: Any) -> WireClient:
            settings.setdefault("start", at(8, 50))
            settings["mode"] = Personality(settings.get("mode", "paper"))
            settings.setdefault("rate_per_second", 1_000)
            server = stack.enter_context(SandboxServer(SandboxConfig(**settings)))
            client = WireClient(server)
            stack.callback(client.http.close)
            client.log_in()
            return client

        yield start


@pytest.fixture
def paper(serve: Serve) -> WireClient:
    """The paper server at 08:50."""
    return serve()


@pytest.fixture
def real(serve: Serve) -> WireClient:
    """The real server's personality at 08:50."""
    return serve(mode=Personality.REAL)


DAY = date(2026, 11, 24)


def at(hour: int, minute: int = 0, second: int = 0, *, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=KST)


class WrittenBars(DailyBars):
    """Bars written down by a test: (open, high, low, close, volume) a session."""

    def __init__(self, symbol: str, bars: list[Bar]) -> None:
        self._symbol = symbol
        self._bars = bars

    def bars(self, symbol: str, until: date) -> list[Bar]:
        if symbol != self._symbol:
            return []
        return [bar for bar in self._bars if bar.session_date <= until]


FLAT = (10_000, 10_000, 10_000, 10_000, 1_000_000)
Prices = tuple[int, int, int, int, int]


@pytest.fixture
def market() -> Callable[..., Exchange]:
    """A market of one symbol, "000010", whose bars the test writes; every print of FLAT is 10,000.

    The bars start two sessions before `start`; a day with one price prints that price only.
    """

    def build(
        bars: Sequence[Prices] = (FLAT,) * 12,
        *,
        start: datetime | None = None,
        cash: int = 10_000_000,
        ppm: int = 150,
        board: Market = Market.KOSPI,
        product: Product = Product.STOCK,
        held: int = 0,
    ) -> Exchange:
        begin = start or at(8, 50)
        calendar = TradingCalendar(until=begin.date())
        first = calendar.before(calendar.before(begin.date()))
        dates = calendar.between(first, calendar.last_day)
        written = [_bar(day, prices) for day, prices in zip(dates, bars, strict=False)]
        issue = Issue(
            instrument=Instrument(
                symbol=Symbol("000010"), name="시험", market=board, product=product
            ),
            anchor_price=10_000,
            shares=1_000_000,
            turnover=1_000_000_000,
            sector="시험",
        )
        listing = Listing([issue])
        account = Account(cash=cash, commission=Commission(ppm=ppm))
        if held:
            account.preload("000010", quantity=held, price=9_000)
        tape = Tape(seed=1, listing=listing, calendar=calendar, bars=WrittenBars("000010", written))
        return Exchange(listing=listing, calendar=calendar, tape=tape, account=account, start=begin)

    return build


def _bar(day: date, prices: Prices) -> Bar:
    opening, high, low, close, volume = prices
    return Bar(
        session_date=day,
        open=Won(opening),
        high=Won(high),
        low=Won(low),
        close=Won(close),
        volume=volume,
    )
