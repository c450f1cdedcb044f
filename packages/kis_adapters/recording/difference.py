"""The first place where a replay leaves its record, and what had led there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kis_adapters.recording.verdict import Verdict

_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An answer about a symbol that the session had got: its line, its call and its text."""

    line: int
    call: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The replay asked something else than the record did.

    `line` is the line of the record and `at` the session's time there (ISO, None before any),
    `call` the name there and `asked` the name in the replay. `where` is the path of the first
    differing value (empty where the calls differ by name), `on_record` and `in_replay` are its
    two values. `decided` and `decided_again` are the decision behind it, then and now, where
    there is one. `inputs` are the last answers about the symbols concerned, the newest first.
    """

    line: int
    at: str | None
    call: str
    asked: str
    where: str
    on_record: Any
    in_replay: Any
    decided: Verdict | None
    decided_again: Verdict | None
    inputs: tuple[Input, ...]


def first_difference(on_record: Any, in_replay: Any, *, path: str = "") -> tuple[str, Any, Any]:
    """The path of the first value that differs, and both values. The two must differ."""
    if isinstance(on_record, dict) and isinstance(in_replay, dict):
        for key in [*on_record, *(k for k in in_replay if k not in on_record)]:
            left, right = on_record.get(key), in_replay.get(key)
            if left != right or (key in on_record) is not (key in in_replay):
                return first_difference(left, right, path=f"{path}.{key}" if path else str(key))
    if isinstance(on_record, list) and isinstance(in_replay, list):
        for place, (left, right) in enumerate(zip(on_record, in_replay, strict=False)):
            if left != right:
                return first_difference(left, right, path=f"{path}[{place}]")
        return f"{path}.length", len(on_record), len(in_replay)
    return path, on_record, in_replay


def symbols_in(value: Any) -> Iterator[str]:
    """Every symbol that a plain value speaks of, by the keys and fields that hold one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "symbol" and isinstance(inner, str):
                yield inner
            yield from symbols_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from symbols_in(inner)


def shortened(value: Any) -> str:
    """A plain value as one line for people."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
