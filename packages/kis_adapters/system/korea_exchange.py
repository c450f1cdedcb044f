"""The one calendar of `holidays` that is needed, without those of the rest of the world.

The package's own way imports every country and every exchange there is: 8.7 MB and 0.05 s of a
process that may have 110 MB (docs/benchmarks.md, L3). Python imports a submodule through its
package's `__init__`; here the two packages stand empty until the module has been loaded, and are
then taken out again, so that whoever asks for another calendar finds the whole library.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import ModuleType

import holidays
from holidays import HolidayBase

_PACKAGES = ("holidays.countries", "holidays.financial")
_LANGUAGE = "ko"
_MODULE, _CLASS = "holidays.financial.korea_exchange", "XKRX"


def korea_exchange(year: int) -> dict[date, str]:
    """The closures of KRX in `year`, by date, in Korean.

    Where the library is laid out otherwise than expected, by its own way.
    """
    try:
        with _empty_packages():
            found: type[HolidayBase] = getattr(importlib.import_module(_MODULE), _CLASS)
    except (ImportError, AttributeError):
        return dict(holidays.financial_holidays(_CLASS, years=year, language=_LANGUAGE))
    return dict(found(years=year, language=_LANGUAGE))


@contextmanager
def _empty_packages() -> Iterator[None]:
    root = Path(holidays.__path__[0])
    put = [name for name in _PACKAGES if name not in sys.modules]
    for name in put:
        package = ModuleType(name)
        package.__path__ = [str(root / name.rpartition(".")[2])]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in put:
            del sys.modules[name]
