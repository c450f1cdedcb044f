"""The operator's telephone: what stands behind it, put together where it is configured.

Imported only then, for the library behind it is not small.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import structlog

from kis_adapters.console import words
from kis_adapters.console.console_notifier import symbol_text
from kis_adapters.console.redactor import Redactor
from kis_adapters.console.repeat import RepeatFilter
from kis_adapters.files.atomic import replace_file
from kis_adapters.files.kill_switch import TextKillSwitchFile
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.database import open_database
from kis_adapters.sql.store import SqlStore
from kis_adapters.system.simulator_clock import SimulatorUnreachable
from kis_adapters.telegram.answers import Answers
from kis_adapters.telegram.desk import Desk
from kis_adapters.telegram.explanation import stored_order_story
from kis_adapters.telegram.health import Trouble
from kis_adapters.telegram.inbox import TelegramInbox
from kis_adapters.telegram.line import TelegramLine
from kis_adapters.telegram.memory import Memory
from kis_adapters.telegram.notifier import ENDED_BY_AN_ERROR, TelegramNotifier
from kis_adapters.telegram.outbox import Outbox
from kis_adapters.telegram.phrases import Phrases
from kis_adapters.telegram.questions import Questions
from kis_adapters.telegram.saying import Saying
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import Event, EventKind, Level, Notifier

_log = structlog.stdlib.get_logger("kis.telegram")
_MODES = {TradingMode.PAPER: "모의", TradingMode.REAL: "실전", TradingMode.VIRTUAL: "CBT"}
_CLOSE_WITHIN_S = 1.5

NameOf = Callable[[Symbol], str | None]


@dataclass(slots=True)
class Messenger:
    """The notifier that fills it, the inbox that it fills, and the line between."""

    notifier: TelegramNotifier
    inbox: TelegramInbox
    _settings: Settings
    _line: TelegramLine
    _memory: Memory
    _shown: Callable[[Symbol], str]
    _listener: Notifier | None = None
    _clock: Clock | None = None

    def tell_troubles_to(self, listener: Notifier) -> None:
        """Who is told, once, that messages do not arrive."""
        self._listener = listener

    def follow(self, clock: Clock, namespace: Namespace) -> None:
        """There is an engine, and this process alone holds the account: listen for it."""
        self._clock = clock
        self.inbox.wake_by(clock.wake)
        if self._settings.messages.commands:
            self._line.listen(self._desk(namespace), self.inbox)

    def tell_failure(self, sentence: str) -> None:
        """The process ends by an error."""
        fields = {"what": ENDED_BY_AN_ERROR, "why": sentence}
        self.notifier.tell(
            Event(kind=EventKind.ERROR, at=self._now(), level=Level.ERROR, fields=dict(fields))
        )

    def close(self, *, within_s: float = _CLOSE_WITHIN_S) -> None:
        """Send what is left, for at most that long."""
        self._line.close(within_s=within_s)

    def trouble(self, trouble: Trouble) -> None:
        """Tell it; called on the line's own thread."""
        listener = self._listener
        if listener is None:
            _log.warning("telegram.trouble", why=trouble.why)
            return
        kind = EventKind.MESSENGER_DOWN if trouble.is_down else EventKind.MESSENGER_UP
        level = Level.WARNING if trouble.is_down else Level.INFO
        fields = {"why": trouble.why, "dropped": trouble.dropped or None}
        listener.tell(Event(kind=kind, at=self._now(), level=level, fields=dict(fields)))

    def _now(self) -> datetime:
        """The session's time, where it can be asked."""
        if self._clock is not None:
            with suppress(SimulatorUnreachable):
                return self._clock.now()
        return datetime.now(KST)

    def _desk(self, namespace: Namespace) -> Desk:
        settings, messages = self._settings, self._settings.messages
        # Of its own, so that a question of the operator's never takes a connection of the engine's.
        store = SqlStore(open_database(settings.database.url.get_secret_value()), namespace)
        file = TextKillSwitchFile(settings.paths.data_dir / "KILL_SWITCH")
        answers = Answers(
            store=store,
            words=words,
            shown=self._shown,
            outside_switch=lambda: settings.risk.kill_switch or file.reason(),
            engine_seen_s=self.inbox.seen_s,
            explain=stored_order_story(store, words, self._shown),
            mode=_tag(settings, namespace.mode),
        )
        return Desk(
            chat_id=_chat_id(settings),
            answers=answers,
            questions=Questions(within_s=messages.confirm_within_s, seconds=monotonic),
            now=lambda: datetime.now(KST),
            stale_after=timedelta(seconds=messages.stale_command_s),
        )


def open_messenger(settings: Settings, *, name_of: NameOf, mode: TradingMode) -> Messenger | None:
    """The messenger of these settings, sending from now on; None where none is configured, or
    where it cannot be started: the day goes on without it."""
    if not settings.uses_telegram or settings.telegram.bot_token is None:
        return None

    def shown(symbol: Symbol) -> str:
        return symbol_text(symbol, name_of)

    outbox = Outbox()
    memory = _memory(settings.paths.data_dir / "telegram.json")
    messenger: Messenger
    line = TelegramLine(
        token=settings.telegram.bot_token.get_secret_value(),
        chat_id=_chat_id(settings),
        api_url=settings.telegram.api_url,
        tag=_tag(settings, mode),
        outbox=outbox,
        memory=memory,
        on_trouble=lambda trouble: messenger.trouble(trouble),
    )
    messenger = Messenger(
        notifier=TelegramNotifier(
            phrases=Phrases(Saying(words=words, shown=shown)),
            outbox=outbox,
            memory=memory,
            repeats=RepeatFilter(),
            loudness=settings.messages.model_dump(),
            redact=Redactor(settings.secret_values()).redact,
        ),
        inbox=TelegramInbox(seconds=monotonic),
        _settings=settings,
        _line=line,
        _memory=memory,
        _shown=shown,
    )
    line.start()
    return messenger


def _memory(path: Path) -> Memory:
    def load() -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("telegram.memory_not_read", why=str(error))
            return None

    return Memory(load=load, save=lambda text: replace_file(path, text.encode()))


def _chat_id(settings: Settings) -> int:
    given = settings.telegram.chat_id
    if given is None:
        raise ValueError("there is no chat to speak to")
    return int(given.get_secret_value())


def _tag(settings: Settings, mode: TradingMode) -> str:
    if settings.uses_simulator and mode is not TradingMode.VIRTUAL:
        return "연습"
    return _MODES[mode]
