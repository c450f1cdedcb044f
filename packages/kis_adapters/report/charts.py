"""The drawings of a report, as fragments of HTML that share one copy of the drawing library.

Colours are Okabe and Ito's (M. Okabe, K. Ito, Color Universal Design, 2008), which differ for every
kind of colour vision. As on every Korean chart warm is a gain and a purchase, blue a loss and a
sale; signs, shapes and dashes say the same without colour.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from html import escape
from itertools import accumulate

import plotly.graph_objects as go

from kis_adapters.report.figures import won
from kis_adapters.report.model import PriceSeries, Report, ReportTrade

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6b7280"
_INK, _PURPLE, _BAND = "#111827", "#8F3F77", "rgba(107,114,128,0.18)"
_PERCENT = 100.0
_DAY_MS = 86_400_000
_TICKS = [  # without them the library writes English month names
    {"dtickrange": [None, _DAY_MS - 1], "value": "%H:%M\n%Y-%m-%d"},
    {"dtickrange": [_DAY_MS, "M1"], "value": "%m-%d\n%Y"},
    {"dtickrange": ["M1", None], "value": "%Y-%m"},
]
_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def equity_chart(report: Report) -> str:
    """The account's worth in won, at its marks where there are any and else at each close, beside
    the benchmark's."""
    figure = _figure(height=340)
    curve = _curve(report)
    figure.add_scatter(
        x=[at for at, _ in curve],
        y=[value for _, value in curve],
        name="계좌",
        mode=_mode(curve),
        line={"width": 2, "color": _INK},
        hovertemplate="%{x} %{y:,.0f}원<extra>계좌</extra>",
    )
    if report.benchmark:
        figure.add_scatter(
            x=_places(report.dates),
            y=[round(value) for value in report.benchmark],
            name="기준",
            line={"width": 1.8, "color": ORANGE, "dash": "dash"},
            hovertemplate="%{x} %{y:,.0f}원<extra>기준</extra>",
        )
    figure.update_yaxes(tickformat=",.0f")
    return _fragment(figure, "equity-chart")


def drawdown_chart(report: Report) -> str:
    """How far below its highest value the account was, in percent."""
    curve = _curve(report)
    peaks = list(accumulate([report.start, *(value for _, value in curve)], max))[1:]
    falls = [
        round(_PERCENT * (value / peak - 1), 4)
        for (_, value), peak in zip(curve, peaks, strict=True)
    ]
    figure = _figure(height=200)
    figure.add_scatter(
        x=[at for at, _ in curve],
        y=falls,
        name="낙폭",
        mode=_mode(curve),
        fill="tozeroy",
        line={"width": 1.5, "color": BLUE},
        hovertemplate="%{x} %{y:.2f}%<extra></extra>",
    )
    figure.update_yaxes(ticksuffix="%")
    return _fragment(figure, "drawdown-chart")


def price_chart(series: PriceSeries, trades: Sequence[ReportTrade], *, place: int) -> str:
    """A symbol's prices with its entries, exits, and the stop and target that each trade had.
    `place` tells the chart from the others on the page."""
    figure = _figure(height=340)
    at = _places(series.at)
    if series.lows:
        _add_band(figure, at, series)
    figure.add_scatter(
        x=at,
        y=list(series.closes),
        name="종가" if series.lows else "가격",
        line={"width": 1.4, "color": GREY},
        hovertemplate="%{x} %{y:,.0f}원<extra></extra>",
    )
    if any(each is not None for each in series.stops):
        _add_line(figure, "손절선", zip(at, series.stops, strict=True), _PURPLE, "dot", "hv")
    else:
        _add_levels(figure, "손절선", [(t.entered, t.left, t.stop) for t in trades], _PURPLE, "dot")
    _add_levels(figure, "익절선", [(t.entered, t.left, t.take) for t in trades], GREEN, "dash")
    bought = [(t.entered, t.entry_price, "") for t in trades]
    sold = [(t.left, t.exit_price, f"{escape(t.reason)} {won(t.pnl, sign=True)}") for t in trades]
    _add_marks(figure, "매수", bought, "triangle-up", RED)
    _add_marks(figure, "매도", sold, "triangle-down", BLUE)
    figure.update_yaxes(tickformat=",.0f")
    return _fragment(figure, f"price-chart-{place}")


def _curve(report: Report) -> list[tuple[str, int]]:
    if report.marks:
        return [(_place(at), value) for at, value in report.marks]
    return [(_place(on), value) for on, value in zip(report.dates, report.equity, strict=True)]


def _mode(curve: Sequence[object]) -> str:
    return "lines" if len(curve) > 1 else "markers"  # a line needs two points


def _places(at: Iterable[date]) -> list[str]:
    return [_place(each) for each in at]


def _place(at: date) -> str:
    """A place on the time axis; the drawing library knows no time zones."""
    return at.strftime("%Y-%m-%d %H:%M:%S" if isinstance(at, datetime) else "%Y-%m-%d")


def _add_band(figure: go.Figure, at: Sequence[str], series: PriceSeries) -> None:
    """From the low to the high of each day, so that a fill within the day lies on it."""
    style = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=at, y=list(series.lows), **style)
    figure.add_scatter(x=at, y=list(series.highs), fill="tonexty", fillcolor=_BAND, **style)


def _add_levels(
    figure: go.Figure,
    name: str,
    levels: Sequence[tuple[date, date, int | None]],
    colour: str,
    dash: str,
) -> None:
    points: list[tuple[str | None, int | None]] = []
    for entered, left, price in levels:
        if price is not None:
            last = left if left > entered else left + timedelta(days=1)  # a day's trade has one too
            points += [(_place(entered), price), (_place(last), price), (None, None)]
    _add_line(figure, name, points, colour, dash, "linear")


def _add_line(
    figure: go.Figure,
    name: str,
    points: Iterable[tuple[str | None, int | None]],
    colour: str,
    dash: str,
    shape: str,
) -> None:
    drawn = list(points)
    if not drawn:
        return
    figure.add_scatter(
        x=[at for at, _ in drawn],
        y=[price for _, price in drawn],
        name=name,
        mode="lines",
        connectgaps=False,
        line={"width": 1.5, "color": colour, "dash": dash, "shape": shape},
        hovertemplate=f"%{{y:,.0f}}원<extra>{name}</extra>",
    )


def _add_marks(
    figure: go.Figure,
    name: str,
    marks: Sequence[tuple[date, float, str]],
    shape: str,
    colour: str,
) -> None:
    figure.add_scatter(
        x=_places(on for on, _, _ in marks),
        y=[round(price, 2) for _, price, _ in marks],
        text=[text for _, _, text in marks],
        name=name,
        mode="markers",
        marker={"symbol": shape, "size": 11, "color": colour, "line": {"width": 1}},
        hovertemplate=f"%{{x}} {name} %{{y:,.0f}}원 %{{text}}<extra></extra>",
    )


def _figure(*, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        template="plotly_white",
        font={"family": "inherit", "size": 12, "color": _INK},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(automargin=True, nticks=6, tickformatstops=_TICKS)
    figure.update_yaxes(automargin=True)
    return figure


def _fragment(figure: go.Figure, name: str) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=name)
    return html
