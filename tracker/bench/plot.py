"""The plot of a comparison: time against what it buys."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tracker.bench.results import Comparison
from tracker.reports.looks import PRINT, template
from tracker.reports.sheets import Row

_WIDTH_PX, _HEIGHT_PX = 1200, 560
_COLOURS = PRINT.palette
_DOT_PX, _LARGEST_DOT_PX = 8, 28


def plot(comparison: Comparison, *, title: str) -> go.Figure:
    """Detectors and embedders side by side: median ms across; faces or accuracy upwards; dots as large as the files."""
    parts = [
        ("detectors", _y_of_detectors, [row for row in comparison.rows() if row["kind"] == "detector"]),
        ("embedders", _y_of_embedders, [row for row in comparison.rows() if row["kind"] == "embedder"]),
    ]
    shown = [part for part in parts if part[2]]
    figure = make_subplots(rows=1, cols=len(shown), subplot_titles=[name for name, _, _ in shown])
    for column, (_, choose, rows) in enumerate(shown, 1):
        key, label, percent = choose(rows)
        known = [row for row in rows if row["median_ms"] is not None and row[key] is not None]
        figure.add_trace(_dots(known, key, percent=percent), row=1, col=column)
        figure.update_xaxes(title_text="ms, median", rangemode="tozero", row=1, col=column)
        form = _shares([row[key] for row in known]) if percent else {"rangemode": "tozero"}
        figure.update_yaxes(title_text=label, **form, row=1, col=column)
    return figure.update_layout(
        template=template(PRINT), title_text=html.escape(title), width=_WIDTH_PX, height=_HEIGHT_PX, showlegend=False
    )


def _shares(values: Sequence[float]) -> dict[str, Any]:
    """An axis from below the lowest share to 100 %, with room above it for the names of dots."""
    gap = max(0.01, (1 - min(values, default=0)) * 1.2)
    lowest = max(0.0, 1 - gap)
    ticks = [lowest + (1 - lowest) * step / 5 for step in range(6)]
    return {"range": [lowest, 1 + (1 - lowest) / 5], "tickvals": ticks, "tickformat": ".1%"}


def _dots(rows: Sequence[Row], key: str, *, percent: bool) -> go.Scatter:
    largest = max((row["size_bytes"] for row in rows), default=1)
    value = "%{y:.1%}" if percent else "%{y}"
    return go.Scatter(
        x=[row["median_ms"] for row in rows],
        y=[row[key] for row in rows],
        text=[html.escape(row["name"]) for row in rows],
        customdata=[[row["p95_ms"], row["size_bytes"] / 1e6] for row in rows],
        mode="markers+text",
        textposition="top center",
        cliponaxis=False,
        marker={
            "color": _COLOURS.main,
            "opacity": 0.8,
            "size": [_DOT_PX + (_LARGEST_DOT_PX - _DOT_PX) * (row["size_bytes"] / largest) ** 0.5 for row in rows],
        },
        hovertemplate=f"<b>%{{text}}</b><br>%{{x:.1f}} ms, 95 %% within %{{customdata[0]:.1f}} ms<br>{value}<br>"
        "%{customdata[1]:.1f} MB<extra></extra>".replace("%%", "%"),
    )


def _y_of_detectors(rows: Sequence[Row]) -> tuple[str, str, bool]:
    """Key and title of what is drawn upwards, and whether it is a share."""
    return "faces", f"faces found in {rows[0]['pictures']} pictures", False


def _y_of_embedders(rows: Sequence[Row]) -> tuple[str, str, bool]:
    if all(row["accuracy"] is None for row in rows):
        return "size_bytes", "bytes", False
    if any(row["tar_at_far_0.001"] is None for row in rows):
        return "accuracy", "accuracy at the own limit", True
    return "tar_at_far_0.001", "true accept rate at a false accept rate of 0.1 %", True
