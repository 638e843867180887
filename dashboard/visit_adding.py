"""The dialog in which a visit that no camera recorded is added."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from config.errors import RecordError
from dashboard import feedback, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.feedback import NOTIFY
from dashboard.person_picker import person_picker, value_of
from dashboard.queries import Board
from dashboard.time_field import field_text, local_moment, time_field
from tracker.actions import visits
from tracker.actions.actor import Actor
from tracker.store.store import Store
from tracker.store.users import UserRole

_PICKER = "adding-who"


def components() -> list[Component]:
    """The button, and the dialog that it opens."""
    return [
        html.Button(
            "Add a visit", id="adding-open", type="button", className="button", **shell.aria(haspopup="dialog")
        ),
        dmc.Modal(
            html.Div(id="adding-body"), id="adding", title="Add a visit", closeButtonProps=shell.aria(label="Close")
        ),
    ]


def register(app: Dash | RoleCallbacks, board: Board) -> None:
    """Open the dialog, and add what it says."""
    desk = RoleCallbacks(app, UserRole.DESK)

    @desk.callback(
        Output("adding", "opened"),
        Output("adding-body", "children"),
        Input("adding-open", "n_clicks"),
        prevent_initial_call=True,
    )
    def show(clicks: object) -> tuple[Any, Any]:
        return (True, _body(board)) if clicks else (no_update, no_update)

    @desk.callback(
        Output("adding", "opened", allow_duplicate=True),
        NOTIFY,
        Input("adding-do", "n_clicks"),
        value_of(_PICKER),
        State("adding-entered", "value"),
        State("adding-left", "value"),
        State("adding-reason", "value"),
        prevent_initial_call=True,
    )
    def add(clicks: object, who: object, entered: object, left: object, reason: object) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update

        def run(store: Store, actor: Actor) -> int:
            entered_at = local_moment(entered, board.zone, "time of entering")
            if not isinstance(who, str) or entered_at is None:
                raise RecordError("a visit needs a person and when they entered", fix="choose both")
            return visits.add(
                store,
                actor,
                site_id=board.site_id,
                person_id=who,
                entered_at=entered_at,
                left_at=local_moment(left, board.zone, "time of leaving"),
                reason=reason if isinstance(reason, str) else "",
            )

        found = feedback.outcome_of(board, "The visit is added", run)
        return (False if found.done else no_update), found.notifications


def _body(board: Board) -> Component:
    now = field_text(board.now(), board.zone)
    return html.Div(
        [
            person_picker(board, _PICKER, label="Who?"),
            html.Div(
                [
                    time_field("adding-entered", "Entered", now, latest=now),
                    time_field("adding-left", "Left (empty: still in)", None, latest=now),
                ],
                className="visit-times",
            ),
            dmc.TextInput(
                id="adding-reason", label="Reason, kept with the change (optional)", inputProps={"maxLength": 200}
            ),
            html.Button("Add the visit", id="adding-do", type="button", className="button button-main", n_clicks=0),
        ],
        className="visit-form",
    )
