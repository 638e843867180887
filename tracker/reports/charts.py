"""Charts of occupancy, of entries by hour and of dwell: functions of rows, in the look of a page or of a file.

A chart is a figure of Plotly as plain data, {"data": traces, "layout": …}: to build and check its objects takes ten
times as long, and pages draw charts after every change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tracker.presence.calendar import CLOCK, hour_edges, is_ambiguous, local_text
from tracker.reports.looks import Look, Palette, template
from tracker.reports.sheets import Row
from tracker.reports.text import count_text, length_text

Chart: TypeAlias = dict[str, Any]

PLOT_CONFIG: Any = {"displayModeBar": False, "responsive": True, "showTips": False, "doubleClick": False}
"""For dcc.Graph: no buttons over the plot; it follows the width of its box."""

_LABEL_FITS_RIGHT = 0.6
"""Left of this share of the width the words of a line stand at its right, else at its left."""
_ROUND_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800)
_ONE_DAY = timedelta(hours=26)
"""Up to this a plot shows one day; a day may have 25 hours."""
_ALL_WATCHED: tuple[float | None, ...] = (None,) * 24
_WORTH_SHADING = 0.02
"""Less of an hour that was not watched is not worth telling."""
_WORTH_SHOWING = 0.5
"""From this part of an hour on an outage widens the plot to it."""
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
_WORDS_FIT, _WORDS_FIT_NARROW = 0.1, 0.28
"""Shares of the width from which words fit into a stretch."""
_CAPACITY_SHOWN_FROM = 0.5
"""From this share of the capacity on its line is drawn; below, it would only flatten the curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A stretch of time, UTC, that not all cameras watched. share: of those that did, 0 to less than 1."""

    since: datetime
    until: datetime
    share: float


def occupancy(
    points: Sequence[Row],
    *,
    span: tuple[datetime, datetime],
    zone: ZoneInfo,
    capacity: int | None,
    look: Look,
    blind: Sequence[Blind] = (),
    means: Sequence[Row] = (),
) -> Chart:
    """People inside over time.

    points: at and people, in order of time, each holds until the next. span: the time that the axis shows. blind: what
    was not watched; nobody inside at a time that nobody watched is drawn as not known. means: the same of averages.
    """
    colours, axis = look.palette, _axis(span, zone)
    highest = max((point["people"] or 0 for point in points), default=0)
    figure = _canvas(look)
    _shade(figure, blind, span=span, axis=axis, look=look)
    steps = _known(points, blind)
    _trace(
        figure,
        "scatter",
        x=[_local(at, axis) for at, _ in steps],
        y=[people for _, people in steps],
        name="people in, at most" if means else "people in",
        mode="lines",
        line={"shape": "hv", "width": 2 if span[1] - span[0] <= _ONE_DAY else 1.3, "color": colours.main},
        fill="tozeroy",
        fillcolor=colours.main_soft,
        hovertemplate="<b>%{y}</b> inside<extra></extra>",
    )
    if means:
        _trace(
            figure,
            "scatter",
            x=[_local(point["at"], axis) for point in means],
            y=[point["people"] for point in means],
            name="on average",
            mode="lines",
            line={"shape": "hv", "width": 1.3, "color": colours.second},
            hovertemplate="<b>%{y:.1f}</b> on average<extra></extra>",
        )
    top = max(highest, 3)
    if capacity is not None and highest >= _CAPACITY_SHOWN_FROM * capacity:
        top = max(top, capacity)
        _level_line(figure, capacity, f"capacity {capacity}", colours)
    figure["layout"]["hovermode"] = "x unified"
    _axes(
        figure,
        x={
            "range": [_local(at, axis) for at in span],
            "hoverformat": _hover_time(span),
            **_time_ticks(span, narrow=look.narrow),
        },
        y={"range": [0, top * 1.12], **whole_numbers(top)},
    )
    if axis is not zone:
        _clock_ticks(figure, steps, span=span, axis=axis, zone=zone)
    return figure


def footfall_by_hour(
    hours: Sequence[int], *, days: int, look: Look, watched: Sequence[float | None] = _ALL_WATCHED
) -> Chart:
    """Entries in each hour of the day.

    hours: entries in each of the 24 hours, summed over the days. days: how many those are. watched: the share (0..1)
    of each of the 24 hours that was, None where that is not known.
    """
    colours = look.palette
    shown = _opening_hours(hours, watched)
    figure = _canvas(look)
    for hour, _ in shown:
        missed = 1 - _share(watched[hour])
        if missed > _WORTH_SHADING:
            _grey(figure, hour - 0.5, hour + 0.5, look=look, opacity=missed)
    _trace(
        figure,
        "bar",
        x=[hour for hour, _ in shown],
        y=[number if number or watched[hour] != 0 else None for hour, number in shown],
        customdata=[
            [
                f"{hour:02d}:00–{(hour + 1) % 24:02d}:00",
                count_text(number, "entry", "entries"),
                _more_of_hour(number, days, _share(watched[hour])),
            ]
            for hour, number in shown
        ],
        marker={"color": colours.main, "cornerradius": 4, "opacity": 0.9},
        hovertemplate="%{customdata[0]}<br><b>%{customdata[1]}</b>%{customdata[2]}<extra></extra>",
    )
    most = 5 if look.narrow else 9
    step = -(-len(shown) // most)
    ticks = [hour for hour, _ in shown][::step]
    _axes(
        figure,
        x={"tickmode": "array", "tickvals": ticks, "ticktext": [f"{hour:02d}:00" for hour in ticks]},
        y=whole_numbers(max((number for _, number in shown), default=0)),
    )
    return figure


def dwell_histogram(bins: Sequence[Row], dwell: Row, *, look: Look, series: Mapping[str, str]) -> Chart:
    """How long visits last, with lines at the median and the 90th percentile.

    bins: rows with from_s, to_s and a count for each of `series`, key -> name. dwell: median_s and p90_s.
    """
    colours = look.palette
    figure = _canvas(look, top_px=44)
    share = 0.92 / len(series)
    for place, ((key, name), colour) in enumerate(zip(series.items(), (colours.main, colours.third), strict=False)):
        offset = (place - (len(series) - 1) / 2) * share
        _trace(
            figure,
            "bar",
            x=[(each["from_s"] + each["to_s"]) / 2 + offset * (each["to_s"] - each["from_s"]) for each in bins],
            width=[(each["to_s"] - each["from_s"]) * share for each in bins],
            y=[each[key] for each in bins],
            name=name,
            customdata=[
                [f"{_short(each['from_s'])} to {_short(each['to_s'])}", count_text(each[key], "visit")] for each in bins
            ],
            marker={"color": colour, "cornerradius": 4, "opacity": 0.9},
            hovertemplate="%{customdata[0]}<br><b>%{customdata[1]}</b><extra></extra>",
        )
    longest_s = max((each["to_s"] for each in bins), default=600.0)
    _dwell_line(figure, "median", dwell["median_s"], colours.text, row=0, longest_s=longest_s)
    _dwell_line(figure, "90 % under", dwell["p90_s"], colours.second, row=1, longest_s=longest_s)
    _axes(
        figure,
        x={"range": [0, longest_s], **_length_ticks(longest_s, most=5 if look.narrow else 7)},
        y=whole_numbers(max((each[key] for each in bins for key in series), default=0)),
    )
    return figure


def _canvas(look: Look, top_px: int = 14) -> Chart:
    margin = {"l": 12, "r": 14, "t": top_px, "b": 10}
    layout = {"template": template(look), "autosize": True, "margin": margin, "shapes": [], "annotations": []}
    return {"data": [], "layout": layout}


def _trace(figure: Chart, kind: str, **parts: object) -> None:
    figure["data"].append({"type": kind, **parts})


def _axes(figure: Chart, *, x: Mapping[str, object], y: Mapping[str, object]) -> None:
    figure["layout"] |= {"xaxis": dict(x), "yaxis": dict(y)}


def _grey(figure: Chart, start: float | str, end: float | str, *, look: Look, opacity: float) -> None:
    """Over all of the height from start to end."""
    place = {"xref": "x", "x0": start, "x1": end, "yref": "y domain", "y0": 0, "y1": 1}
    style = {"fillcolor": look.palette.blind, "opacity": opacity, "line": {"width": 0}, "layer": "below"}
    figure["layout"]["shapes"].append({"type": "rect", **place, **style})


def _words(figure: Chart, text: str, colour: str, **place: object) -> None:
    font = {"color": colour, "size": 12}
    figure["layout"]["annotations"].append({"text": text, "font": font, "showarrow": False, **place})


def _level_line(figure: Chart, level: int, text: str, colours: Palette) -> None:
    place = {"xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": level, "y1": level}
    line = {"color": colours.bad, "width": 1, "dash": "dot"}
    figure["layout"]["shapes"].append({"type": "line", **place, "line": line})
    corner = {"xref": "x domain", "x": 0, "xanchor": "left", "yref": "y", "y": level, "yanchor": "bottom"}
    _words(figure, text, colours.bad, **corner, yshift=-2)


def _dwell_line(figure: Chart, name: str, seconds: float | None, colour: str, *, row: int, longest_s: float) -> None:
    """A line across the histogram; its words stand over the plot, each line's in a row of its own."""
    if seconds is None:
        return
    place = {"xref": "x", "x0": seconds, "x1": seconds, "yref": "y domain", "y0": 0, "y1": 1}
    figure["layout"]["shapes"].append({"type": "line", **place, "line": {"color": colour, "width": 1.5, "dash": "dot"}})
    _words(
        figure,
        f"{name} {_short(seconds)}",
        colour,
        x=seconds,
        y=1,
        yref="paper",
        yanchor="bottom",
        yshift=2 + 17 * row,
        xanchor="left" if seconds < _LABEL_FITS_RIGHT * longest_s else "right",
    )


def _short(seconds: float) -> str:
    return length_text(seconds, coarse=True)


def _local(at: datetime, zone: tzinfo) -> str:
    """What the clock on the wall shows, ISO 8601: plots know no time zones."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat()


def _hover_time(span: tuple[datetime, datetime]) -> str:
    return "%H:%M" if span[1] - span[0] <= _ONE_DAY else "%a %-d %b, %H:%M"


def _axis(span: tuple[datetime, datetime], zone: ZoneInfo) -> tzinfo:
    """The time of a time axis: the site's, but that of the start where the clock is set within a day, so that no hour
    is drawn over another.
    """
    start, end = (at.astimezone(zone).utcoffset() for at in span)
    if start is None or start == end or span[1] - span[0] > _ONE_DAY:
        return zone
    return timezone(start)


def _clock_ticks(
    figure: Chart,
    steps: Sequence[tuple[datetime, int | None]],
    *,
    span: tuple[datetime, datetime],
    axis: tzinfo,
    zone: ZoneInfo,
) -> None:
    """What the clock shows at the ticks of the axis and at each step; an hour that comes twice carries its zone."""
    hours = [at for at in hour_edges(*span, zone) if span[0] <= at <= span[1]]
    shown = [at for at in hours if at.astimezone(zone).hour % 3 == 0 or is_ambiguous(at.astimezone(zone))]
    figure["layout"]["xaxis"] |= {
        "tickmode": "array",
        "tickvals": [_local(at, axis) for at in shown],
        "ticktext": [local_text(at, zone, CLOCK) for at in shown],
    }
    figure["layout"]["hovermode"] = "closest"
    figure["data"][0] |= {
        "customdata": [local_text(at, zone, CLOCK) for at, _ in steps],
        "hovertemplate": "%{customdata}<br><b>%{y}</b> inside<extra></extra>",
    }


def _time_ticks(span: tuple[datetime, datetime], *, narrow: bool) -> dict[str, object]:
    """Hours of one day, else days; as many labels as fit side by side."""
    length = span[1] - span[0]
    if length <= _ONE_DAY:
        return {"tickformat": "%H:%M", "nticks": 5 if narrow else 9, "tickangle": 0}
    if length <= timedelta(days=8):
        return {"tickformat": "%a" if narrow else "%a %-d", "dtick": 86_400_000, "tickangle": 0}
    return {"tickformat": "%-d %b", "nticks": 5 if narrow else 10, "tickangle": 0}


def _length_ticks(longest_s: float, *, most: int) -> dict[str, object]:
    """Ticks at round lengths of time from 0 on, so many at most."""
    step_s = next((step for step in _ROUND_STEPS_S if longest_s / step <= most), longest_s)
    unit_s, unit = next(
        (size, name) for size, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s")) if step_s >= size
    )
    values = [step_s * number for number in range(int(longest_s // step_s) + 1)]
    texts = ["0", *(f"{value / unit_s:g} {unit}" for value in values[1:])]
    return {"tickmode": "array", "tickvals": values, "ticktext": texts}


def whole_numbers(highest: float) -> dict[str, object]:
    """Ticks of an axis that counts people: never a half one."""
    return {"dtick": 1} if highest <= 4 else {"nticks": 5, "tickformat": ",d"}


def _share(watched: float | None) -> float:
    """What was watched; all of it, where nothing is known about outages."""
    return 1.0 if watched is None else watched


def _more_of_hour(entries: int, days: int, watched: float) -> str:
    """The lines under the entries of an hour."""
    a_day = f"<br>{entries / days / watched:.1f} a day" if days > 1 and watched else ""
    return a_day + (f"<br>watched {watched:.0%} of it" if 1 - watched > _WORTH_SHADING else "")


def _shade(figure: Chart, blind: Sequence[Blind], *, span: tuple[datetime, datetime], axis: tzinfo, look: Look) -> None:
    """Grey over what was not watched, lighter where some cameras did; words in the widest."""
    widest, told = timedelta(0), None
    for each in blind:
        start, end = max(each.since, span[0]), min(each.until, span[1])
        if start >= end:
            continue
        _grey(figure, _local(start, axis), _local(end, axis), look=look, opacity=1 - each.share)
        if each.share == 0 and end - start > widest:
            widest, told = end - start, start + (end - start) / 2
    if told is not None and widest >= (span[1] - span[0]) * (_WORDS_FIT_NARROW if look.narrow else _WORDS_FIT):
        _words(figure, "not watched", look.palette.muted, x=_local(told, axis), y=1, yref="paper", yanchor="top")


def _known(points: Sequence[Row], blind: Sequence[Blind]) -> list[tuple[datetime, int | None]]:
    """The steps of occupancy, with None where nobody is known to be inside and nobody watched.

    Known stretches begin and end at 0: the fill below the line goes across unknown ones.
    """
    unseen = [(each.since, each.until) for each in blind if each.share == 0]
    edges = sorted({point["at"] for point in points} | {at for stretch in unseen for at in stretch})
    steps: list[tuple[datetime, int | None]] = []
    level: int | None = None
    index = 0
    for at in edges:
        if points and at > points[-1]["at"]:
            break
        while index < len(points) and points[index]["at"] <= at:
            level, index = points[index]["people"], index + 1
        if level is None:
            continue
        is_known = level > 0 or not any(start <= at < end for start, end in unseen)
        if not is_known and steps and steps[-1][1] is not None:
            steps.append((at, 0))
        if is_known and level > 0 and steps and steps[-1][1] is None:
            steps.append((at, 0))
        steps.append((at, level if is_known else None))
    return steps


def _opening_hours(hours: Sequence[int], watched: Sequence[float | None]) -> list[tuple[int, int]]:
    """(hour, entries) from the first to the last hour with an entry or an outage, at least eight of them."""
    busy = [hour for hour, number in enumerate(hours) if number or 1 - _share(watched[hour]) > _WORTH_SHOWING] or [9]
    first, last = min(busy), max(busy)
    while last - first < 7:
        first, last = max(0, first - 1), min(23, last + 1)
    return [(hour, hours[hour]) for hour in range(first, last + 1)]
