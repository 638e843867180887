"""The form of the review: who a stranger is, somebody new or somebody known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from config.errors import PeopleError
from dashboard import review_queries, shell
from dashboard.feedback import Outcome, outcome_of
from dashboard.person_picker import person_picker
from dashboard.queries import Board
from dashboard.review_answers import Asked
from dashboard.review_words import listed
from dashboard.wording import count
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.identity.names import clean_name
from tracker.presence.people import PersonKind, Role
from tracker.reports.text import printable
from tracker.store.store import Store

NEW, KNOWN = "new", "known"
PICKER = "review-known"
_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What the form says. person_id: of somebody known, empty without a choice."""

    who: str
    name: str
    person_id: str
    consented: bool
    staff: bool


def modal() -> Component:
    """The dialog of the form, closed."""
    dialog: Component = dmc.Modal(
        html.Div(id="review-form"),
        id="review-modal",
        title="",
        centered=True,
        closeButtonProps=shell.aria(label="Close"),
    )
    return dialog


def title(board: Board, asked: Asked) -> str:
    """The heading of the dialog."""
    return f"Who is {_named(board, asked)}?"


def body(board: Board, asked: Asked) -> Component:
    """The form for strangers; somebody whom they resemble is chosen where the answer says so."""
    alike = _alike(board, asked) if asked.answer == KNOWN else ""
    who = KNOWN if alike else NEW
    shown: dict[str, Any] = {"data-who": who}
    return html.Div(
        [
            html.P(
                "All their visits, the past ones too, get the name. This cannot be undone.", className="confirm-text"
            ),
            dmc.SegmentedControl(
                id="review-who",
                value=who,
                data=[{"value": NEW, "label": "Somebody new"}, {"value": KNOWN, "label": "Somebody known"}],
                fullWidth=True,
                **shell.aria(label="Who it is"),
            ),
            html.Div(
                dmc.TextInput(id="review-name", label="Name", value="", autoComplete="off", **{"data-autofocus": True}),
                className="review-new",
            ),
            html.Div(person_picker(board, PICKER, label="Person", chosen=alike), className="review-known"),
            dmc.Checkbox(id="review-consent", label="They agreed to be recognised by their face", checked=False),
            html.P(
                "Without it somebody new stays a visitor, who has a name and is not enrolled.",
                className="review-new review-hint",
            ),
            html.Div(
                dmc.Checkbox(id="review-staff", label="Staff: left out of footfall", checked=False),
                className="review-new",
            ),
            html.Div(
                [
                    html.Button("Cancel", id="review-cancel", className="button", type="button"),
                    html.Button("Save", id="review-save", className="button button-main", type="button"),
                ],
                className="confirm-buttons",
            ),
        ],
        id="review-fields",
        className="review-form",
        **shown,
    )


def saved(board: Board, asked: Asked, filled: Filled) -> Outcome:
    """Do what the form says."""

    def run(store: Store, actor: Actor) -> int:
        name = _known_name(store, asked, filled) if filled.who == KNOWN else _new_name(store, filled)
        role = Role.STAFF if filled.staff and filled.who == NEW else Role.MEMBER
        return people.name_visitors(store, actor, asked.people, name, consented=filled.consented, role=role)

    return outcome_of(board, f"{_named(board, asked)}: named", run)


def _known_name(store: Store, asked: Asked, filled: Filled) -> str:
    """The name of who was chosen. Raises PeopleError without a choice, or where that person did not consent."""
    person = store.people.get(filled.person_id) if filled.person_id else None
    if person is None or person.person_id in asked.people:
        raise PeopleError("nobody is chosen", fix="choose a person of the list")
    if person.kind is PersonKind.ENROLLED and person.consented_at is None and not filled.consented:
        fix = "tick the box if they do, or choose another person"
        raise PeopleError(f"{person.name} did not agree to be recognised", fix=fix)
    return person.name


def _new_name(store: Store, filled: Filled) -> str:
    """The cleaned name. Raises PeopleError where it is none, or somebody has it: a typing error merges nobody."""
    name = clean_name(filled.name)
    taken = store.people.by_name(name)
    if taken is not None:
        raise PeopleError(f"somebody is called {taken.name} already", fix="choose 'Somebody known', or another name")
    return name


def _alike(board: Board, asked: Asked) -> str:
    """The id of the person whom the stranger resembles, empty without one."""
    for stranger in review_queries.items(board).strangers:
        if stranger.like is not None and set(asked.people) == set(stranger.person_ids):
            return stranger.like.person_id
    return ""


def _named(board: Board, asked: Asked) -> str:
    """The labels of the visitors, or how many they are."""
    ids = list(dict.fromkeys(asked.people))
    names = sorted(printable(each.name) for each in board.store().people.some(ids))
    return listed(names) if 0 < len(names) <= _NAMES_SHOWN else count(len(ids), "visitor")
