"""Sending what waits, at the pace the server allows, until it arrives or never can.

A flood limit is waited out as long as the server says. What got no answer is sent again: twice
told is better than never. A text that the server cannot read as markup goes as plain text. What
it refuses for good (token, chat) keeps everything waiting, within the outbox's bound, and is
tried again now and then: a person may have mended it.
"""

import asyncio
from dataclasses import dataclass, field

import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from kis_adapters.telegram.health import Health
from kis_adapters.telegram.markup import escaped, plain_of
from kis_adapters.telegram.memory import Memory
from kis_adapters.telegram.message import Message
from kis_adapters.telegram.outbox import Batch, Outbox
from kis_adapters.telegram.pace import Pace, seconds_of

REFUSALS = (InvalidToken, Forbidden, ChatMigrated, BadRequest)  # see `refusal`
_log = structlog.stdlib.get_logger("kis.telegram")
_LAST_TRIES_S = 0.2
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

UNREACHABLE = "텔레그램에 연결되지 않습니다. 알림을 모아 두었다가 보냅니다"
TOKEN_REFUSED = "텔레그램이 봇 토큰을 받지 않습니다. TELEGRAM_BOT_TOKEN을 확인하세요"
CHAT_REFUSED = "텔레그램 대화에 보낼 수 없습니다. 대화에서 봇을 차단했거나 내보냈는지 확인하세요"
CHAT_UNKNOWN = "텔레그램 대화를 찾을 수 없습니다. TELEGRAM_CHAT_ID를 확인하세요"


@dataclass(slots=True)
class Courier:
    """Empties the outbox. `tag` stands before every text: whose money it is about."""

    bot: Bot
    chat_id: int
    outbox: Outbox
    memory: Memory
    health: Health
    pace: Pace
    tag: str
    stopping: asyncio.Event
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _outage_s: float = 0.0

    async def run(self) -> None:
        """Send until `stopping` is set and nothing waits; the caller bounds how long."""
        while True:
            if not len(self.outbox):
                if self.stopping.is_set():
                    return
                self.news.clear()
                if not len(self.outbox) and not self.stopping.is_set():
                    await self.news.wait()
                continue
            await self._rest(self.pace.gather_s)  # what happens together is told together
            batch = self.outbox.take()
            if batch is not None:
                await self._deliver(batch)

    async def _deliver(self, batch: Batch) -> None:
        """Send one batch, or put it back and wait before the next attempt."""
        try:
            await self._send(batch)
        except RetryAfter as error:
            self.outbox.give_back(batch)
            await asyncio.sleep(seconds_of(error.retry_after))
        except REFUSALS as error:
            self.outbox.give_back(batch)
            self.health.down(refusal(error), error=error)
            await self._rest_after_failure(self.pace.refused_s)
        except TelegramError as error:
            self.outbox.give_back(batch)
            self._failures += 1
            if self._failures >= self.pace.failures_told:
                self.health.down(UNREACHABLE, error=error)
            await self._rest_after_failure(self.pace.backoff_s(self._failures))
        else:
            self._failures = 0
            self.memory.note_told(tuple(message.key for message in batch.messages))
            await self._rest(self.pace.spacing_s)

    async def _send(self, batch: Batch) -> None:
        self._outage_s = self.health.take_outage_s() or self._outage_s
        lines = [*self._introduction(batch), *(message.text for message in batch.messages)]
        text = f"[{escaped(self.tag)}] " + "\n\n".join(lines)
        is_silent = all(message.is_silent for message in batch.messages)
        keyboard = _keyboard(batch.messages[-1])
        try:
            await self._post(text, is_silent=is_silent, keyboard=keyboard, is_marked=True)
        except BadRequest as error:
            if "chat not found" in str(error).casefold():
                raise
            _log.warning("telegram.markup_refused", text=str(error))
            await self._post(plain_of(text), is_silent=is_silent, keyboard=keyboard)
        self.health.up(dropped=batch.dropped)
        self.health.take_outage_s()  # it was told just now
        self._outage_s = 0.0

    async def _post(
        self,
        text: str,
        *,
        is_silent: bool,
        keyboard: InlineKeyboardMarkup | None,
        is_marked: bool = False,
    ) -> None:
        await self.bot.send_message(
            self.chat_id,
            text,
            parse_mode=ParseMode.HTML if is_marked else None,
            disable_notification=is_silent,
            link_preview_options=_NO_PREVIEW,
            reply_markup=keyboard,
        )

    def _introduction(self, batch: Batch) -> list[str]:
        """What stands before the first batch after an outage, and where messages were dropped."""
        told = []
        if self._outage_s:
            told.append(
                f"📶 텔레그램 알림이 {_lasted(self._outage_s)} 끊겼다가 이어집니다."
                " 그동안의 알림입니다."
            )
        if batch.dropped:
            told.append(f"알림 {batch.dropped}건은 너무 많아 보내지 못했습니다. 로그에 있습니다.")
        return told

    async def _rest_after_failure(self, seconds: float) -> None:
        if self.stopping.is_set():
            await asyncio.sleep(min(seconds, _LAST_TRIES_S))
        await self._rest(seconds)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not while the process is about to end."""
        if seconds > 0 and not self.stopping.is_set():
            try:
                await asyncio.wait_for(self.stopping.wait(), timeout=seconds)
            except TimeoutError:
                return


def _lasted(seconds: float) -> str:
    return f"{seconds / 60:.0f}분 동안" if seconds >= 60 else "잠시"


def refusal(error: TelegramError) -> str:
    """What a person has to mend, in Korean."""
    if isinstance(error, InvalidToken | EndPointNotFound):
        return TOKEN_REFUSED
    return CHAT_UNKNOWN if isinstance(error, BadRequest | ChatMigrated) else CHAT_REFUSED


def _keyboard(message: Message) -> InlineKeyboardMarkup | None:
    if not message.buttons:
        return None
    row = [InlineKeyboardButton(b.label, callback_data=b.data) for b in message.buttons]
    return InlineKeyboardMarkup([row])
