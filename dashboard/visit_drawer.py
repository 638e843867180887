"""One visit in a drawer beside the table: when, how long, why, recognised by what, and who changed it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.elements import Element
from dashboard.people_address import profile_link
from dashboard.person_menu import correct_button
from dashboard.views import OpenedVisit, tag
from dashboard.visit_detail import ChangeRow, MatchRow, Step, VisitDetail
from dashboard.visit_table import left, notes
from dashboard.wording import camera_text, capital, clock, duration, stamp
from tracker.presence.explain import Edge
from tracker.reports.visit_filter import VisitFilter

_EDGES = {Edge.START: "Entered", Edge.PAUSE: "Left", Edge.RESUME: "Came back", Edge.END: "Left"}


def content(visit: OpenedVisit | None, query: VisitQuery, zone: ZoneInfo, detail: VisitDetail | None) -> Component:
    """What the drawer holds; a sentence where the visit is not there. detail: for who may correct it."""
    if visit is None:
        text = "There is no such visit in these days. It may lie in others, or have become part of another one."
        return html.P(text, className="quiet")
    row = visit.row
    is_open = row["ended_at"] is None
    facts = {
        "Entered": stamp(row["started_at"], zone),
        "Left": "still in" if is_open else left(row["started_at"], row["ended_at"], zone),
        "Dwell": duration(row["dwell_s"]),
        "Gross": f"{duration(row['gross_s'])}, with time outside" if row["segments"] > 1 else "",
        "Entered by": camera_text(row["enter_camera_id"]) or "not seen",
        "Left by": "" if is_open else camera_text(row["exit_camera_id"]) or "not seen",
        "Person": tag(row) or "member",
        "Notes": notes(row),
    }
    listed = [html.Div([html.Dt(name), html.Dd(text)]) for name, text in facts.items() if text]
    theirs = VisitQuery(days=query.days, moving=query.moving, where=VisitFilter(person_id=row["person_id"]))
    return html.Div(
        [
            html.Dl(listed, className="facts"),
            *_segments(visit, zone),
            html.Div(
                [
                    *([_correct(detail)] if detail is not None else []),
                    shell.link(f"All visits of {row['name']}", theirs.link()),
                    *([shell.link("Profile", profile_link(row["person_id"]))] if detail is not None else []),
                ],
                className="visit-actions",
            ),
            *([] if detail is None else [_steps(detail, zone), _matches(detail, zone), _changes(detail, zone)]),
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


def _correct(detail: VisitDetail) -> Element:
    return correct_button(detail.visit.session_id, "Correct this visit", class_name="button")


def _steps(detail: VisitDetail, zone: ZoneInfo) -> Component:
    """The boundaries of the visit, and the rule behind each."""
    steps = [
        html.Li(
            [
                html.Div([html.Strong(_EDGES[step.edge]), html.Span(_when(step, zone))], className="step-head"),
                html.P(" · ".join(filter(None, (capital(step.because), step.camera))), className="change-details"),
            ]
        )
        for step in detail.steps
    ]
    return _part("Why", html.Ol(steps, className="visit-steps"))


def _when(step: Step, zone: ZoneInfo) -> str:
    return "still in" if step.at is None else stamp(step.at, zone)


def _matches(detail: VisitDetail, zone: ZoneInfo) -> Component:
    """How cameras recognised the person; a visit by hand has none."""
    if not detail.matches:
        return html.Div()
    rows = [_match(each, zone) for each in detail.matches]
    return _part("Recognised by", html.Ul(rows, className="rows rows-tight"))


def _match(row: MatchRow, zone: ZoneInfo) -> Component:
    """When, where and as whom; and how sure that is."""
    match = row.match
    taken_for = f", as {row.taken_for}" if row.taken_for else ""
    figures = (("distance", match.distance), ("margin", match.margin), ("quality", match.quality))
    sure = " · ".join(f"{name} {_figure(value)}" for name, value in figures)
    return html.Li(
        [
            html.Div(
                [
                    html.Div(f"{match.camera_id}{taken_for}", className="change-words"),
                    html.Div(sure, className="change-details"),
                ],
                className="row-text",
            ),
            html.Div(clock(match.at, zone), className="row-figure row-time"),
        ],
        title=match.reason,
    )


def _changes(detail: VisitDetail, zone: ZoneInfo) -> Component:
    """Who changed the visit; the latest change can be undone."""
    if not detail.changes:
        return html.Div()
    return _part("Changes", html.Ul([_change(each, zone) for each in detail.changes], className="rows rows-tight"))


def _change(change: ChangeRow, zone: ZoneInfo) -> Component:
    undone = f"undone by {change.undone_by}" if change.undone_by else ""
    details = (f"by {change.actor}", stamp(change.at, zone), change.reason, undone)
    undo: dict[str, Any] = {"data-undo": str(change.undo)}
    return html.Li(
        [
            html.Div(
                [
                    html.Div(capital(change.words), className="change-words"),
                    html.Div(" · ".join(filter(None, details)), className="change-details"),
                ],
                className="row-text",
            ),
            *([] if change.undo is None else [html.Button("Undo", type="button", className="button", **undo)]),
        ]
    )


def _part(title: str, body: Component) -> Component:
    return html.Section([html.H3(title, className="card-title"), body])


def _figure(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"
