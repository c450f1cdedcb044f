"""What must survive the process: which messages were heard, what is still to be done, what of
today was told already.

The file is small and written as a whole, atomically, before the server is told that a command was
heard: a command is therefore never lost, and never carried out twice for having been sent once.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

import structlog

from kis_core.market.symbol import Symbol
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand

_log = structlog.stdlib.get_logger("kis.telegram")
_KEYS_MAX = 2_000
_DAY = len("2026-11-24")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command that the engine has not carried out yet, and when it was sent."""

    command: OperatorCommand
    sent_at: datetime


@dataclass(slots=True)
class Memory:
    """Read once, written on change. `load` gives the stored text or None, `save` replaces it and
    may raise OSError: then everything goes on in memory alone, which is told to the log.

    Any thread may call.
    """

    load: Callable[[], str | None]
    save: Callable[[str], None]
    last_update: int | None = None
    _waiting: dict[str, Waiting] = field(default_factory=dict)
    _told: dict[str, None] = field(default_factory=dict)
    _told_before: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        text = self.load()
        if text is None:
            return
        try:
            self._read(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # Nothing in it is worth a refused start: commands that were lost are sent again by
            # whoever sees that they were not answered.
            _log.warning("telegram.memory_damaged", why=str(error))

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Commands that were heard and not carried out, oldest first."""
        with self._lock:
            return tuple(self._waiting.values())

    def hear(self, update: int, commands: tuple[Waiting, ...] = ()) -> None:
        """Remember that everything up to `update` was heard, and `commands` with it."""
        with self._lock:
            self.last_update = max(update, self.last_update or 0)
            self._waiting |= {each.command.command_id: each for each in commands}
            self._write()

    def settle(self, command_id: str) -> None:
        """The engine carried the command out, or said why not."""
        with self._lock:
            if self._waiting.pop(command_id, None) is not None:
                self._write()

    def was_told_before(self, key: str) -> bool:
        """Whether an earlier process of today told it."""
        return key in self._told_before

    def note_told(self, keys: tuple[str, ...]) -> None:
        """These arrived; a key begins with its day, and only the newest day's are kept."""
        with self._lock:
            new = [key for key in keys if key and key not in self._told]
            if not new:
                return
            known = [*self._told, *new]
            newest = max(key[:_DAY] for key in known)
            kept = [key for key in known if key[:_DAY] == newest]
            self._told = dict.fromkeys(kept[-_KEYS_MAX:])
            self._write()

    def _write(self) -> None:
        document = {
            "last_update": self.last_update,
            "waiting": [
                {**asdict(each.command), "sent_at": each.sent_at.isoformat()}
                for each in self._waiting.values()
            ],
            "told": list(self._told),
        }
        try:
            self.save(json.dumps(document, ensure_ascii=False))
        except OSError as error:
            _log.warning("telegram.memory_not_written", why=str(error))

    def _read(self, document: dict[str, object]) -> None:
        last, waiting, told = document["last_update"], document["waiting"], document["told"]
        if not (isinstance(last, int | None) and isinstance(waiting, list | tuple)):
            raise ValueError("not what was written")
        if not isinstance(told, list):
            raise ValueError("not what was written")
        self.last_update = last
        for each in waiting:
            command = _command(each)
            sent_at = datetime.fromisoformat(str(each["sent_at"]))
            self._waiting[command.command_id] = Waiting(command, sent_at)
        self._told = dict.fromkeys(str(key) for key in told)
        self._told_before = frozenset(self._told)


def _command(stored: dict[str, object]) -> OperatorCommand:
    symbol = stored["symbol"]
    return OperatorCommand(
        command_id=str(stored["command_id"]),
        kind=CommandKind(str(stored["kind"])),
        symbol=Symbol(str(symbol)) if symbol is not None else None,
        about=str(stored["about"]),
    )
