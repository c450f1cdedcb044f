"""Figures as an operator reads them; a field that is absent or no number is the empty text."""

from datetime import datetime

from kis_core.ports.notifier import FieldValue

_PERCENT = 100.0


def number(value: FieldValue, form: str) -> str:
    """`value` by the format `form`, when it is a number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return form.format(value) if is_number else ""


def won(value: FieldValue) -> str:
    """`70,150원`."""
    return number(value, "{:,.0f}원")


def signed_won(value: FieldValue) -> str:
    """`+12,000원`, `-10,494원`, `0원`."""
    return won(value) if value == 0 else number(value, "{:+,.0f}원")


def shares(value: FieldValue) -> str:
    """`10주`."""
    return number(value, "{:,}주")


def change_pct(value: FieldValue, base: FieldValue) -> str:
    """` (-4.8%)`: how far `value` is from `base`."""
    if not isinstance(value, int | float) or not isinstance(base, int | float) or not base:
        return ""
    return f" ({_PERCENT * (value - base) / base:+.1f}%)"


def slippage(value: FieldValue) -> str:
    """` · 신호가보다 0.23% 유리`; empty for none. In basis points, positive is adverse."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not round(value):
        return ""
    way = "불리" if value > 0 else "유리"
    return f" · 신호가보다 {abs(value) / _PERCENT:.2f}% {way}"


def ago(seconds: float) -> str:
    """`3초 전`, `2시간 전`."""
    for size, unit in ((3_600, "시간"), (60, "분")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit} 전"
    return f"{max(0.0, seconds):.0f}초 전"


def time_of(value: FieldValue) -> str:
    """The time of day of an ISO instant."""
    try:
        return f"{datetime.fromisoformat(str(value)):%H:%M}"
    except ValueError:
        return ""
