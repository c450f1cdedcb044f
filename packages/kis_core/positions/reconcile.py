"""Where what we believe we hold and what the broker says we hold disagree.

The broker wins (P-06), but not on one answer: it is known to under-report for some seconds
after a fill, and a single empty list has deleted positions before (F-110). So shares that are
missing must be missing for a while, or be explained by a sale in the broker's own order list,
before anything is taken away. Shares that are there beyond what we know are believed at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol
from kis_core.positions.position import Position

# The broker's average is a decimal of its own rounding; below this it is the same average.
_COST_TOLERANCE_BP = 5
_BP = 10_000


@unique
class DifferenceKind(StrEnum):
    """How belief and broker differ."""

    UNKNOWN_HOLDING = "unknown_holding"
    MISSING_HOLDING = "missing_holding"
    FEWER_SHARES = "fewer_shares"
    MORE_SHARES = "more_shares"
    OTHER_COST = "other_cost"
    OTHER_BASIS = "other_basis"  # other shares for the same money: a split, or shares for nothing

    @property
    def takes_away(self) -> bool:
        """Whether following the broker would remove shares: such a difference is confirmed
        before it is believed."""
        return self in (DifferenceKind.MISSING_HOLDING, DifferenceKind.FEWER_SHARES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Shares of one symbol at the broker and the total won it says they cost."""

    quantity: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One symbol on which we and the broker disagree. `held` is None when it holds none."""

    symbol: Symbol
    kind: DifferenceKind
    position: Position | None
    held: Held | None


def differences(
    positions: Mapping[Symbol, Position],
    holdings: Mapping[Symbol, Held],
    *,
    unsettled: frozenset[Symbol],
) -> tuple[Difference, ...]:
    """Every disagreement, by symbol. `unsettled` symbols have an order that is or just was live:
    their figures are still moving, and comparing them would undo fills not yet booked."""
    found = []
    for symbol in sorted(set(positions) | set(holdings)):
        if symbol in unsettled:
            continue
        position, held = positions.get(symbol), holdings.get(symbol)
        kind = _kind(position, held)
        if kind is not None:
            found.append(Difference(symbol=symbol, kind=kind, position=position, held=held))
    return tuple(found)


def _kind(position: Position | None, held: Held | None) -> DifferenceKind | None:
    if position is None:
        return DifferenceKind.UNKNOWN_HOLDING if held is not None else None
    if held is None:
        return DifferenceKind.MISSING_HOLDING
    is_same_cost = abs(held.cost - position.cost) * _BP <= _COST_TOLERANCE_BP * position.cost
    if held.quantity != position.quantity and is_same_cost:
        return DifferenceKind.OTHER_BASIS
    if held.quantity < position.quantity:
        return DifferenceKind.FEWER_SHARES
    if held.quantity > position.quantity:
        return DifferenceKind.MORE_SHARES
    return None if is_same_cost else DifferenceKind.OTHER_COST
