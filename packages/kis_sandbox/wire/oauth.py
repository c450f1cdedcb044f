"""OAuth: tokenP, revokeP, Approval, and the hashkey. Source: kis-wire section 1."""

import hashlib
import json
from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from kis_sandbox.config import CREDENTIALS, Credentials
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.token import Token, TooManyRequests
from kis_sandbox.wire.answer import Answer, oauth_error

Body = Mapping[str, object]

_NO_KEY = ("EGW00102", "AppKey는 필수입니다.")
_BAD_KEY = ("EGW00103", "유효하지 않은 AppKey입니다.")
_NO_SECRET = ("EGW00104", "AppSecret은 필수입니다.")
_BAD_SECRET = ("EGW00105", "유효하지 않은 AppSecret입니다.")
_TOO_MANY = ("EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)")
_BAD_TOKEN = ("EGW00121", "유효하지 않은 token 입니다.")


def issue_token(sandbox: Sandbox, body: Body) -> Answer:
    """tokenP. The other personality's keys get a token too; it fails at the first call."""
    problem = key_problem(body.get("appkey"), body.get("appsecret"))
    if problem is not None:
        return oauth_error(*problem)
    try:
        token = sandbox.issue_token(str(body["appkey"]))
    except TooManyRequests:
        return too_soon()
    return Answer(body=_token_body(sandbox, token))


def too_soon() -> Answer:
    """tokenP asked a second time in a minute."""
    return oauth_error(*_TOO_MANY)


def revoke_token(sandbox: Sandbox, body: Body) -> Answer:
    """revokeP."""
    problem = key_problem(body.get("appkey"), body.get("appsecret"))
    if problem is not None:
        return oauth_error(*problem)
    if not sandbox.revoke_token(str(body.get("token", ""))):
        return oauth_error(*_BAD_TOKEN)
    return Answer(body={"code": 200, "message": "접근토큰 폐기에 성공하였습니다"})


def approve(sandbox: Sandbox, body: Body) -> Answer:
    """Approval: the key for a WebSocket. The secret comes as `secretkey` here."""
    problem = key_problem(body.get("appkey"), body.get("secretkey"))
    if problem is not None:
        return oauth_error(*problem)
    name = f"{body['appkey']}:{sandbox.exchange.now.isoformat()}"
    return Answer(body={"approval_key": str(uuid5(NAMESPACE_URL, name))})


def hashkey(body: Body) -> Answer:
    """hashkey: the body's echo and its digest."""
    text = json.dumps(dict(body), ensure_ascii=False, separators=(",", ":"))
    return Answer(body={"BODY": dict(body), "HASH": hashlib.sha256(text.encode()).hexdigest()})


def owner_of(app_key: object) -> Credentials | None:
    """The credentials that an app key belongs to, of either personality."""
    for credentials in CREDENTIALS.values():
        if credentials.app_key == app_key:
            return credentials
    return None


def key_problem(app_key: object, app_secret: object) -> tuple[str, str] | None:
    """What is wrong with a pair of keys, as code and message; None if nothing."""
    if not app_key:
        return _NO_KEY
    owner = owner_of(app_key)
    if owner is None:
        return _BAD_KEY
    if not app_secret:
        return _NO_SECRET
    return None if app_secret == owner.app_secret else _BAD_SECRET


def _token_body(sandbox: Sandbox, token: Token) -> dict[str, object]:
    left = token.expires_at - sandbox.exchange.now
    return {
        "access_token": token.text,
        "access_token_token_expired": f"{token.expires_at:%Y-%m-%d %H:%M:%S}",
        "token_type": "Bearer",
        "expires_in": int(left.total_seconds()),
    }
