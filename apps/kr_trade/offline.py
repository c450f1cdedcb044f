"""What can be asked of the database alone, with no broker and no running session."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from apps.account import account_of
from apps.exit_code import ExitCode
from apps.kr_trade.arguments import Answer
from apps.kr_trade.endings import say_ending
from apps.kr_trade.status import as_json, as_text, read_status
from apps.listeners import trail_account, trail_folder
from apps.session_settings import risk_limits
from apps.terminal import say
from kis_adapters.audit.writer import AuditWriter
from kis_adapters.console.redactor import Redactor
from kis_adapters.files.instance_lock import FileInstanceLock
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.committed import CommittedRows
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol, parse_symbol
from kis_core.orders.identity import Namespace, masked_account
from kis_core.ports.instance_lock import InstanceHeld
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level
from kis_core.ports.store import Store, StoreMisfit, StoreUnavailable, UnitOfWork
from kis_core.risk.kill_switch import clear
from kis_core.session.by_hand import NotPossible, adopt, clear_halt, ignore


def print_status(settings: Settings, *, as_json: bool) -> int:
    """Print what is stored of the account (M-18)."""
    return _with_store(settings, _StatusPrinter(settings, as_json=as_json))


def clear_kill_switch(settings: Settings) -> int:
    """Switch the stored kill switch off, on purpose (R-02)."""
    return _with_store(settings, _SwitchClearer(settings))


def answer_about(code: str, answer: Answer, settings: Settings) -> int:
    """Write down what the operator says about a symbol (P-12, P-13). Refused while a session
    runs: it has its own idea of the symbol in memory."""
    lock = FileInstanceLock(settings.paths.data_dir / "instance.lock")
    try:
        symbol = parse_symbol(code, allow_alphanumeric=True)
        lock.acquire(now=datetime.now(KST))
    except (ValueError, InstanceHeld, OSError) as error:
        if isinstance(error, ValueError):
            return say(str(error), ExitCode.REFUSED)
        return say_ending(error)
    try:
        return _with_store(settings, _Answerer(settings, symbol, answer))
    finally:
        lock.release()


class _StatusPrinter:
    def __init__(self, settings: Settings, *, as_json: bool) -> None:
        self._settings, self._as_json = settings, as_json

    def __call__(self, store: Store) -> int:
        account = masked_account(account_of(self._settings))
        status = read_status(store, mode=self._settings.mode, account=account)
        print(as_json(status) if self._as_json else as_text(status))
        return ExitCode.OK


class _SwitchClearer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, store: Store) -> int:
        limits = risk_limits(self._settings)
        with store.unit_of_work() as uow:
            record, snapshot = uow.risk(), uow.latest_snapshot()
            if record is None or record.kill_switch is None:
                print("켜져 있는 킬 스위치가 없습니다.")
                return ExitCode.OK
            equity = snapshot.equity if snapshot is not None else record.start_equity
            uow.put_risk(clear(record, equity=equity, limits=limits))
        done = f"킬 스위치를 해제했습니다: {record.kill_switch}"
        print(done)
        _put_on_record(self._settings, "clear_kill_switch", None, done)
        return ExitCode.OK


class _Answerer:
    def __init__(self, settings: Settings, symbol: Symbol, answer: Answer) -> None:
        self._settings, self._symbol, self._answer = settings, symbol, answer

    def __call__(self, store: Store) -> int:
        try:
            with store.unit_of_work() as uow:
                done = self._write(uow)
        except NotPossible as error:
            return say(f"{self._symbol}: {error}", ExitCode.REFUSED)
        print(f"{self._symbol}: {done}")
        _put_on_record(self._settings, self._answer, self._symbol, done)
        return ExitCode.OK

    def _write(self, uow: UnitOfWork) -> str:
        match self._answer:
            case Answer.ADOPT:
                return adopt(uow, self._symbol)
            case Answer.IGNORE:
                return ignore(uow, self._symbol, at=datetime.now(KST))
            case Answer.CLEAR_HALT:
                return clear_halt(uow, self._symbol)


def _put_on_record(settings: Settings, command: str, symbol: Symbol | None, done: str) -> None:
    """Tell the audit trail what a person changed with no engine running. What is practised on the
    simulator has a clock of its own and leaves no word."""
    if settings.uses_simulator:
        return
    namespace = Namespace(mode=settings.mode, account=account_of(settings))
    writer = AuditWriter(
        trail_folder(settings, settings.mode),
        mode=settings.mode,
        redact=Redactor(settings.secret_values()).redact,
        tell_trouble=lambda event: print(f"[주의] {event.fields['why']}", file=sys.stderr),
    )
    database = open_database(settings.database.url.get_secret_value())
    try:
        account = trail_account(namespace.account, is_simulated=False)
        writer.follow(CommittedRows(database, namespace), account=account)
        fields: dict[str, FieldValue] = {"command": command, "outcome": "done", "why": done}
        writer.tell(
            Event(
                kind=EventKind.OPERATOR_COMMAND,
                at=datetime.now(KST),
                symbol=symbol,
                level=Level.WARNING,
                fields=fields,
            )
        )
    finally:
        writer.close()
        database.dispose()


def _with_store(settings: Settings, act: Callable[[Store], int]) -> int:
    try:
        with opened_store(settings) as store:
            return act(store)
    except (StoreMisfit, StoreUnavailable, OSError) as error:
        return say_ending(error)


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """The account's store, closed afterwards. Raises StoreMisfit, StoreUnavailable and OSError."""
    database = open_database(settings.database.url.get_secret_value())
    try:
        initialize_schema(database)
        yield SqlStore(database, Namespace(mode=settings.mode, account=account_of(settings)))
    finally:
        database.dispose()
