"""Bringing a database to the schema that this code speaks."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql.database import is_server
from kis_adapters.sql.failures import failure_before_commit
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
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
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = set(MigrationContext.configure(connection).get_current_heads())
    if not current <= known:
        newer = ", ".join(sorted(current - known))
        raise StoreMisfit(
            f"데이터베이스가 이 프로그램보다 새 버전입니다 (스키마 {newer}). 프로그램을 올려 주세요"
        )
    if current != set(scripts.get_heads()):
        command.upgrade(config, "head")


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
