"""The HTTP client of one app key: headers, budget, token, retries of inquiries.

An inquiry is tried up to `retries` times with growing pauses (K-01); an order is sent exactly
once (O-04), and what came of it is certain or OutcomeUnknown (O-05). httpx's exceptions stop here.
Neither headers nor bodies nor query strings are ever logged or quoted: they hold keys, the token
and the account number (K-10).
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from kis_adapters.kis.budget import Priority, RateBudget
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.drift import FieldDrift
from kis_adapters.kis.endpoints import (
    Endpoint,
    checked_base_url,
    default_base_url,
    is_loopback,
    reaches_real_account,
)
from kis_adapters.kis.errors import (
    ACCOUNT_NOT_BOUND,
    TOO_MANY_PER_SECOND,
    ErrorClass,
    KisError,
    KisRefused,
    KisUnreachable,
    KisUnreadable,
    classify,
)
from kis_adapters.kis.exchange import Answered, exchange, http_client
from kis_adapters.kis.oauth import TOKEN_ENDPOINT, TOKEN_PATH, token_from, token_question
from kis_adapters.kis.skew import ClockSkew
from kis_adapters.kis.token import KisTokens
from kis_adapters.kis.token_cache import HeldToken, TokenCache
from kis_adapters.kis.waiting import wait_until
from kis_adapters.kis.wire import Envelope, enveloped
from kis_core.orders.identity import TradingMode
from kis_core.ports.broker import NotSent, OutcomeUnknown
from kis_core.ports.clock import Clock

_JITTER = 0.25  # of the base delay, so that clients that failed together do not return together
_SPARE_CONNECTIONS = 2  # an order never queues for a connection behind inquiries

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inquiry:
    endpoint: Endpoint
    tr_id: str
    params: Mapping[str, str]
    priority: Priority
    tr_cont: str


class KisClient:
    """Calls KIS with one app key in one mode. Safe between threads.

    `base_url` None is the official server of `mode`. `http`, where given, must not retry.
    `on_api_error(at, what)` hears of every call that finally failed. Raises ValueError (Korean)
    for a server that `mode` may not talk to.
    """

    def __init__(
        self,
        *,
        credentials: KisCredentials,
        mode: TradingMode,
        clock: Clock,
        token_dir: Path,
        budget: RateBudget,
        base_url: str | None = None,
        http: httpx.Client | None = None,
        retries: int = 3,
        retry_delay_s: float = 1.0,
        timeout_s: float = 15.0,
        max_in_flight: int = 1,
        on_api_error: Callable[[datetime, str], None] | None = None,
    ) -> None:
        if retries < 1 or max_in_flight < 1 or timeout_s <= 0 or retry_delay_s < 0:
            raise ValueError("재시도·동시 호출은 1 이상, 시간 제한은 0보다 커야 합니다")
        self.base_url = checked_base_url(base_url or default_base_url(mode), mode)
        self.credentials = credentials
        self.mode = mode
        self.clock = clock
        self.max_in_flight = max_in_flight
        self.drift = FieldDrift(clock)
        self._skew = ClockSkew(clock)
        self._budget = budget
        self._retries = retries
        self._retry_delay_s = retry_delay_s
        self._timeout_s = timeout_s
        self._on_api_error = on_api_error
        self._urls: dict[str, httpx.URL] = {}
        self._in_flight = threading.BoundedSemaphore(max_in_flight)
        where = urlsplit(self.base_url)
        self._http = http or http_client(
            timeout_s=timeout_s,
            connections=max_in_flight + _SPARE_CONNECTIONS,
            is_local=is_loopback(where.hostname or ""),
        )
        key = credentials.fingerprint(where.netloc)
        self._tokens = KisTokens(
            issue=self._issue_token,
            cache=TokenCache(directory=token_dir, mode=mode, key=key),
            clock=clock,
            timeout_s=timeout_s,
        )
        # httpx logs every URL at INFO, and with it the account number; httpcore the headers.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    def __repr__(self) -> str:
        return f"KisClient({self.mode}, {self.base_url})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def clock_skew(self) -> float | None:
        """Seconds by which our clock is ahead of the broker's; None before any answer (E-08)."""
        return self._skew.seconds()

    def ensure_token(self) -> None:
        """Have a token, issuing one if need be; for start-up checks. Raises KisError."""
        with self._failures_told():
            self._tokens.current(may_wait=True)

    def report(self, error: KisError) -> None:
        """Log `error` and tell `on_api_error`; for answers found unusable after the call."""
        _log.warning("kis.call.failed", endpoint=error.endpoint, code=error.code, why=error.why)
        if self._on_api_error is not None:
            self._on_api_error(self.clock.now(), str(error))

    def get(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        *,
        priority: Priority,
        tr_cont: str = "",
        tries: int | None = None,
    ) -> Envelope:
        """The answer to an inquiry, whose `rt_cd` is "0".

        Raises UnsupportedInMode before any call, KisRefused for the broker's no, and KisError
        for everything else once `tries` (default: the client's) are used up.
        """
        inquiry = _Inquiry(
            endpoint=endpoint,
            tr_id=self._tr_id(endpoint),
            params=params,
            priority=priority,
            tr_cont=tr_cont,
        )
        retrying = Retrying(
            stop=stop_after_attempt(tries or self._retries),
            wait=wait_exponential(multiplier=self._retry_delay_s)
            + wait_random(0, self._retry_delay_s * _JITTER),
            retry=retry_if_exception(self._is_worth_repeating),
            sleep=self._sleep,
            before_sleep=_tell_repeat,
            reraise=True,
        )
        with self._failures_told():
            return retrying(self._asked, inquiry)

    def send_order(self, endpoint: Endpoint, body: Mapping[str, str]) -> Envelope:
        """Send an order or a cancel, exactly once; the answer's `rt_cd` is "0".

        Raises KisRefused for the broker's clear no, NotSent where it certainly was not
        processed, OutcomeUnknown for everything else.
        """
        try:
            tr_id = self._tr_id(endpoint)
            token = self._tokens.current(may_wait=False)
        except KisError as error:
            self.report(error)
            raise NotSent(error.why, code=error.code) from error
        self._budget.acquire(Priority.ORDER)
        try:
            return self._answer(endpoint, self._request("POST", endpoint, tr_id, token, body=body))
        except KisError as error:
            fate = self._fate_of_order(error, token)
            if fate is error:
                raise
            raise fate from error

    def _fate_of_order(self, error: KisError, token: str) -> KisRefused | NotSent | OutcomeUnknown:
        """What is certain about an order whose answer was `error`."""
        if not isinstance(error, KisRefused):
            self.report(error)
            unsent = isinstance(error, KisUnreachable) and error.is_certainly_unsent
            return NotSent(error.why) if unsent else OutcomeUnknown(error.why, code=error.code)
        if error.classified.error_class is ErrorClass.TOKEN:
            self._tokens.reject(token)
            return NotSent(error.why, code=error.code)
        if error.classified.error_class is ErrorClass.RATE_LIMIT:
            self._slow_down_for(error)
            return NotSent(error.why, code=error.code)
        if _is_clear_no(error):
            return error
        self.report(error)
        return OutcomeUnknown(error.why, code=error.code)

    def _asked(self, inquiry: _Inquiry) -> Envelope:
        """Ask, and once more with a new token where the gateway turned the first away."""
        try:
            return self._asked_with_token(inquiry)
        except KisRefused as error:
            if error.classified.error_class is not ErrorClass.TOKEN:
                raise
        return self._asked_with_token(inquiry)

    def _asked_with_token(self, inquiry: _Inquiry) -> Envelope:
        token = self._tokens.current(may_wait=True)
        try:
            return self._asked_with(token, inquiry)
        except KisRefused as error:
            self._slow_down_for(error)
            if error.classified.error_class is ErrorClass.TOKEN:
                self._tokens.reject(token)
            raise

    def _asked_with(self, token: str, inquiry: _Inquiry) -> Envelope:
        with self._in_flight:
            self._budget.acquire(inquiry.priority)
            request = self._request(
                "GET",
                inquiry.endpoint,
                inquiry.tr_id,
                token,
                params=inquiry.params,
                tr_cont=inquiry.tr_cont,
            )
            return self._answer(inquiry.endpoint, request)

    def _request(
        self,
        method: str,
        endpoint: Endpoint,
        tr_id: str,
        token: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
        tr_cont: str = "",
    ) -> httpx.Request:
        return self._http.build_request(
            method,
            self._url_of(endpoint),
            params=params,
            json=body,
            timeout=self._timeout_s,
            headers={
                "content-type": "application/json; charset=utf-8",
                "authorization": f"Bearer {token}",
                "appkey": self.credentials.app_key,
                "appsecret": self.credentials.app_secret,
                "tr_id": tr_id,
                "custtype": "P",
                "tr_cont": tr_cont,
            },
        )

    def _url_of(self, endpoint: Endpoint) -> httpx.URL:
        """Parsed once: an order waits for it."""
        if endpoint.path not in self._urls:
            self._urls[endpoint.path] = httpx.URL(self.base_url + endpoint.path)
        return self._urls[endpoint.path]

    def _answer(self, endpoint: Endpoint, request: httpx.Request) -> Envelope:
        answered = self._exchanged(endpoint.name, request)
        envelope = enveloped(
            endpoint.name,
            status=answered.status,
            tr_cont=answered.tr_cont,
            content=answered.content,
        )
        if envelope.rt_cd == "0" and answered.status == httpx.codes.OK:
            return envelope
        classified = classify(envelope.msg_cd, envelope.msg1)
        if classified.error_class is ErrorClass.UNKNOWN:
            _log.warning("kis.code.unknown", endpoint=endpoint.name, code=envelope.msg_cd)
        raise KisRefused(
            endpoint.name,
            code=envelope.msg_cd,
            text=envelope.msg1,
            status=answered.status,
            classified=classified,
        )

    def _exchanged(self, name: str, request: httpx.Request) -> Answered:
        asked_at = self.clock.now()
        answered = exchange(self._http, request, name=name, timeout_s=self._timeout_s)
        self._skew.see(answered.date, asked_at=asked_at)
        return answered

    def _issue_token(self) -> HeldToken:
        self._budget.acquire(Priority.ORDER)
        at = self.clock.now()
        request = self._http.build_request(
            "POST",
            self.base_url + TOKEN_PATH,
            timeout=self._timeout_s,
            json=token_question(self.credentials),
        )
        return token_from(self._exchanged(TOKEN_ENDPOINT, request), at=at)

    def _tr_id(self, endpoint: Endpoint) -> str:
        tr_id = endpoint.tr_id(self.mode)
        if self.mode is not TradingMode.REAL and reaches_real_account(tr_id):
            raise ValueError(f"{endpoint.name}: a real account's TR in {self.mode}")
        return tr_id

    def _is_worth_repeating(self, error: BaseException) -> bool:
        if isinstance(error, KisUnreachable | KisUnreadable):
            return True
        if not isinstance(error, KisRefused):
            return False
        if error.code == ACCOUNT_NOT_BOUND:
            return self.mode is TradingMode.PAPER  # there it comes and goes (kis-wire 3.3)
        if error.classified.error_class is ErrorClass.UNKNOWN:
            return error.status >= httpx.codes.INTERNAL_SERVER_ERROR
        return error.classified.error_class in _REPEATED

    def _slow_down_for(self, error: KisRefused) -> None:
        if error.code == TOO_MANY_PER_SECOND:
            self._budget.slow_down()

    def _sleep(self, seconds: float) -> None:
        wait_until(self.clock, self.clock.now() + timedelta(seconds=seconds))

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except KisError as error:
            self.report(error)
            raise


_REPEATED = frozenset({ErrorClass.RETRYABLE, ErrorClass.RATE_LIMIT, ErrorClass.OUTCOME_UNKNOWN})
_NO_AT_THE_GATEWAY = frozenset({ErrorClass.AUTH, ErrorClass.UNSUPPORTED, ErrorClass.REJECTED})


def _is_clear_no(error: KisRefused) -> bool:
    """Whether an order was refused for certain: a business no, or one at the gateway's door.

    A 5xx is that only with a code of the gateway that can mean nothing else.
    """
    error_class = error.classified.error_class
    if not error.code or error_class in _REPEATED:
        return False
    if error.status == httpx.codes.OK:
        return True
    return error.is_gateways and error_class in _NO_AT_THE_GATEWAY


def _tell_repeat(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, KisError):
        _log.info(
            "kis.call.repeated",
            endpoint=error.endpoint,
            code=error.code,
            why=error.why,
            attempt=state.attempt_number,
        )
