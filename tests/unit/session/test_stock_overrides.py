"""What one symbol does differently is what is traded, at every place that asks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import pytest

from kis_adapters.memory.world import HYNIX, SAMSUNG, World
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.session.settings import SymbolSettings
from kis_core.sizing.policy import Fixed
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Action, Decision, Reason
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.strategy import Strategy
from kis_core.strategy.trend_atr_strategy import TrendAtr

_BREAKOUT = 70_300


def _own(**changes: float) -> TrendAtr:
    return TrendAtr(replace(StrategyParameters(), **changes))  # type: ignore[arg-type]  # names are checked by replace


@pytest.fixture
def pair() -> World:
    """Two symbols with the same history; only the second has settings of its own."""
    world = World()
    for symbol in (SAMSUNG, HYNIX):
        world.list_symbol(symbol, last_close=70_000)
        world.market.set_price(symbol, 70_050)
    return world


def _enter(world: World) -> None:
    world.run_until(world.at(9, 1, 30))
    for symbol in (SAMSUNG, HYNIX):
        world.market.set_price(symbol, _BREAKOUT)
    world.run_until(world.at(9, 5))


@pytest.mark.req("T-16", "F-080")
def test_an_own_quantity_and_an_own_stop_are_what_is_ordered_and_guarded(pair: World) -> None:
    own = SymbolSettings(strategy=_own(atr_multiplier_sl=3.0), sizing=Fixed(shares=4))
    pair.tune(candidates=(SAMSUNG, HYNIX), overrides={HYNIX: own})

    _enter(pair)

    positions = pair.engine.books.positions
    assert {s: p.quantity for s, p in positions.items()} == {SAMSUNG: 1, HYNIX: 4}
    # ATR is 400: 70,300 − 2 × 400 and 70,300 − 3 × 400.
    assert {s: p.levels.stop for s, p in positions.items()} == {SAMSUNG: 69_500, HYNIX: 69_100}


@pytest.mark.req("T-16", "F-080")
def test_an_own_stop_is_not_sold_at_the_common_one(pair: World) -> None:
    own = SymbolSettings(strategy=_own(atr_multiplier_sl=3.0))
    pair.tune(candidates=(SAMSUNG, HYNIX), overrides={HYNIX: own})
    _enter(pair)

    for symbol in (SAMSUNG, HYNIX):
        pair.market.set_price(symbol, 69_400)
    pair.run_until(pair.at(9, 10))

    assert list(pair.engine.books.positions) == [HYNIX]


@pytest.mark.req("T-16")
def test_an_own_trailing_start_moves_only_that_symbols_exit(pair: World) -> None:
    own = SymbolSettings(strategy=_own(trailing_activation_pct=50.0))
    pair.tune(candidates=(SAMSUNG, HYNIX), overrides={HYNIX: own})
    _enter(pair)

    for symbol in (SAMSUNG, HYNIX):
        pair.market.set_price(symbol, 71_100)  # + 1.1 %
    pair.run_until(pair.at(9, 10))

    positions = pair.engine.books.positions
    assert {s: p.is_trailing for s, p in positions.items()} == {SAMSUNG: True, HYNIX: False}


@pytest.mark.req("T-16")
def test_an_own_threshold_for_entries_keeps_that_symbol_out(pair: World) -> None:
    # The history is a straight line, whose ADX is 100; no ATR spikes below its own average.
    own = SymbolSettings(strategy=_own(atr_spike_threshold=0.5))
    pair.tune(candidates=(SAMSUNG, HYNIX), overrides={HYNIX: own})

    _enter(pair)

    assert list(pair.engine.books.positions) == [SAMSUNG]


@pytest.mark.req("T-16")
def test_a_holding_bought_by_hand_gets_its_symbols_own_levels(pair: World) -> None:
    own = SymbolSettings(strategy=_own(atr_multiplier_sl=1.0))
    pair.tune(candidates=(SAMSUNG,), overrides={HYNIX: own})
    pair.broker.hold(HYNIX, quantity=1, cost=70_000)

    pair.run_until(pair.at(9, 5))

    assert pair.engine.books.positions[HYNIX].levels.stop == 69_600  # 70,000 − 1 × 400


@pytest.mark.req("T-16")
def test_prepared_contexts_of_other_own_settings_are_not_used(pair: World) -> None:
    plain = pair.settings.fingerprint()
    one = replace(pair.settings, overrides={HYNIX: SymbolSettings(strategy=_own(adx_threshold=30))})
    two = replace(pair.settings, overrides={HYNIX: SymbolSettings(strategy=_own(adx_threshold=31))})
    sized = replace(pair.settings, overrides={HYNIX: SymbolSettings(sizing=Fixed(shares=3))})

    assert len({plain, one.fingerprint(), two.fingerprint()}) == 3
    assert sized.fingerprint() == plain  # a quantity changes no indicator


def test_other_parameters_are_another_strategy_though_the_old_settings_are_copied(
    pair: World,
) -> None:
    changed = replace(pair.settings, parameters=StrategyParameters(atr_multiplier_sl=1.0))

    levels = changed.strategy_of(SAMSUNG).entry_levels(cost=70_000, quantity=1, atr=400.0)

    assert levels.stop == 69_600


@dataclass(frozen=True, slots=True)
class AboveYesterday(TrendAtr):
    """A second strategy in one module: buys above yesterday's close, leaves 1 % below entry."""

    loss_pct: int = 1

    @property
    def name(self) -> str:
        return "above_yesterday"

    @property
    def bars_needed(self) -> int:
        return 1

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name}|{self.loss_pct}".encode()).hexdigest()[:12]

    def context(
        self, symbol: Symbol, bars: Sequence[Bar], *, session_date: date, previous_session: date
    ) -> DayContext | NoContext:
        last = bars[-1]
        return DayContext(
            symbol=symbol,
            session_date=session_date,
            last_bar_date=last.session_date,
            bars=len(bars),
            sma_sum=last.close,
            sma_period=1,
            atr=1.0,
            atr_average=1.0,
            adx=0.0,
            previous_high=last.high,
            previous_low=last.low,
            previous_close=last.close,
            adx_fell_on=None,
            closed_below_on=None,
        )

    def decide(
        self,
        *,
        context: DayContext | NoContext,
        quote: Quote,
        position: Position | None,
        now: datetime,
        is_event_day: bool = False,
    ) -> Decision:
        if position is not None:
            is_out = quote.last <= position.levels.stop
            action = Action.SELL if is_out else Action.HOLD
            return Decision(
                action=action, reason=Reason.STOP_LOSS if is_out else Reason.WITHIN_LEVELS
            )
        is_in = isinstance(context, DayContext) and quote.last > context.previous_close
        action = Action.BUY if is_in else Action.HOLD
        return Decision(action=action, reason=Reason.BREAKOUT if is_in else Reason.NO_BREAKOUT)

    def entry_levels(self, *, cost: int, quantity: int, atr: float) -> Levels:
        average = cost // quantity
        stop = Won(average * (100 - self.loss_pct) // 100)
        return Levels(atr=atr, stop=stop, take=Won(average * 2))


@pytest.mark.req("T-16")
def test_a_second_strategy_is_traded_by_the_same_engine(pair: World) -> None:
    second: Strategy = AboveYesterday()
    pair.market.bars[SAMSUNG] = pair.market.bars[SAMSUNG][-2:]  # too few bars for trend + ATR
    pair.tune(candidates=(SAMSUNG,), strategy=second)

    pair.run_until(pair.at(9, 5))  # 70,050 is above 70,000 and below yesterday's high
    entered = dict(pair.engine.books.positions)
    pair.market.set_price(SAMSUNG, 69_300)
    pair.run_until(pair.at(9, 10))

    assert entered[SAMSUNG].levels.stop == 70_050 * 99 // 100
    assert pair.engine.books.positions == {}
    with pair.store.unit_of_work() as uow:
        signals = [order.intent.signal_id for order in uow.orders_of(date(2026, 11, 24))]
    assert signals == [
        "2026-11-24:above_yesterday:005930:buy:breakout:0",
        "2026-11-24:above_yesterday:005930:sell:stop_loss:0",
    ]
