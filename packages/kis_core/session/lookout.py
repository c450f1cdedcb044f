"""Prices of what is held, brought to the guard: all of it in each cycle, some of it in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.session import Phase
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.ports.clock import Clock
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.session.books import Books
from kis_core.session.guard import Guard
from kis_core.session.settings import SessionSettings


@dataclass(slots=True)
class Lookout:
    """Quotes held symbols and has them judged.

    `is_retrying`: an exit is to be decided again before the next interval (O-12).
    """

    books: Books
    guard: Guard
    market_data: MarketData
    clock: Clock
    settings: SessionSettings
    is_retrying: bool = False
    _quiet_until: dict[Symbol, datetime] = field(default_factory=dict)

    def watch_all(self, session_date: date, phase: Phase) -> bool:
        """Judge everything held, in portions, so that no quote is old when it is judged; whether
        to look again soon. Raises MarketDataUnavailable."""
        held, size = sorted(self.books.positions), self.settings.scan_chunk
        is_urgent = self.is_retrying = False
        for start in range(0, len(held), size):
            portion = held[start : start + size]
            try:
                quotes = self.market_data.quotes(portion)
            except MarketDataUnavailable as error:
                self.guard.tell_blind(held[start:], str(error))
                raise
            is_urgent = self._judge(quotes, session_date, phase) or is_urgent
            self.is_retrying = self.is_retrying or self.guard.is_retrying
        return is_urgent

    def watch(self, quotes: Mapping[Symbol, Quote], session_date: date, phase: Phase) -> None:
        """Judge what a stream has just priced: as often as it prints, so an exit that is on its
        way, or was only just decided, is not decided again by each print."""
        self._judge(
            {symbol: quote for symbol, quote in quotes.items() if self._is_due(symbol)},
            session_date,
            phase,
        )
        self.is_retrying = self.guard.is_retrying

    def look_closely(self) -> None:
        """Ask one by one for what is held and was quoted in bulk, which tells no halts."""
        for symbol in self.guard.unflagged:
            try:
                quote = self.market_data.quotes([symbol])[symbol]
            except MarketDataUnavailable:
                return  # the line has told of it; the next snapshot asks again
            if isinstance(quote, Quote):
                self.guard.note_flags(quote)

    def _judge(
        self, quotes: Mapping[Symbol, Quote | QuoteUnavailable], session_date: date, phase: Phase
    ) -> bool:
        is_urgent = self.guard.watch(quotes, session_date=session_date, phase=phase)
        quiet_until = self.clock.now() + self.settings.orders.exit_wait
        self._quiet_until.update(dict.fromkeys(self.guard.tried, quiet_until))
        return is_urgent

    def _is_due(self, symbol: Symbol) -> bool:
        live = self.books.live_order_of(symbol)
        if live is not None and live.intent.side is Side.SELL:
            return False
        quiet_until = self._quiet_until.get(symbol)
        return quiet_until is None or not self.clock.now() < quiet_until
