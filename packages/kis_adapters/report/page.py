"""From a Report to one self-contained HTML file: nothing is loaded from anywhere.

Every text that comes from data is escaped by the template; the drawings escape theirs.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from kis_adapters.report.charts import drawdown_chart, equity_chart, price_chart
from kis_adapters.report.figures import MONTHS, costs, figures, label, percent, totals, won, years
from kis_adapters.report.model import Report
from kis_core.research.pitfalls import pitfalls

_TRADES_SHOWN = 500  # beyond it a phone no longer scrolls; the files beside the report have all
_SYMBOLS_SHOWN = 100
_STRONGEST = 0.55  # of a colour behind a figure that must stay readable


def write_report(report: Report, path: Path) -> None:
    """Write the page; an existing file is replaced whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(render(report), encoding="utf-8")
    beside.replace(path)


def render(report: Report) -> str:
    """The page as text."""
    newest_first = sorted(report.trades, key=lambda trade: (trade.left, trade.symbol), reverse=True)
    by_symbol = totals(report.trades, by="symbol")
    monthly = years(report.metrics().monthly)
    return _template().render(
        report=report,
        library=Markup(get_plotlyjs()),  # the library's own text, not data
        figures=figures(report),
        pitfalls=pitfalls(report.metrics(), sessions=len(report.dates)),
        equity=_drawn(equity_chart(report)),
        drawdown=_drawn(drawdown_chart(report)),
        years=monthly,
        months=MONTHS,
        strongest=max((abs(m) for row in monthly for m in row.months if m), default=1.0),
        charts=_price_charts(report),
        trades=newest_first[:_TRADES_SHOWN],
        trades_left_out=max(0, len(newest_first) - _TRADES_SHOWN),
        by_symbol=by_symbol[:_SYMBOLS_SHOWN],
        symbols_left_out=max(0, len(by_symbol) - _SYMBOLS_SHOWN),
        by_reason=totals(report.trades, by="reason"),
        costs=costs(report),
    )


def _price_charts(report: Report) -> Sequence[tuple[str, Markup]]:
    return [
        (
            label(series.symbol, series.name),
            _drawn(
                price_chart(
                    series,
                    [trade for trade in report.trades if trade.symbol == series.symbol],
                    place=place,
                )
            ),
        )
        for place, series in enumerate(report.prices, start=1)
    ]


def _drawn(fragment: str) -> Markup:
    return Markup(fragment)  # made by the drawing library, which escapes


def _shade(value: float, strongest: float) -> str:
    """The background of a figure: warm for gains, blue for losses, stronger the larger it is."""
    strength = min(1.0, abs(value) / strongest) * _STRONGEST if strongest else 0.0
    colour = "213,94,0" if value > 0 else "0,114,178"
    return f"rgba({colour},{strength:.2f})"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("kis_adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"won": won, "percent": percent, "shade": _shade}
    environment.globals["label"] = label
    return environment.get_template("report.html")
