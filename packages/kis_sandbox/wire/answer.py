"""Answers as the broker gives them: envelope, codes, padding. Source: kis-wire section 2.2."""

from dataclasses import dataclass, field

Body = dict[str, object]
Row = dict[str, str]

_MESSAGE_WIDTH = 80


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer. `tr_cont` is the paging header: F or M more pages, D or E the last one."""

    body: Body
    status: int = 200
    tr_cont: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def quoted(**outputs: object) -> Answer:
    """A quote endpoint's success."""
    body: Body = dict(outputs)
    body.update(rt_cd="0", msg_cd="MCA00000", msg1="정상처리 되었습니다.")
    return Answer(body=body)


def told(msg_cd: str, msg1: str, /, *, tr_cont: str = "", **outputs: object) -> Answer:
    """A ledger inquiry's success; its message comes padded."""
    body: Body = dict(outputs)
    body.update(rt_cd="0", msg_cd=msg_cd, msg1=msg1.ljust(_MESSAGE_WIDTH))
    return Answer(body=body, tr_cont=tr_cont)


def accepted(msg_cd: str, msg1: str, output: Row) -> Answer:
    """An order's success."""
    return Answer(body={"rt_cd": "0", "msg_cd": msg_cd, "msg1": msg1, "output": output})


def rejected(msg_cd: str, msg1: str, *, rt_cd: str = "1") -> Answer:
    """A business rejection: HTTP 200, no output."""
    return Answer(body={"rt_cd": rt_cd, "msg_cd": msg_cd, "msg1": msg1})


def gateway_error(msg_cd: str, msg1: str) -> Answer:
    """The gateway's own errors: HTTP 500 with an envelope."""
    return Answer(body={"rt_cd": "1", "msg_cd": msg_cd, "msg1": msg1}, status=500)


def oauth_error(code: str, description: str) -> Answer:
    """OAuth's errors have a shape of their own."""
    return Answer(body={"error_description": description, "error_code": code}, status=403)


def field_missing(name: str) -> Answer:
    """A required query or body field is not there."""
    return rejected("OPSQ2001", f"ERROR INPUT FIELD NOT FOUND [{name}]", rt_cd="2")


def sign_of(change: int, *, at_upper: bool = False, at_lower: bool = False) -> str:
    """prdy_vrss_sign: 1 upper limit, 2 up, 3 flat, 4 lower limit, 5 down."""
    if at_upper:
        return "1"
    if at_lower:
        return "4"
    return "2" if change > 0 else "5" if change < 0 else "3"


def percent(part: float, whole: float) -> str:
    """`part` of `whole` in percent with two decimals; 0.00 of nothing."""
    return f"{100 * part / whole:.2f}" if whole else "0.00"
