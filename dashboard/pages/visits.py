"""Visits: those of a range of days, to search, filter, sort, open and download; the address holds all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc

from dashboard import controls, shell, visit_adding, visit_drawer
from dashboard import elements as html
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import may_open
from dashboard.address import DEFAULT_DAYS, VisitQuery
from dashboard.coverage import CoverageView
from dashboard.elements import Element
from dashboard.queries import Board
from dashboard.time_field import MONTHS
from dashboard.views import Days, VisitsView
from dashboard.visit_detail import visit_detail
from dashboard.visit_table import ORDERS, table
from dashboard.wording import count, duration
from tracker.reports.visit_filter import State as VisitState
from tracker.reports.visit_filter import VisitFilter, Who
from tracker.store.users import UserRole

TITLE = "Visits"
LEAST = UserRole.VIEWER
WHO = {
    Who.EVERYBODY: "Everybody",
    Who.PUBLIC: "Without staff",
    Who.MEMBERS: "Members",
    Who.VISITORS: "Visitors",
    Who.STAFF: "Staff",
}
STATES = {VisitState.ANY: "In or left", VisitState.INSIDE: "Still in", VisitState.LEFT: "Left"}
CONTROLS = ("search", "range", "who", "state", "sort")


def layout(board: Board, search: object) -> Element:
    """Tools above, the table below; `register` fills it. search: the query part of the address."""
    query = VisitQuery.of_address(search, board.today())
    head = html.Div(
        [html.H1("Visits", className="page-title"), html.P(id="visits-summary", className="page-subtitle")],
        role="status",
    )
    return html.Div(
        [
            html.Div([head], className="page-head"),
            dcc.Store(id="visits-shown"),
            dcc.Store(id="visits-changed"),
            _tools(board.today(), query),
            html.Div(id="visits-chips"),
            html.Div(id="visits-notice"),
            html.Div(html.Div(id="visits-table"), id="visits-results", **shell.LOADING),
            dmc.Drawer(
                id="visit-drawer",
                opened=bool(query.visit),
                position="right",
                size="min(420px, 100vw)",
                closeButtonProps=shell.aria(label="Close"),
            ),
        ]
    )


def _tools(today: date, query: VisitQuery) -> Element:
    values = _values(query)
    return html.Div(
        [
            controls.search(
                "visits-search",
                values["search"],
                label="Search in the visits",
                placeholder="Search people, cameras, dates",
            ),
            html.Span("From which day to which day", id="visits-days-target", className="visually-hidden"),
            dmc.DatePickerInput(
                id="visits-range",
                popoverProps={"id": "visits-days"},  # whose dialog is labelled by `visits-days-target`
                type="range",
                value=values["range"],
                maxDate=today.isoformat(),
                valueFormat="D MMM YYYY",
                ariaLabels=MONTHS,
                allowSingleDateInRange=True,
                leftSection=shell.icon("calendar"),
                presets=_presets(today),
                firstDayOfWeek=1,
                weekendDays=[],
                className="range",
                label="From which day to which day",
                labelProps={"className": "visually-hidden"},
            ),
            controls.choice("visits-who", "Whose visits", values["who"], controls.options(WHO)),
            controls.choice("visits-state", "Still in or left", values["state"], controls.options(STATES)),
            controls.choice(
                "visits-sort", "Order", values["sort"], controls.options(ORDERS), class_name="choice narrow-only"
            ),
            html.Div(className="spacer"),
            *(visit_adding.components() if may_open(UserRole.DESK) else ()),
            controls.download_csv("visits-csv", query.link("/visits.csv")),
        ],
        className="tools",
        role="search",
    )


def _values(query: VisitQuery) -> dict[str, Any]:
    """The values of the controls."""
    sort = f"{'-' if query.descending else ''}{query.order}"
    return {
        "search": query.where.text,
        "range": _texts(query.days),
        "who": str(query.where.who),
        "state": str(query.where.state),
        "sort": sort if sort in ORDERS else None,
    }


def _presets(today: date) -> list[dict[str, Any]]:
    """Preset ranges that end today."""
    return [
        {"label": label, "value": _texts(Days.until(today, days=days))}
        for label, days in (("Today", 1), ("Last 7 days", 7), ("Last 30 days", 30), ("Last 365 days", 365))
    ]


def _texts(days: Days) -> list[str]:
    return [days.first.isoformat(), days.last.isoformat()]


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the page for its address whenever that or history changed; controls write the address."""
    _register_rows(app, board)
    visit_adding.register(app, board)
    _register_controls(app)
    _register_drawer(app)


def _register_rows(app: RoleCallbacks, board: Board) -> None:
    @app.callback(
        Output("visits-table", "children"),
        Output("visits-summary", "children"),
        Output("visits-chips", "children"),
        Output("visits-notice", "children"),
        Output("visits-csv", "href"),
        Output("visits-range", "maxDate"),
        Output("visits-range", "presets"),
        Output("visit-drawer", "opened"),
        Output("visit-drawer", "title"),
        Output("visit-drawer", "children"),
        Output("visits-shown", "data"),
        Input("history", "data"),
        Input("url", "search"),
        shared=True,
    )
    def rows(_history: object, search: object) -> tuple[Any, ...]:
        today = board.today()
        query = VisitQuery.of_address(search, today)
        view = board.visits(query)
        shown = {"address": search or "", "today": today.isoformat(), "usualDays": DEFAULT_DAYS, **_values(query)}
        detail = visit_detail(board, query.visit) if view.opened is not None else None  # nobody without names opens one
        opened = visit_drawer.content(view.opened, query, board.zone, detail) if query.visit else None
        return (
            table(view, query, board.zone) if view.visits else _nothing(board, query, view),
            _summary(view),
            _chips(view, query),
            shell.notice((*board.behind(), *view.coverage.notes)),
            query.link("/visits.csv"),
            today.isoformat(),
            _presets(today),
            bool(query.visit),
            visit_drawer.title(view.opened),
            opened,
            shown,
        )


def _register_controls(app: RoleCallbacks) -> None:
    """Controls write the address, and show what it says."""
    ids = [f"visits-{name}" for name in CONTROLS]
    shell.in_browser(
        app,
        ClientsideFunction("address", "change"),
        Output("visits-changed", "data"),
        *(Input(control, "value") for control in ids),
        State("visits-shown", "data"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "restore"),
        Output("visits-results", "data-state"),
        Input("visits-shown", "data"),
        Input("url", "search"),
        *(State(control, "value") for control in ids),
    )


def _register_drawer(app: RoleCallbacks) -> None:
    shell.in_browser(
        app,
        "function (open) { return !open; }",  # Escape closes the dialog that opened from the drawer, not both
        Output("visit-drawer", "closeOnEscape"),
        Input("visit-dialog", "opened"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "closed"),
        Output("visits-changed", "clear_data"),
        Input("visit-drawer", "opened"),
        first=False,
    )


def _summary(view: VisitsView) -> str:
    if not view.visits and view.coverage.nothing:
        return "not watched"
    parts = [count(view.visits, "visit"), count(view.people, "person", "people")]
    if view.visits < view.of_range:
        parts[0] = f"{view.visits:,} of {count(view.of_range, 'visit')}"
    if view.still_in:
        parts.append(f"{view.still_in:,} still in")
    if view.with_staff:
        parts.append("with staff")
    return " · ".join(parts)


def _chips(view: VisitsView, query: VisitQuery) -> list[Element]:
    """The conditions that no control shows, each with a link that drops it."""
    where = query.where
    found: list[tuple[str, VisitQuery]] = []
    if where.person_id:
        found.append((view.person, query.filtered(person_id="")))
    if where.camera_id:
        found.append((f"entered by {where.camera_id}", query.filtered(camera_id="")))
    if where.begun:
        found.append(("began in these days", query.filtered(begun=False)))
    if where.hour is not None:
        found.append((f"began {where.hour:02d}:00 to {(where.hour + 1) % 24:02d}:00", query.filtered(hour=None)))
    if where.dwell_s is not None:
        lengths = " to ".join(duration(each) for each in where.dwell_s)
        found.append((f"dwell {lengths}", query.filtered(dwell_s=None)))
    return [
        shell.link([words, html.Span("×", **shell.aria(hidden="true"))], without.link(), class_name="chip", stay=True,
                   **shell.aria(label=f"Without the filter: {words}"))
        for words, without in found
    ]  # fmt: skip


def _nothing(board: Board, query: VisitQuery, view: VisitsView) -> Element:
    if view.of_range:
        clear = replace(query, where=VisitFilter(), page=1, visit="").link()
        text = f"{count(view.of_range, 'visit')} in these days, none of which fits the search and the filters."
        return html.Section(
            [
                html.H2("No visit fits", className="empty-title"),
                html.P(text, className="empty-text"),
                html.P(shell.link("Show all of them", clear, class_name="button"), className="empty-action"),
            ],
            className="card empty-card",
        )
    return html.Section(_never(board, query, view.coverage), className="card")


def _never(board: Board, query: VisitQuery, coverage: CoverageView) -> Element:
    seen = "No camera watched" if coverage.nothing else "Nobody was seen"
    return shell.empty(
        "No visits in these days",
        f"{seen} {query.days.words(board.today())}. Choose other days above, or let a camera watch:",
        (
            ("Watch the first camera of this machine", board.command("track", "--camera", "0")),
            ("Take visits from a recording", board.command("track", "--camera", "clip.mp4", "--fast")),
        ),
    )
