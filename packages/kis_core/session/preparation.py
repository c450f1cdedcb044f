"""Getting a session ready: what each symbol is, and what its completed bars say.

Bars are fetched in the morning of the session, for a bar fetched on its own evening is not
final. What was prepared is kept on disk for the day, so that a restart asks for nothing twice.
A symbol whose bars cannot be had is tried again, and guarded by price alone meanwhile (F-033).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from kis_core.market.symbol import Instrument, Market, Symbol
from kis_core.ports.calendar import Calendar
from kis_core.ports.files import ContextCache, PreparedDay
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.ports.notifier import EventKind, Level
from kis_core.session.books import NAME_LASTS
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Reason


@dataclass(slots=True)
class Preparation:
    """The contexts and instruments of one session at a time."""

    market_data: MarketData
    calendar: Calendar
    cache: ContextCache
    teller: Teller
    settings: SessionSettings
    session_date: date | None = None
    contexts: dict[Symbol, DayContext | NoContext] = field(default_factory=dict)
    instruments: dict[Symbol, Instrument] = field(default_factory=dict)
    is_final: bool = False
    _asked_on: dict[Symbol, date] = field(default_factory=dict)

    def begin(self, session_date: date, *, today: date) -> None:
        """Start a session with what was already prepared for it, if anything.

        Before the session's own day its bars are not final: what is fetched then is neither kept
        on disk nor used when the day has come.
        """
        is_final = today >= session_date
        if self.session_date == session_date and self.is_final == is_final:
            return
        self.is_final = is_final
        day = self.cache.load(session_date, fingerprint=self.settings.fingerprint())
        self.session_date = session_date
        self.contexts = dict(day.contexts)
        self.instruments = {**self.instruments, **day.instruments}
        for symbol in self.instruments:
            self._asked_on.setdefault(symbol, session_date)

    def prepare(self, symbols: Iterable[Symbol]) -> bool:
        """Fetch what is missing for `symbols`; False when something still is.

        One symbol's failure leaves the others prepared.
        """
        missing = self.missing(symbols)
        complete = True
        for symbol in missing:
            complete = self._prepare_one(symbol) and complete
        if missing and self.is_final:
            self._save()
        return complete

    def missing(self, symbols: Iterable[Symbol]) -> list[Symbol]:
        """Those of `symbols` that are not prepared yet."""
        return [symbol for symbol in symbols if not self._is_ready(symbol)]

    def context_of(self, symbol: Symbol) -> DayContext | NoContext:
        """The symbol's context, or why there is none yet."""
        context = self.contexts.get(symbol)
        if context is not None:
            return context
        return NoContext(symbol=symbol, reason=Reason.BARS_UNAVAILABLE, why="not fetched yet")

    def instrument_of(self, symbol: Symbol) -> Instrument:
        """What the symbol is. Before it is known, an ordinary share of KOSPI is assumed: its
        tick is never finer and its tax never lower than the truth."""
        known = self.instruments.get(symbol)
        if known is not None:
            return known
        return Instrument(symbol=symbol, name="", market=Market.KOSPI)

    def _is_ready(self, symbol: Symbol) -> bool:
        context = self.contexts.get(symbol)
        is_fetched = isinstance(context, DayContext) or (
            context is not None and context.reason != Reason.BARS_UNAVAILABLE
        )
        return is_fetched and self._is_known(symbol)

    def _is_known(self, symbol: Symbol) -> bool:
        """Whether nobody need be asked what the symbol is: a long run asks again now and then
        (N-03), and keeps what it knows until it has the answer."""
        asked_on = self._asked_on.get(symbol)
        return asked_on is not None and self._session() - asked_on < NAME_LASTS

    def _prepare_one(self, symbol: Symbol) -> bool:
        session_date, strategy = self._session(), self.settings.strategy_of(symbol)
        try:
            if not self._is_known(symbol):
                self.instruments[symbol] = self.market_data.instrument(symbol)
                self._asked_on[symbol] = session_date
            bars = self.market_data.daily_bars(
                symbol, before=session_date, count=strategy.bars_needed
            )
        except MarketDataUnavailable as error:
            self.contexts[symbol] = NoContext(
                symbol=symbol, reason=Reason.BARS_UNAVAILABLE, why=str(error)
            )
            self._tell_unavailable(symbol, Reason.BARS_UNAVAILABLE, str(error))
            return False
        before = self.calendar.session_before(session_date)
        context = strategy.context(symbol, bars, session_date=session_date, previous_session=before)
        self.contexts[symbol] = context
        if isinstance(context, NoContext):
            self._tell_unavailable(symbol, context.reason, context.why)
        return True

    def _save(self) -> None:
        contexts = {s: c for s, c in self.contexts.items() if isinstance(c, DayContext)}
        self.cache.save(
            PreparedDay(contexts=contexts, instruments=self.instruments),
            session_date=self._session(),
            fingerprint=self.settings.fingerprint(),
        )

    def _session(self) -> date:
        if self.session_date is None:
            raise ValueError("no session has begun")
        return self.session_date

    def _tell_unavailable(self, symbol: Symbol, reason: str, why: str) -> None:
        self.teller.tell(
            EventKind.CONTEXT_UNAVAILABLE, symbol, Level.WARNING, reason=reason, why=why
        )
