"""The shape of a KIS strategy file, version 1.

Field names and operators: koreainvestment/open-trading-api, backtester/kis_backtest/file/schema.py
and core/schema.py (read 2026-11-24). Unlike there, a key that is not known is refused: what it
means would be lost without a word.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kis_adapters.kis_yaml.misfit import Misfit

_UNKNOWN_KEY, _MISSING = "extra_forbidden", "missing"

# Their parser takes these spellings for one operator; "breaks" is computed as "greater than".
_OPERATORS = {
    ">": "greater_than",
    "gt": "greater_than",
    "breaks": "greater_than",
    "<": "less_than",
    "lt": "less_than",
    ">=": "greater_equal",
    "gte": "greater_equal",
    "<=": "less_equal",
    "lte": "less_equal",
    "==": "equal",
    "!=": "not_equal",
    "crossover": "cross_above",
    "crossunder": "cross_below",
    "crosses_above": "cross_above",
    "crosses_below": "cross_below",
    "indicator_cross_above": "cross_above",
    "indicator_cross_below": "cross_below",
}


def _operator(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return _OPERATORS.get(word, word)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metadata(_Part):
    """What people wrote about it."""

    name: str
    description: str | None = None
    author: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    tags: list[str] = []


class Indicator(_Part):
    """One indicator; conditions call it by its alias."""

    id: str
    alias: str | None = None
    name: str | None = None
    params: dict[str, Any] = {}
    output: str = "value"


class Condition(_Part):
    """A comparison of an indicator or a price with another, or with a number."""

    indicator: str | None = None
    operator: Annotated[str | None, BeforeValidator(_operator)] = None
    compare_to: str | None = None
    value: str | None = None
    output: str | None = None
    compare_output: str | None = None
    compare_scalar: str | None = None
    compare_operation: str | None = None
    candlestick: str | None = None
    signal: str | None = None


class Group(_Part):
    """Conditions of which all or any must hold."""

    logic: Literal["AND", "OR"] = "AND"
    conditions: list[Condition] = []


class Guard(_Part):
    """A stop or a target in percent of the entry price."""

    enabled: bool = False
    percent: float | None = None


class Risk(_Part):
    """How a position is guarded."""

    stop_loss: Guard | None = None
    take_profit: Guard | None = None
    trailing_stop: Guard | None = None
    max_position_size: str | None = None


class Strategy(_Part):
    """Indicators, and when to buy and sell."""

    id: str
    category: str | None = None
    params: dict[str, Any] = {}
    indicators: list[Indicator] = []
    candlesticks: list[dict[str, Any]] = []
    entry: Group | None = None
    exit: Group | None = None


class KisStrategyFile(_Part):
    """The whole file."""

    version: str = Field(default="1.0", pattern=r"^1(\.[0-9]+)*$")
    metadata: Metadata
    strategy: Strategy
    risk: Risk | None = None


def parsed(tree: dict[str, Any]) -> KisStrategyFile:
    """The file whose YAML is `tree`, every scalar as text. Raises Misfit for the first thing
    that is not of this shape."""
    try:
        return KisStrategyFile.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise Misfit(_place(first["loc"]), _why(first["type"])) from error


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _why(kind: str) -> str:
    if kind == _UNKNOWN_KEY:
        return "모르는 키입니다"
    return "꼭 있어야 하는 키입니다" if kind == _MISSING else "값이 맞지 않습니다"
