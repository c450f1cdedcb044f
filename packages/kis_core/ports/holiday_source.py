"""What the broker itself says of the days on which orders are possible."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Protocol, runtime_checkable


class HolidaysUnavailable(Exception):
    """The broker did not say, or not believably. Never to be read as "open"."""


@runtime_checkable
class HolidaySource(Protocol):
    """Whoever asks it asks once a day: the broker wants no more."""

    @abstractmethod
    def open_days(self, first: date) -> Mapping[date, bool]:
        """Whether orders are possible on `first` and on some weeks of days after it; days that
        were not told are absent, `first` never is. Raises HolidaysUnavailable."""
