"""What happens to a message that somebody sent: read, answered, asked back, or handed on.

Only the one conversation of the settings is listened to; anybody else gets no answer and leaves
nothing but a count. Nothing here touches the account: questions read the database, commands go
into the inbox that the engine empties.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from kis_adapters.telegram.answers import Answers
from kis_adapters.telegram.commands import DESCRIPTIONS, QUERIES, Asked, Name, NotUnderstood, read
from kis_adapters.telegram.markup import bold, escaped
from kis_adapters.telegram.questions import Pressed, Question, Questions
from kis_core.market.symbol import Symbol, parse_symbol
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand
from kis_core.ports.store import StoreUnavailable
from kis_core.risk.kill_switch import PAUSED

_log = structlog.stdlib.get_logger("kis.telegram")
_REASON_MAX = 80
_STRANGERS_LOGGED = 20
_DIRECT = {Name.PAUSE: CommandKind.PAUSE, Name.KILL: CommandKind.KILL}

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message. `text` None: no text at all (a picture). `is_late`: it may have waited at the
    server while nobody listened."""

    update_id: int
    chat_id: int
    text: str | None
    sent_at: datetime
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What follows: an answer, a question under it, a command for the engine."""

    lines: Lines = ()
    question: Question | None = None
    command: OperatorCommand | None = None


@dataclass(slots=True)
class Desk:
    """`now` is the real time, by which the server stamps messages. `bot_name` is known once the
    server told it."""

    chat_id: int
    answers: Answers
    questions: Questions
    now: Callable[[], datetime]
    stale_after: timedelta
    bot_name: str | None = None
    strangers: int = 0
    _logged: set[int] = field(default_factory=set)

    def is_stranger(self, chat_id: int | None) -> bool:
        """Whether it is somebody else's; counted, and logged once a conversation, without its
        text."""
        if chat_id == self.chat_id:
            return False
        self.strangers += 1
        is_new = chat_id is not None and chat_id not in self._logged
        if chat_id is not None and is_new and len(self._logged) < _STRANGERS_LOGGED:
            self._logged.add(chat_id)
            _log.warning("telegram.stranger", chat=f"…{str(chat_id)[-3:]}")
        return True

    def reply(self, heard: Heard) -> Reply:
        """What to do about a message of the operator's. May read the database."""
        if heard.text is None:
            return Reply(lines=("글자로 된 명령만 받습니다. /help",))
        asked = read(heard.text, bot_name=self.bot_name)
        if asked is None:
            return Reply()
        if isinstance(asked, NotUnderstood):
            return Reply(lines=(asked.why,))
        if heard.is_late and asked.name is not Name.KILL and self._is_stale(heard):
            return Reply(lines=(self._too_late(asked, heard),))
        try:
            return self._reply(asked, heard)
        except StoreUnavailable:
            return Reply(lines=("데이터베이스가 응답하지 않아 지금은 답할 수 없습니다.",))

    def answered(self, pressed: Pressed | None, update_id: int) -> Reply:
        """What follows a button; `lines` replace the question."""
        if pressed is None:
            return Reply(lines=("이미 답했거나 시간이 지난 질문입니다. 다시 명령하세요.",))
        question = pressed.question
        if not pressed.is_yes:
            return Reply(lines=(f"{escaped(question.text)}\n→ 취소했습니다.",))
        command = OperatorCommand(
            command_id=f"telegram:{update_id}",
            kind=question.kind,
            symbol=question.symbol,
            about=question.about,
        )
        done = f"{escaped(question.text)}\n→ {escaped(question.yes)}"
        return Reply(lines=(done,), command=command)

    def is_stale(self, sent_at: datetime) -> bool:
        """Whether a command of that moment is not to be carried out any more."""
        return self.now() - sent_at > self.stale_after

    def _is_stale(self, heard: Heard) -> bool:
        return self.is_stale(heard.sent_at)

    def _too_late(self, asked: Asked, heard: Heard) -> str:
        minutes = (self.now() - heard.sent_at) / timedelta(minutes=1)
        what = f"/{asked.name} {asked.argument}".strip()
        return f"⌛ {minutes:.0f}분 전의 명령이라 실행하지 않았습니다: {escaped(what, most=80)}"

    def _reply(self, asked: Asked, heard: Heard) -> Reply:
        if asked.name in QUERIES:
            return Reply(lines=self._answer(asked))
        if asked.name in _DIRECT:
            return self._command(_DIRECT[asked.name], heard, about=_reason(asked))
        if asked.name is Name.RESUME:
            return self._resume(heard)
        return self._about_symbol(asked, heard)

    def _answer(self, asked: Asked) -> Lines:
        match asked.name:
            case Name.STATUS:
                more = (f"모르는 사람의 메시지 {self.strangers}건",) if self.strangers else ()
                return (*self.answers.status(), *more)
            case Name.POSITIONS:
                return self.answers.positions()
            case Name.ORDERS:
                return self.answers.orders()
            case Name.PNL:
                return self.answers.pnl()
            case Name.EXPLAIN:
                return self.answers.explanation(asked.argument)
            case _:
                return (bold("명령"), *(f"/{n} {text}" for n, text in DESCRIPTIONS.items()))

    def _resume(self, heard: Heard) -> Reply:
        """Lift a pause at once; ask before a kill switch is cleared."""
        stored = self.answers.stored()
        recorded = stored.risk.kill_switch if stored.risk is not None else None
        if recorded in (None, PAUSED):
            return self._command(CommandKind.RESUME, heard)
        return Reply(
            question=Question(
                kind=CommandKind.CLEAR_KILL_SWITCH,
                text=f"킬 스위치를 해제하고 새 진입을 다시 할까요? 사유: {recorded}",
                yes="해제",
                about=str(recorded),
            )
        )

    def _about_symbol(self, asked: Asked, heard: Heard) -> Reply:
        try:
            symbol = parse_symbol(asked.argument.upper(), allow_alphanumeric=True)
        except ValueError:
            return Reply(lines=(f"종목코드 6자리가 필요합니다: /{asked.name} 005930",))
        if asked.name is Name.KEEP:
            return self._command(CommandKind.KEEP, heard, symbol=symbol)
        stored = self.answers.stored()
        position = next((p for p in stored.positions if p.symbol == symbol), None)
        shown = self.answers.shown(symbol)
        if position is None:
            return Reply(lines=(f"보유하지 않은 종목입니다: {escaped(shown)}",))
        return Reply(
            question=Question(
                kind=CommandKind.SELL,
                text=f"{shown} {position.quantity:,}주를 시장가로 모두 팔까요?",
                yes="팔기",
                symbol=symbol,
            )
        )

    @staticmethod
    def _command(
        kind: CommandKind, heard: Heard, *, symbol: Symbol | None = None, about: str = ""
    ) -> Reply:
        return Reply(
            command=OperatorCommand(
                command_id=f"telegram:{heard.update_id}", kind=kind, symbol=symbol, about=about
            )
        )


def _reason(asked: Asked) -> str:
    if asked.name is not Name.KILL:
        return ""
    said = asked.argument[:_REASON_MAX]
    return f"텔레그램 /kill: {said}" if said else "텔레그램 /kill"
