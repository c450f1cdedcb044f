"""The first token of a session: one answer that was lost does not cost the day.

Everything later is asked again by the engine; before it runs, nobody would. Keys that the broker
does not know are no matter of time and end the start at once.
"""

from datetime import timedelta

import structlog

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.errors import (
    ErrorClass,
    KisError,
    KisFieldError,
    KisTokenUnavailable,
    KisUnreachable,
    KisUnreadable,
    classify,
)
from kis_adapters.kis.waiting import wait_until
from kis_core.ports.clock import Clock

_TRIES = 3
_UNSENT_WAIT = timedelta(seconds=10)
_LOST_WAIT = timedelta(seconds=61)  # one may have been issued: one a minute (kis-wire 1.1)

_log = structlog.get_logger(__name__)


def await_first_token(client: KisClient, clock: Clock) -> None:
    """Have a token, asking again where time may help, and say so. Raises KisError."""
    for number in range(1, _TRIES):
        try:
            client.ensure_token()
            return
        except KisError as error:
            wait = _wait_after(error)
            if wait is None:
                raise
            seconds = int(wait.total_seconds())
            _log.warning("app.token.waiting", seconds=seconds, why=str(error))
            print(
                f"[주의] 증권사 서버에서 토큰을 받지 못했습니다. {seconds}초 뒤에 다시"
                f" 요청합니다({number + 1}/{_TRIES}). ({error})",
                flush=True,
            )
        wait_until(clock, clock.now() + wait)
    client.ensure_token()


def _wait_after(error: KisError) -> timedelta | None:
    """How long to wait before asking again; None where asking again is no use."""
    if isinstance(error, KisUnreachable) and error.is_certainly_unsent:
        return _UNSENT_WAIT
    if isinstance(error, KisUnreachable | KisUnreadable | KisFieldError):
        return _LOST_WAIT
    if isinstance(error, KisTokenUnavailable) and error.code is not None:
        is_passing = classify(error.code, error.why).error_class is ErrorClass.RETRYABLE
        return _LOST_WAIT if is_passing else None
    return None
