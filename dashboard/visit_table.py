"""The table of visits: its columns, the links that sort it, and the links between its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import PAGE_SIZE, VisitQuery
from dashboard.views import VisitsView, tag
from dashboard.wording import clock, duration, stamp
from tracker.reports.sheets import Row
from tracker.reports.tables import visit_notes
from tracker.reports.visit_filter import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """style: its class. largest_first: the first click sorts downwards."""

    order: Order | None
    title: str
    style: str = ""
    hint: str = ""
    largest_first: bool = False


_COLUMNS = (
    _Column(order=Order.NAME, title="Person", style="cell-name"),
    _Column(order=Order.ENTERED, title="Entered", largest_first=True),
    _Column(order=Order.LEFT, title="Left", largest_first=True),
    _Column(
        order=Order.STAY, title="Stay", style="number", hint="Net: time outside is not counted", largest_first=True
    ),
    _Column(
        order=Order.GROSS, title="Gross", style="number detail", hint="From first in to last out", largest_first=True
    ),
    _Column(
        order=Order.SEGMENTS, title="Times in", style="number detail", hint="Parts of the visit", largest_first=True
    ),
    _Column(order=Order.CAMERA, title="Camera", style="detail cell-muted", hint="Where it began"),
    _Column(order=None, title="Notes", style="detail cell-muted", hint="Unseen entry or exit, bounce, staff"),
)
ORDERS = {
    "-entered": "Latest first",
    "entered": "Earliest first",
    "-stay": "Longest stay first",
    "stay": "Shortest stay first",
    "name": "By name",
    "-segments": "Most times in first",
}
"""What a phone, which has no room for all headers, offers to sort by."""


def table(view: VisitsView, query: VisitQuery, zone: ZoneInfo) -> Component:
    """The rows of one page, and the links to the other pages."""
    head = html.Thead(html.Tr([_header(column, query) for column in _COLUMNS]))
    body = html.Tbody([_row(row, query, zone, linked=view.names) for row in view.rows])
    shown = html.Table([head, body], className="visit-table", **shell.aria(label="Visits"))
    return html.Div([shown, _pager(view, query)], className="card table-card")


def _header(column: _Column, query: VisitQuery) -> Component:
    if column.order is None:
        return html.Th(column.title, scope="col", className=column.style, title=column.hint)
    current = column.order is query.order
    descending = not query.descending if current else column.largest_first
    href = replace(query, order=column.order, descending=descending, page=1, visit="").link()
    direction = ("descending" if query.descending else "ascending") if current else None
    arrow = html.Span({"descending": "↓", "ascending": "↑"}.get(direction or "", ""), **shell.aria(hidden="true"))
    sorted_by: dict[str, Any] = shell.aria(sort=direction) if direction else {}
    link = shell.link([column.title, " ", arrow], href, stay=True, title=column.hint or None)
    return html.Th(link, scope="col", className=column.style, **sorted_by)


def _row(row: Row, query: VisitQuery, zone: ZoneInfo, *, linked: bool) -> Component:
    is_open = row["ended_at"] is None
    word = tag(row)
    opened = replace(query, visit=row["session_id"]).link()
    name = [
        shell.link(row["name"], opened, stay=True, title=row["name"]) if linked else row["name"],
        *([html.Span(word, className="tag")] if word else []),
    ]
    cells = (
        name,
        _entered(row["started_at"], zone),
        "still in" if is_open else left(row["started_at"], row["ended_at"], zone),
        duration(row["dwell_s"]),
        duration(row["gross_s"]),
        f"{row['segments']:,}",
        row["enter_camera_id"] or "",
        notes(row),
    )
    styles = [column.style for column in _COLUMNS]
    styles[2] = "state-in" if is_open else ""
    header, *rest = zip(cells, styles, strict=True)
    return html.Tr(
        [
            html.Th(header[0], scope="row", className=header[1]),
            *(html.Td(cell, className=style) for cell, style in rest),
        ],
        key=row["session_id"],
    )


def _entered(at: datetime, zone: ZoneInfo) -> list[Any]:
    """Day and time; a phone has no room for the day of the week."""
    weekday, _, rest = stamp(at, zone).partition(" ")
    return [html.Span(f"{weekday} ", className="weekday"), rest]


def notes(row: Row) -> str:
    """What there is to say about a visit, beside what its row shows."""
    return ", ".join(visit_notes({**row, "role": ""})[row["ended_at"] is None :])


def left(started_at: datetime, ended_at: datetime, zone: ZoneInfo) -> str:
    """The time, without the day if it is the same."""
    same_day = started_at.astimezone(zone).date() == ended_at.astimezone(zone).date()
    return clock(ended_at, zone) if same_day else stamp(ended_at, zone)


def _pager(view: VisitsView, query: VisitQuery) -> Component:
    first = (view.page - 1) * PAGE_SIZE + 1
    last = min(view.page * PAGE_SIZE, view.visits)
    steps: Sequence[tuple[str, str, int]] = (
        ("«", "First page", 1),
        ("‹", "Previous page", view.page - 1),
        ("›", "Next page", view.page + 1),
        ("»", "Last page", view.pages),
    )
    links = [_step(sign, name, number, view, query) for sign, name, number in steps]
    place = html.Span(f"Page {view.page:,} of {view.pages:,}", className="pager-place")
    return html.Nav(
        [
            html.Span(f"{first:,} to {last:,} of {view.visits:,}", className="pager-range"),
            *links[:2],
            place,
            *links[2:],
        ],
        className="pager",
        **shell.aria(label="Pages of the table"),
    )


def _step(sign: str, name: str, number: int, view: VisitsView, query: VisitQuery) -> Component:
    if number == view.page or not 1 <= number <= view.pages:
        return html.Span(sign, className="pager-step pager-off", **shell.aria(hidden="true"))
    href = replace(query, page=number, visit="").link()
    return shell.link(sign, href, class_name="pager-step", **shell.aria(label=name))
