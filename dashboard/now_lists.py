"""The lists of the page Now: what to see to, entries and exits, cameras."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import elements as html
from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.alerts import Alert
from dashboard.elements import Element
from dashboard.queries import Board
from dashboard.views import CameraRow, Days, EventRow, NowView
from dashboard.wording import moment
from tracker.presence.events import EventKind


def alerts(found: Sequence[Alert]) -> Element | None:
    """The problems of now, the worst of which is the first; None without any."""
    if not found:
        return None
    items = [
        html.Li(
            [
                html.Span(className=f"dot dot-{alert.condition}", **shell.aria(hidden="true")),
                shell.link(alert.text, alert.href) if alert.href else html.Span(alert.text),
            ],
            key=alert.text,
        )
        for alert in found
    ]
    heading = html.H2("Needs attention", className="card-title", id="now-alerts-title")
    return html.Section(
        [heading, html.Ul(items, className="alert-list")],
        className=f"card alerts alerts-{found[0].condition}",
        **shell.aria(labelledby="now-alerts-title"),
    )


def feed(view: NowView, board: Board) -> Element:
    """The latest entries and exits of the building."""
    if not view.events:
        return html.P("Nobody came or left within the last day.", className="quiet")
    return html.Ul([_event_row(event, view, board) for event in view.events], className="rows rows-tight")


def _event_row(event: EventRow, view: NowView, board: Board) -> Element:
    entered = event.kind is EventKind.ENTER
    what = ("entered" if entered else "left", event.camera_id, "not seen" if event.inferred else "")
    detail = " · ".join(filter(None, what))
    days = Days.until(board.today(), days=2)  # a visit of the last day
    href = VisitQuery(days=days, moving=2, visit=event.session_id).link()
    linked = view.names and bool(event.session_id)
    return html.Li(
        [
            html.Span(shell.icon("enter" if entered else "exit"), className="mark mark-enter" if entered else "mark"),
            html.Div(
                [
                    html.Div(
                        shell.link(event.name, href, title=event.name) if linked else event.name,
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
        key=f"{event.session_id or event.at.isoformat()}-{event.kind}",
    )


def cameras(rows: Sequence[CameraRow]) -> Element:
    """The condition of each camera."""
    if not rows:
        return html.P("No camera has reported yet.", className="quiet")
    return html.Ul([_camera_row(camera) for camera in rows], className="rows")


def _camera_row(camera: CameraRow) -> Element:
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
