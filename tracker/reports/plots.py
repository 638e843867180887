"""Reports as plots: one figure a report, light, readable on paper. Names are shown as they are, never as markup."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from config.errors import ReportError
from tracker.reports.sheets import Report, Row
from tracker.reports.text import day_text, length_text

WIDTH_PX = 1200
HEIGHT_PX = 620
MOST_NAMES = 60
"""More people than these do not fit one under the other; those with the most come first."""
_ROW_PX = 22
_NOTE_WIDTH = 170
_MOST_LINES = 4
_MAIN = "#0d7a66"
_SECOND = "#b7791f"
_SOFT = "rgba(13, 122, 102, 0.16)"
_LINE = "#dfe5e2"
_TEXT = "#17211d"
_MUTED = "#5b6a64"
_BAD = "#b23b3b"
_UNWATCHED = "rgba(120, 130, 126, 0.45)"
_FONT = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif"
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
    for key, title, colour in (("entries", "entries", _MAIN), ("exits", "exits", "#9fc9bf")):
        figure.add_bar(x=names, y=[row[key] for row in rows], name=title, marker_color=colour)
    figure.add_scatter(
        x=names,
        y=[row["visitors"] or None for row in rows],
        name="unique visitors",
        mode="markers",
        marker={"color": _SECOND, "size": 9, "symbol": "diamond"},
    )
    _grey_places(figure, rows)
    step = -(-len(names) // 16)
    ticks = list(range(0, len(names), step))
    one_day = len({name[:10] for name in names}) == 1
    texts = [
        names[place][11:] if one_day and len(names) > 1 else names[place].replace(" ", "<br>", 1) for place in ticks
    ]
    figure.update_xaxes(type="category", tickvals=ticks, ticktext=texts)
    figure.update_yaxes(**_whole(max((row[key] or 0 for row in rows for key in ("entries", "exits")), default=0)))
    return figure.update_layout(barmode="group", bargap=0.25)


def _dwell(report: Report) -> go.Figure:
    bins = report.sheet("histogram").rows
    if not bins:
        raise ReportError("there is no visit whose length is known", fix=report.sheet("histogram").empty)
    figure = _canvas(report, y_title="visits")
    names = [f"{_round(row['from_s'])} to {_round(row['to_s'])}" for row in bins]
    for key, title, colour in (("net", "net", _MAIN), ("gross", "with gaps", "#9fc9bf")):
        figure.add_bar(x=names, y=[row[key] for row in bins], name=title, marker_color=colour)
    net = report.main.rows[0]
    width_s = bins[0]["to_s"] - bins[0]["from_s"]
    for level, key, title in ((0, "median_s", "median"), (1, "p90_s", "90 % under")):
        place = net[key] / width_s - 0.5
        figure.add_vline(x=place, line={"color": _SECOND, "width": 1.5, "dash": "dot"})
        text = f"{title} {length_text(net[key])}"
        figure.add_annotation(
            x=place, y=1, yref="paper", yanchor="bottom", yshift=16 * level, showarrow=False, text=text,
            font={"color": _SECOND}, xanchor="left" if place < len(bins) / 2 else "right",
        )  # fmt: skip
    figure.update_xaxes(type="category")
    figure.update_yaxes(**_whole(max(row["gross"] for row in bins)))
    return figure.update_layout(barmode="group", bargap=0.15)


def _occupancy(report: Report) -> go.Figure:
    rows = report.main.rows
    figure = _canvas(report, y_title="people in")
    at = [_there(row["started_at"], report.zone) for row in rows]
    at.append(_there(rows[-1]["ended_at"], report.zone))
    for key, title, looks in (
        ("peak", "peak of the quarter", {"line": {"shape": "hv", "width": 1.5, "color": _MAIN}, "fill": "tozeroy"}),
        ("mean", "mean", {"line": {"shape": "hv", "width": 1.5, "color": _SECOND}}),
    ):
        values = [row[key] for row in rows]
        figure.add_scatter(x=at, y=[*values, values[-1]], name=title, mode="lines", fillcolor=_SOFT, **looks)
    _capacity_line(figure, report, max((row["peak"] or 0 for row in rows), default=0))
    _grey_outages(figure, report)
    return figure


def _today(report: Report) -> go.Figure:
    points = report.sheet("occupancy_steps").rows
    figure = _canvas(report, y_title="people in")
    figure.add_scatter(
        x=[_there(row["at"], report.zone) for row in points],
        y=[row["people"] for row in points],
        mode="lines",
        line={"shape": "hv", "width": 2, "color": _MAIN},
        fill="tozeroy",
        fillcolor=_SOFT,
        showlegend=False,
    )
    _capacity_line(figure, report, max((row["people"] for row in points), default=0))
    _grey_outages(figure, report)
    return figure


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
        marker={"color": [_SECOND if row["ended_at"] is None else _MAIN for row in drawn]},
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
        colorscale=[[0, "#f1f4f3"], [0.01, "#cfe9e1"], [1, _MAIN]],
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
        marker_color=_MAIN,
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
        marker_color=_MAIN,
        showlegend=False,
    )
    return figure.update_xaxes(type="category")


_PLOTS: Mapping[str, Callable[[Report], go.Figure]] = {
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
    left_out = f", {more} more people are not drawn" if more > 0 else ""
    about = f"{_plain(report.site_name)}, {report.range_text} ({report.zone.key}){left_out}"
    lines = [line for note in report.notes for line in textwrap.wrap(note, _NOTE_WIDTH)][:_MOST_LINES]
    notes = [f'<span style="color:#8a4b00">{_plain(line)}</span>' for line in lines]
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        width=WIDTH_PX,
        height=max(HEIGHT_PX, 190 + 18 * len(notes) + _ROW_PX * rows),
        font={"family": _FONT, "size": 13, "color": _TEXT},
        title={
            "text": f"<b>{_plain(report.title)}</b>",
            "subtitle": {"text": "<br>".join([about, *notes]), "font": {"color": _MUTED, "size": 13}},
            "x": 0.01,
            "y": 0.98,
            "yanchor": "top",
            "automargin": True,
        },
        margin={"l": 20, "r": 30, "t": 110 + 18 * len(notes), "b": 30},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
    )
    figure.update_xaxes(title_text=x_title, automargin=True, linecolor=_LINE, gridcolor=_LINE, showgrid=False)
    figure.update_yaxes(title_text=y_title, automargin=True, gridcolor=_LINE, rangemode="tozero", zeroline=False)
    return figure


def _capacity_line(figure: go.Figure, report: Report, highest: int) -> None:
    """The capacity as a line, where the curve comes near it; below, it would only flatten the curve."""
    near = bool(report.capacity) and highest * 2 >= (report.capacity or 0)
    if near:
        figure.add_hline(
            y=report.capacity,
            line={"color": _BAD, "width": 1, "dash": "dot"},
            annotation={"text": f"capacity {report.capacity}", "font": {"color": _BAD}},
            annotation_position="top left",
        )
    figure.update_yaxes(**_whole(max(highest, (report.capacity or 0) if near else 0)))


def _grey_outages(figure: go.Figure, report: Report) -> None:
    for outage in report.outages:
        start, end = (_there(at, report.zone) for at in (outage.started_at, outage.ended_at))
        figure.add_vrect(x0=start, x1=end, fillcolor=_UNWATCHED, opacity=0.5, line_width=0, layer="below")
    if report.outages:
        _grey_legend(figure)


def _grey_places(figure: go.Figure, rows: Sequence[Row]) -> None:
    """Grey behind the bars, the darker the less was watched."""
    blind = {place: 1 - row["watched"] for place, row in enumerate(rows) if row["watched"] not in {None, 1.0}}
    for place, missing in blind.items():
        looks = {"fillcolor": _UNWATCHED, "opacity": missing, "line_width": 0, "layer": "below"}
        figure.add_vrect(x0=place - 0.5, x1=place + 0.5, **looks)
    if blind:
        _grey_legend(figure)


def _grey_legend(figure: go.Figure) -> None:
    looks = {"color": "rgba(120, 130, 126, 0.45)", "size": 12, "symbol": "square"}
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


def _round(seconds: float) -> str:
    """A round length without its zeros."""
    return length_text(seconds).replace(" 00 min", "").replace(" 00 s", "")


def _whole(highest: float) -> dict[str, object]:
    """Ticks of an axis that counts: never a half one."""
    return {"dtick": 1} if highest <= 4 else {"tickformat": ",d"}
