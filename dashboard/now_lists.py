"""The lists of the page Now: who is in, entries and exits, cameras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from config.text import fold
from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.queries import Board
from dashboard.views import CameraRow, Days, EventRow, NowView, tag
from dashboard.wording import duration, initials, moment
from tracker.presence.events import EventKind
from tracker.presence.people import PersonKind
from tracker.reports.sheets import Row
from tracker.reports.visit_filter import State, VisitFilter

_SHOWN = 200
"""More people than this are a link to the page of visits."""


def inside(view: NowView, board: Board, text: str) -> Component:
    """Who is in, the latest first. text: only those whose name or camera has every word of it."""
    if not view.inside:
        nobody = "Nobody is known to be in: no camera is watching." if view.watching is False else "Nobody is in."
        return html.P(nobody, className="quiet")
    words = fold(text).split()
    found = [row for row in view.inside if all(word in fold(f"{row['name']} {row['camera_id']}") for word in words)]
    if not found:
        return html.P("Nobody who is in has that name.", className="quiet")
    rows = [_person_row(row, view, board) for row in found[:_SHOWN]]
    grid = html.Ul(rows, className="people-grid")
    if len(found) <= _SHOWN:
        return grid
    today = Days.until(board.today(), days=1)
    return html.Div([grid, html.P(shell.link(f"All {len(found):,}", inside_link(today)), className="quiet")])


def inside_link(today: Days) -> str:
    """The page of the visits of everybody who is in."""
    return VisitQuery(days=today, moving=1, where=VisitFilter(state=State.INSIDE)).link()


def _person_row(row: Row, view: NowView, board: Board) -> Component:
    since = row["started_at"]
    ticking: dict[str, Any] = {"data-since-ms": str(round(since.timestamp() * 1000))}
    detail = " · ".join(filter(None, (f"since {moment(since, board.zone, view.now)}", row["camera_id"])))
    return html.Li(
        [
            _face(row),
            html.Div(
                [
                    _name(row, _visit_link(row["session_id"], board) if view.names else None),
                    html.Div(detail, className="row-detail", title=detail),
                ],
                className="row-text",
            ),
            html.Div(duration((view.now - since).total_seconds()), className="row-figure", **ticking),
        ],
        key=row["person_id"],
    )


def _visit_link(session_id: str, board: Board) -> str:
    """The page of today's visits with one of them opened."""
    return VisitQuery(days=Days.until(board.today(), days=1), moving=1, visit=session_id).link()


def _face(row: Row) -> Component:
    style = "face face-visitor" if row["kind"] == PersonKind.VISITOR else "face"
    return html.Span(initials(row["name"]), className=style, **shell.aria(hidden="true"))


def _name(row: Row, href: str | None) -> Component:
    word = tag(row)
    link = shell.link(row["name"], href, title=row["name"]) if href else html.Span(row["name"])
    return html.Div([link, *([html.Span(word, className="tag")] if word else [])], className="row-name")


def feed(view: NowView, board: Board) -> Component:
    """The latest entries and exits of the building."""
    if not view.events:
        return html.P("Nobody came or left within the last day.", className="quiet")
    return html.Ul([_event_row(event, view, board) for event in view.events], className="rows rows-tight")


def _event_row(event: EventRow, view: NowView, board: Board) -> Component:
    entered = event.kind is EventKind.ENTER
    what = ("entered" if entered else "left", event.camera_id, "not seen" if event.inferred else "")
    detail = " · ".join(filter(None, what))
    days = Days.until(board.today(), days=2)  # a visit of the last day
    href = VisitQuery(days=days, moving=2, visit=event.session_id).link()
    return html.Li(
        [
            html.Span(shell.icon("enter" if entered else "exit"), className="mark mark-enter" if entered else "mark"),
            html.Div(
                [
                    html.Div(
                        shell.link(event.name, href, title=event.name) if view.names else event.name,
                        className="row-name",
                    ),
                    html.Div(detail, className="row-detail", title=detail),
                ],
                className="row-text",
            ),
            html.Time(
                moment(event.at, board.zone, view.now), className="row-figure row-time", dateTime=event.at.isoformat()
            ),
        ],
        key=f"{event.session_id}-{event.kind}",
    )


def cameras(rows: Sequence[CameraRow]) -> Component:
    """The condition of each camera."""
    if not rows:
        return html.P("No camera has reported yet.", className="quiet")
    return html.Ul([_camera_row(camera) for camera in rows], className="rows")


def _camera_row(camera: CameraRow) -> Component:
    return html.Li(
        [
            html.Span(className=f"dot dot-{camera.condition}", **shell.aria(hidden="true")),
            html.Div(
                [
                    html.Div(camera.camera_id, className="row-name"),
                    html.Div(camera.words, className="row-detail"),
                ],
                className="row-text",
                title=camera.source,
            ),
            html.Div(camera.rate, className="row-figure row-time"),
        ],
        key=camera.camera_id,
        className=f"health-{camera.condition}",
    )
