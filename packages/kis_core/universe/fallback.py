"""What follows a selection that chose nothing (U-10, U-11).

Only an honest "nobody passed" falls back. A source that failed is an error and never comes here:
a list read off a broken source would look chosen (F-078).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol
from kis_core.orders.identity import TradingMode
from kis_core.universe.fixed import select_fixed
from kis_core.universe.policy import SelectionMethod, UniversePolicy

REAL_WARNING = timedelta(seconds=10)  # so that a person at the console can stop it (U-10)


@unique
class HaltReason(StrEnum):
    """Why there is no universe at all, and so no trading."""

    FIXED_IS_EMPTY = "fixed_is_empty"
    NO_CANDIDATE_LEFT = "no_candidate_left"
    FALLBACK_HALTS_IN_REAL = "fallback_halts_in_real"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseFixed:
    """Trade the listed `symbols` instead, after a warning that stands for `wait`."""

    symbols: tuple[Symbol, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Do not trade."""

    reason: HaltReason


def after_nothing_chosen(policy: UniversePolicy, *, mode: TradingMode) -> UseFixed | Halt:
    """The configured answer to an empty selection."""
    if policy.method is SelectionMethod.FIXED:
        return Halt(reason=HaltReason.FIXED_IS_EMPTY)
    if not policy.fallback_to_fixed:
        return Halt(reason=HaltReason.NO_CANDIDATE_LEFT)
    if mode is TradingMode.REAL and policy.halt_on_fallback_in_real:
        return Halt(reason=HaltReason.FALLBACK_HALTS_IN_REAL)
    if not policy.stocks:
        return Halt(reason=HaltReason.FIXED_IS_EMPTY)
    symbols = select_fixed(
        policy.stocks, max_stocks=policy.max_stocks, allow_alphanumeric=policy.allow_alphanumeric
    )
    wait = REAL_WARNING if mode is TradingMode.REAL else timedelta()
    return UseFixed(symbols=symbols, wait=wait)
