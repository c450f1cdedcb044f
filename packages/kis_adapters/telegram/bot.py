"""Building the library's bot: the one place that does."""

import os

from telegram import Bot
from telegram.request import HTTPXRequest

from kis_adapters.telegram.pace import Pace

OFFICIAL = "https://api.telegram.org"
_CONNECTIONS = 4


def build_bot(*, token: str, api_url: str | None, pace: Pace) -> tuple[Bot, list[HTTPXRequest]]:
    """A bot, and what it asks through, which the caller shuts down. `api_url` None: the official
    server."""
    # The library's documented way to have waits as timedelta, and no warning about it.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    url = (api_url or OFFICIAL).rstrip("/")
    requests = [_request(url, pace), _request(url, pace)]
    bot = Bot(
        token,
        base_url=f"{url}/bot",
        request=requests[0],
        get_updates_request=requests[1],
    )
    return bot, requests


def _request(url: str, pace: Pace) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=_CONNECTIONS,
        read_timeout=pace.answer_s,
        write_timeout=pace.answer_s,
        connect_timeout=pace.connect_s,
        pool_timeout=pace.connect_s,
        # A proxy of the environment leads to the internet, never to this machine.
        httpx_kwargs={"trust_env": url.startswith("https://")},
    )
