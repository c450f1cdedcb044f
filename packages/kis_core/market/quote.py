"""What the market says of one symbol now."""

from dataclasses import dataclass
from datetime import datetime

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won


@dataclass(slots=True, kw_only=True)
class Quote:
    """The state of one symbol at `at` (aware, KST).

    `last`, `open`, `high`, `low` are today's, in won; `open`, `high`, `low` are 0 before the
    first trade of the day. `base` is the exchange's base price of the day (the previous close,
    or the adjusted one after a split or rights). `upper_limit` and `lower_limit` are the day's
    price limits. `volume` is today's shares so far, `turnover` today's won.
    `ask` and `bid` are 0 where the source does not give them. `is_halted` and the other flags
    are None where the source does not tell (the multi-quote does not).
    """

    symbol: Symbol
    at: datetime
    last: Won
    open: Won
    high: Won
    low: Won
    base: Won
    upper_limit: Won
    lower_limit: Won
    volume: int
    turnover: int
    ask: Won = Won(0)
    bid: Won = Won(0)
    is_halted: bool | None = None
    is_managed: bool | None = None
    is_warned: bool | None = None
    is_vi: bool | None = None


@dataclass(slots=True, kw_only=True)
class QuoteUnavailable:
    """No quote could be had for `symbol`; `why` is for the log. Never a zero price."""

    symbol: Symbol
    why: str
