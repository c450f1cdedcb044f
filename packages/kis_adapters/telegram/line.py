"""The line to Telegram: one thread with a loop of its own, on which everything is sent and heard.

Nobody waits for it: messages are left in the outbox, commands in the inbox, and at the end it has
a bounded time to send what is left.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from telegram import Bot

from kis_adapters.telegram.bot import build_bot
from kis_adapters.telegram.courier import Courier
from kis_adapters.telegram.desk import Desk
from kis_adapters.telegram.health import Health, Trouble
from kis_adapters.telegram.inbox import TelegramInbox
from kis_adapters.telegram.memory import Memory
from kis_adapters.telegram.outbox import Outbox
from kis_adapters.telegram.pace import Pace
from kis_adapters.telegram.poller import Poller

_log = structlog.stdlib.get_logger("kis.telegram")
_AGAIN_S = 5.0


class TelegramLine:
    """`tag` stands before every message. `on_trouble` is told when messages stop arriving and
    when they do again; it must return at once."""

    def __init__(
        self,
        *,
        token: str,
        chat_id: int,
        api_url: str | None,
        tag: str,
        outbox: Outbox,
        memory: Memory,
        on_trouble: Callable[[Trouble], None],
        pace: Pace | None = None,
    ) -> None:
        self._token, self._chat_id, self._tag = token, chat_id, tag
        self._api_url = api_url
        self._outbox, self._memory = outbox, memory
        self._pace = pace or Pace()
        self._health = Health(tell=on_trouble, seconds=time.monotonic)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: asyncio.Future[None] | None = None
        self._bot: Bot
        self._is_ready = threading.Event()
        self._flush_until = 0.0
        self._thread = threading.Thread(target=self._run, name="telegram", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()
        self._is_ready.wait()

    def listen(self, desk: Desk, inbox: TelegramInbox) -> None:
        """Begin to listen: once, when there is an engine to give commands to."""

        def begin() -> None:
            poller = Poller(
                bot=self._bot,
                desk=desk,
                inbox=inbox,
                memory=self._memory,
                outbox=self._outbox,
                health=self._health,
                pace=self._pace,
            )
            self._listening = asyncio.ensure_future(_for_ever(poller.run))

        self._call(begin)

    def close(self, *, within_s: float) -> None:
        """Stop listening, send what is left, for at most `within_s`; then leave it."""
        self._flush_until = time.monotonic() + within_s
        self._call(self._stop)
        self._thread.join(within_s + 0.2)
        if len(self._outbox):
            _log.warning("telegram.left_unsent", count=len(self._outbox))

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:  # noqa: BLE001  # E-07: the day goes on without messages
            _log.error("telegram.line_failed", exc_info=True)
        finally:
            self._is_ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._bot, requests = build_bot(token=self._token, api_url=self._api_url, pace=self._pace)
        courier = Courier(
            bot=self._bot,
            chat_id=self._chat_id,
            outbox=self._outbox,
            memory=self._memory,
            health=self._health,
            pace=self._pace,
            tag=self._tag,
            stopping=self._stopping,
        )
        self._courier = courier
        self._outbox.on_news(lambda: self._call(courier.news.set))
        self._is_ready.set()
        sending = asyncio.ensure_future(_for_ever(courier.run))
        await self._stopping.wait()
        await self._end(sending)
        for request in requests:
            await request.shutdown()

    async def _end(self, sending: asyncio.Future[None]) -> None:
        await asyncio.wait([sending], timeout=max(0.0, self._flush_until - time.monotonic()))
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self._stopping.set()
        self._courier.news.set()

    def _call(self, what: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it ended already
                loop.call_soon_threadsafe(what)


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` until it returns; a slip of ours is logged, and it begins again."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001  # one message must not silence all that follow
            _log.error("telegram.begun_again", exc_info=True)
            await asyncio.sleep(_AGAIN_S)
        else:
            return
