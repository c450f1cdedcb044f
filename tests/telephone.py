"""One process's telephone, with a real line to a server on loopback, at a pace for tests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kis_adapters.console import words
from kis_adapters.console.repeat import RepeatFilter
from kis_adapters.memory.store import MemoryStore
from kis_adapters.memory.world import NAMESPACE, SAMSUNG
from kis_adapters.telegram.answers import Answers
from kis_adapters.telegram.desk import Desk
from kis_adapters.telegram.explanation import stored_order_story
from kis_adapters.telegram.health import Trouble
from kis_adapters.telegram.inbox import TelegramInbox
from kis_adapters.telegram.line import TelegramLine
from kis_adapters.telegram.memory import Memory
from kis_adapters.telegram.notifier import TelegramNotifier
from kis_adapters.telegram.outbox import Outbox
from kis_adapters.telegram.pace import Pace
from kis_adapters.telegram.phrases import Phrases
from kis_adapters.telegram.questions import Questions
from kis_adapters.telegram.saying import Saying
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level
from tests.telegram_server import CHAT, TOKEN, TelegramServer

FAST = Pace(
    gather_s=0.02,
    spacing_s=0.0,
    backoff_first_s=0.02,
    backoff_most_s=0.1,
    refused_s=0.1,
    poll_s=1,
    answer_s=20.0,
    connect_s=20.0,
    unheard_s=30.0,
)
AT = datetime(2026, 11, 24, 10, 30, tzinfo=KST)
NAMES = {SAMSUNG: "삼성전자"}


def shown(symbol: Symbol) -> str:
    """`종목명(종목코드)`."""
    return f"{NAMES.get(symbol, 'UNKNOWN')}({symbol})"


def event(
    kind: EventKind,
    symbol: Symbol | None = None,
    level: Level = Level.INFO,
    order_id: str | None = None,
    **fields: FieldValue,
) -> Event:
    """An event at 10:30."""
    return Event(
        kind=kind, at=AT, symbol=symbol, level=level, order_id=order_id, fields=dict(fields)
    )


@dataclass(slots=True)
class Paper:
    """What stands in the memory's file; outlives a process."""

    text: str | None = None
    saves: int = 0
    is_full: bool = False

    def save(self, text: str) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.text, self.saves = text, self.saves + 1


@dataclass(slots=True)
class Telephone:
    """One process's telephone: everything between its events and the server."""

    server: TelegramServer
    paper: Paper
    pace: Pace
    loudness: dict[str, str]
    most: int
    token: str = TOKEN
    chat_id: int = CHAT
    store: MemoryStore = field(default_factory=lambda: MemoryStore(NAMESPACE))
    outside: str | None = None
    seconds: float = 1_000.0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    troubles: list[Trouble] = field(default_factory=list)
    woken: threading.Event = field(default_factory=threading.Event)
    memory: Memory = field(init=False)
    outbox: Outbox = field(init=False)
    notifier: TelegramNotifier = field(init=False)
    inbox: TelegramInbox = field(init=False)
    desk: Desk = field(init=False)
    line: TelegramLine = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(most=self.most)
        self.memory = Memory(load=lambda: self.paper.text, save=self.paper.save)
        self.notifier = TelegramNotifier(
            phrases=Phrases(Saying(words=words, shown=shown)),
            outbox=self.outbox,
            memory=self.memory,
            repeats=RepeatFilter(),
            loudness=self.loudness,
        )
        self.inbox = TelegramInbox(seconds=lambda: self.seconds)
        self.inbox.wake_by(self.woken.set)
        self.desk = Desk(
            chat_id=self.chat_id,
            answers=Answers(
                store=self.store,
                words=words,
                shown=shown,
                outside_switch=lambda: self.outside,
                engine_seen_s=self.inbox.seen_s,
                explain=stored_order_story(self.store, words, shown),
                mode="모의",
            ),
            questions=Questions(within_s=60.0, seconds=lambda: self.seconds),
            now=lambda: self.now,
            stale_after=timedelta(seconds=120),
        )
        self.line = TelegramLine(
            token=self.token,
            chat_id=self.chat_id,
            api_url=self.server.url,
            tag="모의",
            outbox=self.outbox,
            memory=self.memory,
            on_trouble=self.troubles.append,
            pace=self.pace,
        )

    def tell(self, *events: Event) -> None:
        """Tell events, as the session's fan-out would."""
        for each in events:
            self.notifier.tell(each)

    def listen(self) -> None:
        """There is an engine."""
        self.line.listen(self.desk, self.inbox)

    def settle(self, command_id: str) -> None:
        """The engine carried a command out and told so."""
        done = event(
            EventKind.OPERATOR_COMMAND,
            level=Level.WARNING,
            command="kill",
            outcome="done",
            why="",
            command_id=command_id,
        )
        self.tell(done)


NewTelephone = Callable[..., Telephone]
