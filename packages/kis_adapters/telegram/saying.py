"""The pieces of a phrase: a symbol, a word of ours, a field with its label; all of it escaped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kis_adapters.telegram.markup import bold, escaped
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level

Lines = list[str]
Phrase = tuple[str, Lines]  # the first line without its time, and the rest


class Words(Protocol):
    """The Korean of everything that can be told; console and messages say it alike."""

    @property
    def TITLES(self) -> Mapping[EventKind, str]:
        """Each kind's name."""

    def meaning(self, word: str) -> str:
        """The Korean of one of our own words."""

    def labelled(self, name: str, value: FieldValue) -> tuple[str, str]:
        """One field's label and text."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a phrase is made of. `shown` gives `종목명(종목코드)` and never fails (N-03)."""

    words: Words
    shown: Callable[[Symbol], str]

    def symbol(self, event: Event) -> str:
        """The event's symbol, escaped; empty for an event about none."""
        return escaped(self.shown(event.symbol)) if event.symbol is not None else ""

    def word(self, event: Event, name: str) -> str:
        """The Korean of a field that holds one of our words, escaped; empty where it is absent."""
        value = event.fields.get(name)
        return escaped(self.words.meaning(str(value))) if value not in (None, "") else ""

    def details(self, event: Event, names: tuple[str, ...] | None = None) -> str:
        """`label text · label text` of the fields `names`, or of all."""
        parts = []
        for name in names if names is not None else tuple(event.fields):
            value = event.fields.get(name)
            if value is None or value == "":
                continue
            label, text = self.words.labelled(name, value)
            parts.append(f"{escaped(label)} {escaped(text)}")
        return " · ".join(parts)

    def general(self, event: Event, names: tuple[str, ...] | None = None) -> Phrase:
        """What a kind without a phrase of its own is told as."""
        mark = {Level.ERROR: "🚨 ", Level.WARNING: "⚠️ "}.get(event.level, "")
        head = f"{mark}{bold(self.words.TITLES.get(event.kind, event.kind.value))}"
        symbol = self.symbol(event)
        head = f"{head} {symbol}" if symbol else head
        return head, [self.details(event, names)]
