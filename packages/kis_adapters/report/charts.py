"""The drawings of a report, as fragments of HTML that share one copy of the drawing library.

Colours are Okabe and Ito's (M. Okabe, K. Ito, Color Universal Design, 2008), which differ for every
kind of colour vision; gains and losses differ by sign and shape too.
"""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate

import plotly.graph_objects as go

from kis_adapters.report.model import PriceSeries, ReportTrade

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6b7280"
_MONTHS = tuple(f"{month:02d}" for month in range(1, 13))
_PERCENT = 100.0
_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}
_LINE = {"width": 1.8}


def equity_chart(
    dates: Sequence[date], equity: Sequence[int], benchmark: Sequence[float], benchmark_name: str
) -> str:
    """The account's worth in won at each close, beside the benchmark's."""
    figure = _figure(height=340)
    figure.add_scatter(
        x=list(dates),
        y=list(equity),
        name="계좌",
        line={**_LINE, "color": BLUE},
        hovertemplate="%{x|%Y-%m-%d} %{y:,.0f}원<extra>계좌</extra>",
    )
    if benchmark:
        figure.add_scatter(
            x=list(dates),
            y=list(benchmark),
            name=benchmark_name,
            line={**_LINE, "color": ORANGE, "dash": "dash"},
            hovertemplate="%{x|%Y-%m-%d} %{y:,.0f}원<extra>기준</extra>",
        )
    figure.update_yaxes(tickformat=",.0f", ticksuffix="원")
    return _fragment(figure)


def drawdown_chart(dates: Sequence[date], equity: Sequence[int], start: int) -> str:
    """How far below its highest value the account was, in percent."""
    peaks = list(accumulate([start, *equity], max))[1:]
    falls = [_PERCENT * (value / peak - 1) for value, peak in zip(equity, peaks, strict=True)]
    figure = _figure(height=200)
    figure.add_scatter(
        x=list(dates),
        y=falls,
        name="낙폭",
        fill="tozeroy",
        line={**_LINE, "color": RED},
        hovertemplate="%{x|%Y-%m-%d} %{y:.2f}%<extra></extra>",
    )
    figure.update_yaxes(ticksuffix="%")
    return _fragment(figure)


def monthly_chart(monthly: Sequence[tuple[str, float]]) -> str:
    """Returns by year and month in percent, written into their cells."""
    years = sorted({name[:4] for name, _ in monthly}, reverse=True)
    found = dict(monthly)
    cells = [[found.get(f"{year}-{month}") for month in _MONTHS] for year in years]
    text = [["" if cell is None else f"{cell:+.1f}" for cell in row] for row in cells]
    most = max((abs(value) for value in found.values()), default=1.0) or 1.0
    figure = _figure(height=90 + 38 * len(years))
    figure.add_heatmap(
        x=[f"{int(month)}월" for month in _MONTHS],
        y=years,
        z=cells,
        text=text,
        texttemplate="%{text}",
        colorscale=[[0, RED], [0.5, "#f5f5f5"], [1, BLUE]],
        zmin=-most,
        zmax=most,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{y}년 %{x} %{z:+.2f}%<extra></extra>",
    )
    figure.update_yaxes(type="category")
    return _fragment(figure)


def price_chart(series: PriceSeries, trades: Sequence[ReportTrade]) -> str:
    """Closes of a symbol with its entries, exits and the levels that each trade had."""
    figure = _figure(height=320)
    figure.add_scatter(
        x=list(series.dates),
        y=[close or None for close in series.closes],
        name="종가",
        line={"width": 1.3, "color": GREY},
        hovertemplate="%{x|%Y-%m-%d} %{y:,.0f}원<extra>종가</extra>",
    )
    _add_levels(figure, "손절가", [(t.entered, t.left, t.stop) for t in trades], RED)
    _add_levels(figure, "익절가", [(t.entered, t.left, t.take) for t in trades], GREEN)
    _add_marks(
        figure, "매수", [(t.entered, t.entry_price, "") for t in trades], "triangle-up", BLUE
    )
    sales = [(t.left, t.exit_price, f"{t.reason} {t.pnl:+,}원") for t in trades]
    _add_marks(figure, "매도", sales, "triangle-down", ORANGE)
    figure.update_yaxes(tickformat=",.0f")
    return _fragment(figure)


def _add_levels(
    figure: go.Figure, name: str, levels: Sequence[tuple[date, date, int | None]], colour: str
) -> None:
    days: list[date | None] = []
    prices: list[int | None] = []
    for entered, left, price in levels:
        if price is not None:
            days += [entered, left, None]
            prices += [price, price, None]
    if prices:
        figure.add_scatter(
            x=days,
            y=prices,
            name=name,
            mode="lines",
            line={"width": 1.5, "color": colour, "dash": "dot"},
            hovertemplate=f"%{{y:,.0f}}원<extra>{name}</extra>",
        )


def _add_marks(
    figure: go.Figure, name: str, marks: Sequence[tuple[date, int, str]], shape: str, colour: str
) -> None:
    figure.add_scatter(
        x=[on for on, _, _ in marks],
        y=[price for _, price, _ in marks],
        text=[text for _, _, text in marks],
        name=name,
        mode="markers",
        marker={"symbol": shape, "size": 10, "color": colour, "line": {"width": 1}},
        hovertemplate=f"%{{x|%Y-%m-%d}} {name} %{{y:,.0f}}원 %{{text}}<extra></extra>",
    )


def _figure(*, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        template="plotly_white",
        font={"family": "inherit", "size": 12},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def _fragment(figure: go.Figure) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG)
    return html
