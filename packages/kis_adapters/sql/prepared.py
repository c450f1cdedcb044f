"""Statements compiled once per database and run on the driver's own cursor.

SQLAlchemy writes the SQL and knows the types; at run time only the driver is left between an event
and the disk. Measured for one event and its projection on SQLite: 40 µs of Python instead of
230 µs, where the disk itself takes 200 µs.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, Insert, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Row = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class PreparedStatements:
    """The compiled forms for one dialect; it must have been connected, for its server's version
    is part of how MySQL statements are written."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[Executable, Prepared] = {}

    def compile(self, statements: Sequence[Executable]) -> None:
        """Have these ready, so that nobody waits for it later."""
        for statement in statements:
            self.of(statement)

    def of(self, statement: Executable) -> "Prepared":
        """The compiled form of a statement that lives as long as the program."""
        prepared = self._compiled.get(statement)
        if prepared is None:
            prepared = self._compiled[statement] = Prepared(statement, self._dialect)
        return prepared


class Prepared:
    """One statement with the conversion of its values and of its rows."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = _compile(statement, dialect)
        self.sql = str(compiled)
        self._defaults = dict(compiled.params)
        kinds = {name: bind.type for bind, name in compiled.bind_names.items()}
        names = compiled.positiontup if compiled.positional else list(kinds)
        self._is_positional = compiled.positional
        self._binds = [(name, _bind_converter(kinds[name], dialect)) for name in names or ()]
        self._row: Callable[..., Any] = tuple
        self._converters: list[tuple[int, _Convert]] = []
        if isinstance(statement, Select):
            columns = list(statement.selected_columns)
            self._row = _row_type([column.name for column in columns])
            found = [_row_converter(column.type, dialect) for column in columns]
            self._converters = [(i, convert) for i, convert in enumerate(found) if convert]

    def parameters(self, values: Row) -> Any:
        """A list or a mapping, as the driver wants it. Raises ValueError for a bad value."""
        merged = {**self._defaults, **values}
        found = [
            merged[name] if convert is None else convert(merged[name])
            for name, convert in self._binds
        ]
        if self._is_positional:
            return found
        return {name: value for (name, _), value in zip(self._binds, found, strict=True)}

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[Any]:
        """The driver's rows as named tuples of Python values."""
        found = []
        for values in raw:
            converted = list(values)
            for place, convert in self._converters:
                converted[place] = convert(converted[place])
            found.append(self._row(*converted))
        return found


def _row_type(names: list[str]) -> Callable[..., Any]:
    return namedtuple("StoredRow", names)


def _compile(statement: Any, dialect: Dialect) -> SQLCompiler:
    keys = None
    if isinstance(statement, Insert):
        # Row numbers are the database's, and nobody asks which it gave.
        keys = [column.name for column in statement.table.columns if column.name != "id"]
        statement = statement.inline()
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _bind_converter(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _row_converter(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
