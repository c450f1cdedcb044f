"""The shape in which a benchmark hands its figures to `run`: rows, as the last line it prints."""

import json
from dataclasses import asdict, dataclass
from typing import Any

_MARK = "rows: "
_NO_BOUND = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of budgets.

    `p50` and `p99` are what is judged, in `unit`: ratios to the anchor of the same run ("×"),
    or plain figures where the budget is one ("MB", "s"). `aim` and `least` are the most that
    each may be, p50 first; with one number p99 is shown and not judged, with none nothing is.
    """

    name: str
    what: str
    anchor: str
    measured: str
    p50: float
    p99: float | None = None
    unit: str = "×"
    aim: tuple[float, ...]
    least: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """Which of the two bounds is kept: the aim, the least that counts, or neither."""
        if not self.aim:
            return _NO_BOUND
        if self._keeps(self.aim):
            return "aim"
        return "at least" if self._keeps(self.least) else "missed"

    @property
    def figures(self) -> str:
        """`1.05 / 1.20×`: p50, and p99 where there is one."""
        return self._shown(self.p50 if self.p99 is None else (self.p50, self.p99))

    @property
    def bounds(self) -> tuple[str, str]:
        """The aim and the least that counts, as text."""
        return self._shown(self.aim), self._shown(self.least)

    def _keeps(self, bounds: tuple[float, ...]) -> bool:
        figures = (self.p50, self.p99 if self.p99 is not None else self.p50)
        return all(figure <= bound for figure, bound in zip(figures, bounds, strict=False))

    def _shown(self, values: float | tuple[float, ...]) -> str:
        if values == ():
            return _NO_BOUND
        several = values if isinstance(values, tuple) else (values,)
        places = 0 if self.unit == "MB" else 2
        text = " / ".join(f"{value:.{places}f}" for value in several)
        return f"{text}×" if self.unit == "×" else f"{text} {self.unit}"


def hand_over(rows: list[Row], notes: list[str] | None = None) -> None:
    """Print the result for `run`; `notes` are sentences that belong below the table."""
    print(_MARK + json.dumps({"rows": [asdict(row) for row in rows], "notes": notes or []}))


def handed_over(line: str) -> tuple[list[Row], list[str]] | None:
    """The result in a line that a benchmark printed; None for any other line."""
    if not line.startswith(_MARK):
        return None
    document: dict[str, Any] = json.loads(line.removeprefix(_MARK))
    rows = [
        Row(**{**row, "aim": tuple(row["aim"]), "least": tuple(row["least"])})
        for row in document["rows"]
    ]
    return rows, document["notes"]
