"""The broker's realtime stream for this configuration; loaded only where quotes come by it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.exchange import http_client
from kis_adapters.kis_ws.approval import ApprovalKeys
from kis_adapters.kis_ws.endpoint import checked_ws_url, default_ws_url, notice_tr_id
from kis_adapters.kis_ws.feed import FeedSettings, KisWsFeed
from kis_adapters.settings.settings import Settings
from kis_adapters.system.simulator_clock import SimulatorClock
from kis_core.ports.calendar import Calendar
from kis_core.ports.clock import Clock

_DEFAULT = "기본값"
_SIMULATED_TICK_S = 0.02  # a simulated minute may be over in less than a tenth of a second


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """Where the REST side of the same server is, and whose prices and notices are asked for.

    `hts_id` is a simulator's own, used where the operator gave none; without either, or without
    `has_notices`, no execution notices are asked for.
    """

    base_url: str
    credentials: KisCredentials
    hts_id: str
    has_notices: bool


@contextmanager
def open_stream(
    settings: Settings, source: StreamSource, *, clock: Clock, calendar: Calendar
) -> Iterator[KisWsFeed]:
    """The feed, not yet started; stopped at the end. Raises ValueError (Korean) for a stream that
    this mode may not talk to."""
    simulated = isinstance(clock, SimulatorClock)
    stream = _stream(settings, source, simulated=simulated)
    credentials = source.credentials
    with http_client(timeout_s=settings.api.timeout_s, connections=1, is_local=simulated) as http:
        feed = KisWsFeed(
            stream,
            approval=ApprovalKeys(
                http,
                base_url=source.base_url,
                app_key=credentials.app_key,
                app_secret=credentials.app_secret,
            ),
            clock=clock,
            calendar=calendar,
            on_news=clock.wake,
            seconds=(lambda: clock.now().timestamp()) if simulated else time.monotonic,
        )
        yield feed
        feed.stop()


def _stream(settings: Settings, source: StreamSource, *, simulated: bool) -> FeedSettings:
    given, credentials = settings.api.hts_id, source.credentials
    hts_id = given.get_secret_value() if given is not None else source.hts_id
    stream = FeedSettings(
        url=_url(settings, source, simulated=simulated),
        notice_tr_id=notice_tr_id(settings.mode),
        hts_id=hts_id if source.has_notices else "",
        account=credentials.account_no + credentials.product_code,
        timeout_s=settings.api.timeout_s,
    )
    return replace(stream, tick_s=_SIMULATED_TICK_S) if simulated else stream


def _url(settings: Settings, source: StreamSource, *, simulated: bool) -> str:
    """A simulator serves its stream beside REST, unless the operator says otherwise."""
    is_given = not settings.sources.get("api.ws_url", _DEFAULT).startswith(_DEFAULT)
    if simulated and not is_given:
        return checked_ws_url(source.base_url.replace("http", "ws", 1), settings.mode)
    return checked_ws_url(settings.api.ws_url or default_ws_url(settings.mode), settings.mode)
