"""Bringing a database to the schema that this code speaks."""

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server
from kis_adapters.sql.failures import failure_before_commit
from kis_core.ports.store import StoreUnavailable

HEAD = "0001"  # the newest revision in `migrations/versions`; a test compares
_LOCK_WAIT_S = 10  # below the time after which the driver stops waiting for the answer


def initialize_schema(engine: Engine) -> None:
    """Create or migrate the tables; a second call, or another process's, changes nothing.

    Raises StoreMisfit (Korean, for the operator) when the database was migrated by a newer
    version of this program or holds another program's tables, StoreUnavailable when it does not
    answer. On SQLite a failure leaves the database as it was; MariaDB and MySQL commit each
    statement, and the next call goes on where this one stopped.
    """
    try:
        with engine.connect() as connection:
            _keep_others_out(connection)
            _upgrade(connection)
            connection.commit()
    except SQLAlchemyError as error:
        raise failure_before_commit(error) from error


def _upgrade(connection: Connection) -> None:
    """Alembic costs 10 MB and 0.1 s at import: a database that is up to date does not need it."""
    if _revisions(connection) == {HEAD}:
        return
    from kis_adapters.sql.migrate import migrate  # only when there is work for it

    migrate(connection)


def _revisions(connection: Connection) -> set[str]:
    """The schema revisions that the database says it has; empty for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def _keep_others_out(connection: Connection) -> None:
    """One process migrates at a time: by a named lock on a server, by the transaction on SQLite.

    The server frees the lock with its connection, which is therefore closed instead of pooled.
    """
    if not is_server(connection.engine):
        return
    connection.detach()
    name = "SUBSTRING(CONCAT('kis-schema:', DATABASE()), 1, 64)"
    if connection.execute(text(f"SELECT GET_LOCK({name}, {_LOCK_WAIT_S})")).scalar() != 1:
        raise StoreUnavailable("다른 프로그램이 데이터베이스를 초기화하고 있습니다")
