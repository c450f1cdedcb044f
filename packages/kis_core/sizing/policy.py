"""Three ways to say how many shares, and what the cash allows of it (T-14, T-13)."""

from dataclasses import dataclass
from typing import Protocol

from kis_core.market.cost import Commission
from kis_core.market.percent import PPM, ppm
from kis_core.market.won import Won


class SizingPolicy(Protocol):
    """How many shares are wanted, before cash has its say."""

    def wanted(self, *, price: Won, stop: Won, equity: int, cash: int) -> int:
        """Whole shares, 0 or more. `price` and `stop` are won per share, `equity` and `cash`
        won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Always `shares`."""

    shares: int = 1

    def __post_init__(self) -> None:
        if self.shares < 1:
            raise ValueError(f"shares must be at least 1, was {self.shares}")

    def wanted(self, *, price: Won, stop: Won, equity: int, cash: int) -> int:
        """The fixed number."""
        return self.shares


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFraction:
    """As many as `pct` percent of the cash pays for."""

    pct: float

    def __post_init__(self) -> None:
        _require_percent(self.pct)

    def wanted(self, *, price: Won, stop: Won, equity: int, cash: int) -> int:
        """That share of `cash`, divided by `price`."""
        return max(0, cash) * ppm(self.pct) // (price * PPM)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtrRisk:
    """As many as lose `risk_pct` percent of the equity when the stop is hit."""

    risk_pct: float

    def __post_init__(self) -> None:
        _require_percent(self.risk_pct)

    def wanted(self, *, price: Won, stop: Won, equity: int, cash: int) -> int:
        """That share of `equity`, divided by price − stop; 0 when there is nothing between."""
        if stop >= price:
            return 0
        return max(0, equity) * ppm(self.risk_pct) // ((price - stop) * PPM)


def quantity_for(
    policy: SizingPolicy,
    *,
    price: Won,
    stop: Won,
    equity: int,
    cash: int,
    commission: Commission,
) -> int:
    """How many shares to order: what `policy` wants, cut to what `cash` pays with commission.

    `price` is what the broker holds back a share: the limit price, or the day's upper limit for
    a market order. `stop` is where the position would be sold if bought there. 0 means that
    nothing can be bought. Raises ValueError for a price below 1.
    """
    if price < 1:
        raise ValueError(f"price must be positive, was {price}")
    wanted = policy.wanted(price=price, stop=stop, equity=equity, cash=cash)
    return min(wanted, affordable(cash, price=price, commission=commission))


def affordable(cash: int, *, price: Won, commission: Commission) -> int:
    """The most shares that `cash` pays for at `price`, the commission included."""
    if cash <= 0:
        return 0
    quantity = cash * PPM // (price * (PPM + commission.ppm))
    # The commission's fraction is truncated, so the last won may pay for one share more.
    while (quantity + 1) * price + commission.on((quantity + 1) * price) <= cash:
        quantity += 1
    return quantity


def _require_percent(percent: float) -> None:
    if not 0 < percent <= 100:
        raise ValueError(f"percent must be above 0 and at most 100, was {percent}")
