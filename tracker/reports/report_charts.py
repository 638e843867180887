"""Reports as charts: one figure a report, readable on paper. Names are shown as they are, never as markup."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from config.errors import ReportError
from tracker.presence.audience import LABELS, REST, Attribute
from tracker.reports import charts
from tracker.reports.looks import PRINT, template
from tracker.reports.sheets import Report, Row
from tracker.reports.text import day_text, length_text

WIDTH_PX = 1200
HEIGHT_PX = 620
MOST_NAMES = 60
"""More people than these do not fit one under the other; those with the most come first."""
_ROW_PX = 22
_NOTE_WIDTH = 170
_MOST_LINES = 4
_COLOURS = PRINT.palette
_HOUR_S = 3600.0


def plot(report: Report) -> go.Figure:
    """The plot of a report. Raises ReportError when there is nothing to draw."""
    if not report.main.rows and report.name != "today":
        raise ReportError("there is nothing to draw", fix=report.main.empty)
    return _PLOTS[report.name](report)


def _usage(report: Report) -> go.Figure:
    rows = report.main.rows
    names = [row["period"] for row in rows]
    figure = _canvas(report, y_title="people")
    for key, title, colour in (("entries", "entries", _COLOURS.main), ("exits", "exits", _COLOURS.third)):
        figure.add_bar(x=names, y=[row[key] for row in rows], name=title, marker_color=colour)
    figure.add_scatter(
        x=names,
        y=[row["visitors"] or None for row in rows],
        name="unique visitors",
        mode="markers",
        marker={"color": _COLOURS.second, "size": 9, "symbol": "diamond"},
    )
    _grey_places(figure, rows)
    step = -(-len(names) // 16)
    ticks = list(range(0, len(names), step))
    one_day = len({name[:10] for name in names}) == 1
    texts = [
        names[place][11:] if one_day and len(names) > 1 else names[place].replace(" ", "<br>", 1) for place in ticks
    ]
    figure.update_xaxes(type="category", tickvals=ticks, ticktext=texts)
    figure.update_yaxes(
        **charts.whole_numbers(max((row[key] or 0 for row in rows for key in ("entries", "exits")), default=0))
    )
    return figure.update_layout(barmode="group", bargap=0.25)


def _dwell(report: Report) -> go.Figure:
    bins = report.sheet("histogram").rows
    if not bins:
        raise ReportError("there is no visit whose length is known", fix=report.sheet("histogram").empty)
    series = {"net": "net", "gross": "with gaps"}
    figure = go.Figure(charts.dwell_histogram(bins, report.main.rows[0], look=PRINT, series=series))
    return _titled(figure, report, y_title="visits", top_px=36)


def _occupancy(report: Report) -> go.Figure:
    rows = report.main.rows
    peaks, means = (
        [
            *({"at": row["started_at"], "people": row[key]} for row in rows),
            {"at": rows[-1]["ended_at"], "people": rows[-1][key]},
        ]
        for key in ("peak", "mean")
    )
    return _over_time(report, [{**point, "people": point["people"] or 0} for point in peaks], means)


def _today(report: Report) -> go.Figure:
    return _over_time(report, report.sheet("occupancy_steps").rows)


def _over_time(report: Report, points: Sequence[Row], means: Sequence[Row] = ()) -> go.Figure:
    blind = [charts.Blind(since=outage.started_at, until=outage.ended_at, share=0.0) for outage in report.outages]
    chart = charts.occupancy(
        points,
        span=(report.since, min(report.until, report.now)),
        zone=report.zone,
        capacity=report.capacity,
        look=PRINT,
        blind=blind,
        means=means,
    )
    return _titled(go.Figure(chart), report, y_title="people in")


def _visits(report: Report) -> go.Figure:
    rows = report.main.rows
    seconds: dict[str, float] = {}
    for row in rows:
        seconds[row["person_id"]] = seconds.get(row["person_id"], 0.0) + row["dwell_s"]
    names = {row["person_id"]: row["name"] for row in rows}
    most = sorted(seconds, key=lambda person_id: (-seconds[person_id], person_id))[:MOST_NAMES]
    labels = _labels([(person_id, names[person_id]) for person_id in most])
    drawn = [row for row in rows if row["person_id"] in labels]
    starts = [_there(row["started_at"], report.zone) for row in drawn]
    figure = _canvas(report, rows=len(most), more=len(seconds) - len(most))
    figure.add_bar(
        orientation="h",
        y=[labels[row["person_id"]] for row in drawn],
        base=starts,
        x=[((row["ended_at"] or report.now) - row["started_at"]) / timedelta(milliseconds=1) or 1000 for row in drawn],
        marker={"color": [_COLOURS.second if row["ended_at"] is None else _COLOURS.main for row in drawn]},
        customdata=[
            [f"{start:%Y-%m-%d %H:%M}", length_text(row["dwell_s"])] for row, start in zip(drawn, starts, strict=True)
        ],
        hovertemplate="%{y}<br>from %{customdata[0]}, inside %{customdata[1]}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(type="date", range=[_there(report.since, report.zone), _there(report.until, report.zone)])
    figure.update_yaxes(type="category", categoryarray=list(labels.values())[::-1], categoryorder="array")
    _grey_outages(figure, report)
    return figure


def _attendance(report: Report) -> go.Figure:
    rows = report.main.rows
    people = {row["person_id"]: row["name"] for row in rows}
    labels = _labels(list(people.items())[:MOST_NAMES])
    days = sorted({row["day"] for row in rows})
    hours: dict[str, list[float | None]] = {person_id: [None] * len(days) for person_id in labels}
    words: dict[str, list[str]] = {person_id: [""] * len(days) for person_id in labels}
    for row in rows:
        if row["person_id"] in labels:
            place = days.index(row["day"])
            known = row["status"] in {"present", "absent"}
            hours[row["person_id"]][place] = (row["inside_s"] or 0) / _HOUR_S if known else None
            words[row["person_id"]][place] = "✓" if row["status"] == "present" else "–" if known else ""
    figure = _canvas(report, rows=len(labels), more=len(people) - len(labels))
    figure.add_heatmap(
        x=[day_text(day) for day in days],
        y=list(labels.values()),
        z=list(hours.values()),
        text=list(words.values()),
        texttemplate="%{text}",
        xgap=2,
        ygap=2,
        zmin=0,
        colorscale=[[0, "#f1f4f3"], [0.01, "#cfe9e1"], [1, _COLOURS.main]],
        colorbar={"title": {"text": "hours"}, "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}, %{x}: %{z:.1f} h<extra></extra>",
    )
    figure.update_yaxes(type="category", autorange="reversed")
    return figure.update_xaxes(type="category", tickangle=0 if len(days) <= 16 else -60)


def _people(report: Report) -> go.Figure:
    rows = report.main.rows[:MOST_NAMES]
    labels = _labels([(row["person_id"], row["name"]) for row in rows])
    figure = _canvas(report, x_title="hours inside", rows=len(rows), more=len(report.main.rows) - len(rows))
    figure.add_bar(
        orientation="h",
        y=list(labels.values()),
        x=[row["inside_s"] / _HOUR_S for row in rows],
        marker_color=_COLOURS.main,
        text=[f"{row['visits']} visits" if row["visits"] != 1 else "1 visit" for row in rows],
        textposition="auto",
        showlegend=False,
    )
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def _person(report: Report) -> go.Figure:
    rows = report.main.rows
    figure = _canvas(report, y_title="hours inside")
    figure.add_bar(
        x=[day_text(row["day"]) for row in rows],
        y=[(row["inside_s"] or 0) / _HOUR_S for row in rows],
        marker_color=_COLOURS.main,
        showlegend=False,
    )
    return figure.update_xaxes(type="category")


def _audience(report: Report) -> go.Figure:
    """A stack for each attribute and period, with the label of each part in it."""
    rows = report.main.rows
    figure = _canvas(report, y_title="people")
    shades = (_COLOURS.main, _COLOURS.third, _COLOURS.second, _COLOURS.muted)
    parts = [(attribute, label) for attribute in Attribute for label in (*LABELS[attribute], REST)]
    for place, (attribute, label) in enumerate(parts):
        found = [row for row in rows if (row["attribute"], row["label"]) == (attribute, label)]
        colour = _COLOURS.blind if label == REST else shades[place % len(shades)]
        figure.add_bar(
            x=[row["period"] for row in found],
            y=[row["people"] for row in found],
            text=label,
            marker={"color": colour, "line": {"color": _COLOURS.surface, "width": 1}},
            offsetgroup=attribute.value,
            showlegend=False,
            hovertemplate=f"{attribute}, {label}: %{{y}}<extra></extra>",
        )
    names = list(dict.fromkeys(row["period"] for row in rows))
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=names)
    return figure.update_layout(barmode="stack", bargap=0.25)


_PLOTS: Mapping[str, Callable[[Report], go.Figure]] = {
    "audience": _audience,
    "attendance": _attendance,
    "dwell": _dwell,
    "occupancy": _occupancy,
    "people": _people,
    "person": _person,
    "today": _today,
    "usage": _usage,
    "visits": _visits,
}


def _canvas(report: Report, *, x_title: str = "", y_title: str = "", rows: int = 0, more: int = 0) -> go.Figure:
    """An empty figure with title, range and notes. rows: how many names stand under one another; more: left out."""
    figure = go.Figure(layout={"template": template(PRINT)})
    return _titled(figure, report, x_title=x_title, y_title=y_title, rows=rows, more=more)


def _titled(
    figure: go.Figure,
    report: Report,
    *,
    x_title: str = "",
    y_title: str = "",
    rows: int = 0,
    more: int = 0,
    top_px: int = 0,
) -> go.Figure:
    """The figure with title, range and notes, in the size of a file. top_px: that it needs over itself."""
    left_out = f", {more} more people are not drawn" if more > 0 else ""
    about = f"{_plain(report.site_name)}, {report.range_text} ({report.zone.key}){left_out}"
    lines = [line for note in report.notes for line in textwrap.wrap(note, _NOTE_WIDTH)][:_MOST_LINES]
    notes = [f'<span style="color:{_COLOURS.warn}">{_plain(line)}</span>' for line in lines]
    figure.update_layout(
        width=WIDTH_PX,
        height=max(HEIGHT_PX, 190 + 18 * len(notes) + _ROW_PX * rows),
        title={
            "text": f"<b>{_plain(report.title)}</b>",
            "subtitle": {"text": "<br>".join([about, *notes]), "font": {"color": _COLOURS.muted, "size": 13}},
            "x": 0.01,
            "y": 0.98,
            "yanchor": "top",
            "automargin": True,
        },
        margin={"l": 20, "r": 30, "t": 110 + 18 * len(notes) + top_px, "b": 30},
    )
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    return figure


def _grey_outages(figure: go.Figure, report: Report) -> None:
    for outage in report.outages:
        start, end = (_there(at, report.zone) for at in (outage.started_at, outage.ended_at))
        figure.add_vrect(x0=start, x1=end, fillcolor=_COLOURS.blind, line_width=0, layer="below")
    if report.outages:
        _grey_legend(figure)


def _grey_places(figure: go.Figure, rows: Sequence[Row]) -> None:
    """Grey behind the bars, the darker the less was watched."""
    blind = {place: 1 - row["watched"] for place, row in enumerate(rows) if row["watched"] not in {None, 1.0}}
    for place, missing in blind.items():
        looks = {"fillcolor": _COLOURS.blind, "opacity": missing, "line_width": 0, "layer": "below"}
        figure.add_vrect(x0=place - 0.5, x1=place + 0.5, **looks)
    if blind:
        _grey_legend(figure)


def _grey_legend(figure: go.Figure) -> None:
    looks = {"color": _COLOURS.blind, "size": 12, "symbol": "square"}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=looks, name="not watched", showlegend=True)


def _labels(people: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A label for each person id, all different; two people of one name get the id behind it."""
    names = [name for _, name in people]
    return {
        person_id: _plain(name if names.count(name) == 1 else f"{name} ({person_id})")[:200]
        for person_id, name in people
    }


def _plain(text: str) -> str:
    """Text that plots show as it is: they would read some tags, and entities."""
    return html.escape(text, quote=False)


def _there(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows: plots know no time zones."""
    return at.astimezone(zone).replace(tzinfo=None)
