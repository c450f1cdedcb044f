"""A KIS strategy file as settings of the trend + ATR strategy, where it says the same.

What the file says must have its counterpart here, or it is refused, the first such thing named.
What the file does not say stays as this strategy has it, and is told: the strategy demands a
breakout, guards with ATR and looks at gaps, none of which a KIS file can say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kis_adapters.kis_yaml.file import Condition, Group, Guard, KisStrategyFile, Risk, parsed
from kis_adapters.kis_yaml.misfit import Misfit

_PRICE = ("close", "price")
_PERIOD_OF = {"sma": "ma_period", "adx": "adx_period", "atr": "atr_period"}
_SHORTEST, _LONGEST = 2, 250
_ADX_LONGEST = 100
_ADX_DEFAULT, _WINDOWS = 14, 6  # the bars that ADX is restarted over, as many periods as usual
_REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_MIRRORED = {"less_than": "greater_than", "greater_than": "less_than"}

_ALWAYS = (
    "진입은 전일 고가를 넘을 때만 하고, ATR이 급등한 날에는 하지 않습니다.",
    "ATR은 참범위의 단순 평균이고, ADX는 늘 같은 수의 최근 봉으로 다시 계산합니다.",
    "시가 갭 보호는 kr_trade.yaml 의 설정대로 켜져 있습니다.",
)
_OWN_ADX = "ADX 진입 조건은 kr_trade.yaml 의 adx_threshold 대로 요구합니다."
_OWN_STOP = "손절은 파일의 %와 ATR 배수(atr_multiplier_sl) 가운데 가까운 쪽입니다."
_OWN_TAKE = "익절은 ATR 배수(atr_multiplier_tp)입니다."
_OWN_TRAIL = "트레일링 스탑은 kr_trade.yaml 의 설정대로입니다."
_OWN_EXIT = "추세 붕괴 청산은 kr_trade.yaml 의 설정대로입니다."
_ABOVE_EQUAL = "ADX 는 '초과'가 아니라 '이상'으로 비교합니다."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """`settings`: names and values of the section `strategy`. `notes` (Korean): what this
    strategy does besides, or otherwise."""

    name: str
    settings: dict[str, int | float | bool]
    notes: tuple[str, ...]


def fit(tree: dict[str, Any]) -> Fitted:
    """The settings that say what the file says. `tree` is its YAML with every scalar as text.
    Raises Misfit."""
    file = parsed(tree)
    reader = _Fit(file)
    return Fitted(name=file.metadata.name, settings=reader.settings, notes=tuple(reader.notes))


class _Fit:
    """Goes through the file in its own order, so that what is named is what comes first."""

    def __init__(self, file: KisStrategyFile) -> None:
        self._params = file.strategy.params
        self._kind_of: dict[str, str] = {}
        self.settings: dict[str, int | float | bool] = {}
        self.notes: list[str] = list(_ALWAYS)
        self._take_indicators(file)
        if file.strategy.candlesticks:
            raise Misfit("strategy.candlesticks[1]", "캔들 모양은 이 전략에 없습니다")
        self._take_entry(file.strategy.entry)
        self._take_exit(file.strategy.exit)
        self._take_risk(file.risk or Risk())

    def _take_indicators(self, file: KisStrategyFile) -> None:
        counts: dict[str, int] = {}
        for number, each in enumerate(file.strategy.indicators, start=1):
            place = f"strategy.indicators[{number}]"
            if each.id not in _PERIOD_OF:
                raise Misfit(place, f"{each.id} 지표는 이 전략에 없습니다(sma, adx, atr 만)")
            if each.output != "value" or set(each.params) - {"period"}:
                raise Misfit(place, f"{each.id} 에는 period 말고 다른 설정이 없습니다")
            name = _PERIOD_OF[each.id]
            period = self._period(place, each.id, each.params.get("period"))
            if self.settings.setdefault(name, period) != period:
                raise Misfit(place, f"{each.id} 가 기간이 다르게 두 번 나옵니다")
            if each.id == "adx" and period > _ADX_DEFAULT:
                self.settings["adx_window"] = _WINDOWS * period  # it must hold two periods
            counts[each.id] = counts.get(each.id, 0) + 1
            alias = each.alias or f"{each.id}_{counts[each.id]}"  # as their parser names it
            if alias in self._kind_of or alias in _PRICE:
                raise Misfit(place, f"alias {alias} 가 두 번 쓰였습니다")
            self._kind_of[alias] = each.id

    def _take_entry(self, group: Group | None) -> None:
        place = "strategy.entry"
        if group is None or not group.conditions:
            raise Misfit(place, "진입 조건이 없습니다")
        self._require_logic(group, "AND", place)
        found = set()
        for number, condition in enumerate(group.conditions, start=1):
            at = f"{place}.conditions[{number}]"
            left, operator, right = self._comparison(condition, at)
            if (left, operator, right) == ("price", "greater_than", "sma"):
                found.add("sma")
            elif left == "adx" and operator in ("greater_than", "greater_equal"):
                self._put("adx_threshold", self._within(at, right, above=0, below=100), at)
                self.notes += [_ABOVE_EQUAL] if operator == "greater_than" else []
                found.add("adx")
            else:
                raise Misfit(at, "이 전략의 진입은 '종가 > SMA' 와 'ADX >= 값' 뿐입니다")
        if "sma" not in found:
            raise Misfit(place, "'종가 > SMA' 가 없습니다. 이 전략은 그것 없이 진입하지 않습니다")
        self.notes += [] if "adx" in found else [_OWN_ADX]

    def _take_exit(self, group: Group | None) -> None:
        place = "strategy.exit"
        if group is None:
            self.notes.append(_OWN_EXIT)
            return
        self._require_logic(group, "OR", place)
        leaves: dict[str, float] = {}
        for number, condition in enumerate(group.conditions, start=1):
            at = f"{place}.conditions[{number}]"
            left, operator, right = self._comparison(condition, at)
            if (left, operator, right) == ("price", "cross_below", "sma"):
                leaves["sma"] = 0.0
            elif left == "adx" and operator == "less_than":
                leaves["adx"] = self._within(at, right, above=0, below=100)
            else:
                raise Misfit(at, "이 전략의 청산 조건은 종가의 SMA 하향 돌파와 'ADX < 값' 뿐입니다")
        self._put("trend_exit_enabled", bool(leaves), place)
        if "adx" in leaves and "sma" not in leaves:
            raise Misfit(place, "ADX 청산만 따로 쓸 수 없습니다. 종가의 SMA 하향 돌파와 함께입니다")
        if leaves:
            level = leaves.get("adx", 0.0)  # no strength is below 0: the condition is off
            if level > self.settings.get("adx_threshold", level):
                raise Misfit(place, "ADX 청산 값이 진입 값보다 큽니다")
            self._put("adx_exit_threshold", level, place)

    def _take_risk(self, risk: Risk) -> None:
        if risk.stop_loss is not None:
            self._put("max_loss_pct", self._stop(risk.stop_loss), "risk.stop_loss")
        self.notes.append(_OWN_STOP)
        if risk.take_profit is not None:
            why = "이 전략의 익절은 % 가 아니라 ATR 배수이고 끌 수 없습니다"
            raise Misfit("risk.take_profit", why)
        self.notes.append(_OWN_TAKE)
        if risk.trailing_stop is None:
            self.notes.append(_OWN_TRAIL)
        elif risk.trailing_stop.enabled:
            raise Misfit(
                "risk.trailing_stop", "이 전략의 트레일링 스탑은 % 가 아니라 ATR 배수입니다"
            )
        else:
            self._put("trailing_enabled", False, "risk.trailing_stop")
        if risk.max_position_size is not None:
            raise Misfit("risk.max_position_size", "수량은 kr_trade.yaml 의 sizing 에서 정합니다")

    def _stop(self, guard: Guard) -> float:
        place = "risk.stop_loss"
        if not guard.enabled:
            raise Misfit(place, "이 전략의 손절은 끌 수 없습니다")
        if guard.percent is None:
            raise Misfit(f"{place}.percent", "꼭 있어야 하는 키입니다")
        return self._within(f"{place}.percent", guard.percent, above=0, below=100)

    def _comparison(self, condition: Condition, place: str) -> tuple[str, str, Any]:
        """What is on the left (`price` or an indicator), the operator, and what is on the right
        (the same, or a number). A price on the right changes sides."""
        if condition.candlestick is not None:
            raise Misfit(place, "캔들 모양은 이 전략에 없습니다")
        if condition.compare_scalar is not None or condition.compare_operation is not None:
            raise Misfit(place, "지표에 배율이나 간격을 두는 비교는 이 전략에 없습니다")
        if {condition.output, condition.compare_output} - {None, "value"}:
            raise Misfit(place, "지표의 다른 출력(output)은 이 전략에 없습니다")
        if condition.compare_to is not None and condition.value is not None:
            raise Misfit(place, "compare_to 와 value 가 함께 있습니다")
        if condition.indicator is None or condition.operator is None:
            raise Misfit(place, "indicator 와 operator 가 있어야 합니다")
        left, operator = self._named(condition.indicator, place), condition.operator
        other = condition.compare_to if condition.value is None else condition.value
        right = self._right(other, place)
        if right == "price" and operator in _MIRRORED:
            return right, _MIRRORED[operator], left
        return left, operator, right

    def _named(self, name: str, place: str) -> str:
        if name in _PRICE:
            return "price"
        if name not in self._kind_of:
            raise Misfit(place, f"{name} 은(는) 종가도, 파일에 있는 지표도 아닙니다")
        return self._kind_of[name]

    def _right(self, other: str | None, place: str) -> Any:
        if other is None:
            raise Misfit(place, "비교할 것이 없습니다(compare_to 나 value)")
        known = self._resolved(other, place)
        if isinstance(known, str) and _number(known) is None:
            return self._named(known, place)
        return known

    def _resolved(self, value: Any, place: str) -> Any:
        """A `$name` as the default of that parameter."""
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return value
        if found[1] not in self._params:
            raise Misfit(place, f"params 에 {found[1]} 이(가) 없습니다")
        known = self._params[found[1]]
        return known.get("default") if isinstance(known, Mapping) else known

    def _period(self, place: str, kind: str, value: Any) -> int:
        number = _number(self._resolved(value, place))
        longest = _ADX_LONGEST if kind == "adx" else _LONGEST
        if number is None or number % 1 or not _SHORTEST <= number <= longest:
            raise Misfit(place, f"{kind} 의 period 는 {_SHORTEST}~{longest} 의 정수여야 합니다")
        return int(number)

    def _within(self, place: str, value: Any, *, above: float, below: float) -> float:
        number = _number(self._resolved(value, place))
        if number is None or not above < number < below:
            raise Misfit(place, f"{above:g} 보다 크고 {below:g} 보다 작은 수여야 합니다")
        return number

    def _require_logic(self, group: Group, logic: str, place: str) -> None:
        if len(group.conditions) > 1 and group.logic != logic:
            raise Misfit(f"{place}.logic", f"이 전략에서는 {logic} 이어야 합니다")

    def _put(self, name: str, value: float | bool, place: str) -> None:
        if self.settings.setdefault(name, value) != value:
            raise Misfit(place, f"{name} 이(가) 서로 다르게 두 번 나옵니다")


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    text = str(value)
    return float(text) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text) else None
