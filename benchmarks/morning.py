"""What a process that ran this morning would have left: a token, the day's contexts, positions."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from benchmarks.canned_bodies import COST, HELD_QUANTITY, PRICE
from benchmarks.workplace import Workplace
from kis_adapters.files.context_cache import JsonContextCache
from kis_adapters.kis.token_cache import HeldToken, TokenCache
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Market, Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.files import PreparedDay
from kis_core.positions.position import Levels, Position
from kis_core.strategy.context import DayContext

AT = datetime(2026, 11, 24, 10, 0, tzinfo=KST)
_DAY, _DAY_BEFORE = date(2026, 11, 24), date(2026, 11, 23)


def leave_behind(place: Workplace, *, held: Sequence[Symbol], stop: int = 60_000) -> None:
    """Put down what a process that ran this morning would have left; `stop` of what is held."""
    place.furnish()
    token = HeldToken(
        value="CANNED-NOT-A-TOKEN", expires_at=AT + timedelta(hours=20), confirmed_on=_DAY
    )
    TokenCache(
        directory=place.directory / "tokens",
        mode=TradingMode.REAL,
        key=place.credentials.fingerprint(urlsplit(place.base_url).netloc),
    ).save(token)
    settings = place.session_settings()
    symbols = [Symbol(symbol) for symbol in place.symbols]
    JsonContextCache(place.directory / "data" / "day_context.json").save(
        PreparedDay(
            contexts={symbol: _context(symbol) for symbol in symbols},
            instruments={symbol: _instrument(symbol) for symbol in symbols},
        ),
        session_date=_DAY,
        fingerprint=settings.parameters.fingerprint(),
    )
    database = open_database(f"sqlite:///{place.directory / 'data' / 'kis.db'}")
    initialize_schema(database)
    store = SqlStore(database, Namespace(mode=TradingMode.REAL, account=place.account))
    with store.unit_of_work() as unit:
        for symbol in held:
            unit.put_position(_position(symbol, stop))
    database.dispose()


def _context(symbol: Symbol) -> DayContext:
    """Nothing to buy: the high of yesterday is far away."""
    return DayContext(
        symbol=symbol,
        session_date=_DAY,
        last_bar_date=_DAY_BEFORE,
        bars=120,
        sma_sum=50 * 65_000,
        sma_period=50,
        atr=2_000.0,
        atr_average=2_000.0,
        adx=30.0,
        previous_high=Won(90_000),
        previous_low=Won(68_000),
        previous_close=Won(70_000),
        adx_fell_on=None,
        closed_below_on=None,
    )


def _instrument(symbol: Symbol) -> Instrument:
    return Instrument(symbol=symbol, name=f"종목{symbol}", market=Market.KOSPI)


def _position(symbol: Symbol, stop: int) -> Position:
    """Its target is far away."""
    return Position(
        symbol=symbol,
        quantity=HELD_QUANTITY,
        cost=COST * HELD_QUANTITY,
        levels=Levels(atr=2_000.0, stop=Won(stop), take=Won(80_000)),
        entry_session=_DAY_BEFORE,
        entered_at=AT - timedelta(days=1),
        highest=Won(PRICE),
    )
