"""Answers in several pages, read to the end or not at all (K-08).

More pages are announced by the response header `tr_cont` (F or M); the next is asked for with
`tr_cont: N` and the context of the last. Source: kis-wire section 2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import Endpoint
from kis_adapters.kis.errors import KisImplausible
from kis_adapters.kis.wire import Body, Envelope, rows_at

_MORE = ("F", "M")
_LAST = ("D", "E", "")
_SAYS_MORE = "KIOK0500"  # "조회가 계속됩니다": a last page does not say so
_PAGES_MAX = 200  # 3,000 orders of a day at 15 a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """All rows of an answer in `count` pages, and the body of the last."""

    rows: tuple[Mapping[str, Any], ...]
    last: Body
    count: int


def read_pages(
    client: KisClient, endpoint: Endpoint, params: Mapping[str, str], *, rows_key: str
) -> Pages:
    """All pages of an answer, its rows under `rows_key`.

    Raises KisImplausible where the pages do not lead to an end: the context is blank or comes
    again, a page repeats rows already read, there are too many pages; else as `KisClient.get`.
    """
    rows: list[Mapping[str, Any]] = []
    contexts: set[tuple[str, str]] = set()
    context = ("", "")
    for number in range(_PAGES_MAX):
        envelope = client.get(
            endpoint,
            {**params, "CTX_AREA_FK100": context[0], "CTX_AREA_NK100": context[1]},
            priority=Priority.EXIT,
            tr_cont="N" if number else "",
        )
        page = rows_at(envelope.body, rows_key, endpoint=endpoint.name)
        if number and page and all(row in rows for row in page):
            raise KisImplausible(endpoint.name, "a page repeats rows of the pages before it")
        rows.extend(page)
        if _is_last(endpoint, envelope):
            return Pages(rows=tuple(rows), last=envelope.body, count=number + 1)
        context = _next_context(endpoint, envelope)
        if context in contexts:
            raise KisImplausible(endpoint.name, "more pages announced, but the context repeats")
        contexts.add(context)
    raise KisImplausible(endpoint.name, f"no end after {_PAGES_MAX} pages")


def _is_last(endpoint: Endpoint, envelope: Envelope) -> bool:
    if envelope.tr_cont in _MORE:
        return False
    if envelope.tr_cont not in _LAST:
        raise KisImplausible(endpoint.name, "unknown tr_cont in the answer's header")
    if envelope.msg_cd == _SAYS_MORE:
        raise KisImplausible(endpoint.name, "more pages announced in the text, not in tr_cont")
    return True


def _next_context(endpoint: Endpoint, envelope: Envelope) -> tuple[str, str]:
    fk, nk = (envelope.body.get(key) for key in ("ctx_area_fk100", "ctx_area_nk100"))
    if not isinstance(fk, str) or not isinstance(nk, str) or not nk.strip():
        raise KisImplausible(endpoint.name, "more pages announced, but the context is blank")
    return fk, nk
