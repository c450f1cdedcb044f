"""What is known of a candidate, and what became of it: the account that a selection gives."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One candidate's day. `traded_value` is won, of `valued_on`: today in session, the last
    completed day before the open (F-073). `last` and `open` are that day's; `last` 0 means that
    the source knows no such issue, `open` 0 that nothing traded yet. What the source does not
    tell is None; `market_cap_eok` is 억원.
    """

    symbol: Symbol
    last: Won
    open: Won
    traded_value: int
    valued_on: date
    market_cap_eok: int | None = None
    is_halted: bool | None = None
    is_managed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What only a single quote tells: whether the issue may be traded at all."""

    symbol: Symbol
    last: Won
    market_cap_eok: int | None
    is_halted: bool | None
    is_managed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtrReading:
    """The last true ranges: `range_sum` won over `period` bars of the `bar_count` in hand, beside
    the last `close`. With fewer bars than `period` the sum is 0 and means nothing."""

    symbol: Symbol
    range_sum: int
    period: int
    close: Won
    bar_count: int

    @property
    def pct(self) -> float:
        """ATR in percent of the close, for people."""
        return 100.0 * self.range_sum / (self.period * self.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The source gave no usable answer for `symbol`. Counted: too many are an error (F-078)."""

    symbol: Symbol
    why: str


@unique
class Stage(StrEnum):
    """The steps of a selection."""

    POOL = "pool"
    TRADED_VALUE = "traded_value"
    STATUS = "status"
    ATR = "atr"
    FINAL = "final"


@unique
class Why(StrEnum):
    """Why a candidate stayed or left."""

    PASSED = "passed"
    DUPLICATE = "duplicate"
    INVALID_CODE = "invalid_code"
    LETTER_CODE = "letter_code"
    BEYOND_SCAN_SIZE = "beyond_scan_size"
    NO_ANSWER = "no_answer"
    PRICE_ZERO = "price_zero"
    BELOW_MIN_VOLUME = "below_min_volume"
    MOVED_TOO_FAR = "moved_too_far"
    HALTED = "halted"
    MANAGED = "managed"
    STATE_UNKNOWN = "state_unknown"
    BELOW_MARKET_CAP = "below_market_cap"
    TOO_FEW_BARS = "too_few_bars"
    CLOSE_ZERO = "close_zero"
    BELOW_MIN_ATR = "below_min_atr"
    ABOVE_MAX_ATR = "above_max_atr"
    ENOUGH_FOUND = "enough_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One candidate at one stage: `value` was compared with `limit`, where there were numbers.

    `code` is as the source gave it: at the first stage it may be no symbol at all.
    """

    code: str
    stage: Stage
    why: Why
    value: float | int | None = None
    limit: float | int | None = None

    @property
    def stayed(self) -> bool:
        """Whether the candidate went on to the next stage."""
        return self.why is Why.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class StageAccount:
    """One stage: the verdict on every candidate that entered it, those that stayed in order."""

    stage: Stage
    verdicts: tuple[Verdict, ...]

    @property
    def stayed(self) -> tuple[Symbol, ...]:
        """The candidates that went on, in order of preference."""
        return tuple(Symbol(verdict.code) for verdict in self.verdicts if verdict.stayed)

    def count(self, why: Why) -> int:
        """How many left for `why`."""
        return sum(verdict.why is why for verdict in self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was chosen, in order of preference, and the account of how. May be empty: whoever
    asked decides what that means."""

    symbols: tuple[Symbol, ...]
    stages: tuple[StageAccount, ...]


@unique
class Need(StrEnum):
    """What a selection still has to know of some candidates."""

    SNAPSHOT = "snapshot"
    STATUS = "status"
    ATR = "atr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Not decided yet: `what` is missing for `symbols`, none of which is known in vain."""

    what: Need
    symbols: tuple[Symbol, ...]
