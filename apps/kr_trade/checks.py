"""What a look at the surroundings found, one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique

from apps.kr_trade.endings import ending_of


@unique
class Outcome(StrEnum):
    """As it is shown."""

    PASSED = "통과"
    FAILED = "실패"
    WARNED = "경고"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`what` was looked at and `detail` is what was found, both Korean and on one line."""

    outcome: Outcome
    what: str
    detail: str

    def __str__(self) -> str:
        return f"[{self.outcome}] {self.what}: {' '.join(self.detail.split())}"


def passed(what: str, detail: str) -> Check:
    """Nothing to be done."""
    return Check(outcome=Outcome.PASSED, what=what, detail=detail)


def warned(what: str, detail: str) -> Check:
    """The start is not refused for it, but somebody should know."""
    return Check(outcome=Outcome.WARNED, what=what, detail=detail)


def failed(what: str, detail: str) -> Check:
    """It has to be mended before trading."""
    return Check(outcome=Outcome.FAILED, what=what, detail=detail)


def tried(what: str, look: Callable[[], list[Check]]) -> list[Check]:
    """What `look` found; one failed check with the error's sentence when it raises."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  # whatever it is, the other checks go on
        return [failed(what, ending_of(error)[0])]


def has_failed(checks: list[Check]) -> bool:
    """Whether anything has to be mended."""
    return any(check.outcome is Outcome.FAILED for check in checks)
