"""The gateway: keys, token, rate, TR id and fields are checked before a call reaches a ledger.

The order of the checks and their codes: kis-wire sections 2, 3.2 and 3.3.
"""

from collections.abc import Mapping

from kis_sandbox.faults import Fault, FaultKind
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.token import TokenState
from kis_sandbox.wire.answer import Answer, field_missing, gateway_error, rejected
from kis_sandbox.wire.call import BadField, Call
from kis_sandbox.wire.endpoint import IN_PAPER_FORM, KNOWN_REAL, Endpoint
from kis_sandbox.wire.oauth import key_problem, owner_of

_BEARER = "Bearer "
_TOKEN_INVALID = ("EGW00121", "유효하지 않은 token 입니다.")
_TOKEN_EXPIRED = ("EGW00123", "기간이 만료된 token 입니다.")
_NO_BEARER = ("EGW00205", "credentials_type이 유효하지 않습니다.(Bearer)")
_REAL_KEY_ON_PAPER = ("EGW02007", "해당 앱키는 모의투자용 앱키가 아닙니다.")
_NOT_A_REAL_TR = ("EGW02004", "실전투자 TR 이 아닙니다.")
_NOT_A_PAPER_TR = ("EGW02006", "모의투자 TR 이 아닙니다.")
_UNKNOWN_TR = ("OPSQ0002", "없는 서비스 코드 입니다.")
_TOO_FAST = ("EGW00201", "초당 거래건수를 초과하였습니다.")
_LEDGER_BUSY = ("EGW00215", "원장에서 허용 가능한 초당 거래건수를 초과하였습니다.")
_BAD_ACCOUNT = ("OPSQ2000", "ERROR : INPUT INVALID_CHECK_ACNO")


def answer(
    sandbox: Sandbox,
    endpoint: Endpoint,
    *,
    headers: Mapping[str, str],
    fields: Mapping[str, str],
    faults: Mapping[FaultKind, Fault],
) -> Answer:
    """Answer one business call. `headers` have lower-case names."""
    turned_away = _turned_away(sandbox, endpoint, headers, faults)
    if turned_away is not None:
        return turned_away
    for name in endpoint.fields:
        if name not in fields:
            return field_missing(name)
    call = Call(
        route=endpoint.route,
        tr_id=headers.get("tr_id", ""),
        fields=fields,
        wants_next_page=headers.get("tr_cont", "").strip() == "N",
        faults=faults,
    )
    if endpoint.needs_account and not _is_own_account(sandbox, call):
        return rejected(*_BAD_ACCOUNT)
    try:
        return endpoint.handler(sandbox, call)
    except BadField as error:
        return rejected("OPSQ2002", f"ERROR INVALID INPUT FIELD [{error.name}]", rt_cd="2")


def too_fast() -> Answer:
    """More calls a second than the keys may make."""
    return gateway_error(*_TOO_FAST)


def _turned_away(
    sandbox: Sandbox,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    faults: Mapping[FaultKind, Fault],
) -> Answer | None:
    """The gateway's refusal, or None when the call may pass."""
    problem = key_problem(headers.get("appkey"), headers.get("appsecret"))
    if problem is not None:
        return gateway_error(*problem)
    authorization = headers.get("authorization", "")
    if not authorization.startswith(_BEARER):
        return gateway_error(*_NO_BEARER)
    text = authorization.removeprefix(_BEARER).strip()
    if FaultKind.TOKEN_REVOKED in faults:
        sandbox.revoke_token(text)
    state = sandbox.desk.state(text, sandbox.exchange.now)
    if state is not TokenState.VALID:
        words = _TOKEN_EXPIRED if state is TokenState.EXPIRED else _TOKEN_INVALID
        return gateway_error(*words)
    if owner_of(headers["appkey"]) != sandbox.credentials:
        return gateway_error(*(_REAL_KEY_ON_PAPER if sandbox.is_paper else _NOT_A_REAL_TR))
    if FaultKind.RATE_LIMIT in faults or not sandbox.limiter.admits(
        headers["appkey"], sandbox.exchange.now
    ):
        return too_fast()
    if FaultKind.LEDGER_LIMIT in faults:
        return gateway_error(*_LEDGER_BUSY)
    return _wrong_tr(sandbox, endpoint, headers.get("tr_id", ""))


def _wrong_tr(sandbox: Sandbox, endpoint: Endpoint, tr_id: str) -> Answer | None:
    if tr_id in endpoint.served_tr_ids(on_paper=sandbox.is_paper):
        return None
    if sandbox.is_paper and tr_id in KNOWN_REAL | IN_PAPER_FORM:
        return gateway_error(*_NOT_A_PAPER_TR)
    if not sandbox.is_paper and tr_id in IN_PAPER_FORM:
        return gateway_error(*_NOT_A_REAL_TR)
    return gateway_error(*_UNKNOWN_TR)


def _is_own_account(sandbox: Sandbox, call: Call) -> bool:
    own = sandbox.credentials
    return (call.field("CANO"), call.field("ACNT_PRDT_CD")) == (own.account_no, own.product_code)
