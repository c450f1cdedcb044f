"""Migrating a database with Alembic; imported only when there is something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from kis_core.ports.store import StoreMisfit

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Bring the database on `connection` to the newest revision.

    Raises StoreMisfit (Korean) when it has a revision that this program does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    known = {script.revision for script in scripts().walk_revisions()}
    current = set(MigrationContext.configure(connection).get_current_heads())
    if not current <= known:
        newer = ", ".join(sorted(current - known))
        raise StoreMisfit(
            f"데이터베이스가 이 프로그램보다 새 버전입니다 (스키마 {newer}). 프로그램을 올려 주세요"
        )
    command.upgrade(config, "head")


def scripts() -> ScriptDirectory:
    """The migrations that come with the program."""
    return ScriptDirectory(str(_MIGRATIONS))
