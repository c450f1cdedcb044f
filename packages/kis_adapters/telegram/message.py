"""What is sent: a block of marked text, and under a question the buttons that answer it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button. `data` comes back when it is pressed; the server takes up to 64 bytes."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One block. Several are sent as one text while they wait, those with buttons alone.

    `lines` are marked (see `markup`). `key` names what is said, so that the next process knows
    that it was said; empty: it may be said again.
    """

    lines: tuple[str, ...]
    is_silent: bool = False
    key: str = ""
    buttons: tuple[Button, ...] = field(default=())

    @property
    def text(self) -> str:
        """The whole block."""
        return "\n".join(self.lines)
