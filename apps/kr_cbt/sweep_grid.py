"""From `--grid` texts to sets of parameters."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import Enum
from typing import Any

from kis_core.research.sweep import grid
from kis_core.strategy.parameters import StrategyParameters

SETS_MOST = 20_000
_SWITCHES = {"true": True, "on": True, "false": False, "off": False}
_DEFAULTS = {each.name: each.default for each in fields(StrategyParameters)}


class BadGrid(ValueError):
    """A `--grid` that no sets can be made of; the text (Korean) says which and why."""


def sets_of(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Every combination of `NAME=value,value` or `NAME=first:last:step` (both ends included), in
    the order written. Raises BadGrid."""
    if not texts:
        raise BadGrid("바꿔 볼 파라미터가 없습니다. 예: --grid atr_multiplier_sl=1.5,2,2.5")
    choices: dict[str, list[Any]] = {}
    for text in texts:
        name, sign, values = text.partition("=")
        name = name.strip()
        if not sign or not values.strip():
            raise BadGrid(f"--grid {text}: '이름=값,값' 꼴이어야 합니다.")
        if name not in _DEFAULTS:
            raise BadGrid(f"--grid {text}: {name} 은(는) 전략의 파라미터가 아닙니다.{_near(name)}")
        if name in choices:
            raise BadGrid(f"--grid {name}: 같은 이름이 두 번 나옵니다.")
        choices[name] = _values(name, values)
    count = math.prod(len(values) for values in choices.values())
    if count > SETS_MOST:
        raise BadGrid(f"조합이 {count:,}개입니다. {SETS_MOST:,}개까지 할 수 있습니다.")
    return grid(**choices)


def _near(name: str) -> str:
    near = get_close_matches(name, _DEFAULTS, n=1)
    return f" 혹시 {near[0]} 인가요?" if near else ""


def _values(name: str, text: str) -> list[Any]:
    """The values in the type that the parameter has; the same one twice is one."""
    words = itertools.chain.from_iterable(_spread(name, part) for part in text.split(","))
    return list(dict.fromkeys(_value(name, word) for word in words))


def _spread(name: str, text: str) -> list[str]:
    """`20:60:20` as 20, 40, 60; anything else as it stands. Decimal, so that 0.1 steps end
    where they were told to."""
    if ":" not in text:
        return [text.strip()]
    try:
        first, last, step = (Decimal(part.strip()) for part in text.split(":"))
    except (InvalidOperation, ValueError) as error:
        raise BadGrid(f"--grid {name}: '처음:끝:간격' 이 아닙니다: {text}") from error
    if not (first.is_finite() and last.is_finite() and step.is_finite() and step > 0):
        raise BadGrid(f"--grid {name}: 간격은 0보다 커야 합니다: {text}")
    if first > last:
        raise BadGrid(f"--grid {name}: 처음이 끝보다 큽니다: {text}")
    count = int((last - first) / step) + 1
    if count > SETS_MOST:
        raise BadGrid(f"--grid {name}: 값이 {count:,}개입니다: {text}")
    return [str(first + step * place) for place in range(count)]


def _value(name: str, word: str) -> Any:
    default = _DEFAULTS[name]
    try:
        if isinstance(default, bool):
            return _SWITCHES[word.lower()]
        if isinstance(default, Enum):
            return type(default)(word)
        if isinstance(default, int):
            return int(Decimal(word)) if Decimal(word) % 1 == 0 else int(word)
        number = float(word)
    except (ValueError, KeyError, InvalidOperation) as error:
        raise BadGrid(f"--grid {name}: 쓸 수 없는 값입니다: {word or '(빈 값)'}") from error
    if not math.isfinite(number):
        raise BadGrid(f"--grid {name}: 쓸 수 없는 값입니다: {word}")
    return number
