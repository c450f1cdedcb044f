"""Trend + ATR as the engine's strategy: the functions of `trend_atr` with their parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from kis_core.gap import GapCheck
from kis_core.market.bar import Bar
from kis_core.market.quote import Quote
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.positions.position import Levels, Position
from kis_core.strategy import trend_atr
from kis_core.strategy.alerts import Alert, alerts_after, is_near_stop
from kis_core.strategy.build import build_context
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Decision
from kis_core.strategy.levels import entry_levels, observe
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.strategy import Strategy

_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class TrendAtr(Strategy):
    """See the protocol. What another strategy does alike it may inherit."""

    parameters: StrategyParameters = field(default_factory=StrategyParameters)

    @property
    def name(self) -> str:
        return trend_atr.NAME

    @property
    def bars_needed(self) -> int:
        return self.parameters.bars_needed

    @property
    def fingerprint(self) -> str:
        return self.parameters.fingerprint()

    def context(
        self, symbol: Symbol, bars: Sequence[Bar], *, session_date: date, previous_session: date
    ) -> DayContext | NoContext:
        return build_context(
            symbol,
            bars,
            session_date=session_date,
            previous_session=previous_session,
            parameters=self.parameters,
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
        return trend_atr.decide(
            context=context,
            quote=quote,
            position=position,
            parameters=self.parameters,
            now=now,
            is_event_day=is_event_day,
        )

    def entry_levels(self, *, cost: int, quantity: int, atr: float) -> Levels:
        return entry_levels(cost=cost, quantity=quantity, atr=atr, parameters=self.parameters)

    def assumed_atr(self, average: float) -> float:
        """The ATR whose stop is the maximum loss."""
        loss = average * self.parameters.max_loss_pct / _PERCENT
        return loss / self.parameters.atr_multiplier_sl

    def observe(self, *, position: Position, quote: Quote, session_date: date) -> Position:
        return observe(
            position=position, quote=quote, parameters=self.parameters, session_date=session_date
        )

    def gap_check(self, position: Position, quote: Quote, session_date: date) -> GapCheck | None:
        return trend_atr.gap_check_of(position, quote, self.parameters, session_date)

    def is_near_stop(self, position: Position, *, last: Won) -> bool:
        return is_near_stop(position, last=last, parameters=self.parameters)

    def alerts_after(
        self, active: frozenset[Alert], *, position: Position, last: Won
    ) -> frozenset[Alert]:
        return alerts_after(active, position=position, last=last, parameters=self.parameters)
