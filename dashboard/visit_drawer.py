"""One visit in a drawer beside the table: when, how long, in which parts, and what is not known."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.views import OpenedVisit, tag
from dashboard.visit_table import left, notes
from dashboard.wording import clock, duration, stamp
from tracker.reports.visit_filter import VisitFilter


def content(visit: OpenedVisit | None, query: VisitQuery, zone: ZoneInfo) -> Component:
    """What the drawer holds; a sentence where the visit is not there."""
    if visit is None:
        text = "There is no such visit in these days. It may lie in others, or have become part of another one."
        return html.P(text, className="quiet")
    row = visit.row
    is_open = row["ended_at"] is None
    facts = {
        "Entered": stamp(row["started_at"], zone),
        "Left": "still in" if is_open else left(row["started_at"], row["ended_at"], zone),
        "Stay": duration(row["dwell_s"]),
        "Gross": f"{duration(row['gross_s'])}, with time outside" if row["segments"] > 1 else "",
        "Entered by": row["enter_camera_id"] or "not seen",
        "Left by": "" if is_open else row["exit_camera_id"] or "not seen",
        "Person": tag(row) or "member",
        "Notes": notes(row),
    }
    listed = [html.Div([html.Dt(name), html.Dd(text)]) for name, text in facts.items() if text]
    theirs = VisitQuery(days=query.days, moving=query.moving, where=VisitFilter(person_id=row["person_id"]))
    return html.Div(
        [
            html.Dl(listed, className="facts"),
            *_segments(visit, zone),
            html.P(shell.link(f"All visits of {row['name']}", theirs.link())),
        ],
        className="visit-facts",
    )


def title(visit: OpenedVisit | None) -> str:
    """The heading of the drawer."""
    return "Visit" if visit is None else str(visit.row["name"])


def _segments(visit: OpenedVisit, zone: ZoneInfo) -> list[Component]:
    """When the person was inside; nothing more than the visit itself says where that is one time."""
    if len(visit.segments) < 2:
        return []
    parts = html.Ol([_segment(part, zone) for part in visit.segments], className="segments")
    return [html.H3("Inside", className="card-title"), parts]


def _segment(part: tuple[datetime, datetime | None], zone: ZoneInfo) -> Component:
    start, end = part
    begun = stamp(start, zone)
    return html.Li(f"{begun} to now" if end is None else f"{begun} to {clock(end, zone)}")
