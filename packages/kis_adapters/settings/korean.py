"""pydantic's findings in Korean. Values are told only where they are no secret."""

from collections.abc import Mapping
from typing import Any

_SENTENCES = {
    "int_parsing": "정수여야 합니다",
    "int_type": "정수여야 합니다",
    "int_from_float": "정수여야 합니다",
    "int_parsing_size": "숫자가 너무 큽니다",
    "float_parsing": "숫자여야 합니다",
    "float_type": "숫자여야 합니다",
    "finite_number": "유한한 숫자여야 합니다",
    "bool_parsing": "true 또는 false여야 합니다",
    "bool_type": "true 또는 false여야 합니다",
    "string_type": "글자여야 합니다",
    "tuple_type": "목록이어야 합니다 ([a, b] 또는 줄마다 '- a')",
    "date_from_datetime_parsing": "날짜(YYYY-MM-DD)여야 합니다",
    "date_parsing": "날짜(YYYY-MM-DD)여야 합니다",
    "date_type": "날짜(YYYY-MM-DD)여야 합니다",
    "path_type": "경로여야 합니다",
    "string_pattern_mismatch": "형식이 맞지 않습니다",
    "model_type": "'이름: 값' 꼴이어야 합니다",
    "missing": "값이 필요합니다",
}
_WITH_BOUND = {
    "greater_than": ("gt", "{}보다 커야 합니다"),
    "greater_than_equal": ("ge", "{} 이상이어야 합니다"),
    "less_than": ("lt", "{}보다 작아야 합니다"),
    "less_than_equal": ("le", "{} 이하여야 합니다"),
    "literal_error": ("expected", "다음 중 하나여야 합니다: {}"),
    "enum": ("expected", "다음 중 하나여야 합니다: {}"),
}


def sentence(error: Mapping[str, Any], *, is_secret: bool) -> str:
    """What is wrong with one value, without its name."""
    kind, given = str(error["type"]), error.get("input")
    if given is None:
        return "값이 비어 있습니다"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in _WITH_BOUND:
        key, template = _WITH_BOUND[kind]
        bound = str(error["ctx"][key]).replace("'", "").replace(" or ", ", ")
        what = template.format(bound)
    else:
        what = _SENTENCES.get(kind, f"값이 잘못되었습니다({kind})")
    shown = "" if is_secret or not isinstance(given, str) else f" (설정값 {given!r})"
    return what + shown
