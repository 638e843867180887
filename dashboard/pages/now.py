"""Now: who is in and since when, occupancy, entries and exits, and camera health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import now_lists, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.address import VisitQuery, parsed
from dashboard.queries import Board
from dashboard.theme import Level
from dashboard.views import Days, NowView
from dashboard.wording import clock, count, duration, percent
from tracker.presence.people import Role
from tracker.reports import charts
from tracker.reports.looks import Look
from tracker.reports.visit_filter import State as VisitState
from tracker.reports.visit_filter import VisitFilter
from tracker.store.users import UserRole

TITLE = "Now"
LEAST = UserRole.VIEWER
NOT_WATCHED = "not watched"


def layout(board: Board, search: object) -> Component:
    """The layout of the page; `register` fills it. search: the query part of the address."""
    del board
    find = dmc.TextInput(
        id="now-search",
        value=parsed(search).get("q", ""),
        placeholder="Search",
        leftSection=shell.icon("search"),
        debounce=200,
        size="xs",
        className="search",
        **shell.aria(label="Search in who is in"),
    )
    inside = shell.card("Who is in", html.Div(id="now-inside"), note=find, heading_id="now-inside-title")
    occupancy = shell.card(
        "In the building today",
        shell.plot("now-occupancy"),
        note=html.Span(id="now-peak"),
        class_name="card-plot",
        heading_id="now-occupancy-title",
    )
    cameras = shell.card("Cameras", html.Div(id="now-cameras"), heading_id="now-cameras-title")
    events = shell.card("Entries and exits", html.Div(id="now-events"), heading_id="now-events-title")
    columns = [
        html.Div([occupancy, inside], className="column span-8"),
        html.Div([events, cameras], className="column column-side span-4"),
    ]
    return html.Div(
        [
            html.Div(
                [html.H1("Now", className="page-title"), html.P(id="now-subtitle", className="page-subtitle")],
                className="page-head page-head-stacked",
            ),
            dcc.Store(id="now-changed"),
            html.Div(id="now-notice"),
            html.Div(id="now-empty"),
            html.Div(
                [
                    html.Div(id="now-tiles", className="tiles-box", **shell.aria(live="polite")),
                    html.Div(columns, className="grid"),
                ],
                id="now-filled",
                hidden=True,
            ),
        ]
    )


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the page when the pulse changes; the plot only when history did, so that it does not flicker."""

    @app.callback(
        Output("now-subtitle", "children"),
        Output("now-notice", "children"),
        Output("now-empty", "children"),
        Output("now-filled", "hidden"),
        Output("now-tiles", "children"),
        Output("now-inside", "children"),
        Output("now-events", "children"),
        Output("now-cameras", "children"),
        Input("pulse", "data"),
        Input("url", "search"),
    )
    def lists(_pulse: object, search: object) -> tuple[Any, ...]:
        view = board.now_view()
        local = view.now.astimezone(board.zone)
        zone = board.zone.key.replace("_", " ")
        subtitle = f"{local:%A}, {local.day} {local:%B} · staff included · times in {zone}"
        if not view.started:
            return subtitle, None, _nothing_yet(board, view.other_sites), True, [], [], [], []
        text = parsed(search).get("q", "")
        inside, feed = now_lists.inside(view, board, text), now_lists.feed(view, board)
        parts = (_tiles(view, board), inside, feed, now_lists.cameras(view.cameras))
        return subtitle, shell.notice((*board.behind(), *view.coverage.notes)), None, False, *parts

    @app.callback(
        Output("now-occupancy", "figure"),
        Output("now-occupancy-words", "children"),
        Output("now-peak", "children"),
        Input("history", "data"),
        Input("colours", "data"),
        Input("viewport", "data"),
    )
    def plot(_history: object, colours: object, viewport: object) -> tuple[Any, ...]:
        if not (colours and viewport):  # the browser is about to say how it looks
            return (no_update,) * 3
        view, look = board.now_view(), Look.of(colours, viewport)
        figure = charts.occupancy(
            view.points,
            span=view.span,
            zone=board.zone,
            capacity=board.capacity,
            look=look,
            blind=view.coverage.blind,
        )
        words = f"Everybody in the building since midnight: now {len(view.inside)}, {_peak(view, board.zone)}."
        return figure, " ".join((words, *view.coverage.notes)), _peak(view, board.zone)

    shell.in_browser(
        app,
        ClientsideFunction("address", "find"),
        Output("now-changed", "data"),
        Input("now-search", "value"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "found"),
        Output("now-changed", "clear_data"),
        Input("url", "search"),
        State("now-search", "value"),
        first=False,
    )


def _peak(view: NowView, zone: ZoneInfo) -> str:
    highest = view.figures["peak"]
    if not highest:
        return _nobody(view)
    return f"peak {highest:,} at {clock(view.figures['peak_at'], zone)}"


def _is_unknown(view: NowView) -> bool:
    """Whether nobody seen does not mean that nobody was there."""
    return view.watching is False or view.coverage.mostly_missed


def _nobody(view: NowView) -> str:
    return NOT_WATCHED if _is_unknown(view) else "nobody in yet"


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


def _tiles(view: NowView, board: Board) -> Component:
    inside = len(view.inside)
    staff = sum(row["role"] == Role.STAFF for row in view.inside)
    figures, today = view.figures, Days.until(board.today(), days=1)
    highest, median_s = figures["peak"], figures["median_dwell_s"]
    begun = VisitQuery(days=today, moving=1, where=VisitFilter(begun=True))
    return shell.tiles(
        [
            shell.figure_tile(
                "In the building",
                _number(inside, view),
                extra=_meter(inside, board.capacity) if inside or view.watching is not False else None,
                note=_inside_note(view, staff),
                href=now_lists.inside_link(today),
            ),
            shell.figure_tile(
                "Entries today",
                _number(figures["entries"], view),
                note=count(figures["visitors"], "person", "people") if figures["entries"] else _nobody(view),
                href=begun.link(),
            ),
            shell.figure_tile(
                "Peak today",
                _number(highest, view),
                note=f"at {clock(figures['peak_at'], board.zone)}" if highest else _nobody(view),
                href=VisitQuery(days=today, moving=1).link(),
            ),
            shell.figure_tile(
                "Median stay today",
                duration(median_s),
                note="visits that are over" if median_s is not None else "no visit is over yet",
                href=begun.filtered(state=VisitState.LEFT).link(),
            ),
        ]
    )


def _number(value: int | None, view: NowView) -> str:
    return f"{value:,}" if value else "–" if _is_unknown(view) else "0"


def _inside_note(view: NowView, staff: int) -> str:
    if view.watching is False:
        return "last known, no camera is watching" if view.inside else NOT_WATCHED
    return f"{staff:,} of them staff" if staff else ""


def _meter(inside: int, capacity: int | None) -> Component | None:
    """Occupancy in percent of the capacity; the words repeat what the colour shows."""
    if capacity is None:
        return None
    level = Level.of(inside, capacity)
    words = {Level.CALM: "", Level.ORANGE: " · nearly full", Level.RED: " · full"}[level]
    fill = html.Div(className="meter-fill", style={"width": f"{min(1.0, inside / capacity):.1%}"})
    text = html.Div(f"{percent(inside / capacity)} of {capacity:,}{words}", className="level-text")
    return html.Div([html.Div(fill, className="meter"), text], className=f"level-{level}")
