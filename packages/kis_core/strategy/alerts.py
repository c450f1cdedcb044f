"""How near a held position is to its levels, for alerts (T-11) and for the loop's pace (E-02)."""

from enum import StrEnum, unique

from kis_core.market.won import Won
from kis_core.positions.position import Position
from kis_core.strategy.parameters import StrategyParameters

_REARM_PCT = 10.0  # an alert ends this far below where it began: oscillation is one crossing


@unique
class Alert(StrEnum):
    """What the operator is told once per crossing."""

    NEAR_STOP = "near_stop"
    NEAR_TAKE = "near_take"


def progress_to_stop(position: Position, last: Won) -> float:
    """How much of the way from the average price to the stop `last` has gone, in percent.

    0 at or above the average, 100 at the stop, more beyond it.
    """
    return _progress(position.average, position.levels.stop, last)


def progress_to_take(position: Position, last: Won) -> float:
    """How much of the way from the average price to the target `last` has gone, in percent."""
    return _progress(position.average, position.levels.take, last)


def is_near_stop(position: Position, *, last: Won, parameters: StrategyParameters) -> bool:
    """Whether the loop must shorten."""
    return progress_to_stop(position, last) >= parameters.near_stop_pct


def alerts_after(
    active: frozenset[Alert], *, position: Position, last: Won, parameters: StrategyParameters
) -> frozenset[Alert]:
    """The alerts in force at `last`, after those `active` before it.

    What is in the answer and not in `active` has just been crossed. `last` must be positive.
    """
    progress = {
        Alert.NEAR_STOP: progress_to_stop(position, last),
        Alert.NEAR_TAKE: progress_to_take(position, last),
    }
    return frozenset(
        alert
        for alert, percent in progress.items()
        if percent >= parameters.alert_pct - (_REARM_PCT if alert in active else 0.0)
    )


def _progress(average: float, level: Won, last: Won) -> float:
    way = level - average
    if way == 0:  # a level at the average price: there, or not there
        return 100.0 if last == level else 0.0
    return max(0.0, (last - average) / way * 100)
