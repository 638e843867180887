"""What the dashboard says of an action: notifications with an undo button, and the question before it is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.development.base_component import Component
from werkzeug.exceptions import NotFound

from config.errors import FootfallError, NotAllowedError
from dashboard import shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import current_actor
from dashboard.queries import Board
from dashboard.wording import sentence
from tracker.actions.actor import Actor
from tracker.actions.undo import can_undo
from tracker.actions.undo import undo as revert
from tracker.store.audit import AuditEntry
from tracker.store.store import Store
from tracker.store.users import UserRole

SHOWN_MS, PROBLEM_SHOWN_MS = 10_000, 20_000
"""How long a notification stays; the button that undoes stays as long."""
_CLOSE = shell.aria(label="Close this message")
Notifications = list[dict[str, Any]]
NOTIFY = Output("notifications", "sendNotifications", allow_duplicate=True)
"""Where a callback that acts sends what `attempt` returns; it needs `prevent_initial_call=True`."""
ASK = Output("confirm", "data", allow_duplicate=True)
"""Where a callback sends what `question` returns."""
CONFIRMED = Input("confirmed", "data")
"""The key of a question that was answered with yes; see `answer`."""


def components() -> list[Component]:
    """The one container of notifications and the one question of the frame."""
    return [
        dmc.NotificationContainer(
            id="notifications", position="bottom-right", autoClose=SHOWN_MS, limit=4, containerWidth=400
        ),
        dcc.Store(id="confirm"),
        dcc.Store(id="confirmed"),
        dcc.Store(id="undo"),
        dcc.Store(id="visit-moved"),
        dmc.Modal(
            [
                html.P(id="confirm-text", className="confirm-text"),
                html.Div(
                    [
                        html.Button("Cancel", id="confirm-no", className="button", type="button"),
                        html.Button(id="confirm-yes", className="button button-danger", type="button"),
                    ],
                    className="confirm-buttons",
                ),
            ],
            id="confirm-modal",
            title="",
            centered=True,
            zIndex=shell.ABOVE_DRAWERS + 10,
            closeButtonProps=shell.aria(label="Close"),
        ),
    ]


def question(kind: str, key: Mapping[str, Any], *, title: str, text: str, yes: str) -> dict[str, Any]:
    """What to ask before an action. kind: of the action; key: of what; `yes`: the label of the button that does it."""
    return {"kind": kind, "key": dict(key), "title": title, "text": text, "yes": yes}


def answer(confirmed: object, kind: str) -> Mapping[str, Any] | None:
    """The key of a question of this kind that was answered with yes; None where another one was."""
    if not isinstance(confirmed, dict) or confirmed.get("kind") != kind:
        return None
    key = confirmed.get("key")
    return key if isinstance(key, dict) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to notify of an action, and whether it was done."""

    notifications: Notifications
    done: bool


def attempt(board: Board, words: str, run: Callable[[Store, Actor], int]) -> Notifications:
    """Run an action as the user of this request. Returns what to notify: `words` with an undo button, or the problem.

    run: returns the id of the audit entry. An action that the user may not do is answered with 404.
    """
    return outcome_of(board, words, run).notifications


def outcome_of(board: Board, words: str, run: Callable[[Store, Actor], int]) -> Outcome:
    """As `attempt`, for who needs to know whether it was done. A visit that is open in a drawer stays so."""
    try:
        store = board.store()
        audit_id = run(store, current_actor())
        entry = store.audit.get(audit_id)
    except NotAllowedError as error:
        raise NotFound from error
    except FootfallError as error:
        return Outcome(problem(error), False)
    if entry is not None and entry.site_id:
        set_props("visit-moved", {"data": _moved(entry)})
    return Outcome(done(words, audit_id if entry is not None and can_undo(entry) else None), True)


def _moved(entry: AuditEntry) -> dict[str, Any]:
    """The ids that visits had before a change, and the id of what became of them, empty where nothing did."""
    after = [visit["session_id"] for visit in entry.after.get("visits", ())]
    return {
        "from": [visit["session_id"] for visit in entry.before.get("visits", ())],
        "to": after[0] if after else "",
    }


def done(words: str, audit_id: int | None = None) -> Notifications:
    """The notification of what was done. audit_id: of the entry that a button undoes."""
    message: list[Component] = [html.Span(sentence(words), className="notification-text")]
    if audit_id is not None:
        undo: dict[str, Any] = {
            "data-undo": str(audit_id)
        }  # a click writes to the store `undo`, see assets/feedback.js
        message.append(html.Button("Undo", className="button notification-undo", type="button", **undo))
    return [
        {
            "action": "show",
            "id": f"change-{audit_id}" if audit_id is not None else f"done-{abs(hash(words))}",
            "message": html.Div(message, className="notification-line"),
            "autoClose": SHOWN_MS,
            "closeButtonProps": _CLOSE,
        }
    ]


def problem(error: FootfallError) -> Notifications:
    """The notification of why an action was not done, and of the fix."""
    return [
        {
            "action": "show",
            "title": sentence(error.problem),
            "message": sentence(error.fix),
            "color": "red",
            "autoClose": PROBLEM_SHOWN_MS,
            "closeButtonProps": _CLOSE,
        }
    ]


def register(app: Dash, board: Board) -> None:
    """The undo buttons, the question, and a look for changes after each action."""
    shell.in_browser(
        app,
        ClientsideFunction("feedback", "ask"),
        Output("confirm-modal", "opened"),
        Output("confirm-modal", "title"),
        Output("confirm-text", "children"),
        Output("confirm-yes", "children"),
        Input("confirm", "data"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("feedback", "answer"),
        Output("confirm-modal", "opened", allow_duplicate=True),
        Output("confirmed", "data"),
        Input("confirm-yes", "n_clicks"),
        Input("confirm-no", "n_clicks"),
        State("confirm", "data"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("feedback", "look"),
        Output("tick", "n_intervals"),
        Input("notifications", "sendNotifications"),
        State("tick", "n_intervals"),
        first=False,
    )

    shell.in_browser(
        app,
        ClientsideFunction("feedback", "follow"),
        Output("visit-moved", "clear_data"),
        Input("visit-moved", "data"),
        first=False,
    )

    @RoleCallbacks(app, UserRole.DESK).callback(
        NOTIFY, Output("notifications", "hideNotifications"), Input("undo", "data"), prevent_initial_call=True
    )
    def undo(asked: object) -> tuple[Any, Any]:
        audit_id = asked.get("audit_id") if isinstance(asked, dict) else None
        if not isinstance(audit_id, str) or not re.fullmatch("[0-9]{1,15}", audit_id):
            return no_update, no_update
        found = attempt(board, "Undone", lambda store, actor: revert(store, actor, int(audit_id)))
        return found, [f"change-{audit_id}"]
