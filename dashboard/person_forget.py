"""Forgetting a person: a question that counts what will be erased and wants the name typed, then what was erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Input, Output, State, html, no_update
from dash.development.base_component import Component

from config.errors import PeopleError
from dashboard import feedback, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.address import place
from dashboard.people_address import PATH, PeopleQuery
from dashboard.queries import Board
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.presence.people import name_key
from tracker.presence.person_data import PersonData
from tracker.reports.text import printable
from tracker.store.person_data import kept_about
from tracker.store.store import Store
from tracker.store.users import UserRole

KEEP, ERASE = "keep", "erase"
_AUDIT = ("changes by users",)
"""What stays in the audit trail, without saying about whom."""
_HISTORY = ("visits", "enters and exits", "stays in zones", "corrections")
"""What stays under a random id where visits are kept for the counts."""


def modal() -> Component:
    """The dialog, filled when it is opened."""
    dialog: Component = dmc.Modal(
        html.Div(id="forget-content"),
        id="forget-modal",
        title="Forget a person",
        centered=True,
        size="lg",
        closeButtonProps=shell.aria(label="Close"),
    )
    return dialog


def register(app: RoleCallbacks, board: Board) -> None:
    """Ask, and forget when the name is typed; for admins."""
    admins = RoleCallbacks(app, UserRole.ADMIN)

    @admins.callback(
        Output("forget-modal", "opened"),
        Output("forget-content", "children"),
        Input("person-forget", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def ask(clicks: object, search: object) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        return True, _question(kept_about(board.store(), PeopleQuery.of_address(search).person))

    shell.in_browser(
        app,
        "function (typed, name) { return (typed || '').trim().toLowerCase() !== (name || '').trim().toLowerCase(); }",
        Output("forget-yes", "disabled"),
        Input("forget-typed", "value"),
        State("forget-name", "children"),
    )

    @admins.callback(
        feedback.NOTIFY,
        Output("forget-content", "children", allow_duplicate=True),
        Input("forget-yes", "n_clicks"),
        Input("forget-typed", "n_submit"),
        State("forget-typed", "value"),
        State("forget-history", "value"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def forget(clicks: object, enters: object, typed: object, history: object, search: object) -> tuple[Any, Any]:
        if not (clicks or enters) or history not in (KEEP, ERASE):
            return no_update, no_update
        person_id, erase_history = PeopleQuery.of_address(search).person, history == ERASE
        kept: list[PersonData] = []

        def run(store: Store, actor: Actor) -> int:
            data = kept_about(store, person_id)
            name = printable(data.person.name).strip()
            if not isinstance(typed, str) or name_key(typed.strip()) != name_key(name):
                raise PeopleError("the name that was typed is another one", fix=f"type {name}")
            kept.append(data)
            return people.forget(store, actor, data.person.person_id, erase_history=erase_history)

        found = feedback.attempt(board, "The person is forgotten", run)
        if not kept or not board.store().people.is_forgotten(kept[0].person.person_id):
            return found, no_update
        return found, _erased(kept[0], erase_history=erase_history)


def _question(data: PersonData) -> Component:
    name = printable(data.person.name)
    return html.Div(
        [
            html.P(
                ["This erases ", html.Strong(name, id="forget-name"), " from this store and cannot be undone."],
            ),
            _counts(data.counts()),
            dmc.RadioGroup(
                dmc.Stack(
                    [
                        dmc.Radio(
                            label="Keep the visits for the counts, without a name",
                            description="Figures of the past stay as they are. Nothing leads back to the person.",
                            value=KEEP,
                        ),
                        dmc.Radio(
                            label="Erase the visits too",
                            description="Figures of the past change.",
                            value=ERASE,
                        ),
                    ],
                    gap="xs",
                ),
                id="forget-history",
                value=KEEP,
                label="Visits",
            ),
            dmc.TextInput(
                id="forget-typed",
                label=f"Type “{name}” to confirm",
                value="",
                autoComplete="off",
                spellCheck=False,
                **{"data-autofocus": True},
            ),
            html.Div(
                html.Button(
                    "Erase for good", id="forget-yes", className="button button-danger", type="button", disabled=True
                ),
                className="confirm-buttons",
            ),
        ],
        className="form",
    )


def _counts(counts: Mapping[str, int]) -> Component:
    if not counts:
        return html.P("Only the name is kept about them.", className="quiet")
    rows = [html.Div([html.Dt(name.capitalize()), html.Dd(f"{number:,}")]) for name, number in counts.items()]
    return html.Dl(rows, className="facts")


def _erased(data: PersonData, *, erase_history: bool) -> Component:
    counts = data.counts()
    staying = _AUDIT if erase_history else (*_HISTORY, *_AUDIT)
    kept = {name: counts.pop(name) for name in staying if name in counts}
    return html.Div(
        [
            html.P([html.Strong(printable(data.person.name)), " is forgotten."], role="status"),
            html.H3("Erased", className="card-title"),
            _counts({"name": 1, **counts}),
            *([html.H3("Kept without a name", className="card-title"), _counts(kept)] if kept else []),
            html.P(
                shell.link("All people", place(PATH), class_name="button"),
                className="empty-action",
            ),
        ],
        className="form",
    )
