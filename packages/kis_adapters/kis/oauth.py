"""What `POST /oauth2/tokenP` is asked and how its answer reads. Source: kis-wire section 1.1."""

from datetime import datetime, timedelta

import httpx

from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.errors import KisFieldError, KisTokenUnavailable, KisUnreadable
from kis_adapters.kis.exchange import Answered
from kis_adapters.kis.token_cache import HeldToken
from kis_adapters.kis.wire import TokenAnswer, parsed, read
from kis_core.market.session import KST

TOKEN_PATH = "/oauth2/tokenP"
TOKEN_ENDPOINT = "oauth2/tokenP"


def token_question(credentials: KisCredentials) -> dict[str, str]:
    """The request body; never to be shown."""
    return {
        "grant_type": "client_credentials",
        "appkey": credentials.app_key,
        "appsecret": credentials.app_secret,
    }


def token_from(answered: Answered, *, at: datetime) -> HeldToken:
    """The token in the answer received at `at`.

    Raises KisTokenUnavailable with the broker's code for its no, KisUnreadable or KisFieldError
    for an answer that is none.
    """
    body = parsed(TOKEN_ENDPOINT, answered.content)
    code = body.get("error_code") or body.get("msg_cd")
    if isinstance(code, str) and code.strip():
        why = f"접근토큰을 발급받지 못했습니다 ({code.strip()})"
        raise KisTokenUnavailable(TOKEN_ENDPOINT, why, code=code.strip())
    if answered.status != httpx.codes.OK:
        raise KisUnreadable(TOKEN_ENDPOINT, f"HTTP {answered.status} without a code")
    answer = read(TokenAnswer, body, endpoint=TOKEN_ENDPOINT, at="body")
    return HeldToken(
        value=answer.access_token, expires_at=_expiry(answer, at=at), confirmed_on=at.date()
    )


def _expiry(answer: TokenAnswer, *, at: datetime) -> datetime:
    told = answer.access_token_token_expired
    if told is not None:
        return told.replace(tzinfo=KST) if told.tzinfo is None else told.astimezone(KST)
    if answer.expires_in is not None:
        return at + timedelta(seconds=answer.expires_in)
    raise KisFieldError(TOKEN_ENDPOINT, field="access_token_token_expired", why="missing")
