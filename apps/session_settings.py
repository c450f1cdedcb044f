"""From the resolved configuration to what the core takes."""

from dataclasses import replace
from datetime import timedelta

from kis_adapters.settings.settings import Settings
from kis_adapters.settings.universe import StockOverride, UniverseSettings
from kis_core.gap import GapReference
from kis_core.market.cost import Commission
from kis_core.market.symbol import Symbol
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.risk.limits import RiskLimits
from kis_core.session.first_day import FirstDayLimits
from kis_core.session.settings import OnUnexplained, OrderSettings, SessionSettings, SymbolSettings
from kis_core.sizing.policy import AtrRisk, CashFraction, Fixed, SizingPolicy
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.trend_atr_strategy import TrendAtr
from kis_core.universe.fixed import select_fixed

# PAPER asks for one quote a second: five are as long as a stop may wait. REAL asks for thirty a
# call, four calls at a time: two hundred are half a second.
SCAN_CHUNK = {TradingMode.PAPER: 5, TradingMode.REAL: 200, TradingMode.VIRTUAL: 200}


class EmptyUniverse(Exception):
    """There is no symbol to trade (U-11); the text is Korean."""


class UniverseRefused(Exception):
    """A listed symbol cannot be one; the text is Korean."""


def session_settings(settings: Settings, *, account: str) -> SessionSettings:
    """The session's settings for `account` (number and product code). Raises EmptyUniverse and
    UniverseRefused."""
    engine, parameters = settings.engine, strategy_parameters(settings)
    return SessionSettings(
        namespace=Namespace(mode=settings.mode, account=account),
        candidates=_candidates(settings.universe),
        parameters=parameters,
        limits=risk_limits(settings),
        sizing=_sizing(settings),
        overrides={
            Symbol(code): _symbol_settings(own, parameters)
            for code, own in settings.stock_overrides.items()
        },
        first_day=first_day_limits(settings),
        commission=Commission(ppm=settings.costs.commission_ppm),
        orders=_orders(settings),
        interval=timedelta(seconds=engine.interval_s),
        near_stop_interval=timedelta(seconds=engine.near_stop_interval_s),
        late_cycle=timedelta(seconds=engine.late_cycle_s),
        snapshot_every=timedelta(minutes=engine.snapshot_minutes),
        prepare_before_open=timedelta(minutes=engine.prepare_minutes_before_open),
        close_after=timedelta(minutes=engine.close_after_minutes),
        on_unexplained=OnUnexplained(engine.on_unexplained_difference),
        scan_chunk=SCAN_CHUNK[settings.mode],
        event_dates=frozenset(settings.events.high_risk_dates),
        kill_switch=settings.risk.kill_switch,
        max_cycles=engine.max_runs,
        exit_after_close=engine.exit_after_close,
    )


def risk_limits(settings: Settings) -> RiskLimits:
    """The limits that risk approval judges by."""
    values = settings.risk.model_dump(exclude={"kill_switch"})
    return RiskLimits(**values, max_positions=settings.universe.positions_max)


def first_day_limits(settings: Settings) -> FirstDayLimits | None:
    """How a real account begins; None in every other mode (M-09, M-10)."""
    if settings.mode is not TradingMode.REAL:
        return None
    return FirstDayLimits(
        order_percent=settings.real.first_order_percent,
        one_symbol=settings.real.limit_symbols_first_day,
    )


def _candidates(universe: UniverseSettings) -> tuple[Symbol, ...]:
    """What is listed, where the universe is a list; an automatic one is selected each session."""
    if universe.selection_method != "fixed":
        return ()
    if not universe.stocks:
        raise EmptyUniverse("거래할 종목이 없습니다. universe.yaml의 stocks를 확인하세요.")
    try:
        return select_fixed(
            universe.stocks,
            max_stocks=min(universe.max_stocks, universe.entry_candidates),
            allow_alphanumeric=universe.allow_alphanumeric_codes,
        )
    except ValueError as error:
        raise UniverseRefused(str(error)) from error


def strategy_parameters(settings: Settings) -> StrategyParameters:
    """The strategy's parameters for every symbol without its own."""
    values = settings.strategy.model_dump()
    values["gap_reference"] = GapReference(values["gap_reference"])
    return StrategyParameters(**values)


def _symbol_settings(own: StockOverride, common: StrategyParameters) -> SymbolSettings:
    """What `stock_overrides` says of one symbol (T-16); what it leaves out is as everywhere."""
    changed = own.model_dump(exclude_none=True, exclude={"order_quantity"})
    return SymbolSettings(
        strategy=TrendAtr(replace(common, **changed)) if changed else None,
        sizing=Fixed(shares=own.order_quantity) if own.order_quantity is not None else None,
    )


def _sizing(settings: Settings) -> SizingPolicy:
    sizing = settings.sizing
    if sizing.method == "cash_fraction":
        return CashFraction(pct=sizing.cash_fraction_pct)
    if sizing.method == "atr_risk":
        return AtrRisk(risk_pct=sizing.atr_risk_pct)
    return Fixed(shares=sizing.shares)


def _orders(settings: Settings) -> OrderSettings:
    orders = settings.orders
    return OrderSettings(
        entry_order_type=OrderType(orders.entry_order_type),
        entry_limit_pct=orders.entry_limit_pct,
        entry_legs_max=orders.entry_legs_max,
        poll=timedelta(seconds=orders.poll_s),
        fill_wait=timedelta(seconds=orders.fill_wait_s),
        cancel_again=timedelta(seconds=orders.cancel_again_s),
        settle_lookups=orders.settle_lookups,
        settle_interval=timedelta(seconds=orders.settle_interval_s),
        settle_buy=timedelta(seconds=orders.settle_buy_s),
        settle_sell=timedelta(seconds=orders.settle_sell_s),
        skew=timedelta(seconds=orders.skew_s),
        pending_exit_backoff=timedelta(minutes=orders.pending_exit_backoff_minutes),
        stale=timedelta(minutes=orders.pending_order_stale_minutes),
        stale_without_number=timedelta(minutes=orders.pending_no_order_stale_minutes),
    )
