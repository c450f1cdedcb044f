"""Prices and notices that come by themselves, polled by the one thread that decides.

A feed collects in the background and decides nothing. What it tells of orders is a hint to look
at the broker's list, never something to book (O-08).
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from kis_core.market.minute_bar import MinuteBar
from kis_core.market.symbol import Symbol
from kis_core.market.trade_print import Print


@unique
class FeedState(StrEnum):
    """How the feed is. Only in LIVE are its prices to be used."""

    CONNECTING = "connecting"  # never live so far
    LIVE = "live"  # connected, and prices have come steadily for a while
    RECOVERING = "recovering"  # was live, and is trying to be again
    DOWN = "down"  # the attempts are used up: tried again rarely, by itself
    REFUSED = "refused"  # the broker will not have us; not tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedChange:
    """The feed's state became `state` at `at` (aware, KST). `why` is a word for the log, or the
    broker's code."""

    at: datetime
    state: FeedState
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedProblem:
    """Something that did not change the feed's state, and that somebody should know once."""

    at: datetime
    what: str
    why: str
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHint:
    """The broker says that something happened to an order of ours: look at its list.

    `broker_order_no` as in the list, without leading zeros. Hints repeat, come in any order, and
    are lost while the feed is not connected.
    """

    broker_order_no: str
    symbol: Symbol
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What came since the last time. `prints`: the newest of every symbol that printed. `bars`:
    completed, in order of time. `state` and `live` are as of now: `live` are the symbols whose
    registration the broker has confirmed."""

    prints: Mapping[Symbol, Print] = field(default_factory=dict)
    bars: tuple[MinuteBar, ...] = ()
    hints: tuple[OrderHint, ...] = ()
    changes: tuple[FeedChange, ...] = ()
    problems: tuple[FeedProblem, ...] = ()
    state: FeedState = FeedState.CONNECTING
    live: frozenset[Symbol] = frozenset()


@runtime_checkable
class Feed(Protocol):
    """A stream of prices and notices."""

    @abstractmethod
    def start(self) -> None:
        """Begin to connect, in the background; returns at once. Once only."""

    @abstractmethod
    def stop(self) -> None:
        """Disconnect and end, within a few seconds. Harmless when not started, or again."""

    @abstractmethod
    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        """What is wanted from now on: `held` before `others`, each in order of importance. What
        the feed has no place for is left out from the end (W-07). Returns at once."""

    @abstractmethod
    def drain(self) -> Arrived:
        """Take what has arrived. Never waits. A minute's bar is there as soon as the minute is
        over and what was sent in it has been read, whether or not anything printed since."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """What was received, skipped and dropped since the start, by name, for the log."""
