"""Access tokens: valid a day, the same one again within six hours, one request a minute.

Source: kis-wire section 1. Tokens say what they are, and cannot be mistaken for real ones.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

VALID_FOR = timedelta(hours=24)
_REUSED_FOR = timedelta(hours=6)
_REQUEST_SPACING = timedelta(minutes=1)


@unique
class TokenState(StrEnum):
    """What the gateway thinks of a presented token."""

    VALID = "valid"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One issued access token."""

    text: str
    app_key: str
    issued_at: datetime

    @property
    def expires_at(self) -> datetime:
        """From when it is refused."""
        return self.issued_at + VALID_FOR


class TooManyRequests(Exception):
    """A token was asked for within a minute of the last request of this app key."""


class TokenDesk:
    """Issues, recognises and revokes tokens."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._requested_at: dict[str, datetime] = {}
        self._count = 0

    def issue(self, app_key: str, now: datetime) -> Token:
        """A token for `app_key`: the last one within six hours, else a new one."""
        requested = self._requested_at.get(app_key)
        if requested is not None and now - requested < _REQUEST_SPACING:
            raise TooManyRequests(app_key)
        self._requested_at[app_key] = now
        latest = self._latest(app_key)
        if latest is not None and now - latest.issued_at < _REUSED_FOR:
            return latest
        self._count += 1
        text = f"SANDBOX.NOT-A-REAL-TOKEN.{app_key[:13]}.{self._count:06d}"
        token = Token(text=text, app_key=app_key, issued_at=now)
        self._tokens[text] = token
        return token

    def state(self, text: str, now: datetime) -> TokenState:
        """Whether a call may carry the token `text`."""
        token = self._tokens.get(text)
        if token is None:
            return TokenState.UNKNOWN
        return TokenState.VALID if now < token.expires_at else TokenState.EXPIRED

    def revoke(self, text: str) -> bool:
        """Forget the token; False when there is none."""
        return self._tokens.pop(text, None) is not None

    def _latest(self, app_key: str) -> Token | None:
        mine = (token for token in self._tokens.values() if token.app_key == app_key)
        return max(mine, key=lambda token: token.issued_at, default=None)
