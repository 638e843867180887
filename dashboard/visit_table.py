"""The table of visits: its columns, and the rows of one page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import elements as html
from dashboard import shell
from dashboard.address import PAGE_SIZE, VisitQuery
from dashboard.elements import Element
from dashboard.paged_table import Column, header, pager
from dashboard.views import VisitsView, tag
from dashboard.wording import camera_text, clock, duration, stamp
from tracker.reports.sheets import Row
from tracker.reports.tables import visit_notes
from tracker.reports.visit_filter import Order

_COLUMNS = (
    Column(order=Order.NAME, title="Person", style="cell-name"),
    Column(order=Order.ENTERED, title="Entered", largest_first=True),
    Column(order=Order.LEFT, title="Left", largest_first=True),
    Column(
        order=Order.DWELL, title="Dwell", style="number", hint="Net: time outside is not counted", largest_first=True
    ),
    Column(
        order=Order.GROSS, title="Gross", style="number detail", hint="From first in to last out", largest_first=True
    ),
    Column(
        order=Order.SEGMENTS, title="Times in", style="number detail", hint="Parts of the visit", largest_first=True
    ),
    Column(order=Order.CAMERA, title="Camera", style="detail cell-muted", hint="Where it began"),
    Column(order=None, title="Notes", style="detail cell-muted", hint="Unseen entry or exit, bounce, staff"),
)
ORDERS = {
    "-entered": "Latest first",
    "entered": "Earliest first",
    "-dwell": "Longest dwell first",
    "dwell": "Shortest dwell first",
    "name": "By name",
    "-segments": "Most times in first",
}
"""What a phone, which has no room for all headers, offers to sort by."""


def table(view: VisitsView, query: VisitQuery, zone: ZoneInfo) -> Element:
    """The rows of one page, and the links to the other pages."""

    def sorted_by(order: Order, descending: bool) -> str:
        return replace(query, order=order, descending=descending, page=1, visit="").link()

    headers = [header(each, current=query.order, descending=query.descending, link=sorted_by) for each in _COLUMNS]
    head = html.Thead(html.Tr(headers))
    body = html.Tbody([_row(row, query, zone, linked=view.names) for row in view.rows])
    shown = html.Table([head, body], className="visit-table", **shell.aria(label="Visits"))
    pages = pager(
        page=view.page,
        pages=view.pages,
        size=PAGE_SIZE,
        rows=view.visits,
        link=lambda page: replace(query, page=page, visit="").link(),
    )
    return html.Div([shown, pages], className="card table-card")


def _row(row: Row, query: VisitQuery, zone: ZoneInfo, *, linked: bool) -> Element:
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
        camera_text(row["enter_camera_id"]),
        notes(row),
    )
    styles = [column.style for column in _COLUMNS]
    styles[2] = "state-in" if is_open else ""
    name_cell, *rest = zip(cells, styles, strict=True)
    return html.Tr(
        [
            html.Th(name_cell[0], scope="row", className=name_cell[1]),
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
