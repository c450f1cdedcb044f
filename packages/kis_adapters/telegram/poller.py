"""Listening: long polls, each message heard once, commands remembered before they are given on.

Only one program may listen to a bot. Where another does (409), this one stops listening and says
so; messages go on being sent.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from telegram import Bot, CallbackQuery, Update
from telegram.error import (
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from kis_adapters.telegram.aside import aside
from kis_adapters.telegram.commands import DESCRIPTIONS, is_question
from kis_adapters.telegram.courier import UNREACHABLE, refusal
from kis_adapters.telegram.desk import Desk, Heard, Reply
from kis_adapters.telegram.figures import ago
from kis_adapters.telegram.health import Health, Trouble
from kis_adapters.telegram.inbox import TelegramInbox
from kis_adapters.telegram.markup import escaped, pages
from kis_adapters.telegram.memory import Memory, Waiting
from kis_adapters.telegram.message import Message
from kis_adapters.telegram.outbox import Outbox
from kis_adapters.telegram.pace import Pace, seconds_of
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand

_log = structlog.stdlib.get_logger("kis.telegram")
_KINDS = ["message", "callback_query"]
_ANSWERING_MAX = 5
ANOTHER_LISTENS = (
    "다른 프로그램이 이 봇의 명령을 받고 있어 명령을 받지 않습니다. 알림은 계속 보냅니다"
)


@dataclass(slots=True)
class Poller:
    """Listens until another program does, or it is cancelled. `health` is that of the way to the
    server, which sending shares."""

    bot: Bot
    desk: Desk
    inbox: TelegramInbox
    memory: Memory
    outbox: Outbox
    health: Health
    pace: Pace
    _failures: int = 0
    _answering: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Listen. What an earlier process heard and did not do comes first."""
        self._take_up()
        is_introduced, is_late = False, True
        while True:
            try:
                if not is_introduced:
                    await self._introduce()
                    is_introduced = True
                updates = await self._updates()
            except Conflict as error:
                self._give_up(error)
                return
            except TelegramError as error:
                is_late = True
                await asyncio.sleep(self._pause_after(error))
                continue
            self._failures = 0
            self.health.up_again(UNREACHABLE)
            for number, update in updates:
                if update is not None:
                    await self._hear(update, is_late=is_late)
                self.memory.hear(number)
            is_late = False

    async def _updates(self) -> list[tuple[int, Update | None]]:
        """What has come, each with its number; None for one that the library cannot read, which
        must not stand in the way of those behind it."""
        asked: dict[str, object] = {"timeout": self.pace.poll_s, "allowed_updates": _KINDS}
        if self.memory.last_update is not None:
            asked["offset"] = self.memory.last_update + 1
        read_timeout = self.pace.poll_s + self.pace.answer_s
        # Its own `get_updates` loses all for one that it cannot read. Names of methods are without
        # case at the server; in lower case the library does not insist on its own.
        answer = await self.bot.do_api_request(
            "getupdates", api_kwargs=asked, read_timeout=read_timeout
        )
        try:
            return [(int(raw["update_id"]), self._update(raw)) for raw in answer]
        except (TypeError, KeyError, ValueError) as error:
            raise NetworkError(f"no list of updates: {type(error).__name__}") from error

    def _update(self, raw: dict[str, Any]) -> Update | None:
        try:
            return Update.de_json(raw, self.bot)
        except Exception as error:  # noqa: BLE001  # whatever the library meets in it
            _log.warning("telegram.update_not_read", error=type(error).__name__)
            return None

    async def _introduce(self) -> None:
        """Learn the bot's own name, and give the telephone the list of commands."""
        me = await self.bot.get_me()
        self.desk.bot_name = me.username
        await self.bot.set_my_commands([(name.value, text) for name, text in DESCRIPTIONS.items()])

    def _pause_after(self, error: TelegramError) -> float:
        if isinstance(error, RetryAfter):
            return seconds_of(error.retry_after)
        if isinstance(error, InvalidToken | EndPointNotFound | Forbidden):
            self.health.down(refusal(error), error=error)
            return self.pace.refused_s
        self._failures += 1
        if self._failures >= self.pace.failures_told:
            self.health.down(UNREACHABLE, error=error)
        return self.pace.backoff_s(self._failures)

    def _give_up(self, error: TelegramError) -> None:
        _log.warning("telegram.another_listens", text=str(error))
        self.health.tell(Trouble(is_down=True, why=ANOTHER_LISTENS))
        self._say((f"⚠️ {ANOTHER_LISTENS}.",))

    def _take_up(self) -> None:
        """Commands that were heard before this process and of which nobody knows that they were
        done: a kill always, others while they are young."""
        for waiting in self.memory.waiting:
            command = waiting.command
            if command.kind is CommandKind.KILL or not self.desk.is_stale(waiting.sent_at):
                self._give(command)
                continue
            self.memory.settle(command.command_id)
            about = f" {command.symbol}" if command.symbol is not None else ""
            self._say(
                (
                    f"⌛ 지난 실행이 끝나기 전에 받은 /{escaped(command.kind)}{escaped(about)}의"
                    " 결과를 확인하지 못했습니다. /status 로 확인하고 필요하면 다시 지시하세요.",
                )
            )

    async def _hear(self, update: Update, *, is_late: bool) -> None:
        """One update; whatever is wrong with it, it is heard once."""
        try:
            if update.callback_query is not None:
                await self._press(update, update.callback_query)
            elif update.message is not None:
                await self._read(update, is_late=is_late)
        except Exception:  # noqa: BLE001  # a message that we cannot read stops nothing
            _log.error("telegram.update_failed", exc_info=True)

    async def _read(self, update: Update, *, is_late: bool) -> None:
        message = update.message
        if message is None or self.desk.is_stranger(message.chat.id):
            return
        heard = Heard(
            update_id=update.update_id,
            chat_id=message.chat.id,
            text=message.text,
            sent_at=message.date,
            is_late=is_late,
        )
        if message.text is not None and is_question(message.text):
            self._beside(self._answer(heard))
        else:
            self._follow(await aside(lambda: self.desk.reply(heard)), heard)

    async def _answer(self, heard: Heard) -> None:
        self._follow(await aside(lambda: self.desk.reply(heard)), heard)

    def _follow(self, reply: Reply, heard: Heard) -> None:
        if reply.command is not None:
            self._remember(reply.command, heard.update_id, heard.sent_at)
        if reply.question is not None:
            question = reply.question
            text = f"❓ {escaped(question.text)} ({self.desk.questions.within_s:.0f}초 안에)"
            self.outbox.put(Message(lines=(text,), buttons=self.desk.questions.ask(question)))
        if reply.lines:
            self._say(reply.lines)

    async def _press(self, update: Update, query: CallbackQuery) -> None:
        chat_id = query.message.chat.id if query.message is not None else None
        if self.desk.is_stranger(chat_id):
            return
        pressed = self.desk.questions.press(query.data or "")
        reply = self.desk.answered(pressed, update.update_id)
        if reply.command is not None:
            self._remember(reply.command, update.update_id, self.desk.now())
        self._beside(self._close_question(query, "\n".join(reply.lines)))

    async def _close_question(self, query: CallbackQuery, text: str) -> None:
        """Take the buttons away. What was asked for is done whether or not this arrives."""
        try:
            await query.answer()
            await query.edit_message_text(text, parse_mode="HTML")
        except TelegramError as error:
            _log.info("telegram.question_left_open", text=str(error))
            self._say((text,))

    def _remember(self, command: OperatorCommand, update_id: int, sent_at: datetime) -> None:
        """First on disk, then to the engine: heard is never lost."""
        _log.info("telegram.command", kind=command.kind, command_id=command.command_id)
        self.memory.hear(update_id, (Waiting(command, sent_at),))
        self._give(command)

    def _give(self, command: OperatorCommand) -> None:
        self.inbox.give(command)
        self._beside(self._watch(command), is_counted=False)

    async def _watch(self, command: OperatorCommand) -> None:
        """Say so when the engine has not come to it."""
        await asyncio.sleep(self.pace.unheard_s)
        if any(w.command.command_id == command.command_id for w in self.memory.waiting):
            seen = self.inbox.seen_s()
            since = f" 엔진의 마지막 동작은 {ago(seen)}입니다." if seen is not None else ""
            self._say((f"⏳ 지시를 받았지만 아직 실행하지 못했습니다.{since}",))

    def _beside(self, work: Coroutine[Any, Any, None], *, is_counted: bool = True) -> None:
        if is_counted and len(self._answering) >= _ANSWERING_MAX:
            work.close()
            self._say(("질문이 너무 많습니다. 잠시 뒤에 다시 물어 주세요.",))
            return
        task = asyncio.create_task(_logged(work))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _say(self, lines: tuple[str, ...]) -> None:
        for page in pages(lines):
            self.outbox.put(Message(lines=(page,)))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001  # an answer that fails is no reason to stop listening
        _log.error("telegram.answer_failed", exc_info=True)
