"""A backup put in the place of the database (D-08): all of it or nothing.

A backup that is not whole is refused before anything is looked at. On a server everything is one
transaction, read back and compared before it is committed. On SQLite a finished file takes the
old one's name; what was there lies beside.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, delete, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.account_lock import ServerAccountLock
from kis_adapters.sql.backup import TABLES, copy_rows, end_wal
from kis_adapters.sql.database import is_server, open_database
from kis_adapters.sql.failures import error_code, failure_before_commit
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.sealed_file import (
    LEFT_BESIDE,
    Progress,
    break_seal,
    bring_to_disk,
    check,
    opened,
    remove,
)
from kis_core.orders.identity import Namespace, TradingMode, masked_account
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_SENTENCE = "지금의 내용을 백업으로 바꾸려면 --yes 를 붙이세요"
_OURS = frozenset({*(table.name for table in TABLES), "alembic_version"})
_PATIENCE_S = 600  # emptying a table of years is one statement


class DatabaseInUse(Exception):
    """A session trades on the database, here or on another machine; Korean."""


def restore(
    source: Path,
    url: str,
    *,
    may_replace: bool,
    now: datetime,
    progress: Progress,
    accounts: Collection[Namespace] = (),
) -> tuple[dict[str, int], Path | None]:
    """Put the backup `source` in the place of the database at `url`.

    Returns the rows by table, and for SQLite where the database that was there lies now. Raises
    BadBackup for a file that is none, not whole or of a newer version, StoreMisfit for a database
    that holds anything while `may_replace` is False, DatabaseInUse when one of `accounts`, of the
    database's or of the backup's is being traded, StoreUnavailable and OSError. Whatever is
    raised, the database is as it was.
    """
    counts = check(source)
    database = open_database(_patient(url))
    try:
        if is_server(database):
            _into_server(source, database, accounts, may_replace=may_replace, progress=progress)
            return counts, None
        place = Path(str(database.url.database)).resolve()
        return counts, _into_file(source, place, may_replace=may_replace, now=now)
    except SQLAlchemyError as error:
        raise failure_before_commit(error) from error
    except sqlite3.Error as error:
        raise OSError(f"데이터베이스 파일을 쓸 수 없습니다: {error}") from error
    finally:
        database.dispose()


def _patient(url: str) -> str:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        return url  # refused by `open_database`, in words
    if parsed.get_backend_name() == "sqlite":
        return url
    waits = {"read_timeout": str(_PATIENCE_S), "write_timeout": str(_PATIENCE_S)}
    return parsed.update_query_dict(waits).render_as_string(hide_password=False)


# A server


def _into_server(
    source: Path,
    database: Engine,
    accounts: Collection[Namespace],
    *,
    may_replace: bool,
    progress: Progress,
) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="kis-restore-") as directory,
        _working_copy(source, Path(directory)) as working,
        opened(working) as copy,
        copy.connect() as backup,
    ):
        initialize_schema(database)  # leaves another program's tables and a newer version alone
        known = {*accounts, *_accounts_in(database), *_accounts_in(copy)}
        with _nobody_trading(database, known):
            if not may_replace:
                _refuse_if_any(database)
            with database.begin() as target:
                for table in reversed(TABLES):
                    target.execute(delete(table))
                for table in TABLES:
                    copy_rows(backup, target, table, progress)
                for table in TABLES:
                    _compare(backup, target, table)


def _refuse_if_any(database: Engine) -> None:
    with database.connect() as connection:
        for table in TABLES:
            if connection.execute(select(table).limit(1)).first() is not None:
                raise StoreMisfit(f"데이터베이스가 비어 있지 않습니다({table.name}). {_SENTENCE}")


def _accounts_in(database: Engine) -> set[Namespace]:
    """Whose rows the database has."""
    found: set[Namespace] = set()
    with database.connect() as connection:
        for table in (schema.risk_state, schema.order_state, schema.positions):
            rows = connection.execute(select(table.c.mode, table.c.account).distinct())
            found |= {Namespace(mode=TradingMode(mode), account=who) for mode, who in rows}
        connection.rollback()
    return found


@contextmanager
def _nobody_trading(database: Engine, accounts: Collection[Namespace]) -> Iterator[None]:
    """Hold every account's lock: the instance lock says nothing of other machines."""
    with ExitStack() as held:
        for account in sorted(accounts, key=lambda each: (each.mode, each.account)):
            lock = ServerAccountLock(database, account)
            if not lock.acquire():
                raise DatabaseInUse(
                    "다른 프로그램이 이 데이터베이스로 거래하고 있습니다"
                    f"(계좌 잠금 {account.mode} {masked_account(account.account)})"
                )
            held.callback(lock.release)
        yield


def _compare(backup: Connection, target: Connection, table: Table) -> None:
    """What the server gives back must be what it was given."""
    ordered = select(table).order_by(*table.primary_key.columns)
    with (
        backup.execute(ordered) as given,
        target.execute(ordered, execution_options={"stream_results": True}) as kept,
    ):
        if any(a != b for a, b in zip_longest(given, kept)):
            raise StoreMisfit(
                f"데이터베이스가 값을 그대로 두지 않습니다({table.name}): 되돌림 취소"
            )


# A file


def _into_file(source: Path, place: Path, *, may_replace: bool, now: datetime) -> Path | None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not may_replace and place.exists():
        _refuse_what_is_there(place)
    with _working_copy(source, place.parent) as ready:
        _settle(place)
        _like(place, ready)
        before = _keep(place, now)
        ready.replace(place)
    bring_to_disk(place.parent)
    return before


def _refuse_what_is_there(place: Path) -> None:
    try:
        with closing(sqlite3.connect(place)) as there:
            found = there.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in found:
                any_row = f'SELECT 1 FROM "{name}" LIMIT 1'
                if name not in _OURS or (
                    name != "alembic_version" and there.execute(any_row).fetchone()
                ):
                    raise StoreMisfit(f"데이터베이스가 비어 있지 않습니다({name}). {_SENTENCE}")
    except sqlite3.OperationalError as error:
        raise _in_use(place) from error
    except sqlite3.DatabaseError as error:
        raise StoreMisfit(f"읽을 수 없는 파일이 있습니다: {place}. {_SENTENCE}") from error


def _settle(place: Path) -> None:
    """Bring everything that the database says into its one file. Raises StoreMisfit.

    A file that is no database any more is what a restore is for: it stays as it is.
    """
    if not place.exists():
        return
    try:
        end_wal(place)
    except sqlite3.OperationalError as error:
        raise _in_use(place) from error
    except sqlite3.DatabaseError:
        return


def _like(place: Path, ready: Path) -> None:
    """Who may read and write stays, also when an administrator restores for the service's user."""
    if place.exists():
        shutil.copymode(place, ready)
        owner = place.stat()
        with suppress(PermissionError):
            os.chown(ready, owner.st_uid, owner.st_gid)


def _keep(place: Path, now: datetime) -> Path | None:
    """Give the database that is there a second name; None where there is none.

    A log that was left without its database goes aside too: SQLite would play it into the
    restored one.
    """
    aside = _free_name(place.with_name(f"{place.name}.before-restore-{now:%Y%m%d-%H%M%S}"))
    is_there = place.exists()
    if is_there:
        try:
            os.link(place, aside)
        except OSError:  # a file system without links
            shutil.copy2(place, aside)
            bring_to_disk(aside)
    for suffix in LEFT_BESIDE:
        left = place.with_name(place.name + suffix)
        if left.exists():
            left.replace(aside.with_name(aside.name + suffix))
    return aside if is_there else None


def _free_name(wanted: Path) -> Path:
    name, number = wanted, 1
    while any(os.path.lexists(f"{name}{suffix}") for suffix in ("", *LEFT_BESIDE)):
        number += 1
        name = wanted.with_name(f"{wanted.name}-{number}")
    return name


def _in_use(place: Path) -> StoreMisfit:
    return StoreMisfit(f"다른 프로그램이 데이터베이스를 쓰고 있습니다: {place}")


@contextmanager
def _working_copy(source: Path, directory: Path) -> Iterator[Path]:
    """A database of this program's schema with what the backup holds, in `directory`."""
    working = directory / f".{source.name}.restoring"
    remove(working)
    try:
        shutil.copyfile(source, working)
        break_seal(working)
        with opened(working) as engine:
            initialize_schema(engine)
        bring_to_disk(working)
    except BaseException as error:
        remove(working)
        if isinstance(error, sqlite3.Error | StoreUnavailable | OSError):
            raise OSError(f"백업을 {directory} 에 옮겨 쓸 수 없습니다: {_reason(error)}") from error
        raise
    try:
        yield working
    finally:
        remove(working)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    else:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        is_full = error_code(cause) == sqlite3.SQLITE_FULL
    if is_full:
        return "디스크에 자리가 없습니다"
    return getattr(error, "strerror", None) or str(error)
