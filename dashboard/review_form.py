"""The form of the review: who a stranger is, or who it was instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from config.errors import PeopleError
from dashboard import review_queries, shell
from dashboard.feedback import Notifications, attempt
from dashboard.queries import Board
from dashboard.review_answers import Asked, given_to
from dashboard.review_words import listed
from dashboard.wording import count
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.identity.names import clean_name
from tracker.identity.visitors import is_label
from tracker.presence.people import Person, PersonKind, Role
from tracker.store.store import Store

NEW, KNOWN = "new", "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What the form says. person_id: of somebody known, None without a choice."""

    who: str
    name: str
    person_id: str | None
    consented: bool
    staff: bool


def modal() -> Component:
    """The form, closed. All parts are always there; the style sheet shows those that apply."""
    form: Component = dmc.Modal(
        html.Div(
            [
                html.P(id="review-form-text", className="quiet review-form-text"),
                dmc.SegmentedControl(
                    id="review-who",
                    value=NEW,
                    data=[{"value": NEW, "label": "Somebody new"}, {"value": KNOWN, "label": "Somebody known"}],
                    fullWidth=True,
                    className="review-who",
                    **shell.aria(label="Who it is"),
                ),
                dmc.TextInput(
                    id="review-name",
                    label="Name",
                    value="",
                    autoComplete="off",
                    className="review-new",
                    **{"data-autofocus": True},
                ),
                dmc.Select(
                    id="review-person",
                    label="Person",
                    placeholder="Search people",
                    data=[],
                    searchable=True,
                    limit=50,
                    nothingFoundMessage="Nobody of that name",
                    className="review-known",
                ),
                dmc.Checkbox(
                    id="review-consent",
                    label="They agreed to be recognised by their face",
                    description="Without it somebody new stays a visitor, who is not enrolled.",
                    checked=False,
                    className="review-consent",
                ),
                dmc.Checkbox(
                    id="review-staff", label="Staff: left out of footfall", checked=False, className="review-new"
                ),
                html.P(id="review-form-problem", className="review-form-problem", role="alert"),
                html.Div(
                    [
                        html.Button("Cancel", id="review-cancel", className="button", type="button"),
                        html.Button("Save", id="review-save", className="button button-main", type="button"),
                    ],
                    className="review-form-buttons",
                ),
            ],
            id="review-form",
            className="review-form",
            **_kind(stranger=True, who=NEW),
        ),
        id="review-modal",
        title="",
        centered=True,
        closeButtonProps=shell.aria(label="Close"),
    )
    return form


def _kind(*, stranger: bool, who: str) -> dict[str, Any]:
    return {"data-kind": "stranger" if stranger else "visit", "data-who": who}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The form as it opens. people: the choices of the list of people."""

    title: str
    text: str
    kind: str
    who: str
    person_id: str | None
    people: list[dict[str, str]]


def opening(board: Board, asked: Asked) -> Opening:
    """The form for an answer. Raises StoreError."""
    known = [person for person in board.store().people.all() if not _is_unnamed(person)]
    choices = [{"value": person.person_id, "label": person.name} for person in known]
    if asked.visits:
        return Opening(
            title="Who was it?",
            text="The visit becomes theirs, and cameras learn whose faces these are not.",
            kind="visit",
            who=KNOWN,
            person_id=None,
            people=choices,
        )
    alike = _alike(board, asked) if asked.answer == "known" else None
    return Opening(
        title=f"Who is {_named(board, asked)}?",
        text="All their visits, the past ones too, get the name. This cannot be undone.",
        kind="stranger",
        who=NEW if alike is None else KNOWN,
        person_id=alike,
        people=choices,
    )


def saved(board: Board, asked: Asked, filled: Filled) -> Notifications:
    """Do what the form says. Returns what to notify. Raises PeopleError where something is missing in it."""
    person = _chosen(board, filled) if filled.who == KNOWN else None
    if asked.visits:
        if person is None:
            raise PeopleError("nobody is chosen", fix="choose a person of the list")
        return [each for visit in asked.visits for each in given_to(board, visit, person)]
    name = _new_name(board, filled.name) if person is None else person.name
    if person is not None and not _agreed(person, filled):
        raise PeopleError(
            f"{name} did not agree to be recognised", fix="tick the box if they do, or choose another person"
        )

    def run(store: Store, actor: Actor) -> int:
        role = Role.STAFF if filled.staff else Role.MEMBER
        return people.name_visitors(store, actor, asked.people, name, consented=filled.consented, role=role)

    return attempt(board, f"{_named(board, asked)}: now {name}", run)


def _chosen(board: Board, filled: Filled) -> Person:
    person = board.store().people.get(filled.person_id) if filled.person_id else None
    if person is None:
        raise PeopleError("nobody is chosen", fix="choose a person of the list")
    return person


def _agreed(person: Person, filled: Filled) -> bool:
    """Whether faces may be kept for somebody known; visitors have theirs without a name to them."""
    return person.kind is PersonKind.VISITOR or person.consented_at is not None or filled.consented


def _new_name(board: Board, text: str) -> str:
    """The cleaned name. Raises PeopleError where it is none, or somebody has it: a typing error merges nobody."""
    name = clean_name(text)
    taken = board.store().people.by_name(name)
    if taken is not None:
        raise PeopleError(f"somebody is called {taken.name} already", fix="choose 'Somebody known', or another name")
    return name


def _alike(board: Board, asked: Asked) -> str | None:
    """The id of the person whom the stranger resembles."""
    for stranger in review_queries.items(board).strangers:
        if stranger.like is not None and set(asked.people) == set(stranger.person_ids):
            return stranger.like.person_id
    return None


def _named(board: Board, asked: Asked) -> str:
    """The labels of the visitors, or how many they are."""
    ids = list(dict.fromkeys(asked.people))
    names = sorted(person.name for person in board.store().people.some(ids))
    return listed(names) if 0 < len(names) <= 3 else count(len(ids), "visitor")


def _is_unnamed(person: Person) -> bool:
    return person.kind is PersonKind.VISITOR and is_label(person.name)
