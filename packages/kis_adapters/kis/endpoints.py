"""Paths and TR ids by mode, in one place, and what PAPER does not offer.

An id that reaches a real account begins with T, J or C; the paper server has the same with a V.
Quote ids (F...) are the same on both. `Endpoint` refuses any other pair when it is made, so a real
account's id cannot be had in PAPER from here (M-07, K-04). Source: kis-wire sections 0, 2.1, 4, 5.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from kis_adapters.kis.errors import UnsupportedInMode
from kis_core.orders.identity import TradingMode

REAL_URL = "https://openapi.koreainvestment.com:9443"
PAPER_URL = "https://openapivts.koreainvestment.com:29443"

_BROKER_DOMAIN = "koreainvestment.com"
_ACCOUNT_LETTERS = ("T", "J", "C")
_QUOTATIONS = "/uapi/domestic-stock/v1/quotations"
_RANKING = "/uapi/domestic-stock/v1/ranking"
_TRADING = "/uapi/domestic-stock/v1/trading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One TR. `paper` is None where the paper server lacks it; `substitute` then says, in
    Korean, what takes its place.
    """

    name: str
    path: str
    real: str
    paper: str | None
    substitute: str = ""

    def __post_init__(self) -> None:
        if self.paper is None:
            if not self.substitute:
                raise ValueError(f"{self.name}: absent in PAPER without a stated substitute")
        elif self.paper != paper_id_of(self.real):
            raise ValueError(f"{self.name}: {self.paper} is not the paper id of {self.real}")

    def tr_id(self, mode: TradingMode) -> str:
        """The id to send in `mode`. Raises UnsupportedInMode, naming the substitute."""
        if mode is TradingMode.REAL:
            return self.real
        if mode is not TradingMode.PAPER or self.paper is None:
            raise UnsupportedInMode(self.name, self._why_not(mode))
        return self.paper

    def is_offered(self, mode: TradingMode) -> bool:
        """Whether `mode`'s server answers it: the capability table, TR by mode (K-06)."""
        return mode is TradingMode.REAL or (mode is TradingMode.PAPER and self.paper is not None)

    def _why_not(self, mode: TradingMode) -> str:
        instead = f" (대신: {self.substitute})" if self.substitute else ""
        return f"{mode}에서 제공되지 않는 조회입니다{instead}"


def paper_id_of(real: str) -> str:
    """The id under which the paper server would have the TR `real`."""
    return f"V{real[1:]}" if real.startswith(_ACCOUNT_LETTERS) else real


def reaches_real_account(tr_id: str) -> bool:
    """Whether `tr_id` is one of a real account's."""
    return tr_id.startswith(_ACCOUNT_LETTERS)


def default_base_url(mode: TradingMode) -> str:
    """The official server of `mode`. Raises ValueError for a mode without one."""
    if mode is TradingMode.REAL:
        return REAL_URL
    if mode is TradingMode.PAPER:
        return PAPER_URL
    raise ValueError(f"KIS 서버가 없는 모드입니다: {mode}")


def checked_base_url(base_url: str, mode: TradingMode) -> str:
    """`base_url` without a trailing slash, if `mode` may talk to it (K-11, M-07).

    Raises ValueError (Korean): not http(s), plain http beyond loopback, carrying a user or a
    query, or any host of the broker other than the one that belongs to `mode`.
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".").lower()
    official = urlsplit(default_base_url(mode)).hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("KIS_BASE_URL은 http:// 또는 https:// 로 시작하는 주소여야 합니다")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("KIS_BASE_URL에는 사용자 정보나 질의를 넣을 수 없습니다")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"암호화되지 않은 http는 이 컴퓨터 안에서만 쓸 수 있습니다: {host}")
    is_of_broker = host == _BROKER_DOMAIN or host.endswith(f".{_BROKER_DOMAIN}")
    if is_of_broker and host != official:
        raise ValueError(f"{mode} 모드에서는 {host} 서버에 접속할 수 없습니다")
    return base_url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name or number."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _quotation(
    name: str, real: str, *, on_paper: bool, substitute: str = "", base: str = _QUOTATIONS
) -> Endpoint:
    paper = paper_id_of(real) if on_paper else None
    return Endpoint(name=name, path=f"{base}/{name}", real=real, paper=paper, substitute=substitute)


def _trading(name: str, path: str, real: str, *, substitute: str = "") -> Endpoint:
    paper = None if substitute else paper_id_of(real)
    return Endpoint(
        name=name, path=f"{_TRADING}/{path}", real=real, paper=paper, substitute=substitute
    )


PRICE = _quotation("inquire-price", "FHKST01010100", on_paper=True)
ASKING_PRICE = _quotation("inquire-asking-price-exp-ccn", "FHKST01010200", on_paper=True)
DAILY_PRICE = _quotation("inquire-daily-price", "FHKST01010400", on_paper=True)
DAILY_CHART = _quotation("inquire-daily-itemchartprice", "FHKST03010100", on_paper=True)
MINUTE_CHART = _quotation("inquire-time-itemchartprice", "FHKST03010200", on_paper=True)
INDEX_CHART = _quotation("inquire-daily-indexchartprice", "FHKUP03500100", on_paper=True)
PRICE_2 = _quotation("inquire-price-2", "FHPST01010000", on_paper=False, substitute="inquire-price")
MINUTE_CHART_BY_DATE = _quotation(
    "inquire-time-dailychartprice",
    "FHKST03010230",
    on_paper=False,
    substitute="당일 분봉 inquire-time-itemchartprice",
)
MULTI_PRICE = _quotation(
    "intstock-multprice",
    "FHKST11300006",
    on_paper=False,
    substitute="종목별 inquire-price",
)
VOLUME_RANK = _quotation(
    "volume-rank",
    "FHPST01710000",
    on_paper=False,
    substitute="후보 종목별 inquire-price의 거래대금",
)
MARKET_CAP = _quotation(
    "market-cap",
    "FHPST01740000",
    on_paper=False,
    substitute="후보 종목별 inquire-price의 시가총액",
    base=_RANKING,
)
HOLIDAYS = _quotation("chk-holiday", "CTCA0903R", on_paper=False, substitute="내장 거래소 달력")
STOCK_INFO = _quotation(
    "search-stock-info",
    "CTPF1002R",
    on_paper=False,
    substitute="inquire-daily-itemchartprice의 종목명과 inquire-price의 시장",
)
PRODUCT_INFO = _quotation(
    "search-info",
    "CTPF1604R",
    on_paper=False,
    substitute="inquire-daily-itemchartprice의 종목명",
)
INDEX_PRICE = _quotation(
    "inquire-index-price",
    "FHPUP02100000",
    on_paper=False,
    substitute="inquire-daily-indexchartprice",
)
INDEX_DAILY_PRICE = _quotation(
    "inquire-index-daily-price",
    "FHPUP02120000",
    on_paper=False,
    substitute="inquire-daily-indexchartprice",
)
VI_STATUS = _quotation(
    "inquire-vi-status",
    "FHPST01390000",
    on_paper=False,
    substitute="inquire-price의 vi_cls_code",
)

ORDER_SELL = _trading("order-cash-sell", "order-cash", "TTTC0011U")
ORDER_BUY = _trading("order-cash-buy", "order-cash", "TTTC0012U")
ORDER_CANCEL = _trading("order-rvsecncl", "order-rvsecncl", "TTTC0013U")
BUYING_POWER = _trading("inquire-psbl-order", "inquire-psbl-order", "TTTC8908R")
ORDERS = _trading("inquire-daily-ccld", "inquire-daily-ccld", "TTTC0081R")
ORDERS_BEFORE_3_MONTHS = _trading("inquire-daily-ccld-old", "inquire-daily-ccld", "CTSC9215R")
BALANCE = _trading("inquire-balance", "inquire-balance", "TTTC8434R")
SELLABLE = _trading(
    "inquire-psbl-sell",
    "inquire-psbl-sell",
    "TTTC8408R",
    substitute="inquire-balance의 ord_psbl_qty",
)
AMENDABLE = _trading(
    "inquire-psbl-rvsecncl",
    "inquire-psbl-rvsecncl",
    "TTTC0084R",
    substitute="inquire-daily-ccld의 rmn_qty",
)
BALANCE_REALISED = _trading(
    "inquire-balance-rlz-pl", "inquire-balance-rlz-pl", "TTTC8494R", substitute="inquire-balance"
)
ACCOUNT_ASSETS = _trading(
    "inquire-account-balance",
    "inquire-account-balance",
    "CTRP6548R",
    substitute="inquire-balance의 output2",
)

ENDPOINTS: tuple[Endpoint, ...] = (
    PRICE,
    ASKING_PRICE,
    DAILY_PRICE,
    DAILY_CHART,
    MINUTE_CHART,
    INDEX_CHART,
    PRICE_2,
    MINUTE_CHART_BY_DATE,
    MULTI_PRICE,
    VOLUME_RANK,
    MARKET_CAP,
    HOLIDAYS,
    STOCK_INFO,
    PRODUCT_INFO,
    INDEX_PRICE,
    INDEX_DAILY_PRICE,
    VI_STATUS,
    ORDER_SELL,
    ORDER_BUY,
    ORDER_CANCEL,
    BUYING_POWER,
    ORDERS,
    ORDERS_BEFORE_3_MONTHS,
    BALANCE,
    SELLABLE,
    AMENDABLE,
    BALANCE_REALISED,
    ACCOUNT_ASSETS,
)
