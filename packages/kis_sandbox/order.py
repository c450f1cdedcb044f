"""An order on the simulated exchange, and what became of it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, unique


@unique
class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"


@unique
class Kind(StrEnum):
    """Whether a row is an order, a replacement of one, or the cancellation of one."""

    NEW = "new"
    AMEND = "amend"
    CANCEL = "cancel"


@unique
class OrderType(StrEnum):
    """How an order trades. The wire's codes are a table in `wire/order_code.py`."""

    LIMIT = "limit"
    MARKET = "market"
    LIMIT_THEN_MARKET = "limit_then_market"  # 조건부지정가: market in the closing auction
    BEST_OPPOSITE = "best_opposite"  # 최유리: limit at the other side's best
    BEST_OWN = "best_own"  # 최우선: limit at the own side's best
    LIMIT_IOC = "limit_ioc"
    LIMIT_FOK = "limit_fok"
    MARKET_IOC = "market_ioc"
    MARKET_FOK = "market_fok"
    BEST_IOC = "best_ioc"
    BEST_FOK = "best_fok"

    @property
    def is_market(self) -> bool:
        """Whether any price will do."""
        return self in (OrderType.MARKET, OrderType.MARKET_IOC, OrderType.MARKET_FOK)

    @property
    def is_priced(self) -> bool:
        """Whether the order brings its own limit price."""
        return self in (
            OrderType.LIMIT,
            OrderType.LIMIT_THEN_MARKET,
            OrderType.LIMIT_IOC,
            OrderType.LIMIT_FOK,
        )

    @property
    def is_best(self) -> bool:
        """Whether the exchange takes the limit price from the book."""
        return self in (
            OrderType.BEST_OPPOSITE,
            OrderType.BEST_OWN,
            OrderType.BEST_IOC,
            OrderType.BEST_FOK,
        )

    @property
    def is_immediate(self) -> bool:
        """Whether what does not fill at once is cancelled."""
        return self in (OrderType.LIMIT_IOC, OrderType.MARKET_IOC, OrderType.BEST_IOC) or (
            self.is_all_or_none
        )

    @property
    def is_all_or_none(self) -> bool:
        """Whether the order fills whole or not at all."""
        return self in (OrderType.LIMIT_FOK, OrderType.MARKET_FOK, OrderType.BEST_FOK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What a test wants to go wrong with one order after the broker took it.

    `fill_at_most` stops filling at so many shares, `delay_us` keeps the order from the market for
    so long, `hidden_us` keeps its row out of the order list, `is_refused` is the exchange's no.
    """

    fill_at_most: int | None = None
    delay_us: int = 0
    hidden_us: int = 0
    is_refused: bool = False


NO_MISHAP = Mishap()


@dataclass(slots=True, kw_only=True)
class Order:
    """One row of the day's order list. Quantities are shares, prices won (0 for none).

    `limit` is the price it may trade at (None: any). `reserved_price` is what a buy's cash is
    held at. `is_marketable` says that it could trade at once when it came, so it trades at the
    market's price and not at its own. A cancel row's `quantity` is what it cancelled.
    """

    session_date: date
    number: int
    symbol: str
    side: Side
    order_type: OrderType
    quantity: int
    price: int
    limit: int | None
    reserved_price: int
    accepted_at: datetime
    accepted_us: int
    is_marketable: bool = False
    kind: Kind = Kind.NEW
    original_number: int | None = None
    mishap: Mishap = field(default=NO_MISHAP)
    filled_quantity: int = 0
    filled_amount: int = 0
    cancelled_quantity: int = 0
    rejected_quantity: int = 0
    last_fill_at: datetime | None = None

    @property
    def order_no(self) -> str:
        """The ten digits of the wire."""
        return f"{self.number:010d}"

    @property
    def remaining(self) -> int:
        """Shares that may still fill."""
        if self.kind is Kind.CANCEL:
            return 0
        gone = self.filled_quantity + self.cancelled_quantity + self.rejected_quantity
        return self.quantity - gone

    @property
    def is_live(self) -> bool:
        """Whether the order is on the exchange."""
        return self.remaining > 0

    @property
    def reach(self) -> int:
        """Shares that the market may give it, the mishap considered."""
        if self.mishap.fill_at_most is None:
            return self.remaining
        return max(0, min(self.remaining, self.mishap.fill_at_most - self.filled_quantity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Shares that traded: `commission` and `tax` are this fill's part of the order's."""

    session_date: date
    number: int
    symbol: str
    side: Side
    quantity: int
    price: int
    at: datetime
    at_us: int
    commission: int = 0
    commission_cumulative: int = 0
    tax: int = 0
