"""How the virtual account fills: values that an operator sets."""

from dataclasses import dataclass
from datetime import date

from kis_core.market.symbol import Product
from kis_core.market.tick import ceil_to_tick, floor_to_tick, tick_size
from kis_core.market.won import Won
from kis_core.orders.identity import Side

_BP = 10_000
_MOST_TICKS = 50
_MOST_BP = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """How much worse than the quoted price a marketable order fills, in ticks or in basis
    points; one of the two is 0."""

    ticks: int = 1
    bp: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.ticks <= _MOST_TICKS:
            raise ValueError(f"slippage ticks must be in 0..{_MOST_TICKS}, was {self.ticks}")
        if not 0 <= self.bp <= _MOST_BP:
            raise ValueError(f"slippage bp must be in 0..{_MOST_BP}, was {self.bp}")
        if self.ticks and self.bp:
            raise ValueError("slippage is given in ticks or in bp, not in both")

    def worsen(self, price: Won, *, side: Side, product: Product, on: date) -> Won:
        """`price` moved against `side`, on the tick, never below one tick."""
        sign = 1 if side is Side.BUY else -1
        moved = price * (_BP + sign * self.bp)  # in units of 1/10,000 won: exact
        if side is Side.BUY:
            worse = ceil_to_tick(-(-moved // _BP), product, on)
        else:
            worse = floor_to_tick(moved // _BP, product, on)
        for _ in range(self.ticks):
            below = worse if side is Side.BUY else Won(worse - 1)
            step = tick_size(max(below, 1), product, on)
            worse = Won(worse + sign * step)
        return Won(max(worse, tick_size(1, product, on)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRules:
    """`initial_cash` is won, `volume_share_bp` which part of the shares that traded since the
    last look an order may have had (1,000 is 10 %)."""

    initial_cash: int = 10_000_000
    volume_share_bp: int = 1_000
    slippage: Slippage = Slippage()

    def __post_init__(self) -> None:
        if self.initial_cash < 1:
            raise ValueError(f"initial cash must be positive, was {self.initial_cash}")
        if not 0 < self.volume_share_bp <= _BP:
            raise ValueError(f"volume share must be in 1..{_BP} bp, was {self.volume_share_bp}")

    def available(self, traded: int) -> int:
        """How many of `traded` shares the account may have had."""
        return max(0, traded) * self.volume_share_bp // _BP
