"""MarketData on the KIS domestic-stock REST API.

What an issue is, REAL is told by search-stock-info. PAPER lacks it: the name then comes from the
chart, the board from the quote, and the product from what those say (see `_product_of`).
ETN and ELW, whose codes the wire spells otherwise, are not traded by us. Source: kis-wire 4, 7.1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from kis_adapters.kis.bars import KisBars
from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import STOCK_INFO
from kis_adapters.kis.errors import KisError, KisFieldError, KisImplausible
from kis_adapters.kis.quotes import KisQuotes
from kis_adapters.kis.wire import PriceAnswer, StockInfo, object_at, read
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Market, Product, Symbol
from kis_core.market.tick import tick_size
from kis_core.ports.market_data import MarketData, MarketDataUnavailable

_MARKETS = {"STK": Market.KOSPI, "KSQ": Market.KOSDAQ, "KNX": Market.KONEX}
_MARKET_NAMES = (  # rprs_mrkt_kor_name begins with; an index member shows its index
    ("KOSPI", Market.KOSPI),
    ("KOSDAQ", Market.KOSDAQ),
    ("KSQ", Market.KOSDAQ),
    ("KONEX", Market.KONEX),
)
_PRODUCTS = {
    "EF": Product.ETF,
    "FE": Product.ETF,
    "EN": Product.ETN,
    "EW": Product.ELW,
    **dict.fromkeys(("ST", "MF", "RT", "SC", "IF", "DR", "BC", "FS"), Product.STOCK),
}
_FUND_BRANDS = (  # first words of KRX ETF names, 2026
    *("KODEX", "TIGER", "RISE", "KBSTAR", "ACE", "SOL", "PLUS", "ARIRANG", "HANARO", "KOSEF"),
    *("KIWOOM", "TIMEFOLIO", "TIME", "TREX", "FOCUS", "1Q", "WON", "BNK", "UNICORN", "VITA"),
    *("HK", "히어로즈", "마이티", "에셋플러스", "파워", "DAISHIN343", "KoAct", "ITF"),
)
_TWICE = ("레버리지", "2X")


class KisMarketData(MarketData):
    """Prices from KIS. `is_held` tells which symbols' quotes guard a position (K-05)."""

    def __init__(
        self, client: KisClient, *, is_held: Callable[[Symbol], bool] = lambda _: False
    ) -> None:
        self._client = client
        self._quotes = KisQuotes(client, is_held=is_held)
        self._bars = KisBars(client)

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        """See the port."""
        return self._quotes.quotes(symbols)

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        """See the port."""
        with self._translated():
            return self._bars.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        """See the port."""
        with self._translated():
            if STOCK_INFO.is_offered(self._client.mode):
                return self._told_instrument(symbol)
            return self._pieced_instrument(symbol)

    def _told_instrument(self, symbol: Symbol) -> Instrument:
        name = STOCK_INFO.name
        params = {"PRDT_TYPE_CD": "300", "PDNO": symbol}
        envelope = self._client.get(STOCK_INFO, params, priority=Priority.SCAN)
        output = object_at(envelope.body, "output", endpoint=name)
        self._client.drift.see(name, "output", output)
        info = read(StockInfo, output, endpoint=name)
        if not info.pdno.endswith(symbol):
            raise KisFieldError(name, field="output.pdno", why="another symbol's answer")
        if info.mket_id_cd not in _MARKETS:
            raise KisFieldError(name, field="output.mket_id_cd", why="unknown code")
        if info.scty_grp_id_cd not in _PRODUCTS:
            raise KisFieldError(name, field="output.scty_grp_id_cd", why="unknown code")
        product = _PRODUCTS[info.scty_grp_id_cd]
        multiple = info.etf_chas_erng_rt_dbnb.lstrip("-").partition(".")[0]
        told = int(multiple) if multiple.isascii() and multiple.isdigit() else 0
        return Instrument(
            symbol=symbol,
            name=info.prdt_abrv_name,
            market=_MARKETS[info.mket_id_cd],
            product=product,
            leverage=_leverage(product, info.prdt_abrv_name, told=told),
        )

    def _pieced_instrument(self, symbol: Symbol) -> Instrument:
        today = self._client.clock.now().date()
        price = self._quotes.price(symbol)
        name = self._bars.name(symbol, on=today)
        product = _product_of(price, name, on=today)
        return Instrument(
            symbol=symbol,
            name=name,
            market=_market_of(price),
            product=product,
            leverage=_leverage(product, name, told=0),
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KisError as error:
            if isinstance(error, KisFieldError | KisImplausible):
                self._client.report(error)
            raise MarketDataUnavailable(str(error)) from error


def _market_of(price: PriceAnswer) -> Market:
    for beginning, market in _MARKET_NAMES:
        if price.rprs_mrkt_kor_name.upper().startswith(beginning):
            return market
    raise KisFieldError("inquire-price", field="output.rprs_mrkt_kor_name", why="unknown board")


def _product_of(price: PriceAnswer, name: str, *, on: date) -> Product:
    """What kind of issue it is, from what PAPER tells.

    The word ETN or ETF in name or sector decides; else the tick, where it can only be a fund's or
    only a share's; else (cheap issues, where both have one tick) the brand that the name begins
    with.
    """
    words = f"{name} {price.bstp_kor_isnm}".upper()
    if "ETN" in words:
        return Product.ETN
    if "ETF" in words:
        return Product.ETF
    share, fund = (
        tick_size(price.stck_prpr, product, on) for product in (Product.STOCK, Product.ETF)
    )
    if share != fund and price.aspr_unit in (str(share), str(fund)):
        return Product.ETF if price.aspr_unit == str(fund) else Product.STOCK
    return Product.ETF if name.split(" ")[0] in _FUND_BRANDS else Product.STOCK


def _leverage(product: Product, name: str, *, told: int) -> int:
    """The multiple of a fund: as told, else by its name; 1 for everything else."""
    if product not in (Product.ETF, Product.ETN):
        return 1
    if told:
        return told
    return 2 if any(word in name.upper() for word in _TWICE) else 1
