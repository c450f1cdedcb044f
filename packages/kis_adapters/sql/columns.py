"""Column types that mean the same on SQLite, MariaDB and MySQL.

Migrations use them too: a column that must change gets a new type here, never a changed one.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Double, Integer, String, Text
from sqlalchemy.dialects.mysql import DATETIME, VARCHAR
from sqlalchemy.types import TypeDecorator, TypeEngine

from kis_core.market.session import KST


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as KST wall time with microseconds.

    The session time zone of the servers is +09:00, so `NOW()` in an operator's query compares
    with it. Binding a naive datetime raises ValueError.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(DateTime())
        return dialect.type_descriptor(DATETIME(fsp=6))

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else stored_instant(value)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=KST)


def stored_instant(instant: datetime) -> datetime:
    """The naive KST wall time of an aware instant. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"a naive datetime is no instant: {instant.isoformat()}")
    return instant.astimezone(KST).replace(tzinfo=None)


def identifier(length: int) -> TypeEngine[str]:
    """Text of ASCII ids and codes that differ when their case does.

    Both servers compare without case unless told otherwise: o-A1 would be o-a1.
    """
    return String(length).with_variant(
        VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql"
    )


# SQLite gives ascending row numbers only to a column that is declared exactly INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
WON = BigInteger()
RATIO: Double[float] = Double()
FREE_TEXT = Text()
JSON_TEXT = Text()
