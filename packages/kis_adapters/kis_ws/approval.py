"""The approval key that subscribe messages carry: `POST /oauth2/Approval`.

Valid 24 h, and looked at only when a session subscribes, so a connection that stands never needs
a new one. The secret goes under the name `secretkey` here. Source: kis-wire section 1.3.
"""

import httpx

_PATH = "/oauth2/Approval"
_RENEWED_AFTER_S = 12 * 3600.0


class ApprovalUnavailable(Exception):
    """No approval key could be had; the text holds neither keys nor the request."""


class ApprovalKeys:
    """Hands out the approval key of one app key; used by one thread. Time is in seconds."""

    def __init__(self, http: httpx.Client, *, base_url: str, app_key: str, app_secret: str) -> None:
        self._http = http
        self._url = base_url.rstrip("/") + _PATH
        self._body = {
            "grant_type": "client_credentials",
            "appkey": app_key,
            "secretkey": app_secret,
        }
        self._key = ""
        self._issued_at = 0.0

    def __repr__(self) -> str:
        return "ApprovalKeys(******)"

    def current(self, now: float) -> str:
        """The held key, or a new one where it is old or was rejected.

        Raises ApprovalUnavailable.
        """
        if not self._key or now - self._issued_at > _RENEWED_AFTER_S:
            self._key = self._issued()
            self._issued_at = now
        return self._key

    def reject(self) -> None:
        """The server does not know the key: the next one will be new."""
        self._key = ""

    def _issued(self) -> str:
        try:
            answer = self._http.post(self._url, json=self._body, follow_redirects=False)
            document = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ApprovalUnavailable(f"approval_{type(error).__name__}") from error
        if not isinstance(document, dict):
            raise ApprovalUnavailable("approval_unreadable")
        key = document.get("approval_key")
        if not isinstance(key, str) or not key.strip():
            code = document.get("error_code") or document.get("msg_cd")
            told = code if isinstance(code, str) else f"HTTP_{answer.status_code}"
            raise ApprovalUnavailable(f"approval_{told}")
        return key.strip()
