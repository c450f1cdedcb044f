"""Trend + ATR, long only, held over days: what to do with one symbol, now.

Enter a strong uptrend that breaks above the previous session's high while volatility is calm;
leave at levels frozen at entry, at a trailing stop, or when the trend has broken. Nothing is sold
because a session ends or time has passed (T-07). Everything here is a pure function of its
arguments; the engine, the closed beta test and a backtest call the same ones (T-08, T-09).
"""

from dataclasses import replace
from datetime import date, datetime

from kis_core.gap import GapCheck, GapReference, check_gap
from kis_core.market.quote import Quote
from kis_core.market.session import KST
from kis_core.market.won import Won
from kis_core.orders.event import Evidence
from kis_core.positions.position import Position
from kis_core.strategy.context import DayContext, NoContext
from kis_core.strategy.decision import Action, Decision, Reason
from kis_core.strategy.levels import (
    entry_levels,
    is_of_session,
    observe,
    trailing_stop_of,
)
from kis_core.strategy.parameters import StrategyParameters
from kis_core.strategy.rules import first_missing, level_reached

__all__ = ["NAME", "decide", "entry_levels", "gap_check_of", "observe", "trailing_stop_of"]

NAME = "trend_atr"


def gap_check_of(
    position: Position, quote: Quote, parameters: StrategyParameters, session_date: date
) -> GapCheck | None:
    """The opening gap of a position, or None when it is not to be judged now.

    It is judged once a session, on the official open, and only for positions held overnight
    (G-06): None on the entry session, before the open has traded, on a quote of another day,
    and once `position.gap_checked_on` is the session. Whoever acts on the answer writes that
    field.
    """
    if position.entry_session >= session_date or position.gap_checked_on == session_date:
        return None
    if quote.open <= 0 or not is_of_session(quote, session_date):
        return None
    return _judged_gap(position, quote, parameters)


def decide(
    *,
    context: DayContext | NoContext,
    quote: Quote,
    position: Position | None,
    parameters: StrategyParameters,
    now: datetime,
    is_event_day: bool = False,
) -> Decision:
    """What to do with `quote.symbol` at `now` (aware), with every number that was compared.

    A held position is only ever sold or kept, by price even without a context (F-033); the rules
    are asked in the order gap, stop, take, trailing, trend, and the first that holds is the
    reason (T-05). With no position it enters when all of `_entry` holds. A price that is not
    positive, or a quote that is stale, holds in either case. Raises ValueError when the arguments
    speak of different symbols.
    """
    if context.symbol != quote.symbol or (position and position.symbol != quote.symbol):
        raise ValueError(f"context or position is not of {quote.symbol}")
    if quote.last <= 0:
        return _hold(Reason.INVALID_PRICE, {"last": quote.last})
    age_s = (now - quote.at).total_seconds()
    if abs(age_s) > parameters.quote_max_age_s:
        evidence: Evidence = {"quote_age_s": age_s, "quote_max_age_s": parameters.quote_max_age_s}
        return _hold(Reason.STALE_QUOTE, {"last": quote.last, **evidence})
    session_date = now.astimezone(KST).date()
    if position is None:
        return _entry(context, quote, parameters, session_date, is_event_day=is_event_day)
    seen = observe(position=position, quote=quote, parameters=parameters, session_date=session_date)
    return _exit(context, quote, seen, parameters, session_date)


def _entry(
    context: DayContext | NoContext,
    quote: Quote,
    parameters: StrategyParameters,
    session_date: date,
    *,
    is_event_day: bool,
) -> Decision:
    """Enter, or the first of these that fails: tradable, no event day, a context of this session,
    last above the SMA, ADX strong, last above the previous high, ATR valid, ATR calm."""
    if not _is_tradable(quote):
        return _hold(Reason.NOT_TRADABLE, _tradability(quote))
    if is_event_day:
        return _hold(Reason.EVENT_DAY, {"last": quote.last, "session": session_date.isoformat()})
    if isinstance(context, NoContext):
        return _hold(Reason(context.reason), {"last": quote.last, "why": context.why})
    evidence = _entry_evidence(context, quote, parameters)
    reason = _first_missing(context, quote, parameters, session_date)
    if reason is not None:
        return _hold(reason, evidence)
    return Decision(action=Action.BUY, reason=Reason.BREAKOUT, evidence=evidence)


def _first_missing(
    context: DayContext, quote: Quote, parameters: StrategyParameters, session_date: date
) -> Reason | None:
    if context.session_date != session_date:
        return Reason.STALE_BARS
    return first_missing(
        quote.last,
        previous_high=context.previous_high,
        sma_sum=context.sma_sum,
        sma_period=context.sma_period,
        atr=context.atr,
        atr_average=context.atr_average,
        adx=context.adx,
        parameters=parameters,
    )


def _exit(
    context: DayContext | NoContext,
    quote: Quote,
    position: Position,
    parameters: StrategyParameters,
    session_date: date,
) -> Decision:
    gap = _gap_in_force(position, quote, parameters, session_date)
    if gap is not None:
        return _sell(Reason.GAP_PROTECTION, gap.evidence(quote.symbol) | {"last": quote.last})
    trail = trailing_stop_of(position, parameters)
    evidence = _exit_evidence(position, last=quote.last, trail=trail)
    reached = level_reached(quote.last, position.levels, trail)
    if reached is not None:
        return _sell(reached, evidence)
    if isinstance(context, DayContext) and context.session_date == session_date:
        evidence |= _trend_evidence(context, parameters)
        if parameters.trend_exit_enabled and _is_trend_broken(context, position):
            return _sell(Reason.TREND_BROKEN, evidence)
    return _hold(Reason.WITHIN_LEVELS, evidence)


def _gap_in_force(
    position: Position, quote: Quote, parameters: StrategyParameters, session_date: date
) -> GapCheck | None:
    """The gap that calls for an exit: judged now, or judged so earlier in this session."""
    if position.gap_triggered_on == session_date:
        return replace(_judged_gap(position, quote, parameters), triggered=True)
    check = gap_check_of(position, quote, parameters, session_date)
    return check if check is not None and check.triggered else None


def _judged_gap(position: Position, quote: Quote, parameters: StrategyParameters) -> GapCheck:
    reference = {
        GapReference.ENTRY: position.average,
        GapReference.STOP: position.levels.stop,
        GapReference.PREV_CLOSE: quote.base,
    }[parameters.gap_reference]
    return check_gap(
        open_price=quote.open,
        reference_price=reference,
        base_label=parameters.gap_reference,
        threshold_pct=parameters.gap_threshold_pct,
        epsilon_pct=parameters.gap_epsilon_pct,
    )


def _is_trend_broken(context: DayContext, position: Position) -> bool:
    """Whether a bar since the entry broke the trend; what was so before it is not news."""
    return any(
        broken_on is not None and broken_on >= position.entry_session
        for broken_on in (context.closed_below_on, context.adx_fell_on)
    )


def _is_tradable(quote: Quote) -> bool:
    flags = (quote.is_halted, quote.is_managed, quote.is_warned, quote.is_vi)
    return True not in flags and quote.last < quote.upper_limit


def _tradability(quote: Quote) -> Evidence:
    return {
        "last": quote.last,
        "upper_limit": quote.upper_limit,
        "is_halted": quote.is_halted,
        "is_managed": quote.is_managed,
        "is_warned": quote.is_warned,
        "is_vi": quote.is_vi,
    }


def _entry_evidence(context: DayContext, quote: Quote, parameters: StrategyParameters) -> Evidence:
    return {
        "last": quote.last,
        "sma": context.sma,
        "sma_sum": context.sma_sum,
        "sma_period": context.sma_period,
        "adx": context.adx,
        "adx_threshold": parameters.adx_threshold,
        "previous_high": context.previous_high,
        "atr": context.atr,
        "atr_average": context.atr_average,
        "atr_spike_threshold": parameters.atr_spike_threshold,
        "context_session": context.session_date.isoformat(),
        "last_bar": context.last_bar_date.isoformat(),
    }


def _exit_evidence(position: Position, *, last: Won, trail: Won | None) -> Evidence:
    return {
        "last": last,
        "average": position.average,
        "stop": position.levels.stop,
        "take": position.levels.take,
        "atr": position.levels.atr,
        "highest": position.highest,
        "trailing_stop": trail,
    }


def _trend_evidence(context: DayContext, parameters: StrategyParameters) -> Evidence:
    fell, below = context.adx_fell_on, context.closed_below_on
    return {
        "previous_close": context.previous_close,
        "sma": context.sma,
        "closed_below_on": below.isoformat() if below else None,
        "adx": context.adx,
        "adx_exit_threshold": parameters.adx_exit_threshold,
        "adx_fell_on": fell.isoformat() if fell else None,
    }


def _hold(reason: Reason, evidence: Evidence) -> Decision:
    return Decision(action=Action.HOLD, reason=reason, evidence=evidence)


def _sell(reason: Reason, evidence: Evidence) -> Decision:
    return Decision(action=Action.SELL, reason=reason, evidence=evidence)
