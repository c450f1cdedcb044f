"""Symbols that must not be bought, where a quote in bulk does not say so, and held ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Instrument, Symbol
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Event, EventKind
from kis_core.session.assembly import Ports

_BREAKOUT = 70_300


@dataclass
class Bulk(MarketData):
    """As the real server: several symbols at once without flags, one alone with them, or, where
    `is_silent`, never."""

    market: MarketData
    flags: dict[Symbol, dict[str, bool]] = field(default_factory=dict)
    is_silent: bool = False
    alone: list[Symbol] = field(default_factory=list)

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote | QuoteUnavailable]:
        told = dict(self.market.quotes(symbols))
        if len(symbols) == 1:
            self.alone.append(symbols[0])
        for symbol, quote in told.items():
            if not isinstance(quote, Quote):
                continue
            if len(symbols) > 1 or self.is_silent:
                told[symbol] = replace(
                    quote, is_halted=None, is_managed=None, is_warned=None, is_vi=None
                )
            else:
                told[symbol] = replace(quote, **self.flags.get(symbol, {}))  # type: ignore[arg-type]  # names are checked by replace
        return told

    def daily_bars(self, symbol: Symbol, *, before: date, count: int) -> tuple[Bar, ...]:
        return self.market.daily_bars(symbol, before=before, count=count)

    def instrument(self, symbol: Symbol) -> Instrument:
        return self.market.instrument(symbol)


def _world(bulk_of: list[Bulk], **changes: object) -> World:
    """Two symbols that break out together, quoted in bulk."""
    world = World()
    for symbol in (SAMSUNG, HYNIX):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_050)

    def wrap(ports: Ports) -> Ports:
        bulk_of.append(Bulk(market=ports.market_data, **changes))  # type: ignore[arg-type]  # names are checked by the call
        return replace(ports, market_data=bulk_of[-1])

    world.wrap = wrap
    world.tune(candidates=(SAMSUNG, HYNIX))
    return world


def _break_out(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    for symbol in (SAMSUNG, HYNIX):
        world.market.set_price(symbol, _BREAKOUT)
    world.run_until(world.at(9, 5))


def _told(world: World) -> list[Event]:
    told = world.notifier.of(EventKind.ERROR)
    return [event for event in told if event.fields.get("what") == "restricted"]


@pytest.mark.req("O-14", "K-06")
@pytest.mark.parametrize("flag", ["is_halted", "is_managed", "is_warned", "is_vi"])
def test_what_a_quote_in_bulk_does_not_say_is_asked_before_a_purchase(flag: str) -> None:
    world = _world([], flags={HYNIX: {flag: True}})

    _break_out(world)

    assert [order.symbol for order in world.broker.orders] == [SAMSUNG]
    with world.store.unit_of_work() as uow:
        reasons = {d.reason for d in uow.decisions_of(date(2026, 11, 24)) if d.symbol == HYNIX}
    assert "not_tradable" in reasons


@pytest.mark.req("O-14", "T-10")
def test_a_symbol_of_which_nobody_says_that_it_trades_is_not_bought() -> None:
    world = _world([], is_silent=True)

    _break_out(world)

    assert world.broker.orders == []


@pytest.mark.req("O-14", "N-04")
def test_a_held_symbol_that_becomes_restricted_is_told_once_and_again_for_what_is_new() -> None:
    made: list[Bulk] = []
    world = _world(made)
    _break_out(world)

    for flags, minute in (
        ({"is_managed": True}, 20),
        ({"is_managed": True}, 40),
        ({"is_managed": True, "is_warned": True}, 59),
    ):
        made[-1].flags[HYNIX] = flags
        world.run_until(world.at(9, minute))

    told = _told(world)
    assert [event.symbol for event in told] == [HYNIX, HYNIX]
    assert "관리종목" in str(told[0].fields["why"])
    assert "투자경고" in str(told[1].fields["why"])


@pytest.mark.req("O-14", "R-02")
def test_a_held_symbol_that_is_restricted_is_still_sold_at_its_stop() -> None:
    made: list[Bulk] = []
    world = _world(made)
    _break_out(world)
    made[-1].flags[HYNIX] = {"is_managed": True, "is_warned": True}
    world.run_until(world.at(9, 20))

    world.market.set_price(HYNIX, 69_400)
    world.run_until(world.at(9, 25))

    assert list(world.engine.books.positions) == [SAMSUNG]
