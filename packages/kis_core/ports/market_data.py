"""Prices: quotes of now, bars of completed days, names."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol


class MarketDataUnavailable(Exception):
    """The source did not answer, or its answer cannot be believed. Nothing was returned."""


@runtime_checkable
class MarketData(Protocol):
    """Where prices come from. Answers are complete or they are errors."""

    @abstractmethod
    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        """One entry for every symbol asked, in no order. A symbol whose price is missing, zero
        or malformed is `QuoteUnavailable`; one symbol's failure never hides another's quote.

        Raises MarketDataUnavailable when the source as a whole does not answer.
        """

    @abstractmethod
    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        """Up to `count` completed, adjusted, traded bars, ascending, all dated before `before`.

        Halted days are left out. Fewer than `count` means that the symbol has no more history.
        Raises MarketDataUnavailable.
        """

    @abstractmethod
    def instrument(self, symbol: Symbol) -> Instrument:
        """Name, board and product of `symbol`. Raises MarketDataUnavailable."""
