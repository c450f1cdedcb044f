"""What was wrong with the bars, symbol by symbol, and what was done about it (C-10)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from kis_core.market.symbol import Symbol


@unique
class Handling(StrEnum):
    """What became of the rows."""

    REPAIRED = "repaired"  # the bar is used, put right
    NOT_TRADED = "not_traded"  # a day without a bar: nothing is decided on it
    EXCLUDED = "excluded"  # the row, or the symbol, is as if it were not there
    TOLD = "told"  # used as it is


@unique
class Fault(StrEnum):
    """One kind of dirt."""

    BAD_SYMBOL = "bad_symbol"
    BAD_DATE = "bad_date"
    UNSORTED = "unsorted"
    DUPLICATE = "duplicate"  # the same row twice
    CONFLICT = "conflict"  # two different rows of one day
    MISSING_VALUE = "missing_value"  # null, NaN, infinite
    FRACTION = "fraction"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    HALTED = "halted"  # no volume, or zero prices
    INCONSISTENT = "inconsistent"  # high below low, open or close outside
    GAP = "gap"  # no row on a session between its first and its last
    BASIS_CHANGED = "basis_changed"  # a move that the price limits do not allow
    FEW_BARS = "few_bars"
    TOO_DIRTY = "too_dirty"

    @property
    def handling(self) -> Handling:
        """The rule (docs/backtest.md gives the reasons)."""
        return _HANDLING.get(self, Handling.EXCLUDED)


_HANDLING = {
    Fault.UNSORTED: Handling.REPAIRED,
    Fault.DUPLICATE: Handling.REPAIRED,
    Fault.FRACTION: Handling.REPAIRED,
    Fault.HALTED: Handling.NOT_TRADED,
    Fault.GAP: Handling.NOT_TRADED,
    Fault.BASIS_CHANGED: Handling.TOLD,
    Fault.FEW_BARS: Handling.TOLD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`rows` rows of one symbol with one fault, the first of them on `first` (None: no date)."""

    symbol: str
    fault: Fault
    rows: int
    first: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """All findings, by symbol and fault. `rows` were read of which `bars` are used; `excluded`
    symbols have no bar at all left. `refused` names whole files that could not be used."""

    rows: int
    bars: int
    findings: tuple[Finding, ...] = ()
    excluded: tuple[Symbol, ...] = ()
    refused: tuple[str, ...] = ()

    def of(self, symbol: str) -> dict[Fault, int]:
        """Rows by fault of one symbol."""
        return {each.fault: each.rows for each in self.findings if each.symbol == symbol}

    def totals(self) -> dict[Fault, int]:
        """Rows by fault over all symbols."""
        totals: dict[Fault, int] = {}
        for each in self.findings:
            totals[each.fault] = totals.get(each.fault, 0) + each.rows
        return totals
