"""Live: who is in and since when, occupancy, latest events and camera health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, html, no_update
from dash.development.base_component import Component

from dashboard import shell
from dashboard.queries import Board
from dashboard.theme import Level
from dashboard.views import CameraRow, EventRow, LiveView, tag
from dashboard.wording import clock, count, duration, initials, moment, percent
from tracker.presence.events import EventKind
from tracker.presence.people import PersonKind, Role
from tracker.reports import charts
from tracker.reports.looks import Look
from tracker.reports.sheets import Row

TITLE = "Live"
STAFF_TOO, NO_STAFF = "with staff", "without staff"
"""A capacity is for everybody in the building; the figures of the day are those of `footfall report today`."""


def layout(board: Board) -> Component:
    """The layout of the page; `register` fills it."""
    del board
    inside = shell.card("Who is in", html.Div(id="live-inside"), heading_id="live-inside-title")
    occupancy = shell.card(
        "In the building today",
        shell.plot("live-occupancy", fill=True),
        note=html.Span(id="live-peak"),
        class_name="card-plot card-fill",
        heading_id="live-occupancy-title",
    )
    cameras = shell.card("Cameras", html.Div(id="live-cameras"), heading_id="live-cameras-title")
    events = shell.card("Latest events", html.Div(id="live-events"), heading_id="live-events-title")
    columns = [
        html.Div([inside, occupancy], className="column span-8"),
        html.Div([events, cameras], className="column span-4"),
    ]
    grid = html.Div(columns, className="grid")
    return html.Div(
        [
            html.Div(
                [html.H1("Live", className="page-title"), html.P(id="live-subtitle", className="page-subtitle")],
                className="page-head page-head-stacked",
            ),
            html.Div(id="live-notice"),
            html.Div(id="live-empty"),
            html.Div([html.Div(id="live-tiles", **shell.aria(live="polite")), grid], id="live-filled", hidden=True),
        ]
    )


def register(app: Dash, board: Board) -> None:
    """Fill the page when the pulse changes; the plot only when history did, so that it does not flicker."""

    @app.callback(
        Output("live-subtitle", "children"),
        Output("live-notice", "children"),
        Output("live-empty", "children"),
        Output("live-filled", "hidden"),
        Output("live-tiles", "children"),
        Output("live-inside", "children"),
        Output("live-events", "children"),
        Output("live-cameras", "children"),
        Input("pulse", "data"),
    )
    def lists(_pulse: object) -> tuple[Any, ...]:
        view = board.live()
        local = view.now.astimezone(board.zone)
        subtitle = f"{local:%A}, {local.day} {local:%B} · times in {board.zone.key.replace('_', ' ')}"
        if not view.started:
            return subtitle, None, _nothing_yet(board, view.other_sites), True, [], [], [], []
        parts = (_tiles(view, board), _inside(view, board.zone), _events(view, board.zone), _cameras(view.cameras))
        return subtitle, shell.notice((*board.behind(), *view.coverage.notes)), None, False, *parts

    @app.callback(
        Output("live-occupancy", "figure"),
        Output("live-occupancy-words", "children"),
        Output("live-peak", "children"),
        Input("history", "data"),
        Input("colours", "data"),
        Input("viewport", "data"),
    )
    def plot(_history: object, colours: object, viewport: object) -> tuple[Any, ...]:
        if not (colours and viewport):  # the browser is about to say how it looks
            return (no_update,) * 3
        view, look = board.live(), Look.of(colours, viewport)
        figure = charts.occupancy(
            view.points,
            span=view.span,
            zone=board.zone,
            capacity=board.capacity,
            look=look,
            blind=view.coverage.blind,
        )
        most = _most(view, board)
        words = f"Everybody in the building since midnight: now {len(view.inside)}, {most}."
        return figure, " ".join((words, *view.coverage.notes)), most


def _most(view: LiveView, board: Board) -> str:
    """The most people at once, staff included; *peak* is the number without staff."""
    if view.most is None:
        return _nobody(view)
    at, people = view.most
    return f"most {people} at {clock(at, board.zone)}, {STAFF_TOO}"


def _nobody(view: LiveView) -> str:
    return "not watched" if view.coverage.nothing else "nobody in yet"


def _nothing_yet(board: Board, other_sites: Sequence[str]) -> Component:
    text = "As soon as a camera is tracked into this store, people appear here within two seconds."
    if other_sites:
        text = (
            f"The store has no records of this site, only of {', '.join(other_sites)}: "
            "set site.id in the settings to show that one."
        )
    return html.Section(
        shell.empty(
            "Nobody has been seen yet",
            text,
            (
                ("Watch the first camera of this machine", board.command("track", "--camera", "0")),
                ("Enrol people, so that they appear by name", board.command("enroll", "ada.jpg", "--name", "Ada")),
                ("Or try it all without a camera", "footfall demo"),
            ),
        ),
        className="card",
    )


def _tiles(view: LiveView, board: Board) -> Component:
    inside = len(view.inside)
    staff = sum(row["role"] == Role.STAFF for row in view.inside)
    figures = view.figures
    highest, median_s = figures["peak"], figures["median_dwell_s"]
    unknown = view.coverage.nothing and not figures["entries"]
    return shell.tiles(
        [
            shell.figure_tile(
                "In the building",
                f"{inside:,}",
                extra=_meter(inside, board.capacity),
                note=f"{STAFF_TOO} · {inside - staff:,} {NO_STAFF}" if staff else STAFF_TOO,
            ),
            shell.figure_tile(
                "Entries today",
                "–" if unknown else f"{figures['entries']:,}",
                note=_public(_nobody(view) if unknown else count(figures["visitors"], "person", "people")),
            ),
            shell.figure_tile(
                "Peak today",
                f"{highest:,}" if highest else "–" if view.coverage.nothing else "0",
                note=_public(f"at {clock(figures['peak_at'], board.zone)}" if highest else _nobody(view)),
            ),
            shell.figure_tile(
                "Median stay today",
                duration(median_s),
                note=_public("visits that are over" if median_s is not None else "no visit is over yet"),
            ),
        ]
    )


def _public(words: str) -> str:
    return f"{words} · {NO_STAFF}"


def _meter(inside: int, capacity: int | None) -> Component | None:
    """Occupancy in percent of the capacity; the words repeat what the colour shows."""
    if capacity is None:
        return None
    level = Level.of(inside, capacity)
    words = {Level.CALM: "", Level.ORANGE: " · nearly full", Level.RED: " · full"}[level]
    fill = html.Div(className="meter-fill", style={"width": f"{min(1.0, inside / capacity):.1%}"})
    text = html.Div(f"{percent(inside / capacity)} of {capacity:,}{words}", className="level-text")
    return html.Div([html.Div(fill, className="meter"), text], className=f"level-{level}")


def _inside(view: LiveView, zone: ZoneInfo) -> Component:
    if not view.inside:
        return html.P("Nobody is in at this moment.", className="quiet")
    return html.Ul([_person_row(row, view, zone) for row in view.inside], className="rows")


def _person_row(row: Row, view: LiveView, zone: ZoneInfo) -> Component:
    since = row["started_at"]
    ticking: dict[str, Any] = {"data-since-ms": str(round(since.timestamp() * 1000))}
    detail = " · ".join(filter(None, (f"since {moment(since, zone, view.now)}", row["camera_id"])))
    return html.Li(
        [
            _face(row),
            html.Div([_name(row), html.Div(detail, className="row-detail")], className="row-text"),
            html.Div(duration((view.now - since).total_seconds()), className="row-figure", **ticking),
        ],
        key=row["person_id"],
    )


def _face(row: Row) -> Component:
    style = "face face-visitor" if row["kind"] == PersonKind.VISITOR else "face"
    return html.Span(initials(row["name"]), className=style, **shell.aria(hidden="true"))


def _name(row: Row) -> Component:
    word = tag(row)
    parts = [html.Span(row["name"], title=row["name"]), *([html.Span(word, className="tag")] if word else [])]
    return html.Div(parts, className="row-name")


def _events(view: LiveView, zone: ZoneInfo) -> Component:
    if not view.events:
        return html.P("No events yet.", className="quiet")
    return html.Ul([_event_row(event, view, zone) for event in view.events], className="rows rows-tight")


def _event_row(event: EventRow, view: LiveView, zone: ZoneInfo) -> Component:
    entered = event.kind is EventKind.ENTER
    detail = f"{'entered' if entered else 'left'} · {event.camera_id}{' · inferred' if event.inferred else ''}"
    return html.Li(
        [
            html.Span(shell.icon("enter" if entered else "exit"), className="mark mark-enter" if entered else "mark"),
            html.Div(
                [html.Div(event.name, className="row-name"), html.Div(detail, className="row-detail")],
                className="row-text",
            ),
            html.Time(moment(event.at, zone, view.now), className="row-figure row-time", dateTime=event.at.isoformat()),
        ],
        key=event.event_id,
    )


def _cameras(cameras: Sequence[CameraRow]) -> Component:
    if not cameras:
        return html.P("No camera has reported yet.", className="quiet")
    return html.Ul([_camera_row(camera) for camera in cameras], className="rows")


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
