"""From a Report to one self-contained HTML file: nothing is loaded from anywhere.

Every text that comes from data is escaped by the template; the drawings escape theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from kis_adapters.report.charts import drawdown_chart, equity_chart, monthly_chart, price_chart
from kis_adapters.report.model import Report, ReportTrade
from kis_core.research.metrics import Metrics

_TRADES_SHOWN = 500  # beyond it a phone no longer scrolls; the files beside the report have all
_SYMBOLS_SHOWN = 100
_NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Trades taken together, by symbol or by exit reason; `pnl` is won."""

    name: str
    trades: int
    wins: int
    pnl: int

    @property
    def win_rate_pct(self) -> float:
        """Trades with a gain in percent of all."""
        return 100.0 * self.wins / self.trades


def write_report(report: Report, path: Path) -> None:
    """Write the page; an existing file is replaced whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(render(report), encoding="utf-8")
    beside.replace(path)


def render(report: Report) -> str:
    """The page as text. Raises ValueError for a report without a single session."""
    if not report.dates:
        raise ValueError("a report needs at least one session")
    newest_first = sorted(report.trades, key=lambda trade: (trade.left, trade.symbol), reverse=True)
    return _template().render(
        report=report,
        library=Markup(get_plotlyjs()),  # the library's own text, not data
        figures=figures(report),
        equity=_drawn(
            equity_chart(report.dates, report.equity, report.benchmark, report.benchmark_name)
        ),
        drawdown=_drawn(drawdown_chart(report.dates, report.equity, report.start)),
        monthly=_drawn(monthly_chart(report.metrics.monthly)),
        charts=_price_charts(report),
        trades=newest_first[:_TRADES_SHOWN],
        trades_left_out=max(0, len(newest_first) - _TRADES_SHOWN),
        by_symbol=(symbols := totals(report.trades, by="symbol"))[:_SYMBOLS_SHOWN],
        symbols_left_out=max(0, len(symbols) - _SYMBOLS_SHOWN),
        by_reason=totals(report.trades, by="reason"),
    )


def figures(report: Report) -> list[tuple[str, str]]:
    """The metrics as they are read: name and value with its unit."""
    metrics, fall = report.metrics, report.metrics.drawdown
    return [
        ("총 수익률", _percent(metrics.total_return_pct, sign=True)),
        ("연 수익률", _percent(metrics.annual_return_pct, sign=True)),
        ("최대 낙폭", _percent(fall.pct)),
        ("가장 긴 낙폭", f"{fall.sessions:,}거래일"),
        ("샤프", _ratio(metrics.sharpe)),
        ("소르티노", _ratio(metrics.sortino)),
        ("칼마", _ratio(metrics.calmar)),
        ("거래", f"{metrics.trades:,}건"),
        ("승률", _percent(metrics.win_rate_pct)),
        ("손익비(이익÷손실)", _ratio(metrics.profit_factor)),
        ("기대값(거래당)", won(metrics.expectancy, sign=True)),
        ("평균 이익", won(metrics.average_win, sign=True)),
        ("평균 손실", won(metrics.average_loss, sign=True)),
        ("평균 노출", _percent(metrics.exposure_pct)),
        ("회전율(연)", _NOTHING if metrics.turnover is None else f"{metrics.turnover:.1f}회"),
        ("수수료와 세금", won(report.commission + report.tax)),
    ]


def won(value: float | None, *, sign: bool = False) -> str:
    """Won with thousands separators; an absent value is a dash."""
    if value is None:
        return _NOTHING
    return f"{value:+,.0f}원" if sign else f"{value:,.0f}원"


def totals(trades: Sequence[ReportTrade], *, by: str) -> list[Total]:
    """Trades by symbol or by reason, the largest gain first."""
    groups: dict[str, list[ReportTrade]] = {}
    for trade in trades:
        name = trade.reason if by == "reason" else f"{trade.name}({trade.symbol})"
        groups.setdefault(name, []).append(trade)
    found = [
        Total(
            name=name,
            trades=len(group),
            wins=sum(trade.pnl > 0 for trade in group),
            pnl=sum(trade.pnl for trade in group),
        )
        for name, group in groups.items()
    ]
    return sorted(found, key=lambda total: (-total.pnl, total.name))


def headline(metrics: Metrics) -> str:
    """The result in one line, for a console."""
    return (
        f"총 수익률 {_percent(metrics.total_return_pct, sign=True)},"
        f" 최대 낙폭 {_percent(metrics.drawdown.pct)}, 거래 {metrics.trades:,}건,"
        f" 승률 {_percent(metrics.win_rate_pct)}, 샤프 {_ratio(metrics.sharpe)}"
    )


def _price_charts(report: Report) -> list[tuple[str, Markup]]:
    charts = []
    for series in report.prices:
        own = [trade for trade in report.trades if trade.symbol == series.symbol]
        shown = [_escaped(trade) for trade in own]
        charts.append((f"{series.name}({series.symbol})", _drawn(price_chart(series, shown))))
    return charts


def _escaped(trade: ReportTrade) -> ReportTrade:
    """The drawing library reads some markup in its texts: what comes from data is text."""
    return replace(trade, reason=escape(trade.reason))


def _drawn(fragment: str) -> Markup:
    return Markup(fragment)  # made by the drawing library, which escapes


def _percent(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return _NOTHING
    return f"{value:+.2f}%" if sign else f"{value:.2f}%"


def _ratio(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kis_adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["won"] = won
    return environment


def _template() -> Template:
    return _environment().get_template("report.html")
