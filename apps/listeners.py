"""Everybody who is told what happens in a session: console, log, and a telephone where there is
one."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.engine import Engine

from kis_adapters.audit.folder import TrailFolder
from kis_adapters.audit.writer import AuditWriter
from kis_adapters.console.console_notifier import ConsoleNotifier
from kis_adapters.console.fan_out import FanOut
from kis_adapters.console.log_notifier import LogNotifier
from kis_adapters.console.redactor import Redactor
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.committed import CommittedRows
from kis_adapters.system.index_members import MEMBERS_FILE, read_index_names
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode, masked_account
from kis_core.ports.notifier import Notifier
from kis_core.session.books import Books

if TYPE_CHECKING:
    from apps.messenger import Messenger

_SIMULATOR = "simulator"
_LAST_WORDS_S = 1.5
_LAST_MESSAGES_S = 0.7

_log = structlog.get_logger(__name__)


class Names:
    """Symbol names as the engine's books know them, once there is an engine; before the broker
    said one, what `listing` (a shipped list of members) calls the symbol."""

    def __init__(self, listing: Path) -> None:
        self._books: Books | None = None
        self._listing = listing
        self._listed: Mapping[Symbol, str] | None = None

    def follow(self, books: Books) -> None:
        """These are the books."""
        self._books = books

    def of(self, symbol: Symbol) -> str | None:
        """The name, or None."""
        name = self._books.names.get(symbol) if self._books is not None else None
        if name is not None:
            return name
        if self._listed is None:
            self._listed = read_index_names(self._listing)
        return self._listed.get(symbol)


@dataclass(slots=True)
class Listeners:
    """`fan_out` is what the session is given."""

    fan_out: FanOut
    names: Names
    audit: AuditWriter
    messenger: "Messenger | None" = field(default=None)

    def follow(
        self, books: Books, database: Engine, namespace: Namespace, *, is_simulated: bool
    ) -> None:
        """There is an engine, with these books, and a database that it writes."""
        self.names.follow(books)
        account = trail_account(namespace.account, is_simulated=is_simulated)
        self.audit.follow(CommittedRows(database, namespace), account=account)

    def tell_failure(self, sentence: str) -> None:
        """The process ends by an error: the telephone hears of it too (N-04)."""
        if self.messenger is not None:
            self.messenger.tell_failure(sentence)

    def close(self) -> None:
        """Let everybody finish, for a bounded time."""
        self.fan_out.close()
        self.audit.close()
        if self.messenger is not None:
            self.messenger.close()

    def leave_behind(self) -> None:
        """What is going on does not end: whatever was told reaches them, and the process ends."""
        _log.warning("app.step_left_behind")
        self.fan_out.close(within_s=_LAST_WORDS_S)
        if self.messenger is not None:
            self.messenger.close(within_s=_LAST_MESSAGES_S)


def open_listeners(settings: Settings, config_dir: Path, *, mode: TradingMode) -> Listeners:
    """The listeners of these settings."""
    names = Names(config_dir / MEMBERS_FILE)
    audit = AuditWriter(
        trail_folder(settings, mode),
        mode=mode,
        redact=Redactor(settings.secret_values()).redact,
        tell_trouble=lambda event: fan_out.tell(event),
    )
    told: list[Notifier] = [ConsoleNotifier(sys.stdout, name_of=names.of), LogNotifier(), audit]
    messenger = None
    if settings.uses_telegram:
        from apps.messenger import open_messenger  # a library of 14 MB, for those who use it

        messenger = open_messenger(settings, name_of=names.of, mode=mode)
    if messenger is None:
        fan_out = FanOut(told)
    else:
        fan_out = FanOut([*told, messenger.notifier])
        messenger.tell_troubles_to(fan_out)
    return Listeners(fan_out, names, audit, messenger)


def trail_folder(settings: Settings, mode: TradingMode) -> TrailFolder:
    """Where the audit trail lies (L-03); the closed beta test has a chain of its own."""
    name = "audit_cbt" if mode is TradingMode.VIRTUAL else "audit"
    return TrailFolder(settings.paths.log_dir / "audit", name)


def trail_account(account: str, *, is_simulated: bool) -> str:
    """Whose facts they are, as the trail names it: what was practised and what was traded may
    share its files, and never a memory."""
    return _SIMULATOR if is_simulated else masked_account(account)
