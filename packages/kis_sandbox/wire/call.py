"""A business call as it arrives: route, TR id, fields in upper case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from kis_sandbox.faults import Fault, FaultKind


@dataclass(slots=True, kw_only=True)
class Call:
    """One call. `fields` are the query (GET, keys in upper case) or the body (POST, as sent)."""

    route: str
    tr_id: str
    fields: Mapping[str, str]
    wants_next_page: bool
    faults: Mapping[FaultKind, Fault]

    def field(self, name: str) -> str:
        """The field's text, empty when absent."""
        return self.fields.get(name, "").strip()

    def whole(self, name: str) -> int:
        """The field as a whole number. Raises BadField."""
        text = self.field(name)
        if not text.isascii() or not text.isdigit():
            raise BadField(name)
        return int(text)

    def day(self, name: str) -> date:
        """The field as a YYYYMMDD date. Raises BadField."""
        try:
            return datetime.strptime(self.field(name), "%Y%m%d").date()  # noqa: DTZ007 - a date
        except ValueError as error:
            raise BadField(name) from error


class BadField(Exception):
    """A field's text is not what the endpoint reads."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
