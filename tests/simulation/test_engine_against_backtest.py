"""The engine against the backtest, on days whose prices a daily bar tells as well (C-06, E-06).

What "the same prices" means is written down in `kis_adapters.memory.bar_days`. On such days both
make the same decisions on the same numbers, trade the same shares at the same prices, pay the
same fees and taxes, and are worth the same at every close, to the won and the last bit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

import numpy as np
import pytest

import kis_core.research.backtest as backtest
import kis_core.research.path as path
from kis_adapters.memory.bar_days import BarDays, Odds
from kis_adapters.memory.world import NAMESPACE, World
from kis_core.gap import GapReference
from kis_core.market.bar import Bar
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.orders.order import OrderStatus
from kis_core.ports.notifier import EventKind
from kis_core.research.account import Account
from kis_core.research.bars import FIELDS, BarMatrix
from kis_core.research.setting import BacktestResult, BacktestSettings, Slippage
from kis_core.research.setting import EventKind as Happened
from kis_core.risk.limits import RiskLimits
from kis_core.session.settings import SessionSettings
from kis_core.sizing.policy import CashFraction, Fixed
from kis_core.strategy.decision import Action, Decision
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr import decide
from kis_core.strategy.trend_atr_strategy import TrendAtr
from kis_core.universe.policy import SelectionMethod, UniversePolicy

_SYMBOLS = tuple(Symbol(code) for code in ("000660", "005930", "035720", "068270", "105560"))
_FLOORS = ((20_000, 50), (50_000, 100), (200_000, 500), (500_000, 1_000))
_DAYS = 8

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Wanting(TrendAtr):
    """The strategy, telling `wanted` of what it would buy."""

    wanted: set[Symbol] = field(default_factory=set, compare=False)

    def decide(self, **asked: Any) -> Decision:
        decision = TrendAtr.decide(self, **asked)
        if decision.action is Action.BUY:
            self.wanted.add(asked["quote"].symbol)
        return decision


@dataclass(frozen=True, slots=True)
class Fill:
    """Shares that changed hands, with the decision behind it."""

    on: date
    symbol: Symbol
    side: Side
    quantity: int
    amount: int
    commission: int
    tax: int
    reason: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Course:
    """What came of some days: fills by day and symbol, round trips, equity at the closes."""

    fills: list[Fill]
    pnls: list[tuple[date, Symbol, int]]
    levels: list[tuple[Any, ...]]
    equity: list[int]
    held: list[tuple[Symbol, int, int]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One random market, traded by both."""

    seed: int
    engine: Course
    backtest: Course
    refused: int
    blocked: int
    halted: int


def _drawn(random: Random) -> tuple[SessionSettings, int]:
    """Settings of a session, and the cash to begin with, in shares of the dearest symbol."""
    symbols = random.sample(_SYMBOLS, random.randint(2, 5))
    parameters = StrategyParameters(
        atr_period=random.choice((5, 14)),
        ma_period=random.choice((5, 20, 50)),
        adx_period=random.choice((3, 14)),
        adx_threshold=random.choice((15.0, 25.0)),
        atr_multiplier_sl=random.choice((1.0, 2.0, 9.0)),
        atr_multiplier_tp=random.choice((1.5, 3.0, 12.0)),
        max_loss_pct=random.choice((3.0, 5.0, 30.0)),
        trailing_enabled=random.random() < 0.7,
        trailing_stop_atr_multiplier=random.choice((0.5, 1.0, 2.0)),
        trailing_activation_pct=random.choice((0.2, 1.0, 3.0)),
        adx_exit_threshold=15.0,
        trend_exit_enabled=random.random() < 0.8,
        gap_threshold_pct=random.choice((None, 1.0, 2.0)),
        gap_reference=random.choice(tuple(GapReference)),
    )
    limits = RiskLimits(
        daily_max_loss_pct=random.choice((1.0, 5.0, 20.0)),
        daily_max_trades=random.choice((1, 3, 20)),
        max_consecutive_losses=random.choice((1, 2, 20)),
        max_positions=random.randint(1, 4),
        drawdown_warn_pct=100.0,
        drawdown_stop_pct=100.0,
    )
    sizing = random.choice((Fixed(shares=1), Fixed(shares=3), CashFraction(pct=40.0)))
    return (
        SessionSettings(
            namespace=NAMESPACE,
            candidates=tuple(symbols),
            parameters=parameters,
            limits=limits,
            strategy=Wanting(parameters),
            sizing=sizing,
        ),
        random.choice((2, 4, 12)),
    )


def _trial(seed: int, days: int = _DAYS) -> Trial:
    random = Random(seed)
    drawn, shares = _drawn(random)
    world = World(settings=drawn)
    for symbol in drawn.candidates:
        floor, tick = random.choice(_FLOORS)
        world.list_symbol(symbol, last_close=floor + 20 * tick, step=random.choice((1, 2)) * tick)
    cash = shares * max(bars[-1].close for bars in world.market.bars.values())
    world.broker.cash = cash
    assert isinstance(drawn.strategy, Wanting)
    first = world.clock.now().date()
    market = BarDays(world, wanted=drawn.strategy.wanted, random=random, odds=Odds())
    market.trade(days)
    sessions = (first, *world.calendar.sessions_after(first, days - 1))
    tested, result = _backtest(drawn, market.bars, cash=cash, sessions=sessions)
    kinds = Counter(event.kind for event in result.events)
    return Trial(
        seed=seed,
        engine=_of_engine(world, sessions),
        backtest=tested,
        refused=kinds[Happened.ENTRY_REFUSED],
        blocked=kinds[Happened.EXIT_BLOCKED],
        halted=sum(120 + days - len(bars) for bars in market.bars.values()),
    )


def _of_engine(world: World, sessions: Sequence[date]) -> Course:
    with world.store.unit_of_work() as uow:
        trades = [trade for d in sessions for trade in uow.trades_of(d)]
        evidence = {r.order_id: r.evidence for d in sessions for r in uow.decisions_of(d)}
        statuses = {order.status for d in sessions for order in uow.orders_of(d)}
        summaries = [uow.summary_of(d) for d in sessions]
        positions = uow.positions()
    still_held = {(p.symbol, p.entry_session) for p in positions}
    opened = [
        (event.symbol, event.at.date(), *(event.fields[name] for name in ("stop", "take", "atr")))
        for event in world.notifier.of(EventKind.POSITION_OPENED)
    ]
    assert statuses <= {OrderStatus.FILLED, OrderStatus.CANCELLED}
    return Course(
        fills=sorted(
            (
                Fill(
                    t.session_date,
                    t.symbol,
                    t.side,
                    t.quantity,
                    t.amount,
                    t.commission,
                    t.tax,
                    t.reason,
                    evidence[t.order_id],
                )
                for t in trades
            ),
            key=lambda fill: (fill.on, fill.symbol, fill.side),
        ),
        pnls=sorted(
            (t.session_date, t.symbol, t.round_trip_pnl)
            for t in trades
            if t.round_trip_pnl is not None
        ),
        levels=sorted(each for each in opened if each[:2] not in still_held),
        equity=[summary.equity for summary in summaries if summary is not None],
        held=sorted((p.symbol, p.quantity, p.cost) for p in positions),
    )


class _Decided:
    """Remembers what a backtest's `decide` said last, and keeps it at each fill."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._last: Decision | None = None
        self.behind: list[Evidence] = []
        buy, sell = Account.buy, Account.sell

        def watched(**asked: Any) -> Decision:
            self._last = decide(**asked)
            return self._last

        def keeping(act: Any) -> Any:
            def kept(*args: Any, **kw: Any) -> Any:
                assert self._last is not None
                self.behind.append(self._last.evidence)
                return act(*args, **kw)

            return kept

        patch.setattr(backtest, "decide", watched)
        patch.setattr(path, "decide", watched)
        patch.setattr(Account, "buy", keeping(buy))
        patch.setattr(Account, "sell", keeping(sell))


def _backtest(
    drawn: SessionSettings, bars: dict[Symbol, list[Bar]], *, cash: int, sessions: Sequence[date]
) -> tuple[Course, BacktestResult]:
    policy = UniversePolicy(
        method=SelectionMethod.FIXED,
        stocks=drawn.candidates,
        max_stocks=len(drawn.candidates),
        entry_candidates=len(drawn.candidates),
    )
    asked = BacktestSettings(
        parameters=drawn.parameters,
        limits=drawn.limits,
        sizing=drawn.sizing,
        commission=drawn.commission,
        slippage=Slippage(ticks=0),
        cash=cash,
        universe=policy,
        first=sessions[0],
    )
    with pytest.MonkeyPatch.context() as patch:
        decided = _Decided(patch)
        result = backtest.run(_matrix(bars, sessions), asked)
    fills = [
        Fill(
            f.session_date,
            f.symbol,
            f.side,
            f.quantity,
            f.price * f.quantity,
            f.commission,
            f.tax,
            f.reason,
            evidence,
        )
        for f, evidence in zip(result.fills, decided.behind, strict=True)
    ]
    course = Course(
        fills=sorted(fills, key=lambda fill: (fill.on, fill.symbol, fill.side)),
        pnls=sorted((t.exit_session, t.symbol, t.pnl) for t in result.trades),
        levels=sorted((t.symbol, t.entry_session, t.stop, t.take, t.atr) for t in result.trades),
        equity=list(result.equity),
        held=sorted((h.symbol, h.quantity, h.cost) for h in result.holdings),
    )
    return course, result


def _matrix(bars: dict[Symbol, list[Bar]], sessions: Sequence[date]) -> BarMatrix:
    """`bars` as a backtest reads them; a day on which nothing traded is a session all the same."""
    symbols = tuple(sorted(bars))
    dates = tuple(sorted({*sessions, *(b.session_date for row in bars.values() for b in row)}))
    place = {on: column for column, on in enumerate(dates)}
    fields = {name: np.zeros((len(symbols), len(dates)), np.int32) for name in FIELDS}
    for row, symbol in enumerate(symbols):
        for bar in bars[symbol]:
            for name in FIELDS:
                fields[name][row, place[bar.session_date]] = getattr(bar, name)
    return BarMatrix(symbols=symbols, dates=dates, **fields)
