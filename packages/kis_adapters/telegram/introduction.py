"""Asking Telegram who we are and whether the chat can be written to, without writing in it."""

import asyncio
from dataclasses import dataclass

from telegram.constants import ChatAction
from telegram.error import TelegramError

from kis_adapters.telegram.bot import build_bot
from kis_adapters.telegram.courier import REFUSALS, refusal
from kis_adapters.telegram.pace import Pace


class TelegramMisfit(Exception):
    """Token or chat have to be mended by a person; the text (Korean) says which."""


class TelegramUnreachable(Exception):
    """There was no answer just now; the text is the kind of error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced:
    """The bot's public name. `has_webhook`: updates go elsewhere, so commands are never heard."""

    bot_name: str
    has_webhook: bool


def introduce(
    *, token: str, chat_id: int, api_url: str | None, pace: Pace | None = None
) -> Introduced:
    """Who the bot is. The chat sees at most that the bot is typing.

    Raises TelegramMisfit and TelegramUnreachable.
    """
    try:
        return asyncio.run(_introduced(token, chat_id, api_url, pace or Pace()))
    except REFUSALS as error:
        raise TelegramMisfit(refusal(error)) from None
    except TelegramError as error:
        # Its text may hold the address that was asked, and with it the token (F-094).
        raise TelegramUnreachable(type(error).__name__) from None


async def _introduced(token: str, chat_id: int, api_url: str | None, pace: Pace) -> Introduced:
    bot, requests = build_bot(token=token, api_url=api_url, pace=pace)
    try:
        me = await bot.get_me()
        await bot.send_chat_action(chat_id, ChatAction.TYPING)
        webhook = await bot.get_webhook_info()
        return Introduced(bot_name=me.username or me.first_name, has_webhook=bool(webhook.url))
    finally:
        for request in requests:
            await request.shutdown()
