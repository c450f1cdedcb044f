"""One request and its whole answer, or a KisUnreachable that says what is certain.

httpx's timeout is between two reads, so a server that sends a byte now and then could hold a
caller for ever; here the whole answer has one deadline.
"""

import time
from dataclasses import dataclass

import httpx

from kis_adapters.kis.errors import KisUnreachable

_LARGEST_ANSWER = 8 * 1024 * 1024  # a page of a hundred rows is below 200 KB

# Connection never made: KIS certainly has nothing (kis-wire 3.4).
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A complete HTTP answer. `date` is its Date header, blank where absent."""

    status: int
    tr_cont: str
    date: str
    content: bytes


def exchange(
    http: httpx.Client, request: httpx.Request, *, name: str, timeout_s: float
) -> Answered:
    """Send `request` once and read the whole answer within about `timeout_s`.

    Raises KisUnreachable. Its text has the kind of failure alone: the request is secret.
    """
    deadline = time.monotonic() + timeout_s
    try:
        response = http.send(request, stream=True, follow_redirects=False)
        try:
            content = _content(response, deadline)
        finally:
            response.close()
    except _UNSENT as error:
        why = f"연결하지 못했습니다 ({type(error).__name__})"
        raise KisUnreachable(name, why, is_certainly_unsent=True) from error
    except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError, ValueError) as error:
        why = f"응답을 받지 못했습니다 ({type(error).__name__})"
        raise KisUnreachable(name, why, is_certainly_unsent=False) from error
    return Answered(
        status=response.status_code,
        tr_cont=response.headers.get("tr_cont", ""),
        date=response.headers.get("date", ""),
        content=content,
    )


def http_client(*, timeout_s: float, connections: int, is_local: bool) -> httpx.Client:
    """A client that neither repeats a request nor follows a redirect to another host.

    Proxies of the environment are for the way out, never for this machine itself.
    """
    return httpx.Client(
        timeout=timeout_s,
        follow_redirects=False,
        trust_env=not is_local,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )


def _content(response: httpx.Response, deadline: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer took too long")
        if len(content) > _LARGEST_ANSWER:
            raise httpx.DecodingError("the answer is too long")
    return bytes(content)
