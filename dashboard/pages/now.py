"""Now: who is in and since when, what to see to, occupancy, entries and exits, and camera health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Input, Output, State, dcc, no_update

from dashboard import controls, now_lists, now_people, now_strip, shell
from dashboard import elements as html
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import may_open
from dashboard.address import place
from dashboard.alerts import alerts
from dashboard.elements import Element
from dashboard.inside_filter import InsideFilter, Show, Sort, group_value, groups_of
from dashboard.queries import Board
from dashboard.views import NowView
from dashboard.wording import clock
from tracker.reports import charts
from tracker.reports.looks import Look
from tracker.reports.sheets import Row
from tracker.store.users import UserRole

TITLE = "Now"
LEAST = UserRole.VIEWER
SHOWS = {
    Show.EVERYBODY: "Everybody",
    Show.MEMBERS: "Members",
    Show.STAFF: "Staff",
    Show.VISITORS: "Visitors",
    Show.UNAUTHORISED: "Not authorised",
}
SORTS = {Sort.NEWEST: "Newest", Sort.LONGEST: "Longest in"}


def layout(board: Board, search: object) -> Element:
    """The layout of the page; `register` fills it. search: the query part of the address."""
    del board
    people = shell.card(
        "People inside",
        [_controls(InsideFilter.of_address(search)), html.Div(id="now-inside")],
        note=html.Span(id="now-found", **shell.aria(live="polite")),
        heading_id="now-inside-title",
    )
    events = shell.card("Entries and exits", html.Div(id="now-events"), heading_id="now-events-title")
    occupancy = shell.card(
        "In the building today",
        shell.plot("now-occupancy"),
        note=html.Span(id="now-peak"),
        class_name="card-plot",
        heading_id="now-occupancy-title",
    )
    cameras = shell.card("Cameras", html.Div(id="now-cameras"), heading_id="now-cameras-title")
    columns = [
        html.Div([occupancy, people], className="column span-8"),
        html.Div([events, cameras], className="column column-side span-4"),
    ]
    filled = [
        html.Div(id="now-tiles", className="tiles-box", **shell.aria(live="polite")),
        html.Div(id="now-alerts", **shell.aria(live="polite")),
        html.Div(columns, className="grid now-grid"),
    ]
    return html.Div(
        [
            _head(),
            dcc.Store(id="now-changed"),
            html.Div(id="now-notice"),
            html.Div(id="now-empty"),
            html.Div(filled, id="now-filled", hidden=True),
        ]
    )


def _head() -> Element:
    """The title, and the ways to the plain pages, which the browser loads as a whole."""
    tools = [html.A([shell.icon("screen"), "Display"], href=place("/display"), className="button")]
    if may_open(UserRole.DESK):
        tools.insert(0, html.A([shell.icon("list"), "Roll-call"], href=place("/roll-call"), className="button"))
    title = html.Div([html.H1(TITLE, className="page-title"), html.P(id="now-subtitle", className="page-subtitle")])
    return html.Div([title, html.Div(tools, className="page-tools")], className="page-head")


def _controls(wanted: InsideFilter) -> Element:
    return html.Div(
        [
            controls.search("now-search", wanted.text, label="Search in who is in"),
            controls.choice("now-show", "Whom to show", wanted.shown, _shows([], wanted)),
            controls.choice("now-sort", "Order", wanted.sort, controls.options(SORTS)),
        ],
        className="tools people-tools",
        role="search",
    )


def _shows(rows: Sequence[Row], wanted: InsideFilter) -> list[dict[str, Any]]:
    """Whom one may show: kinds of people, and the groups of those who are in."""
    groups = groups_of(rows)
    groups += [wanted.group] if wanted.group and wanted.group not in groups else []
    kinds = controls.options(SHOWS)
    if not groups:
        return kinds
    named = controls.options({group_value(group): group for group in groups})
    return [{"group": "People", "items": kinds}, {"group": "Groups", "items": named}]


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the page when the pulse changes; the plot only when history did, so that it does not flicker."""
    _fill_strip(app, board)
    _fill_lists(app, board)
    shell.draw_after(app, [Input("now-tiles", "children"), Input("now-inside", "children")], ["now-occupancy"])
    _draw(app, board)
    _follow_the_address(app)


def _fill_strip(app: RoleCallbacks, board: Board) -> None:
    """The numbers, by a callback of their own: a browser shows them before it has rendered everybody who is in."""

    @app.callback(
        Output("now-subtitle", "children"),
        Output("now-notice", "children"),
        Output("now-empty", "children"),
        Output("now-filled", "hidden"),
        Output("now-tiles", "children"),
        Output("now-alerts", "children"),
        Input("pulse", "data"),
        shared=True,
    )
    def strip(_pulse: object) -> tuple[Any, ...]:
        view = board.now_view()
        local = view.now.astimezone(board.zone)
        zone = board.zone.key.replace("_", " ")
        subtitle = f"{local:%A}, {local.day} {local:%B} · staff included · times in {zone}"
        if not view.started:
            return subtitle, None, _nothing_yet(board, view.other_sites), True, [], []
        problems = alerts(view, board.zone, lambda session_id: now_people.visit_link(session_id, board))
        notice = shell.notice((*board.behind(), *view.coverage.notes))
        return subtitle, notice, None, False, now_strip.strip(view, board), now_lists.alerts(problems)


def _fill_lists(app: RoleCallbacks, board: Board) -> None:
    @app.callback(
        Output("now-inside", "children"),
        Output("now-found", "children"),
        Output("now-show", "data"),
        Output("now-events", "children"),
        Output("now-cameras", "children"),
        Input("pulse", "data"),
        Input("url", "search"),
        shared=True,
    )
    def lists(_pulse: object, search: object) -> tuple[Any, ...]:
        view, wanted = board.now_view(), InsideFilter.of_address(search)
        if not view.started:
            return [], [], no_update, [], []
        return (
            now_people.cards(view, board, wanted),
            now_people.summary(view, wanted),
            _shows(view.inside, wanted),
            now_lists.feed(view, board),
            now_lists.cameras(view.cameras),
        )


def _draw(app: RoleCallbacks, board: Board) -> None:
    @app.callback(
        Output("now-occupancy-figure", "data"),
        Output("now-occupancy-words", "children"),
        Output("now-peak", "children"),
        Input("history", "data"),
        Input("colours", "data"),
        Input("viewport", "data"),
        shared=True,
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
        words = f"Everybody in the building since midnight: now {view.people_in}, {_peak(view, board.zone)}."
        return figure, " ".join((words, *view.coverage.notes)), _peak(view, board.zone)


def _follow_the_address(app: RoleCallbacks) -> None:
    """Controls write the address, and show what it says."""
    shell.in_browser(
        app,
        ClientsideFunction("address", "find"),
        Output("now-changed", "data"),
        Input("now-search", "value"),
        Input("now-show", "value"),
        Input("now-sort", "value"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "found"),
        Output("now-changed", "clear_data"),
        Input("url", "search"),
        State("now-search", "value"),
        State("now-show", "value"),
        State("now-sort", "value"),
        first=False,
    )


def _peak(view: NowView, zone: ZoneInfo) -> str:
    highest = view.figures["peak"]
    if not highest:
        return now_strip.nobody(view)
    return f"peak {highest:,} at {clock(view.figures['peak_at'], zone)}"


def _nothing_yet(board: Board, other_sites: Sequence[str]) -> Element:
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
