"""What the faults do to an answer that was right."""

from collections.abc import Callable, Mapping

from kis_sandbox.faults import Fault, FaultKind
from kis_sandbox.wire.answer import Answer, gateway_error

_PRICES = frozenset({"stck_prpr", "inter2_prpr", "prpr", "stck_clpr", "stck_prdy_clpr", "now_pric"})
_HTML = "<html><head><title>503</title></head><body>Service Unavailable</body></html>"
_UNKNOWN_OUTCOME = ("EGW00302", "거래시간이 초과되었습니다. 직전 거래를 반드시 확인하세요.")

# Faults that answer instead of the ledger; whether the call was processed before is a parameter.
_INSTEAD = {
    FaultKind.HTTP_500: False,
    FaultKind.HTML: False,
    FaultKind.OUTCOME_UNKNOWN: True,
}


def is_processed(faults: Mapping[FaultKind, Fault]) -> bool:
    """Whether the call reaches the ledger although its answer will be something else."""
    for kind, default in _INSTEAD.items():
        fault = faults.get(kind)
        if fault is not None and not bool(fault.params.get("processed", default)):
            return False
    return True


def damaged(answer: Answer, faults: Mapping[FaultKind, Fault]) -> Answer:
    """`answer` with the faults that change its content, or the answer given instead."""
    if FaultKind.HTTP_500 in faults:
        return gateway_error("", "")
    if FaultKind.OUTCOME_UNKNOWN in faults:
        return gateway_error(*_UNKNOWN_OUTCOME)
    if FaultKind.MISSING_FIELD in faults:
        name = faults[FaultKind.MISSING_FIELD].text_param("field", "msg_cd")
        answer.body = {k: _edited(v, _without(name)) for k, v in answer.body.items() if k != name}
    if FaultKind.ZERO_PRICE in faults:
        answer.body = {k: _edited(v, _zero_prices) for k, v in answer.body.items()}
    if FaultKind.DUPLICATE_ROWS in faults:
        answer.body = {k: _doubled(k, v) for k, v in answer.body.items()}
    if FaultKind.MISSING_PAGE in faults:
        answer.tr_cont = "F"
        blank = {k: " " * 100 for k in answer.body if k.startswith("ctx_area_nk")}
        answer.body = answer.body | blank
    return answer


def garbled(content: bytes, faults: Mapping[FaultKind, Fault]) -> tuple[bytes, str]:
    """The bytes that leave, and their content type."""
    if FaultKind.HTML in faults:
        return _HTML.encode(), "text/html"
    if FaultKind.EMPTY_BODY in faults:
        return b"", "application/json"
    if FaultKind.TRUNCATED in faults:
        content = content[: len(content) // 2]
    if FaultKind.MALFORMED_JSON in faults:
        content = b'{"output":{,"rt_cd":0' + content[:20]
    return content, "application/json; charset=utf-8"


def _doubled(key: str, value: object) -> object:
    # output2 of a balance is an array too, but of the one total.
    if key in ("output", "output1") and isinstance(value, list):
        return [*value, *value]
    return value


def _edited(value: object, edit: Callable[[dict[str, str]], dict[str, str]]) -> object:
    if isinstance(value, dict):
        return edit(value)
    if isinstance(value, list):
        return [_edited(one, edit) for one in value]
    return value


def _without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda row: {k: v for k, v in row.items() if k != name}


def _zero_prices(row: dict[str, str]) -> dict[str, str]:
    return {k: "0" if k in _PRICES else v for k, v in row.items()}
