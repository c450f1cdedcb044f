"""`--mode verify`: is the database there, and is it what it must be?"""

from sqlalchemy import Engine, inspect, text

from apps.kr_trade.checks import Check, failed, passed
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.database import is_server, open_database
from kis_adapters.sql.initialize import HEAD, initialize_schema

_ISOLATION = "READ COMMITTED"
_TIME_ZONE = "+09:00"
_FULL = 2  # PRAGMA synchronous
_TABLES = ("order_state", "order_events", "positions", "trades", "account_snapshots")


def database_checks(settings: Settings) -> list[Check]:
    """Reach it, bring it to our schema as a start would, and look at the session's settings.

    Raises StoreMisfit and StoreUnavailable.
    """
    database = open_database(settings.database.url.get_secret_value())
    try:
        initialize_schema(database)
        shown = str(settings.masked()["database.url"])
        return [
            passed("데이터베이스 연결", shown),
            _schema(database),
            *(_server(database) if is_server(database) else _file(database)),
        ]
    finally:
        database.dispose()


def _schema(database: Engine) -> Check:
    there = set(inspect(database).get_table_names())
    missing = [name for name in _TABLES if name not in there]
    if missing:
        return failed("스키마", f"테이블이 없습니다: {', '.join(missing)}")
    return passed("스키마", f"버전 {HEAD}, {', '.join(_TABLES)} 있음")


def _server(database: Engine) -> list[Check]:
    with database.connect() as connection:
        isolation = connection.get_isolation_level()
        zone = str(connection.execute(text("SELECT @@session.time_zone")).scalar())
        connection.rollback()
    return [
        _compared("격리 수준", isolation, _ISOLATION),
        _compared("데이터베이스 시간대", zone, _TIME_ZONE),
    ]


def _file(database: Engine) -> list[Check]:
    with database.connect() as connection:
        journal = str(connection.execute(text("PRAGMA journal_mode")).scalar())
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar()
        connection.rollback()
    durable = _compared("기록 방식", journal, "wal")
    if synchronous != _FULL:
        durable = failed("기록 방식", f"synchronous가 {synchronous}입니다 (FULL이어야 합니다)")
    return [
        durable,
        passed("격리 수준", "SQLite는 한 번에 한 트랜잭션만 씁니다 (SERIALIZABLE)"),
        passed("데이터베이스 시간대", "SQLite에는 없고, 모든 시각을 한국 시각으로 저장합니다"),
    ]


def _compared(what: str, was: str, wanted: str) -> Check:
    if was.upper() == wanted.upper():
        return passed(what, was)
    return failed(what, f"{was} ({wanted}이어야 합니다)")
