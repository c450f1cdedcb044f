"""One place that settings come from, and the settings it gives, still as text.

Every layer speaks the same language, dotted names and raw text, so one model reads them all and
a stock code is never taken for a number on the way (`000660` is not 432).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

RawValue = str | list["RawValue"] | dict[str, "RawValue"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value as it was written. `where` is told in errors: a file and line, or a variable."""

    value: RawValue
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """`label` (Korean) is what `Settings.sources` says of the values that this layer gave."""

    label: str
    values: Mapping[str, Given] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def nearest(name: str, known: Iterable[str]) -> str:
    """A Korean hint naming the known name closest to `name`, or nothing when none is close."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" 혹시 '{close[0]}'입니까?" if close else ""
