"""Visits: every visit of a range of days, to search, sort, filter and download as CSV."""

from __future__ import annotations

from datetime import date
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import shell
from dashboard.coverage import CoverageView
from dashboard.queries import Board
from dashboard.views import Days, VisitsView
from dashboard.visit_table import CSV_KEYS, table, table_row
from dashboard.visit_table import columns as table_columns
from dashboard.wording import count

TITLE = "Visits"
DEFAULT_DAYS = 7


def layout(board: Board) -> Component:
    """Tools above, the table below; `register` fills it."""
    today = board.today()
    chosen = _texts(Days.until(today, days=DEFAULT_DAYS))
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.H1("Visits", className="page-title"),
                            html.P(id="visits-summary", className="page-subtitle", role="status"),
                        ]
                    )
                ],
                className="page-head",
            ),
            dcc.Store(id="visits-loaded-on", data=today.isoformat()),
            dcc.Store(id="visits-csv-keys", data=list(CSV_KEYS)),
            _tools(today, chosen),
            html.Div(id="visits-notice"),
            html.Div(id="visits-empty"),
            html.Div(table("visits-grid"), id="visits-table", className="card table-card", hidden=True),
        ]
    )


def _tools(today: date, chosen: list[str]) -> Component:
    return html.Div(
        [
            dmc.TextInput(
                id="visits-search",
                placeholder="Search people, cameras, times",
                leftSection=shell.icon("search"),
                debounce=150,
                className="search",
                **shell.aria(label="Search in the visits"),
            ),
            dmc.DatePickerInput(
                id="visits-range",
                type="range",
                value=chosen,
                maxDate=today.isoformat(),
                valueFormat="D MMM YYYY",
                allowSingleDateInRange=True,
                leftSection=shell.icon("calendar"),
                presets=_presets(today),
                firstDayOfWeek=1,
                weekendDays=[],
                className="range",
                **shell.aria(label="From which day to which day"),
            ),
            html.Div(className="spacer"),
            dmc.Button(
                [html.Span("Download\u00a0", className="wide-only"), "CSV"],
                id="visits-csv",
                leftSection=shell.icon("download"),
                variant="default",
                className="csv",
            ),
        ],
        className="tools",
        role="search",
    )


def _presets(today: date) -> list[dict[str, Any]]:
    """Preset ranges that end today."""
    return [
        {"label": label, "value": _texts(Days.until(today, days=days))}
        for label, days in (("Today", 1), ("Last 7 days", 7), ("Last 30 days", 30), ("Last 90 days", 90))
    ]


def _texts(days: Days) -> list[str]:
    return [days.first.isoformat(), days.last.isoformat()]


def register(app: Dash, board: Board) -> None:
    """Fill the table for the chosen days whenever history changed."""

    @app.callback(
        Output("visits-grid", "rowData"),
        Output("visits-summary", "children"),
        Output("visits-notice", "children"),
        Output("visits-empty", "children"),
        Output("visits-table", "hidden"),
        Input("history", "data"),
        Input("visits-range", "value"),
        State("visits-loaded-on", "data"),
    )
    def rows(_history: object, chosen: object, loaded_on: object) -> tuple[Any, ...]:
        days = Days.picked(chosen)
        if days is None:  # only the first day of a range is chosen yet
            return (no_update,) * 5
        if days.last.isoformat() == loaded_on:  # a page left open goes on into the next day
            days = Days(days.first, board.today())
        view = board.visits(days)
        notice = shell.notice((*board.behind(), *view.coverage.notes, *_left_out(view, days, board)))
        if not view.rows:
            return [], "", notice, _nothing(board, days, view.coverage), True
        return [table_row(row, board.zone) for row in view.rows], _summary(view), notice, None, False

    @app.callback(Output("visits-grid", "columnDefs"), Input("viewport", "data"))
    def columns(viewport: object) -> Any:
        return table_columns(narrow=True) if viewport == "narrow" else no_update

    shell.in_browser(
        app,
        ClientsideFunction("visits", "search"),
        Output("visits-search", "title"),
        Input("visits-search", "value"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("visits", "download"),
        Output("visits-csv", "title"),
        Input("visits-csv", "n_clicks"),
        State("visits-range", "value"),
        State("visits-csv-keys", "data"),
        first=False,
    )


def _summary(view: VisitsView) -> str:
    parts = [count(view.visits, "visit"), count(view.people, "person", "people")]
    if view.still_in:
        parts.append(f"{view.still_in:,} still in")
    if view.with_staff:
        parts.append("with staff")
    return " · ".join(parts)


def _left_out(view: VisitsView, days: Days, board: Board) -> tuple[str, ...]:
    """A note if the table does not have all visits."""
    if len(view.rows) == view.visits:
        return ()
    first, last = days.first.isoformat(), days.last.isoformat()
    command = board.command("report", "visits", "--staff", "--from", first, "--to", last, "--csv")
    return (f"The table holds the latest {len(view.rows):,} visits. Choose fewer days, or list all with: {command}",)


def _nothing(board: Board, days: Days, coverage: CoverageView) -> Component:
    seen = "No camera watched" if coverage.nothing else "Nobody was seen"
    text = f"{seen} {days.words(board.today())}. Choose other days above, or let a camera watch:"
    return html.Section(
        shell.empty(
            "No visits in these days",
            text,
            (
                ("Watch the first camera of this machine", board.command("track", "--camera", "0")),
                ("Take visits from a recording", board.command("track", "--camera", "clip.mp4", "--fast")),
            ),
        ),
        className="card",
    )
