"""What the operator asks of a running engine, from wherever he is."""

from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from kis_core.market.symbol import Symbol


@unique
class CommandKind(StrEnum):
    """What can be asked. Nothing here buys."""

    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    CLEAR_KILL_SWITCH = "clear_kill_switch"
    SELL = "sell"
    KEEP = "keep"  # withdraws a SELL whose order has not left


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCommand:
    """One request. `command_id` names the message it came in: the same id is the same request.

    `symbol` is set on SELL and KEEP. `about` is, on KILL, the reason to be written down, and on
    CLEAR_KILL_SWITCH the reason that the operator was shown when he confirmed: another one that
    came meanwhile is not cleared.
    """

    command_id: str
    kind: CommandKind
    symbol: Symbol | None = None
    about: str = ""


@runtime_checkable
class OperatorInbox(Protocol):
    """Where commands wait for the engine. Whoever fills it wakes the engine's clock."""

    @abstractmethod
    def take(self) -> tuple[OperatorCommand, ...]:
        """What has come since the last call, in the order it came; returns at once."""
