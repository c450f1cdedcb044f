"""Events on the operator's console, in Korean, one line each; two of them as small tables."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kis_adapters.console.repeat import RepeatFilter
from kis_adapters.console.words import SHOWN, TITLES, labelled, plain
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level, Notifier

_STYLES = {Level.DEBUG: "dim", Level.INFO: "", Level.WARNING: "yellow", Level.ERROR: "bold red"}
_MARKS = {Level.DEBUG: "", Level.INFO: "", Level.WARNING: "[주의] ", Level.ERROR: "[오류] "}
_TABLES = {
    EventKind.DAY_CLOSED: (
        "거래일 마감 요약",
        ("session_date", "realised_pnl", "evaluation_pnl", "buys", "sells", "wins", "losses",
         "equity", "cash", "positions"),
    ),
    EventKind.RISK_STATUS: (
        "RISK MANAGER STATUS",
        ("realised_pnl", "evaluation_pnl", "entries", "consecutive_losses", "positions",
         "equity", "start_equity", "high_water_mark", "kill_switch"),
    ),
}  # fmt: skip
_WIDTH_WITHOUT_TERMINAL = 100
_NAMED = 20


class ConsoleNotifier(Notifier):
    """Writes to `stream`, with colours only where that is a terminal.

    `name_of` resolves a symbol's name and may fail or not know (None): then the code stands
    alone. DEBUG events and repeats are left out. `failures` counts what could not be written.
    """

    def __init__(self, stream: TextIO, *, name_of: Callable[[Symbol], str | None]) -> None:
        is_terminal = stream.isatty()
        self._console = Console(
            file=stream,
            force_terminal=is_terminal,
            no_color=not is_terminal,
            width=None if is_terminal else _WIDTH_WITHOUT_TERMINAL,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
        )
        self._name_of = name_of
        self._repeats = RepeatFilter()
        self.failures = 0

    def tell(self, event: Event) -> None:
        try:
            self._tell(event)
        except Exception:  # noqa: BLE001  # E-07: whatever a console can do, trading goes on
            self.failures += 1

    def _tell(self, event: Event) -> None:
        if event.level is Level.DEBUG:
            return
        repeats = self._repeats.repeats_before(event)
        if repeats is None:
            return
        if event.kind in _TABLES:
            self._console.print(self._table(event))
            return
        event = self._with_names(event)
        line = f"{event.at:%H:%M:%S} {_MARKS[event.level]}{line_of(event, self._name(event))}"
        if repeats:
            line += f" (앞의 같은 알림 {repeats}번 생략)"
        self._console.print(Text(line, style=_STYLES[event.level]))

    def _table(self, event: Event) -> Table:
        title, order = _TABLES[event.kind]
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column()
        table.add_column(justify="right")
        known = [name for name in order if name in event.fields]
        for name in [*known, *(name for name in event.fields if name not in order)]:
            table.add_row(*labelled(name, event.fields[name]))
        return table

    def _with_names(self, event: Event) -> Event:
        """The event, a list of codes in it as names; of a long list the beginning, for the log has
        it whole."""
        codes = str(event.fields.get("symbols") or "").split(",")
        if codes == [""]:
            return event
        shown = ", ".join(symbol_text(Symbol(code), self._name_of) for code in codes[:_NAMED])
        more = f" 외 {len(codes) - _NAMED}종목" if len(codes) > _NAMED else ""
        return replace(event, fields={**event.fields, "symbols": shown + more})

    def _name(self, event: Event) -> str | None:
        return symbol_text(event.symbol, self._name_of) if event.symbol is not None else None


def line_of(event: Event, symbol: str | None) -> str:
    """One event as a Korean line: title, `종목명(종목코드)`, figures, order id."""
    parts = [TITLES[event.kind]]
    if symbol is not None:
        parts.append(symbol)
    figures = ", ".join(f"{label} {text}" for label, text in _figures(event))
    head = " ".join(parts)
    line = f"{head}: {figures}" if figures else head
    return f"{line} [주문 {plain(event.order_id)}]" if event.order_id is not None else line


def symbol_text(symbol: Symbol, name_of: Callable[[Symbol], str | None]) -> str:
    """`종목명(종목코드)`, or `UNKNOWN(종목코드)` while nobody knows the name (N-03)."""
    try:
        name = name_of(symbol)
    except Exception:  # noqa: BLE001  # a name must never cost a message
        name = None
    return f"{plain(name) if name else 'UNKNOWN'}({plain(symbol)})"


def _figures(event: Event) -> Iterator[tuple[str, str]]:
    names = SHOWN.get(event.kind, tuple(event.fields))
    for name in names:
        if name in event.fields and not _is_empty(event.fields[name]):
            yield labelled(name, event.fields[name])


def _is_empty(value: FieldValue) -> bool:
    return value is None or value == ""
