"""The dialog in which a visit is corrected: the person has left, was somebody else, came at another time, or never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from config.errors import RecordError
from dashboard import feedback, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.feedback import NOTIFY, Outcome
from dashboard.person_picker import NOBODY, value_of
from dashboard.queries import Board
from dashboard.time_field import field_text, local_moment
from dashboard.visit_detail import VisitDetail, visit_detail
from dashboard.visit_forms import OTHER, PICKER, SEEN, body
from tracker.actions import visits
from tracker.actions.actor import Actor
from tracker.actions.reassigning import reassign
from tracker.identity.networks import embedder_of
from tracker.store.store import Store
from tracker.store.users import UserRole


def components() -> list[Component]:
    """The dialog, for the frame of pages whose user has the role desk."""
    return [
        dcc.Store(id="visit-to-correct"),
        dmc.Modal(
            html.Div(id="visit-dialog-body"),
            id="visit-dialog",
            title="",
            size="lg",
            zIndex=shell.ABOVE_DRAWERS,
            closeButtonProps=shell.aria(label="Close"),
        ),
    ]


def register(app: Dash, board: Board) -> None:
    """Open the dialog for a visit, and do what its forms say."""
    desk = RoleCallbacks(app, UserRole.DESK)

    @desk.callback(
        Output("visit-dialog", "opened"),
        Output("visit-dialog", "title"),
        Output("visit-dialog-body", "children"),
        NOTIFY,
        Input("visit-to-correct", "data"),
        prevent_initial_call=True,
    )
    def show(asked: object) -> tuple[Any, ...]:
        detail = visit_detail(board, _visit(asked))
        if detail is None:
            gone = RecordError("there is no such visit any more", fix="it may have become part of another one")
            return False, no_update, no_update, feedback.problem(gone)
        return True, detail.name, body(board, detail), no_update

    def form(name: str, words: str, act: Callable[..., int], *fields: State) -> None:
        """The button of a form: runs the action with the values of its fields, and closes the dialog if it is done."""

        @desk.callback(
            Output("visit-dialog", "opened", allow_duplicate=True),
            NOTIFY,
            Input(f"visit-do-{name}", "n_clicks"),
            State("visit-to-correct", "data"),
            State("visit-reason", "value"),
            *fields,
            prevent_initial_call=True,
        )
        def submit(clicks: object, asked: object, reason: object, *values: object) -> tuple[Any, Any]:
            if not clicks:
                return no_update, no_update

            def run(store: Store, actor: Actor) -> int:
                return act(board, store, actor, _visit(asked), reason=_text(reason), values=values)

            found: Outcome = feedback.outcome_of(board, words, run)
            return (False if found.done else no_update), found.notifications

    form("left", "Marked as left", _mark_left, State("visit-left-when", "value"), State("visit-left-at", "value"))
    form("reassign", "The visit has another person", _reassign, value_of(PICKER, nobody=True))
    form("move", "The times are corrected", _move, State("visit-entered", "value"), State("visit-left", "value"))
    form("void", "The visit is void", _void)


def _mark_left(
    board: Board, store: Store, actor: Actor, session_id: str, *, reason: str, values: tuple[object, ...]
) -> int:
    detail = _require(board, session_id)
    when, other = values
    at = {SEEN: detail.seen_at, OTHER: local_moment(other, board.zone, "time of leaving")}.get(str(when))
    if when == OTHER and at is None:
        raise RecordError("no time is given", fix="choose when the person left")
    person_id = detail.visit.person_id
    return visits.mark_left(store, actor, site_id=board.site_id, person_id=person_id, at=at, reason=reason)


def _reassign(
    board: Board, store: Store, actor: Actor, session_id: str, *, reason: str, values: tuple[object, ...]
) -> int:
    (chosen,) = values
    if not isinstance(chosen, str) or not chosen:
        raise RecordError("nobody is chosen", fix="choose who it was, or 'Nobody I know'")
    to = None if chosen == NOBODY else chosen
    return reassign(
        store,
        actor,
        site_id=board.site_id,
        session_id=session_id,
        to=to,
        embedder=lambda: embedder_of(board.settings, store),
        reason=reason,
    )


def _move(board: Board, store: Store, actor: Actor, session_id: str, *, reason: str, values: tuple[object, ...]) -> int:
    visit = _require(board, session_id).visit
    known = (visit.started_at, visit.ended_at)
    entered_at, left_at = (
        None if _same(value, at, board.zone) else local_moment(value, board.zone, name)
        for value, at, name in zip(values, known, ("time of entering", "time of leaving"), strict=True)
    )
    if entered_at is None and left_at is None:
        raise RecordError("the times are as they were", fix="change one of them")
    return visits.move(
        store,
        actor,
        site_id=board.site_id,
        session_id=session_id,
        entered_at=entered_at,
        left_at=left_at,
        reason=reason,
    )


def _void(board: Board, store: Store, actor: Actor, session_id: str, *, reason: str, values: tuple[object, ...]) -> int:
    del values
    return visits.void(store, actor, site_id=board.site_id, session_id=session_id, reason=reason)


def _require(board: Board, session_id: str) -> VisitDetail:
    detail = visit_detail(board, session_id)
    if detail is None:
        raise RecordError("there is no such visit any more", fix="load the page again")
    return detail


def _same(value: object, at: datetime | None, zone: ZoneInfo) -> bool:
    return (value or None) == field_text(at, zone)


def _visit(asked: object) -> str:
    visit = asked.get("visit") if isinstance(asked, dict) else None
    return visit if isinstance(visit, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
