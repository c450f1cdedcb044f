"""The two databases of an import: the replaced system's, only read, and ours, written at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from kis_adapters.sql import schema
from kis_adapters.sql.database import is_server, open_database
from kis_adapters.sql.initialize import HEAD, initialize_schema
from kis_adapters.sql.sealed_file import read_only
from kis_core.ports.store import StoreMisfit


def open_source(source: str) -> Engine:
    """The old database. Raises StoreMisfit; a server that is away shows at the first use."""
    try:
        url = make_url(source)
    except (SQLAlchemyError, ValueError):
        # `from None`: the parser's own message may quote a part of the password.
        raise StoreMisfit("--from 의 주소를 읽을 수 없습니다 (예: mysql+pymysql://...)") from None
    if not url.drivername.startswith("sqlite"):
        return open_database(source)
    file = Path(url.database or "")
    if not file.is_file():
        raise StoreMisfit(f"옛 데이터베이스 파일이 없습니다: {file}")
    return create_engine("sqlite://", creator=lambda: read_only(file), hide_parameters=True)


@contextmanager
def reading_of(old: Engine) -> Iterator[Connection]:
    """One view of the old database for all tables, in which nothing can be written. Raises
    StoreMisfit where it is a database of ours."""
    with old.connect() as connection:
        if is_server(old):
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", stream_results=True
            )
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        else:
            connection.exec_driver_sql("BEGIN")
        _refuse_our_own(connection)
        yield connection
        connection.rollback()


def _refuse_our_own(reading: Connection) -> None:
    if schema.order_events.name in {n.lower() for n in inspect(reading).get_table_names()}:
        raise StoreMisfit("--from 은 옛 시스템이 아니라 이 프로그램의 데이터베이스입니다")


@contextmanager
def writing_to(target: Engine, *, is_rehearsal: bool) -> Iterator[Connection]:
    """A transaction on `target`; a rehearsal's is undone, and makes no database that is not."""
    if not is_rehearsal:
        initialize_schema(target)
        with target.begin() as writing:
            yield writing
        return
    place = target if _is_ready(target) else create_engine("sqlite://")
    with place.connect() as writing:
        if place is not target:
            schema.metadata.create_all(writing)
        yield writing
        writing.rollback()
    if place is not target:
        place.dispose()


def _is_ready(target: Engine) -> bool:
    """Whether there is a database of ours. Raises StoreMisfit for one of another version."""
    if not is_server(target) and not Path(str(target.url.database)).exists():
        return False
    with target.connect() as connection:
        is_ours = inspect(connection).has_table("alembic_version")
        versions = "SELECT version_num FROM alembic_version"
        found = set(connection.execute(text(versions)).scalars()) if is_ours else {HEAD}
        connection.rollback()
    if found != {HEAD}:
        raise StoreMisfit("데이터베이스가 이 버전이 아닙니다. 먼저 --mode verify 를 실행하세요")
    return is_ours
