"""The outcomes of a parameter sweep as one self-contained HTML file.

With two or more parameters a map of the score over the two that have most values, each cell the
median over the others: a plateau can be trusted, a lonely peak is luck. With one, a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from kis_adapters.report.charts import BLUE, ORANGE

_ROWS_SHOWN = 200
_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSet:
    """One set: what was changed, and its figures by name."""

    changes: Mapping[str, Any]
    figures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPage:
    """What the page shows. `sets`: best first, all with the score; `names`: each figure's name
    in Korean, in the order of the columns."""

    title: str
    subtitle: str
    score: str
    names: Mapping[str, str]
    sets: Sequence[SweepSet]


def write_sweep_page(page: SweepPage, path: Path) -> None:
    """Write the page; an existing file is replaced whole or not at all. Raises OSError."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(render_sweep(page), encoding="utf-8")
    beside.replace(path)


def render_sweep(page: SweepPage) -> str:
    """The page as text."""
    return _template().render(
        page=page,
        library=Markup(get_plotlyjs()),  # the library's own text, not data
        drawings=[Markup(each) for each in _drawings(page)],
        parameters=list(page.sets[0].changes) if page.sets else [],
        rows=page.sets[:_ROWS_SHOWN],
        left_out=max(0, len(page.sets) - _ROWS_SHOWN),
    )


def surface(page: SweepPage) -> tuple[str, str, list[Any], list[Any], list[list[float | None]]]:
    """The map: both parameters, their values, and the median score `[second, first]`; None where
    no set has these two values."""
    values = _values(page)
    first, second = sorted(values, key=lambda name: -len(values[name]))[:2]
    scores: dict[tuple[Any, Any], list[float]] = {}
    for each in page.sets:
        cell = each.changes[first], each.changes[second]
        scores.setdefault(cell, []).append(each.figures[page.score] or 0.0)
    cells = [
        [median(scores[x, y]) if (x, y) in scores else None for x in values[first]]
        for y in values[second]
    ]
    return first, second, values[first], values[second], cells


def _drawings(page: SweepPage) -> list[str]:
    varied = [name for name, values in _values(page).items() if len(values) > 1]
    if not page.sets or not varied:
        return []
    figures = [_map(page) if len(varied) > 1 else _line(page, varied[0]), _cloud(page)]
    return [
        each.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG) for each in figures
    ]


def _values(page: SweepPage) -> dict[str, list[Any]]:
    """Each parameter's values, ascending."""
    names = list(page.sets[0].changes) if page.sets else []
    return {name: sorted({each.changes[name] for each in page.sets}) for name in names}


def _map(page: SweepPage) -> go.Figure:
    first, second, across, down, cells = surface(page)
    figure = _figure(
        f"{page.names[page.score]} (다른 파라미터에 대한 중앙값)", 140 + 36 * len(down)
    )
    figure.add_heatmap(
        x=[str(each) for each in across],
        y=[str(each) for each in down],
        z=cells,
        text=[["" if cell is None else f"{cell:.2f}" for cell in row] for row in cells],
        texttemplate="%{text}",
        colorscale="Cividis",
        hovertemplate=f"{first} %{{x}}<br>{second} %{{y}}<br>%{{z:.3f}}<extra></extra>",
    )
    figure.update_xaxes(title=first, type="category")
    figure.update_yaxes(title=second, type="category")
    return figure


def _line(page: SweepPage, name: str) -> go.Figure:
    figure = _figure(page.names[page.score], 340)
    ordered = sorted(page.sets, key=lambda each: each.changes[name])
    figure.add_scatter(
        x=[str(each.changes[name]) for each in ordered],
        y=[each.figures[page.score] for each in ordered],
        mode="lines+markers",
        line={"color": BLUE},
    )
    figure.update_xaxes(title=name, type="category")
    return figure


def _cloud(page: SweepPage) -> go.Figure:
    figure = _figure("수익률과 최대 낙폭 (주황: 점수가 가장 좋은 조합)", 340)
    for sets, colour, size in ((page.sets[1:], BLUE, 7), (page.sets[:1], ORANGE, 12)):
        figure.add_scatter(
            x=[each.figures.get("drawdown_pct") for each in sets],
            y=[each.figures.get("total_return_pct") for each in sets],
            text=[_told(each) for each in sets],
            mode="markers",
            marker={"color": colour, "size": size},
            hovertemplate="%{text}<br>낙폭 %{x:.2f}% 수익률 %{y:.2f}%<extra></extra>",
        )
    figure.update_xaxes(title="최대 낙폭", ticksuffix="%")
    figure.update_yaxes(title="총 수익률", ticksuffix="%")
    return figure


def _told(each: SweepSet) -> str:
    return "<br>".join(f"{name} {value}" for name, value in each.changes.items())


def _figure(title: str, height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        height=max(height, 260),
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        template="plotly_white",
        font={"family": "inherit", "size": 12},
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("kis_adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _shown
    return environment.get_template("sweep.html")
