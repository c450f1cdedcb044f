"""Questions that are answered by pressing a button: each once, in time, and about one thing."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from kis_adapters.telegram.message import Button
from kis_core.market.symbol import Symbol
from kis_core.ports.operator_inbox import CommandKind

_OPEN_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `about`: see OperatorCommand."""

    kind: CommandKind
    text: str
    yes: str
    symbol: Symbol | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The answer to a question that was open."""

    question: Question
    is_yes: bool


@dataclass(slots=True)
class Questions:
    """The open questions. They live as long as the process: what was asked by an earlier one is
    asked again. `seconds` is a monotonic clock."""

    within_s: float
    seconds: Callable[[], float]
    _open: dict[str, tuple[Question, float]] = field(default_factory=dict)

    def ask(self, question: Question) -> tuple[Button, ...]:
        """The buttons under the question, which is open from now on. An open question about the
        same thing is closed by it."""
        for token, (other, _) in list(self._open.items()):
            if (other.kind, other.symbol) == (question.kind, question.symbol):
                del self._open[token]
        if len(self._open) >= _OPEN_MAX:
            del self._open[next(iter(self._open))]
        token = secrets.token_urlsafe(12)
        self._open[token] = (question, self.seconds() + self.within_s)
        return (
            Button(label=question.yes, data=f"y:{token}"),
            Button(label="취소", data=f"n:{token}"),
        )

    def press(self, data: str) -> Pressed | None:
        """The question that the button with `data` answers, which is closed by it; None when it
        was answered, has expired, or was never asked."""
        answer, _, token = data.partition(":")
        found = self._open.pop(token, None)
        if found is None or answer not in ("y", "n"):
            return None
        question, until = found
        if self.seconds() > until:
            return None
        return Pressed(question, is_yes=answer == "y")
