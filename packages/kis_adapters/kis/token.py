"""The access token: issued rarely, shared by all, kept over a restart (K-02).

Rules of the broker (kis-wire 1.1): valid 24 h; a call within 6 h of the last issue returns the
same token with the same expiry; one issue a minute (EGW00133). So a renewal is never repeated
because it brought the same token, and is attempted at most once a minute while it cannot help.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from kis_adapters.kis.errors import TOKEN_ISSUE_TOO_SOON, KisError, KisTokenUnavailable
from kis_adapters.kis.token_cache import HeldToken, TokenCache
from kis_adapters.kis.waiting import waits_out
from kis_core.ports.clock import Clock

_RENEWED_BEFORE = timedelta(minutes=10)
_BETWEEN_ISSUES = timedelta(seconds=61)  # one a minute, by clocks that need not agree
_WAITS_MAX = 2
_ENDPOINT = "oauth2/tokenP"

_log = structlog.get_logger(__name__)


class KisTokens:
    """Hands out the one token of an app key. Safe between threads; one issue at a time."""

    def __init__(
        self, *, issue: Callable[[], HeldToken], cache: TokenCache, clock: Clock, timeout_s: float
    ) -> None:
        self._issue = issue
        self._cache = cache
        self._clock = clock
        self._timeout_s = timeout_s
        self._held: HeldToken | None = None
        self._rejected: str | None = None
        self._renewed_at: datetime | None = None
        self._lock = threading.Lock()

    def current(self, *, may_wait: bool) -> str:
        """A token to call with: held, from disk, or newly issued.

        `may_wait` allows the minute that the broker may demand between issues; an order does not
        wait, its price would be old. Raises KisTokenUnavailable, and what issuing raises.
        """
        held = self._held
        if held is not None and self._is_fresh(held):
            return held.value
        if not self._lock.acquire(timeout=-1 if may_wait else self._timeout_s):
            raise KisTokenUnavailable(_ENDPOINT, "another thread is issuing the token")
        try:
            return self._fresh(may_wait=may_wait).value
        finally:
            self._lock.release()

    def reject(self, token: str) -> None:
        """The gateway turned `token` away: the next `current` renews it."""
        with self._lock:
            self._rejected = token
        _log.warning("kis.token.rejected")

    def _fresh(self, *, may_wait: bool) -> HeldToken:
        held = self._held
        if held is None or not self._is_fresh(held):
            held = self._cache.load()  # another process may have renewed it
        if held is not None and self._is_fresh(held):
            self._held = held
            return held
        return self._renewed(may_wait=may_wait)

    def _renewed(self, *, may_wait: bool) -> HeldToken:
        fallback = self._held if self._held and self._is_usable(self._held) else None
        if self._was_renewed_just_now():
            if fallback is not None:
                return fallback
            raise KisTokenUnavailable(_ENDPOINT, "the token was rejected right after its renewal")
        try:
            held = self._issued(may_wait=may_wait)
        except KisError as error:
            if fallback is None:
                raise
            _log.warning("kis.token.renewal_failed", code=error.code, why=error.why)
            self._renewed_at = self._clock.now()
            return fallback
        self._renewed_at = self._clock.now()
        # The same token again: the broker stands by it, so it gets one more chance.
        self._rejected = None
        self._held = held
        self._cache.save(held)
        _log.info("kis.token.issued", expires_at=held.expires_at.isoformat())
        return held

    def _issued(self, *, may_wait: bool) -> HeldToken:
        for _ in range(_WAITS_MAX):
            try:
                return self._issue()
            except KisError as error:
                if error.code != TOKEN_ISSUE_TOO_SOON or not may_wait:
                    raise
            _log.warning("kis.token.waiting", seconds=_BETWEEN_ISSUES.total_seconds())
            if not waits_out(self._clock, self._clock.now() + _BETWEEN_ISSUES):
                raise KisTokenUnavailable(_ENDPOINT, "the wait for a token was interrupted")
            shared = self._cache.load()
            if shared is not None and self._is_fresh(shared):
                return shared
        return self._issue()

    def _was_renewed_just_now(self) -> bool:
        if self._renewed_at is None:
            return False
        return abs(self._clock.now() - self._renewed_at) < _BETWEEN_ISSUES

    def _is_fresh(self, held: HeldToken) -> bool:
        now = self._clock.now()
        return (
            held.value != self._rejected
            and held.confirmed_on == now.date()
            and now < held.expires_at - _RENEWED_BEFORE
        )

    def _is_usable(self, held: HeldToken) -> bool:
        return held.value != self._rejected and self._clock.now() < held.expires_at
